"""Walks a WebP's chunks: its size, and whether all of it is there.

Source of the rules: RFC 9649.
"""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.images.errors import DamagedImage, check_size
from nanobanana_cli.types import Data


def check(data: Data) -> tuple[int, int]:
    """Width and height, in pixels, of a WebP that has all its chunks.

    Bytes after the container are let pass.

    Raises:
        DamagedImage: it is cut, or has no picture.
    """
    found = list(chunks(data))
    if {kind for kind, _ in found}.isdisjoint({b"VP8 ", b"VP8L", b"ANMF"}):
        raise DamagedImage("the WebP has no picture in it")
    width, height = size(*found[0])
    check_size("WebP", width, height)
    return width, height


def size(kind: bytes, body: memoryview) -> tuple[int, int]:
    """The canvas in pixels, as the first chunk says; 0, 0 when it is none that may be the first."""
    match kind:
        case b"VP8X":
            return 1 + _number(body[4:7]), 1 + _number(body[7:10])
        case b"VP8L":
            return 1 + (_number(body[1:5]) & 0x3FFF), 1 + (_number(body[1:5]) >> 14 & 0x3FFF)
        case b"VP8 ":
            return _number(body[6:8]) & 0x3FFF, _number(body[8:10]) & 0x3FFF
        case _:
            return 0, 0


def _number(field: memoryview) -> int:
    return int.from_bytes(field, "little")


def chunks(data: Data) -> Iterator[tuple[bytes, memoryview]]:
    """Type and body of each chunk, not copied.

    Raises:
        DamagedImage: as it comes to where the file is cut.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise DamagedImage("it does not begin like a WebP")
    view = memoryview(data)
    whole = 8 + _number(view[4:8])
    if len(view) < whole:
        raise DamagedImage(f"the WebP is cut off after {len(view)} of {whole} bytes")
    start = 12
    while start < whole:
        length = _number(view[start + 4 : start + 8])
        end = start + 8 + length
        if end > whole or start + 8 > whole:
            raise DamagedImage("a chunk of the WebP reaches beyond its end")
        yield bytes(view[start : start + 4]), view[start + 8 : end]
        # Chunks begin at even offsets.
        start = end + length % 2
