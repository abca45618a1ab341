from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from support import pngs, python
from support.replies import picture as small_picture

from nanobanana_cli.images import jpeg, png
from nanobanana_cli.images.formats import FORMATS, DamagedImage, sniff, survey, verify
from nanobanana_cli.types import Data

_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"


def _image(width: int = 24, height: int = 16) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def _encoded(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or _image()).save(buffer, kind, **options)
    return buffer.getvalue()


_PNG = pngs.png()
_JPEG = _encoded("jpeg")
_PROGRESSIVE = _encoded("jpeg", progressive=True, exif=_EXIF, comment="a fox")
_WEBP = _encoded("webp")
_LOSSLESS = _encoded("webp", _image(23, 15), lossless=True, exif=_EXIF)


def _box(*brands: bytes) -> bytes:
    body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(body) + 4).to_bytes(4) + body + b"\0\0\0\x08meta"


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (_PNG, "image/png"),
        (_JPEG, "image/jpeg"),
        (_WEBP, "image/webp"),
        (_encoded("gif"), "image/gif"),
        (_encoded("bmp"), "image/bmp"),
        (_encoded("tiff"), "image/tiff"),
        (_encoded("tiff", big_tiff=False, compression="tiff_lzw"), "image/tiff"),
        (b"MM\0*\0\0\0\x08", "image/tiff"),
        (_box(b"heic", b"mif1", b"heic"), "image/heic"),
        (_box(b"mif1", b"mif1", b"heic"), "image/heic"),
        (_box(b"mif1", b"mif1"), "image/heif"),
        (_box(b"avif", b"mif1"), "image/avif"),
        (_box(b"mif1", b"avif"), "image/avif"),
        (_box(b"isom", b"mp41"), None),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?>\n<!-- a fox --><svg/>', "image/svg+xml"),
        (b"<!DOCTYPE html><p>502 Bad Gateway", None),
        (b"BMW is a make of cars", None),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b'{"error": {}}', None),
        (b"", None),
    ],
)
def test_sniff_tells_by_the_first_bytes(data: bytes, mime_type: str | None) -> None:
    assert sniff(data) == mime_type
    assert sniff(memoryview(data)) == mime_type


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (_PNG, "png", (5, 7)),
        (_JPEG, "jpeg", (24, 16)),
        (_PROGRESSIVE, "jpeg", (24, 16)),
        (_encoded("jpeg", _image().convert("L")), "jpeg", (24, 16)),
        (_encoded("jpeg", _image().convert("CMYK")), "jpeg", (24, 16)),
        (_encoded("jpeg", restart_marker_blocks=1), "jpeg", (24, 16)),
        (_WEBP, "webp", (24, 16)),
        (_LOSSLESS, "webp", (23, 15)),
        (_encoded("webp", _image().convert("RGBA")), "webp", (24, 16)),
    ],
)
@pytest.mark.parametrize("trailing", [b"", b"\0\0\0", b"<html>"])
def test_a_whole_picture(data: bytes, kind: str, size: tuple[int, int], trailing: bytes) -> None:
    picture = verify(data + trailing)

    assert (picture.format, picture.width, picture.height) == (kind, *size)
    assert FORMATS[picture.format].mime_type == f"image/{kind}"
    assert picture.data == data + trailing


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("picture", [_PNG, _JPEG, _WEBP])
def test_nothing_is_copied(kind: Callable[[bytes], Data], picture: bytes) -> None:
    data = kind(picture)
    assert verify(data).data is data


@pytest.mark.parametrize("data", [_PNG, _JPEG, _PROGRESSIVE, _WEBP, _LOSSLESS])
def test_a_cut_is_found_anywhere(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(DamagedImage):
            verify(data[:length])


@pytest.mark.parametrize("prefix", [b"", _PNG[:8], _JPEG[:4], _JPEG[:-60], _WEBP[:16], _LOSSLESS])
@given(noise=st.binary(max_size=80))
@example(noise=b"\xff" * 80)
def test_noise_raises_nothing_else(prefix: bytes, noise: bytes) -> None:
    _verdict(prefix + noise)


@pytest.mark.parametrize("data", [_PNG, _JPEG, _PROGRESSIVE, _WEBP, _LOSSLESS])
@given(draw=st.data())
def test_changed_bytes_raise_nothing_else(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for position in draw.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=4)):
        changed[position] = draw.draw(st.integers(0, 255))
    _verdict(changed)


