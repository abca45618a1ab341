from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from nanobanana_cli.images import webp
from nanobanana_cli.images.formats import DamagedImage


def _webp(width: int, height: int, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(buffer, "webp", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM"}])
@pytest.mark.parametrize("size", [(1, 1), (23, 15), (300, 7)])
def test_the_size_of_each_kind(size: tuple[int, int], options: dict[str, Any]) -> None:
    assert webp.survey(_webp(*size, **options)) == size


def test_an_animation_has_the_size_of_its_canvas() -> None:
    frames = [Image.new("RGB", (12, 9), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "webp", save_all=True, append_images=frames[1:])
    assert webp.survey(buffer.getvalue()) == (12, 9)


def test_chunks_of_odd_length_are_padded() -> None:
    data = _webp(8, 8, exif=b"Exif\0\0abc")
    assert [bytes(chunk.body) for chunk in webp.chunks(data) if chunk.kind == b"EXIF"] == [b"abc"]


def test_the_last_chunk_may_be_empty() -> None:
    data = bytearray(_webp(8, 8, exif=b"Exif\0\0ab") + b"XMP \0\0\0\0")
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    assert webp.survey(bytes(data)) == (8, 8)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\4\0\0\0WAVE"])
def test_something_else(data: bytes) -> None:
    with pytest.raises(DamagedImage, match="does not start with a WebP header"):
        webp.survey(data)


def test_a_picture_must_come_first() -> None:
    data = bytearray(_webp(8, 8))
    data[12:12] = b"EXIF\2\0\0\0ab"
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    with pytest.raises(DamagedImage, match="claims a size of 0x0 pixels"):
        webp.survey(data)
