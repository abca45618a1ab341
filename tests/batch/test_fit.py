"""Rows with `fit` and `transparent`: made again when something else is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from PIL import Image
from support.replies import image_part, made, picture, reply
from support.wire_server import Answer, WireServer

ROW = {"prompt": "a red fox", "output": "card.png", "fit": "300x200"}


def _write(*rows: dict[str, Any]) -> None:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))


def _run(nb: Nb, *options: str) -> list[dict[str, Any]]:
    run = nb("batch", "m.jsonl", "--provider", "sandbox", "--json", *options)
    assert run.code in (0, 3), run.err
    return [json.loads(line) for line in run.out.splitlines()]


def _size(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_row_gets_exactly_its_pixels_once(nb: Nb) -> None:
    _write(ROW, {"prompt": "an owl", "output": "owl.jpg", "fit": "64x64"})
    lines = _run(nb)
    assert [(line["width"], line["height"]) for line in lines] in (
        [(300, 200), (64, 64)],
        [(64, 64), (300, 200)],
    )
    assert (_size("card.png"), _size("owl.jpg")) == ((300, 200), (64, 64))
    assert [line["status"] for line in _run(nb)] == ["unchanged"] * 2
    assert nb("batch", "m.jsonl", "--check", "--provider", "sandbox").code == 0


def test_other_pixels_make_it_out_of_date(nb: Nb) -> None:
    _write(ROW)
    _run(nb)
    _write({**ROW, "fit": "300x199"})
    (line,) = _run(nb, "--dry-run")
    assert (line["plan"], line["reason"]) == ("changed", "fit")
    _run(nb)
    assert _size("card.png") == (300, 199)
    # Without it, the same ratio and size do not make it the same image.
    _write({"prompt": "a red fox", "output": "card.png", "aspect": "3:2", "size": "0.5K"})
    assert [line["plan"] for line in _run(nb, "--dry-run")] == ["changed"]


def test_an_image_under_another_name_is_not_cropped_again(nb: Nb) -> None:
    _write(ROW)
    _run(nb)
    before = Path("card.png").read_bytes()
    _write({**ROW, "output": "moved.png"})
    assert [line["status"] for line in _run(nb)] == ["written"]
    assert Path("moved.png").read_bytes() == before


def test_what_a_row_says_wins_over_the_defaults(nb: Nb) -> None:
    Path("m.toml").write_text(
        """[defaults]
