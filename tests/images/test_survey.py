"""A look at a picture's parts, without its pixels."""

from __future__ import annotations

import pytest
from support.replies import picture

from nanobanana_cli.images import DamagedImage, png
from nanobanana_cli.images.inspect import survey, verify


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_it_says_what_verify_says(image_format: str) -> None:
    data = picture(31, 17, image_format)
    assert survey(data) == verify(data)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("left", [0, 1, 20, -1, -20])
def test_what_a_cut_leaves_is_found(image_format: str, left: int) -> None:
    with pytest.raises(DamagedImage):
        survey(picture(64, 64, image_format)[:left])


def test_a_flipped_bit_in_a_png_is_found() -> None:
    data = bytearray(picture())
    data[60] ^= 1
    with pytest.raises(DamagedImage, match="checksum"):
        survey(bytes(data))


def test_a_png_without_pixels_is_none() -> None:
    data = picture()
    start, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    with pytest.raises(DamagedImage, match="no pixels"):
        png.survey(data[:start] + data[end:])


@pytest.mark.parametrize("data", [b"", b"text", picture(image_format="GIF")])
def test_other_bytes_are_none(data: bytes) -> None:
    with pytest.raises(DamagedImage):
        survey(data)
