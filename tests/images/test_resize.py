"""A smaller copy shows the same picture."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from nanobanana_cli.images.formats import DamagedImage, survey, verify
from nanobanana_cli.images.resize import preview, shrink, thumbnail
from nanobanana_cli.types import Data


def corners(mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    """Red at the upper left, blue at the lower right."""
    image = Image.new("RGB", (400, 200), "white")
    image.paste((255, 0, 0), (0, 0, 200, 100))
    image.paste((0, 0, 255), (200, 100, 400, 200))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def colours(data: Data) -> tuple[Any, Any]:
    """The upper left and the lower right, as names."""
    names = {"[1, 0, 0]": "red", "[0, 0, 1]": "blue", "[1, 1, 1]": "white"}
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        found = (image.getpixel((5, 5)), image.getpixel((width - 6, height - 6)))
    first, last = (str([int(v > 128) for v in each]) for each in found if isinstance(each, tuple))
    return names.get(first), names.get(last)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_fits_and_keeps_its_shape(kind: str) -> None:
    small = shrink(survey(corners(kind=kind)), 100)
    assert (small.format, small.width, small.height) == ("jpeg", 100, 50)
    assert verify(small.data) == small
    assert colours(small.data) == ("red", "blue")


def test_a_smaller_picture_keeps_its_size() -> None:
    assert shrink(survey(corners()), 1000).width == 400


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_a_jpeg(mode: str) -> None:
    verify(shrink(survey(corners(mode)), 100).data)


def test_transparency_lies_on_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(buffer, "PNG")
    assert colours(shrink(survey(buffer.getvalue()), 40).data) == ("white", "white")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_it_is_turned_as_exif_says(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    small = shrink(survey(corners(kind=kind, exif=exif.tobytes())), 100)
    assert colours(small.data) == ("blue", "red")
    exif[0x0112] = 6
    small = shrink(survey(corners(kind=kind, exif=exif.tobytes())), 100)
    assert (small.width, small.height) == (50, 100)


def test_damaged_exif_does_no_harm() -> None:
    data = corners(kind="JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff broken")
    assert colours(shrink(survey(data), 100).data) == ("red", "blue")


def test_what_cannot_be_decoded_is_damaged() -> None:
    data = bytearray(corners(kind="WEBP"))
    data[40:60] = bytes(20)
    with pytest.raises(DamagedImage, match="cannot be decoded"):
        shrink(survey(bytes(data)), 100)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_thumbnail_is_a_small_webp_turned_as_exif_says(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large = Image.open(io.BytesIO(corners())).resize((1200, 600))
    buffer = io.BytesIO()
    large.save(buffer, kind, exif=exif.tobytes())
    small = thumbnail(buffer.getvalue())
    assert (small.format, small.width, small.height) == ("webp", 240, 480)
    assert verify(small.data) == small
    with Image.open(io.BytesIO(small.data)) as image:
        assert image.getexif() == {}


def test_a_thumbnail_of_a_damaged_image_is_refused() -> None:
    with pytest.raises(DamagedImage):
        thumbnail(corners()[:-1])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_preview_is_a_small_png_turned_as_exif_says(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    small = preview(corners(kind=kind, exif=exif.tobytes()), 100)
    assert (small.format, small.width, small.height) == ("png", 50, 100)
    assert verify(small.data) == small


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_preview_of_every_mode(mode: str) -> None:
    small = preview(corners(mode), 100)
    assert (verify(small.data).width, small.height) == (100, 50)


def test_a_preview_keeps_transparency_and_leaves_profiles_out() -> None:
    buffer = io.BytesIO()
    image = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    image.save(buffer, "PNG", icc_profile=bytes(100_000))
    small = preview(buffer.getvalue(), 40)
    with Image.open(io.BytesIO(small.data)) as shown:
        assert shown.getchannel("A").getextrema() == (0, 0)
        assert "icc_profile" not in shown.info


def test_a_preview_of_a_damaged_image_is_refused() -> None:
    with pytest.raises(DamagedImage):
        preview(corners()[:-1], 100)