def _verdict(data: bytes | bytearray) -> None:
    with contextlib.suppress(DamagedImage):
        picture = verify(data)
        assert picture.width > 0
        assert picture.height > 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"<html>", "it is not an image"),
        (_box(b"heic", b"mif1"), "it is image/heic, which nb cannot read"),
        (_encoded("gif")[:-40], "its gif data cannot be decoded"),
        (b"BM" + bytes(60), "its bmp data cannot be decoded"),
        (_encoded("gif")[:6] + b"\xff" * 4 + _encoded("gif")[10:], "GIF claims 65535x65535"),
        (_JPEG[:-2], "its end marker is missing"),
        (_JPEG[: len(_JPEG) // 2], "its end marker is missing"),
        (b"\xff\xd8\xff\xd9", "has no picture in it"),
        (_WEBP[:-1], f"cut off after {len(_WEBP) - 1} of {len(_WEBP)} bytes"),
        (b"RIFF\x04\0\0\0WEBP", "has no picture in it"),
        (b"RIFF\x10\0\0\0WEBPVP8 \xff\xff\0\0xxxx", "reaches beyond its end"),
        (
            b"RIFF\x16\0\0\0WEBPVP8 \x0a\0\0\0xxx\x9d\x01*\x08\0\x08\0",
            "its webp data cannot be decoded",
        ),
    ],
)
def test_the_reason_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(DamagedImage, match=reason):
        verify(data)


@pytest.mark.parametrize("height", [0, 65535])
def test_a_jpeg_of_impossible_size_is_not_decoded(height: int) -> None:
    frame = next(each for each in jpeg.segments(_JPEG) if each.marker == 0xC0)
    data = bytearray(_JPEG)
    data[frame.start + 5 : frame.start + 9] = height.to_bytes(2) + b"\xff\xff"

    with pytest.raises(DamagedImage, match=f"the JPEG claims .*65535x{height} pixels"):
        verify(data)


def test_a_huge_webp_is_not_decoded() -> None:
    data = bytearray(_LOSSLESS)
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\xff\0\xff\xff\0"

    with pytest.raises(DamagedImage, match="the WebP claims 65536x65536 pixels"):
        verify(data)


def test_damaged_exif_costs_no_picture() -> None:
    broken = _EXIF.replace(b"\x01\x12\0\3", b"\x01\x1a\0\5")
    for data in (_encoded("jpeg", exif=broken), _encoded("webp", exif=broken)):
        assert verify(data).width == 24


def test_a_thumbnails_end_is_not_the_pictures() -> None:
    data = _encoded("jpeg", exif=_EXIF + _JPEG)
    assert verify(data).width == 24

    cut = data[: data.index(_JPEG) + len(_JPEG)]
    with pytest.raises(DamagedImage, match="end marker is missing"):
        verify(cut)


def test_several_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(verify, [_PNG, _JPEG, _WEBP] * 20))
    assert [each.format for each in pictures[:3]] == ["png", "jpeg", "webp"]


def test_a_png_needs_no_pillow() -> None:
    code = (
        "import sys; from nanobanana_cli.images.formats import verify; "
        "verify(sys.stdin.buffer.read()); sys.exit('PIL' in sys.modules)"
    )
    assert python.status(code, stdin=_PNG) == 0


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_survey_says_what_verify_says(image_format: str) -> None:
    data = small_picture(31, 17, image_format)
    assert survey(data) == verify(data)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("left", [0, 1, 20, -1, -20])
def test_survey_finds_what_a_cut_leaves(image_format: str, left: int) -> None:
    with pytest.raises(DamagedImage):
        survey(small_picture(64, 64, image_format)[:left])


def test_a_flipped_bit_in_a_png_is_found() -> None:
    data = bytearray(small_picture())
    data[60] ^= 1
    with pytest.raises(DamagedImage, match="checksum"):
        survey(bytes(data))


def test_a_png_without_pixels_is_none() -> None:
    data = small_picture()
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    with pytest.raises(DamagedImage, match="no pixels"):
        png.survey(data[:start] + data[end:])


@pytest.mark.parametrize("data", [b"", b"text", _box(b"heic", b"mif1")])
def test_survey_refuses_other_bytes(data: bytes) -> None:
    with pytest.raises(DamagedImage):
        survey(data)