aspect = "21:9"
[[image]]
prompt = "a"
output = "a.png"
fit = "64x64"
[[image]]
prompt = "b"
output = "b.png"
"""
    )
    assert nb("batch", "m.toml", "--provider", "sandbox", "-s", "0.5K").code == 0
    assert (_size("a.png"), _size("b.png")) == ((64, 64), (792, 336))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fit": "wide"}, "fit: wide is not a width and height in pixels; such as 1200x630"),
        ({"fit": ["9x9", "8x8"]}, "fit: must be a string, not ['9x9', '8x8']; such as 1200x630;"),
        ({"fit": "9999x9999"}, "fit: 9999x9999 is more than gemini-3.1-flash-image-preview makes"),
        ({"aspect": "1:1"}, "aspect: contradicts fit, which chooses it; use one of them"),
        ({"size": "2K"}, "size: contradicts fit, which chooses it; use one of them"),
    ],
)
def test_what_cannot_be_is_an_error_of_its_row(nb: Nb, row: dict[str, Any], message: str) -> None:
    _write({**ROW, **row})
    run = nb("batch", "m.jsonl", "--provider", "sandbox")
    assert (run.code, message in run.err) == (2, True), run.err


def test_a_guess_at_its_name_is_understood(nb: Nb) -> None:
    _write({"prompt": "a fox", "crop": "9x9"})
    run = nb("batch", "m.jsonl", "--provider", "sandbox")
    assert "crop: unknown key; did you mean fit?" in run.err


def test_a_row_is_cut_out_and_keeps_its_original(nb: Nb) -> None:
    row = {"prompt": "a red fox", "output": "a/fox.png", "transparent": True, "fit": "300x200"}
    _write(row, {"prompt": "an owl", "transparent": True, "size": "0.5K"})
    lines = sorted(_run(nb), key=lambda line: line["row"])
    assert [line["original_path"] for line in lines] == [
        "a/fox.original.png",
        "an-owl.original.png",
    ]
    for path, size in (("a/fox.png", (300, 200)), ("an-owl.png", (512, 512))):
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGBA", size)
    assert [line["status"] for line in _run(nb)] == ["unchanged"] * 2
    assert nb("batch", "m.jsonl", "--prune", "--provider", "sandbox").out == ""
    _write({**row, "transparent": False})
    (line,) = _run(nb, "--dry-run")
    assert (line["plan"], line["reason"]) == ("changed", "transparent")


def test_a_cut_out_under_another_name_is_not_cut_again(nb: Nb) -> None:
    row = {"prompt": "a red fox", "output": "fox.png", "transparent": True, "size": "0.5K"}
    _write(row)
    _run(nb)
    before = Path("fox.png").read_bytes()
    _write({**row, "output": "moved.png"})
    assert [line["status"] for line in _run(nb)] == ["written"]
    assert Path("moved.png").read_bytes() == before
    assert not Path("moved.original.png").exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"output": "fox.jpg"}, "output: fox.jpg holds no transparency; use .png"),
        ({"output": None, "format": "jpeg"}, "format: jpeg holds no transparency; use png or webp"),
    ],
)
def test_a_format_without_transparency_is_an_error_of_the_row(
    nb: Nb, row: dict[str, Any], message: str
) -> None:
    _write({"prompt": "a fox", "transparent": True, **row})
    run = nb("batch", "m.jsonl", "--provider", "sandbox")
    assert (run.code, message in run.err) == (2, True), run.err


@pytest.mark.parametrize("row", [{"output": "sub/card.png"}, {}])
def test_an_image_that_is_too_small_is_in_the_output_folder_and_in_nobodys_way(
    nb: Nb, row: dict[str, Any]
) -> None:
    Path("out").mkdir()
    _write({"prompt": "a red fox", "fit": "300x200", **row})
    small, place = picture(64, 64), "sub/card" if row else "a-red-fox"
    with WireServer(made(small), made(picture(600, 400))) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
        run = nb("batch", "m.jsonl", "-o", "out", env=env)
        assert (run.code, len(server.requests)) == (3, 1)
        assert f"hint: it was saved as received: out/{place}.original.png\n" in run.err
        assert Path(f"out/{place}.original.png").read_bytes() == small
        assert not list(Path().glob("*.png"))
        again = nb("batch", "m.jsonl", "-o", "out", "--retry", "bad-reply", env=env)
        assert (again.code, len(server.requests)) == (0, 2), again.err
    (path,) = (each for each in again.out.splitlines() if each.startswith("out/"))
    assert _size(path) == (300, 200)
    assert Path(f"out/{place}.original.png").read_bytes() == small


def test_what_comes_with_an_image_that_is_not_edited_is_beside_it(
    nb: Nb, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenery = picture(64, 64, "JPEG", "white")
    body = reply(image_part(scenery, thoughtSignature="abc"), {"text": "A mug."})
    edits: tuple[dict[str, Any], ...] = (
        *({"transparent": True}, {"fit": "300x200"}, {"transparent": True, "fit": "30x20"}),
    )
    _write(*({"prompt": f"mug {n}", "alt": True, "chat": True, **e} for n, e in enumerate(edits)))
    with WireServer(Answer(200, body=body)) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        monkeypatch.setenv("WISDOM_GATE_KEY", "sk-very-secret-key-123")
        run = nb("batch", "m.jsonl", "--json")
    assert run.code == 3
    for stem in ("mug-0.original", "mug-1.original", "mug-2.original"):
        assert Path(f"{stem}.jpg").read_bytes() == scenery
        assert json.loads(Path(f"{stem}.chat.json").read_bytes())["image"]["name"] == f"{stem}.jpg"
        assert f"  hint: the conversation was saved as {stem}.chat.json\n" in run.err
    assert "  hint: the text was: A mug.\n" in run.err
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [line["alt"] for line in lines] == ["A mug."] * 3
    assert ["the text was: A mug.\n" in line["error"]["hint"] for line in lines] == [True] * 3
