"""Inspect, convert, resize and label images."""

from __future__ import annotations

from typing import NamedTuple

# The largest image of the catalog has 19 million pixels. More than this is a mistake or an attack:
# a file of some kilobytes can ask for gigabytes of memory.
PIXEL_LIMIT = 200_000_000
# What an EXIF block begins with, in a JPEG and for Pillow.
EXIF = b"Exif\0\0"


class DamagedImage(ValueError):
    """Bytes that are not a whole, decodable image; `str()` gives the reason in one plain line."""


class Chunk(NamedTuple):
    """A chunk of a PNG or WebP: its type, its offsets in the file, and its content, not copied."""

    kind: bytes
    start: int
    end: int
    body: memoryview


def check_size(title: str, width: int, height: int) -> None:
    """Raise DamagedImage for a size in pixels that no decoder should be given."""
    if width < 1 or height < 1:
        raise DamagedImage(f"the {title} claims a size of {width}x{height} pixels")
    if width * height > PIXEL_LIMIT:
        most = f"more than {PIXEL_LIMIT // 1_000_000} million"
        raise DamagedImage(f"the {title} claims {width}x{height} pixels, {most}")
