"""An edit keeps the shape of the picture that it edits."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from PIL import Image
from support import pngs
from support.replies import image_part, made, picture, reply
from support.wire_server import Answer, WireServer

ORIENTATION = 0x0112


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    with WireServer(made(picture(3168, 1344, "JPEG"))) as server:
        monkeypatch.setenv("NB_BASE_URL", server.url)
        monkeypatch.setenv("WISDOM_GATE_KEY", "sk-very-secret-key-123")
        yield server


def _sent(server: WireServer, number: int = -1) -> Any:
    return json.loads(server.requests[number].body)["generationConfig"]["imageConfig"]


def _turned(size: tuple[int, int], image_format: str, turn: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, image_format, exif=exif)
    return buffer.getvalue()


def test_an_edit_of_a_wide_jpeg_stays_wide(nb: Nb, server: WireServer) -> None:
    Path("wide.jpg").write_bytes(picture(3168, 1344, "JPEG"))
    run = nb("generate", "make it night", "-i", "wide.jpg", "-s", "2K", "-o", "night.jpg")
    assert (run.code, run.out) == (0, "night.jpg\n")
    assert _sent(server) == {"aspectRatio": "21:9", "imageSize": "2K"}
    assert run.err.startswith("night.jpg  3168×1344  21:9, as wide.jpg  ")
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_the_shape_is_the_one_that_is_displayed(
    nb: Nb, server: WireServer, image_format: str
) -> None:
    for turn in range(1, 9):
        Path("photo").write_bytes(_turned((160, 90), image_format, turn))
        assert nb("generate", "night", "-i", "photo", "-o", f"{turn}.jpg").code == 0
        # Browsers ignore the orientation in a WebP.
        is_turned = turn >= 5 and image_format != "WEBP"
        assert _sent(server)["aspectRatio"] == ("9:16" if is_turned else "16:9")


def test_exif_that_is_damaged_turns_nothing(nb: Nb, server: WireServer) -> None:
    exif = pngs.chunk(b"eXIf", b"MM\0*\0\0\0\xff")
    Path("photo.png").write_bytes(pngs.png(pngs.Shape(16, 9), extra=exif))
    assert nb("generate", "night", "-i", "photo.png", "-o", "x.jpg").code == 0
    assert _sent(server)["aspectRatio"] == "16:9"


def test_the_first_of_several_counts_and_stdin_too(nb: Nb, server: WireServer) -> None:
    Path("wide.png").write_bytes(picture(160, 90))
    run = nb(
        *("generate", "mix", "-i", "-", "-i", "wide.png", "-o", "x.jpg"),
        stdin=picture(50, 75),
    )
    assert _sent(server)["aspectRatio"] == "2:3"
    assert "  2:3, as stdin  " in run.err


def test_without_a_reference_it_is_square(nb: Nb, server: WireServer) -> None:
    assert nb("generate", "a fox", "-o", "x.jpg").code == 0
    assert nb("generate", "a fox", "-a", "auto", "-o", "y.jpg").code == 0
    assert [_sent(server, n)["aspectRatio"] for n in (0, 1)] == ["1:1", "1:1"]


def test_a_typed_ratio_wins_without_a_word(nb: Nb, server: WireServer) -> None:
    Path("wide.png").write_bytes(picture(160, 90))
    run = nb("generate", "night", "-i", "wide.png", "-a", "landscape", "-o", "x.jpg")
    assert (run.code, _sent(server)["aspectRatio"]) == (0, "16:9")
    run = nb("generate", "night", "-i", "wide.png", "-a", "square", "-o", "y.jpg")
    assert (run.code, _sent(server)["aspectRatio"]) == (0, "1:1")
    assert "holds" not in run.err
    assert ", as " not in run.err


@pytest.mark.parametrize("named_in", ["NB_ASPECT", "nb.toml"])
def test_a_configured_ratio_wins_with_a_note(nb: Nb, server: WireServer, named_in: str) -> None:
    Path("tall.png").write_bytes(picture(90, 160))
    env = {"NB_ASPECT": "4:3"} if named_in == "NB_ASPECT" else {}
    if not env:
        Path("nb.toml").write_text('aspect = "4:3"')
    run = nb("generate", "night", "-i", "tall.png", "-o", "x.jpg", env=env)
    assert (run.code, _sent(server)["aspectRatio"]) == (0, "4:3")
    assert f"{named_in} holds, although tall.png is nearest to 9:16" in run.err
    run = nb("generate", "night", "-i", "tall.png", "-a", "auto", "-o", "y.jpg", env=env)
    assert (run.code, _sent(server)["aspectRatio"]) == (0, "9:16")


def test_the_notes_come_before_the_call_and_with_dry_run(nb: Nb, server: WireServer) -> None:
    Path("strip.png").write_bytes(picture(3000, 1000))
    run = nb("generate", "night", "-i", "strip.png", "--dry-run")
    assert server.requests == []
    body = json.loads(run.out)["body"]
    assert body["generationConfig"]["imageConfig"]["aspectRatio"] == "21:9"
    assert "strip.png is 3000×1000; the nearest ratio of gemini-3.1-flash" in run.err
    assert "strip.png is 3000×1000, larger than 1K (1584×672): `--size 2K`" in run.err
    assert "21:9, as strip.png\n" in run.err


def test_an_edit_with_its_text_stays_wide(nb: Nb) -> None:
    Path("wide.jpg").write_bytes(picture(1584, 672, "JPEG"))
    answer = reply({"text": "a fox"}, image_part(picture(1584, 672, "JPEG")))
    with WireServer(Answer(200, body=answer)) as other:
        run = nb(
            *("caption", "make it night", "-i", "wide.jpg", "-o", "n.jpg"),
            env={"NB_BASE_URL": other.url, "WISDOM_GATE_KEY": "sk-very-secret-key-123"},
        )
        assert run.code == 0, run.err
        assert _sent(other)["aspectRatio"] == "21:9"
        assert "21:9, as wide.jpg" in run.err
