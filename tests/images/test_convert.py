from __future__ import annotations

import io
import subprocess
import zlib
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms
from support import pngs
from support.pngs import Shape
from support.tools import require

from nanobanana_cli.images.convert import convert
from nanobanana_cli.images.edits import CannotConvert
from nanobanana_cli.images.formats import verify
from nanobanana_cli.types import ImageFormat, Picture

_FORMATS: tuple[ImageFormat, ...] = ("png", "jpeg", "webp")
# Orientation 6, as a phone held upright writes it.
_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _picture(kind: str, image: Image.Image, **options: Any) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return verify(buffer.getvalue())


def _opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def _pixel(picture: Picture, x: int = 0, y: int = 0) -> Any:
    return _opened(picture).convert("RGBA").getpixel((x, y))


@pytest.mark.parametrize(("source", "to"), [*permutations(_FORMATS, 2)])
def test_from_each_format_to_each_other(source: ImageFormat, to: ImageFormat) -> None:
    image = Image.linear_gradient("L").resize((40, 24))
    colours = Image.merge("RGB", (image, image.rotate(180), image))

    picture = convert(_picture(source, colours, exif=_EXIF, icc_profile=_SRGB), to)

    assert picture == verify(picture.data)
    assert (picture.format, picture.width, picture.height) == (to, 40, 24)
    found = _opened(picture)
    assert found.info["icc_profile"] == _SRGB
    assert found.getexif()[0x0112] == 6
    for x, y in ((3, 3), (20, 12), (36, 20)):
        expected = colours.getpixel((x, y))
        assert isinstance(expected, tuple)
        assert _pixel(picture, x, y)[:3] == pytest.approx(expected, abs=12)


@pytest.mark.parametrize("kind", _FORMATS)
def test_the_same_format_stays_as_it_is(kind: ImageFormat) -> None:
    picture = _picture(kind, Image.new("RGB", (4, 4)))
    assert convert(picture, kind) is picture


@pytest.mark.parametrize(("source", "options"), [("png", {}), ("webp", {"lossless": True})])
def test_transparency_is_laid_on_white_for_jpeg(source: str, options: dict[str, Any]) -> None:
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (8, 0, 16, 16))

    picture = convert(_picture(source, image, **options), "jpeg")

    assert _pixel(picture, 2, 8)[:3] == pytest.approx((255, 255, 255), abs=6)
    assert _pixel(picture, 13, 8)[:3] == pytest.approx((0, 0, 255), abs=6)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGBA", {}),
        ("LA", {}),
        ("P", {"transparency": 0}),
        ("L", {"transparency": 0}),
        ("RGB", {"transparency": (0, 0, 0)}),
    ],
)
def test_transparency_of_every_kind_survives_in_webp(mode: str, options: dict[str, Any]) -> None:
    picture = convert(_picture("png", Image.new(mode, (8, 8), 0), **options), "webp")
    assert _pixel(picture)[3] == 0


@pytest.mark.parametrize("to", ["jpeg", "webp"])
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", pngs.KINDS)
def test_every_kind_of_png(kind: tuple[int, int], interlaced: bool, to: ImageFormat) -> None:
    picture = convert(verify(pngs.png(Shape(9, 6, *kind, interlaced))), to)
    assert verify(picture.data) == picture


@pytest.mark.parametrize("transparency", [b"", pngs.chunk(b"tRNS", b"\x80\0")])
@pytest.mark.parametrize("to", ["jpeg", "webp"])
def test_sixteen_bits_of_grey_are_scaled(to: ImageFormat, transparency: bytes) -> None:
    row = b"\0" + b"\x80\x00" * 8
    data = pngs.png(Shape(8, 8, 0, 16), rows=[row] * 8, extra=transparency)

    assert _pixel(convert(verify(data), to))[0] == pytest.approx(128, abs=3)


def test_grey_stays_grey_in_jpeg_and_png() -> None:
    jpeg = convert(_picture("png", Image.new("L", (8, 8), 77)), "jpeg")
    assert _opened(jpeg).mode == "L"
    assert _opened(convert(jpeg, "png")).mode == "L"


@pytest.mark.parametrize("to", ["png", "webp"])
def test_a_profile_for_other_samples_is_left_out(to: ImageFormat) -> None:
    inks = bytearray(_SRGB)
    inks[16:20] = b"CMYK"
    source = _picture("jpeg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), icc_profile=bytes(inks))

    picture = convert(source, to)

    assert "icc_profile" not in _opened(picture).info
    assert _pixel(picture)[:3] == pytest.approx((255, 0, 0), abs=12)


def test_colours_of_text_are_not_smeared_in_jpeg() -> None:
    image = Image.new("RGB", (16, 16), "white")
    image.paste("red", (5, 0, 6, 16))
    picture = convert(_picture("png", image), "jpeg")
    red, green, blue, _ = _pixel(picture, 5, 8)
    assert red > 230
    assert max(green, blue) < 25


@pytest.mark.parametrize("to", ["png", "webp"])
def test_damaged_exif_costs_no_picture(to: ImageFormat) -> None:
    broken = _EXIF.replace(b"\x01\x12\0\3", b"\x01\x1a\0\5")
    picture = convert(_picture("jpeg", Image.new("RGB", (8, 8)), exif=broken), to)
    assert verify(picture.data) == picture


def test_exif_too_long_for_jpeg_is_left_out() -> None:
    source = _picture("png", Image.new("RGB", (8, 8)), exif=_EXIF + bytes(70_000))
    assert "exif" not in _opened(convert(source, "jpeg")).info


def test_other_metadata_is_left_out() -> None:
    source = verify(pngs.png(extra=pngs.chunk(b"tEXt", b"parameters\0a secret prompt")))
    assert b"secret" not in convert(source, "jpeg").data


def test_too_wide_for_the_target() -> None:
    wide = verify(pngs.png(Shape(16384, 1, 0, 1)))
    with pytest.raises(CannotConvert, match="16384x1 pixels cannot be saved as webp"):
        convert(wide, "webp")


def test_pngcheck_likes_the_png(tmp_path: Path) -> None:
    picture = convert(_picture("jpeg", Image.effect_noise((300, 200), 80), exif=_EXIF), "png")
    file = tmp_path / "a.png"
    file.write_bytes(picture.data)
    subprocess.run([require("pngcheck"), "-q", file], check=True, capture_output=True)


_BOMB = zlib.compress(bytes(5_000_000))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"zTXt", b"key\0\0" + _BOMB),
        (b"iTXt", b"key\0\1\0\0\0" + _BOMB),
        (b"gAMA", b"\0"),
        (b"cHRM", b"\0"),
        (b"pHYs", b"\0"),
        (b"sRGB", b""),
        (b"acTL", bytes(8)),
        (b"fdAT", b"\0"),
    ],
)
def test_a_damaged_chunk_that_no_pixel_needs_does_no_harm(name: bytes, content: bytes) -> None:
    assert convert(_with_chunk(name, content), "jpeg").format == "jpeg"


def _with_chunk(name: bytes, content: bytes) -> Picture:
    data = pngs.png(Shape())
    return verify(data[:33] + pngs.chunk(name, content) + data[33:])
