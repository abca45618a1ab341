"""GIF, TIFF, BMP and AVIF replies: kept as they came, or converted to the format asked for."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from PIL import Image
from support.replies import image_part, made, picture, reply
from support.wire_server import Answer, WireServer

from nanobanana_cli.images.formats import DamagedImage, verify

NAMES = ("gif", "tiff", "bmp", "avif")
ENV = {"WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


def received(name: str) -> bytes:
    """A picture of two colours, so that no format loses much of it."""
    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (32, 0, 64, 64))
    buffer = io.BytesIO()
    image.save(buffer, name)
    return buffer.getvalue()


def _like(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGB")
        for x, colour in ((8, (255, 0, 0)), (56, (0, 0, 255))):
            found = pixels.getpixel((x, 32))
            assert isinstance(found, tuple)
            assert all(abs(a - b) < 12 for a, b in zip(found, colour, strict=True))


@pytest.mark.parametrize("name", NAMES)
class TestAReply:
    def test_without_a_name_is_kept_as_it_came(self, nb: Nb, name: str) -> None:
        data = received(name)
        with WireServer(made(data)) as server:
            run = nb("generate", "a fox", "--json", env={"NB_BASE_URL": server.url, **ENV})
        record = json.loads(run.out)
        assert (run.code, record["path"]) == (0, f"a-fox.{name}")
        assert Path(record["path"]).read_bytes() == data
        assert record["mime_type"] == f"image/{name}"
        assert record["sha256"] == hashlib.sha256(data).hexdigest()
        assert (record["width"], record["height"]) == (64, 64)

    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
    def test_is_converted_for_a_name(self, nb: Nb, name: str, suffix: str) -> None:
        with WireServer(made(received(name))) as server:
            env = {"NB_BASE_URL": server.url, **ENV}
            run = nb("generate", "a fox", "-o", f"fox.{suffix}", env=env)
        assert (run.code, run.out) == (0, f"fox.{suffix}\n")
        assert f"note: the service sent {name}, converted to " in run.err
        assert "(C2PA, XMP) is lost; in a folder named with -o it is kept" in run.err
        data = Path(f"fox.{suffix}").read_bytes()
        assert verify(data).format == suffix.replace("jpg", "jpeg")
        _like(data)

    def test_that_is_the_image_itself_is_taken(self, nb: Nb, name: str) -> None:
        with WireServer(Answer(body=received(name))) as server:
            run = nb("generate", "a fox", env={"NB_BASE_URL": server.url, **ENV})
        assert (run.code, run.out) == (0, f"a-fox.{name}\n")

    def test_is_extracted(self, nb: Nb, name: str) -> None:
        Path("r.json").write_bytes(made(received(name)).body)
        assert nb("extract", "r.json").out == f"r.{name}\n"
        assert nb("extract", "r.json", "-o", "fox.png").out == "fox.png\n"
        _like(Path("fox.png").read_bytes())

    def test_that_is_cut_is_not_an_image(self, nb: Nb, name: str) -> None:
        Path("r.json").write_bytes(made(received(name)[:-20]).body)
        run = nb("extract", "r.json", "-o", "fox.png")
        assert (run.code, run.out) == (10, "")
        assert f"nb: the service sent an image that cannot be used: its {name} data" in run.err
        assert not Path("fox.png").exists()

    def test_is_up_to_date_in_a_batch_and_shown_in_its_gallery(self, nb: Nb, name: str) -> None:
        Path("m.jsonl").write_text(json.dumps({"prompt": "a fox"}))
        with WireServer(made(received(name)), made(picture())) as server:
            env = {"NB_BASE_URL": server.url, **ENV}
            run = nb("batch", "m.jsonl", "--gallery", "index.html", env=env)
            assert (run.code, run.out) == (0, f"a-fox.{name}\n")
            assert Path("index.html").read_text().count("<img ") == 1
            assert nb("batch", "m.jsonl", env=env).code == 0
            assert len(server.requests) == 1
            # Made again, it comes in another format.
            Path("m.jsonl").write_text(json.dumps({"prompt": "a fox", "seed": 7}))
            run = nb("batch", "m.jsonl", env=env)
            assert run.out == "a-fox.png\n"
            assert nb("batch", "m.jsonl", env=env).code == 0
            assert len(server.requests) == 2
        assert Path("a-fox.png").read_bytes() == picture()
        assert Path(f"a-fox.{name}").read_bytes() == received(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_is_found(name: str) -> None:
    data = received(name)
    assert verify(data).format == name
    # A GIF may lack what ends its frames.
    for length in range(1, len(data) - (2 if name == "gif" else 0)):
        with pytest.raises(DamagedImage):
            verify(data[:length])


def test_a_cut_within_the_last_frame_of_a_gif_is_found() -> None:
    buffer = io.BytesIO()
    frames = [Image.effect_noise((40, 40), 90) for _ in range(3)]
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:])
    data = buffer.getvalue()
    assert verify(data).width == 40
    with pytest.raises(DamagedImage):
        verify(data[:-100])


def test_pillow_warns_of_nothing(nb_process: NbProcess) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "tiff", description="a fox")
    odd = buffer.getvalue().replace(b"\x0e\x01\2\0", b"\x0e\x01\xee\0")
    assert odd != buffer.getvalue()
    Path("r.json").write_bytes(reply(image_part(odd)))
    run = nb_process("extract", "r.json", "-o", "fox.png")
    assert "arning" not in run.err


def test_no_name_ends_so(nb: Nb) -> None:
    for name in NAMES:
        run = nb("generate", "a fox", "-o", f"fox.{name}", "--dry-run")
        assert run.code == 2
        assert f".{name} is not a format that nb writes" in run.err
