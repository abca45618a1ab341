"""Images as odd encoders, editors and broken connections make them; other programs judge too."""

from __future__ import annotations

import io
import subprocess
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import pngs
from support.pngs import assemble, chunk
from support.tools import require

from nanobanana_cli.images import jpeg
from nanobanana_cli.images.convert import convert
from nanobanana_cli.images.formats import DamagedImage, verify
from nanobanana_cli.images.resize import thumbnail
from nanobanana_cli.types import Picture

_SHAPE = pngs.Shape(40, 30)
_ROWS = b"".join(_SHAPE.rows())
_HEADER = chunk(b"IHDR", _SHAPE.header())
_PIXELS = chunk(b"IDAT", zlib.compress(_ROWS))


def _png(stream: bytes) -> bytes:
    return assemble(_HEADER, chunk(b"IDAT", stream))


def _beside(kind: bytes, body: bytes = b"") -> bytes:
    return assemble(_HEADER, chunk(kind, body), _PIXELS)


_WHOLE_PNGS = {
    "spare byte": _png(zlib.compress(_ROWS + b"\0")),
    "spare rows": _png(zlib.compress(_ROWS * 3)),
    "spare zeros": _png(zlib.compress(_ROWS + bytes(1 << 20))),
    "bytes after the stream": _png(zlib.compress(_ROWS) + b"spare"),
    "chunk after the stream": assemble(_HEADER, _PIXELS, chunk(b"IDAT", bytes(99))),
    "empty chunks": assemble(_HEADER, chunk(b"IDAT"), _PIXELS, chunk(b"IDAT")),
}
_BROKEN_PNGS = {
    "two thirds": _png(zlib.compress(_ROWS)[: len(_ROWS) * 2 // 3]),
    "a row less": _png(zlib.compress(_ROWS[:-121])),
    "wrong checksum": _png(zlib.compress(_ROWS)[:-4] + b"abcd"),
    "spare, wrong checksum": _png(zlib.compress(_ROWS + b"\0")[:-4] + b"abcd"),
    "spare without end": _png(zlib.compress(_ROWS + bytes(20_000_000))),
}
# What Pillow or pngcheck, or both, refuse, though no pixel needs it.
_BAD_SIDE_CHUNKS = {
    "empty profile": _beside(b"iCCP"),
    "profile without a method": _beside(b"iCCP", b"a"),
    "profile of another method": _beside(b"iCCP", b"a\0\x09" + zlib.compress(b"abc")),
    "profile not packed": _beside(b"iCCP", b"a\0\0zzzz"),
    "profile of three bytes": _beside(b"iCCP", b"a\0\0" + zlib.compress(b"abc")),
    "empty transparency": _beside(b"tRNS"),
    "short transparency": _beside(b"tRNS", b"\0"),
    "transparency after the pixels": assemble(_HEADER, _PIXELS, chunk(b"tRNS", b"\0")),
    "profile after the pixels": assemble(_HEADER, _PIXELS, chunk(b"iCCP")),
    "empty text": _beside(b"tEXt"),
    "text of another method": _beside(b"zTXt", b"a\0\5zzzz"),
    "text that swells": _beside(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000))),
    "text not UTF-8": _beside(b"iTXt", b"a\0\0\0\0\0\xff\xfe"),
    "XMP not UTF-8": _beside(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0\xff tiff:Orientation="9"'),
    "EXIF of noise": _beside(b"eXIf", b"junkjunk"),
    "EXIF in a circle": _beside(
        b"eXIf", b"MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08"
    ),
    "short pHYs": _beside(b"pHYs", b"\0"),
    "empty gAMA": _beside(b"gAMA"),
    "short cHRM": _beside(b"cHRM", bytes(5)),
    "animation of nothing": _beside(b"acTL"),
    "frame of nothing": _beside(b"fcTL"),
}


def _gradient(width: int = 150, height: int = 122) -> Image.Image:
    grey = Image.radial_gradient("L").resize((width, height))
    noise = Image.effect_noise((width, height), 60)
    return Image.merge("RGB", (grey, noise, Image.linear_gradient("L").resize(grey.size)))


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", **options)
    return buffer.getvalue()


_COLOURS = _gradient()
_ENDS_GREY = _gradient()
_ENDS_GREY.paste((128, 128, 128), (60, 50, 150, 122))
_JPEGS = {
    "4:2:0": _jpeg(_COLOURS),
    "4:4:4": _jpeg(_COLOURS, quality=95, subsampling=0),
    "grey": _jpeg(_COLOURS.convert("L")),
    "CMYK": _jpeg(_COLOURS.convert("CMYK")),
    "RGB": _jpeg(_COLOURS, keep_rgb=True),
    "progressive": _jpeg(_COLOURS, progressive=True),
    "progressive CMYK": _jpeg(_COLOURS.convert("CMYK"), progressive=True),
    "restarts": _jpeg(_COLOURS, restart_marker_blocks=3),
    "a restart a row": _jpeg(_COLOURS, restart_marker_rows=1),
    "ends grey": _jpeg(_ENDS_GREY),
    "ends grey, progressive": _jpeg(_ENDS_GREY, progressive=True),
}
_ALL_GREY = Image.new("RGB", (150, 122), (128, 128, 128))
_WHOLE_JPEGS = {
    **_JPEGS,
    "all grey": _jpeg(_ALL_GREY),
    "all grey with restarts": _jpeg(_ALL_GREY, restart_marker_blocks=1),
    "all grey, progressive": _jpeg(_ALL_GREY, progressive=True),
    "one pixel": _jpeg(_ALL_GREY.resize((1, 1))),
    "narrow": _jpeg(_ALL_GREY.resize((3, 200))),
    "bytes after the end": _jpeg(_COLOURS) + _jpeg(_COLOURS)[:500],
    "fill bytes": _jpeg(_COLOURS).replace(b"\xff\xda", b"\xff\xff\xff\xda", 1),
    "empty comment": b"\xff\xd8\xff\xfe\0\2" + _jpeg(_COLOURS)[2:],
    "EXIF of noise": b"\xff\xd8\xff\xe1\0\x10Exif\0\0junkjunk" + _jpeg(_COLOURS)[2:],
    "profile of nothing": b"\xff\xd8\xff\xe2\0\x0dICC_PROFILE" + _jpeg(_COLOURS)[2:],
    "index of noise": b"\xff\xd8\xff\xe2\0\x0aMPF\0junk" + _jpeg(_COLOURS)[2:],
}


def _cuts(data: bytes) -> Iterator[bytes]:
    """The file without its end, from a hundredth of its scans to all of them, and an end marker."""
    start = next(each.end for each in jpeg.segments(data) if each.marker == 0xDA)
    for part in (0.01, 0.2, 1 / 3, 0.5):
        cut = data[: len(data) - int((len(data) - start) * part)]
        yield cut.rstrip(b"\xff") + b"\xff\xd9"


def _decode_with_pillow(data: bytes) -> None:
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
        image.load()


def _decoded(picture: Picture) -> bytes:
    with Image.open(io.BytesIO(picture.data)) as image:
        return image.tobytes()


def _is_accepted(*command: str | Path) -> bool:
    return (
        subprocess.run([require(str(command[0])), *command[1:]], capture_output=True).returncode
        == 0
    )


@pytest.mark.parametrize("name", _WHOLE_PNGS)
def test_an_odd_png_is_whole(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(data := _WHOLE_PNGS[name])
    assert _is_accepted("pngcheck", "-q", file)
    _decode_with_pillow(data)

    picture = verify(data)
    assert (picture.width, picture.height) == (40, 30)
    assert convert(picture, "jpeg").width == 40


@pytest.mark.parametrize("name", _BROKEN_PNGS)
def test_a_broken_png_is_not(name: str) -> None:
    with pytest.raises(DamagedImage):
        verify(_BROKEN_PNGS[name])


@pytest.mark.parametrize("name", _BAD_SIDE_CHUNKS)
def test_side_chunks_cost_no_picture(name: str) -> None:
    data = _BAD_SIDE_CHUNKS[name]
    plain = verify(assemble(_HEADER, _PIXELS))
    assert _decoded(convert(verify(data), "webp")) == _decoded(convert(plain, "webp"))
    assert thumbnail(data).width == 40


@pytest.mark.parametrize("name", _WHOLE_JPEGS)
def test_an_odd_jpeg_is_whole(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(data := _WHOLE_JPEGS[name])
    assert _is_accepted("djpeg", "-outfile", "/dev/null", file)
    _decode_with_pillow(data)

    assert verify(data) == convert(verify(data), "jpeg")
    assert convert(verify(data), "png").width == verify(data).width
    assert thumbnail(data).width == verify(data).width


@pytest.mark.parametrize("name", _JPEGS)
def test_a_jpeg_without_its_end_is_not_though_it_ends_with_a_marker(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.jpg"
    for data in _cuts(_JPEGS[name]):
        file.write_bytes(data)
        _decode_with_pillow(data)
        assert not _is_accepted("djpeg", "-outfile", "/dev/null", file)
        with pytest.raises(DamagedImage, match="the JPEG is cut off: a part of its picture"):
            verify(data)


def test_nor_is_one_that_lacks_the_scan_of_a_colour() -> None:
    grey = _JPEGS["grey"]
    frame = next(each for each in jpeg.segments(grey) if each.marker == 0xC0)
    colours = b"\3" + b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    head = b"\xff\xc0\0\x11" + bytes(frame.body[:5])
    data = grey[: frame.start] + head + colours + grey[frame.end :]

    _decode_with_pillow(data)
    with pytest.raises(DamagedImage, match="a part of its picture is missing"):
        verify(data)
