"""`--fit`: exactly these pixels, cropped from one image that need not be enlarged."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from PIL import Image
from support.replies import made, picture
from support.wire_server import WireServer

WIDE = picture(1376, 768, "JPEG")
SMALL = picture(1100, 614)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[WireServer]:
    with WireServer(made(getattr(request, "param", WIDE))) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        monkeypatch.setenv("WISDOM_GATE_KEY", "sk-very-secret-key-123")
        yield server


def _sent(server: WireServer) -> list[Any]:
    bodies = [json.loads(each.body) for each in server.requests]
    return [tuple(each["generationConfig"]["imageConfig"].values()) for each in bodies]


def _size(path: str | Path) -> tuple[str | None, tuple[int, int]]:
    with Image.open(path) as image:
        return image.format, image.size


@pytest.mark.parametrize(
    ("output", "expected"),
    [("card.png", ("PNG", "card.png")), ("card", ("JPEG", "card.jpg")), ("./", ("JPEG", ""))],
)
def test_an_image_gets_exactly_the_pixels(
    nb: Nb, server: WireServer, output: str, expected: tuple[str, str]
) -> None:
    run = nb("generate", "a red fox", "--fit", "1200x630", "-o", output)
    assert run.code == 0, run.err
    assert run.out.strip() == (expected[1] or "a-red-fox.jpg")
    assert _size(run.out.strip()) == (expected[0], (1200, 630))
    assert _sent(server) == [("16:9", "1K")]
    assert run.err.startswith(f"{run.out.strip()}  1200×630  ")
    assert "note: cropped from 1376x768: provenance metadata (C2PA, XMP) is lost\n" in run.err


def test_several_come_from_one_image_of_one_call(nb: Nb, server: WireServer) -> None:
    fits = ("--fit", "1200x630", "--fit", "600x600", "--fit", "1200x630")
    run = nb("generate", "a red fox", *fits, "-o", "card.jpg", "--json")
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [line["path"] for line in lines] == ["card-1200x630.jpg", "card-600x600.jpg"]
    assert [(line["width"], line["height"]) for line in lines] == [(1200, 630), (600, 600)]
    assert [line["cost_usd"] for line in lines] == [0.058, 0]
    assert [line["aspect"] for line in lines] == ["4:3"] * 2
    assert len(server.requests) == 1
    assert _size("card-600x600.jpg") == ("JPEG", (600, 600))


def test_each_of_several_calls_has_its_own_names(nb: Nb, server: WireServer) -> None:
    fits = ("--fit", "1200x630", "--fit", "600x600")
    run = nb("generate", "a red fox", *fits, "-n", "2", "-o", "card")
    names = ["card-1-1200x630.jpg", "card-1-600x600.jpg", "card-2-1200x630.jpg"]
    assert sorted(run.out.splitlines()) == [*names, "card-2-600x600.jpg"]
    assert len(server.requests) == 2


@pytest.mark.usefixtures("server")
def test_an_image_of_the_right_pixels_stays_as_it_came(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "1376x768", "-o", "fox.jpg")
    assert (run.code, "note:" in run.err) == (0, False)
    assert Path("fox.jpg").read_bytes() == WIDE


@pytest.mark.usefixtures("server")
def test_stdout_takes_one(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "300x200", "-o", "-")
    assert run.code == 0
    assert _size(io.BytesIO(run.raw))[1] == (300, 200)  # type: ignore[arg-type]
    run = nb("generate", "a red fox", "--fit", "300x200", "--fit", "9x9", "-o", "-")
    assert (run.code, "-o - takes one image, but --fit asks for 2" in run.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fit", "wide"], "--fit wide is not a width and height in pixels\nhint: such as 1200"),
        (["--fit", "9x9", "-a", "1:1"], "--fit chooses ratio and size, so -a contradicts it"),
        (["--fit", "9x9", "-s", "2K"], "--fit chooses ratio and size, so -s contradicts it"),
        (["--fit", "5000x5000"], "more than gemini-3.1-flash-image-preview makes\nhint: the larg"),
        (["--fit", "9x9", "--fit", "8x8", "--all"], "--all and several --fit contradict"),
        (
            ["--fit", "9x9", "--fit", "8x8", "--alt-file", "a.txt"],
            "--alt-file a.txt names one file, but 2 images get texts",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_the_call(
    nb: Nb, server: WireServer, options: list[str], message: str
) -> None:
    run = nb("generate", "a red fox", "-o", "fox.png", *options)
    assert (run.code, message in run.err) == (2, True), run.err
    assert server.requests == []


def test_one_of_several_that_exists_ends_it_before_the_call(nb: Nb, server: WireServer) -> None:
    Path("card-9x9.png").write_bytes(b"mine")
    fits = ("--fit", "8x8", "--fit", "9x9", "-o", "card.png")
    run = nb("generate", "a red fox", *fits)
    assert (run.code, "nb: card-9x9.png exists already" in run.err) == (12, True)
    assert server.requests == []
    assert nb("generate", "a red fox", *fits, "--force").code == 0
    assert _size("card-9x9.png")[1] == (9, 9)


def test_what_is_there_is_skipped_and_what_is_missing_made(nb: Nb, server: WireServer) -> None:
    Path("card-9x9.png").write_bytes(picture(9, 9))
    fits = ("--fit", "8x8", "--fit", "9x9", "-o", "card.png", "--skip-existing")
    run = nb("generate", "a red fox", *fits)
    assert sorted(run.out.splitlines()) == ["card-8x8.png", "card-9x9.png"]
    assert Path("card-9x9.png").read_bytes() == picture(9, 9)
    run = nb("generate", "a red fox", *fits)
    assert (run.code, len(server.requests)) == (0, 1)


def test_a_name_that_cannot_be_is_refused_before_the_call(nb: Nb, server: WireServer) -> None:
    name = "f" * 245 + ".png"
    assert nb("generate", "fox", "--fit", "8x8", "-o", name, "--dry-run").code == 0
    run = nb("generate", "fox", "--fit", "1200x630", "--fit", "8x8", "-o", name)
    assert (run.code, server.requests) == (6, []), run.err


@pytest.mark.parametrize("server", [SMALL], indirect=True)
@pytest.mark.usefixtures("server")
def test_a_smaller_image_than_asked_for_is_kept_and_not_enlarged(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "1200x630", "-o", "card.png", "--json")
    assert run.code == 10
    (line,) = map(json.loads, run.out.splitlines())
    assert line["path"] is None
    assert line["error"]["charged"] == "yes"
    message = "the image cannot be cropped to 1200x630: it is 1100x614, and nothing is enlarged"
    assert run.err == f"nb: {message}\nhint: it was saved as received: a-red-fox.png\nCharged.\n"
    assert Path("a-red-fox.png").read_bytes() == SMALL
    assert [path.name for path in Path().iterdir()] == ["a-red-fox.png"]


@pytest.mark.parametrize("server", [SMALL], indirect=True)
@pytest.mark.usefixtures("server")
def test_a_smaller_image_is_enough_for_some(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "1200x630", "--fit", "600x600", "-o", "card.png")
    assert (run.code, run.out) == (10, "card-600x600.png\n")
    assert _size("card-600x600.png")[1] == (600, 600)


@pytest.mark.parametrize("server", [SMALL], indirect=True)
@pytest.mark.usefixtures("server")
def test_a_smaller_image_than_several_is_kept_and_told_once(nb: Nb) -> None:
    fits = ("--fit", "1200x630", "--fit", "1150x600", "--fit", "600x600")
    run = nb("generate", "a red fox", *fits, "-o", "card.png", "--json")
    assert run.code == 10
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [line["path"] for line in lines] == [None, None, "card-600x600.png"]
    assert "original_path" not in lines[-1]
    assert run.err.count("Charged.") == run.err.count("hint:") == 1
    assert "cropped to 1200x630: it is 1100x614" in run.err
    assert "cropped to 1150x600: it is 1100x614" in run.err
    assert sorted(path.name for path in Path().iterdir()) == ["a-red-fox.png", "card-600x600.png"]


@pytest.mark.parametrize("server", [picture(2048, 2048)], indirect=True)
@pytest.mark.usefixtures("server")
def test_another_shape_than_asked_for_is_cropped_and_told(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "1200x630", "-o", "card.png")
    assert (run.code, _size("card.png")[1]) == (0, (1200, 630))
    assert "note: the image is 2048×2048, which is not 16:9" in run.err


def test_a_configured_shape_and_a_reference_yield(nb: Nb, server: WireServer) -> None:
    Path("tall.png").write_bytes(picture(900, 1600))
    options = ("-i", "tall.png", "--fit", "1200x630", "-o", "card.jpg")
    run = nb("generate", "wide", *options, env={"NB_ASPECT": "4:3", "NB_SIZE": "4K"})
    assert (run.code, _sent(server)) == (0, [("16:9", "1K")])
    assert run.err.count("note:") == 1


def test_each_gets_its_text(nb: Nb) -> None:
    fits = ("--fit", "300x200", "--fit", "9x9", "-o", "card.png", "--alt")
    run = nb("generate", "a red fox", *fits, "--provider", "sandbox")
    assert run.code == 0, run.err
    assert len({Path(f"card-{each}.alt.txt").read_text() for each in ("300x200", "9x9")}) == 1
    run = nb("caption", "a red fox", "--fit", "30x20", "-o", "fox.png", "--provider", "sandbox")
    assert (run.code, _size("fox.png")[1]) == (0, (30, 20))


@pytest.mark.usefixtures("server")
def test_the_log_knows_how_to_make_each_again(nb: Nb) -> None:
    fits = ("--fit", "300x200", "--fit", "900x900", "-o", "card.png")
    assert nb("generate", "a red fox", *fits).code == 10
    assert nb("generate", "a red fox", *fits[:2], "-o", "card.png").code == 0
    # The first one is the same to the byte.
    line, first = map(json.loads, nb("log", "card.png", "--json").out.splitlines())
    assert first["path"].endswith("card-300x200.png")
    assert line["settings"]["fit"] == "300x200"
    command = nb("log", "card.png", "--command", "-n", "1").out
    assert " --fit 300x200 --output card.png" in command
    assert "--aspect" not in command


def test_the_request_is_shown_as_it_would_be_sent(nb: Nb) -> None:
    run = nb("generate", "a red fox", "--fit", "2000x1000", "--dry-run", "--provider", "google")
    config = json.loads(run.out)["body"]["generationConfig"]["imageConfig"]
    assert tuple(config.values()) == ("16:9", "2K")
    assert "about $0.0542" in run.err
