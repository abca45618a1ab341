"""Read a WebP: its chunks, its size, and whether all of it is there.

Source of the rules: RFC 9649.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from nanobanana_cli.images.formats import Chunk, DamagedImage, check_size
from nanobanana_cli.types import Data

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_SHOWN = (b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF")


def survey(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels, of a WebP with all its chunks.

    Ignores bytes after the container.

    Raises:
        DamagedImage: it is cut, or has no picture.
    """
    found = list(chunks(data))
    if {chunk.kind for chunk in found}.isdisjoint({b"VP8 ", b"VP8L", b"ANMF"}):
        raise DamagedImage("the WebP has no picture in it")
    width, height = canvas_size(found[0])
    check_size("WebP", width, height)
    return width, height


def verify(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels, of a WebP that Pillow decodes to its end.

    Raises:
        DamagedImage: it is cut, or its pixels cannot be decoded.
    """
    from nanobanana_cli.images.convert import opened

    size = survey(data)
    with opened(data, "webp") as image:
        image.load()
    return size


def open_image(data: Data) -> ImageFile:
    """Return Pillow's image."""
    from PIL.WebPImagePlugin import WebPImageFile

    return WebPImageFile(BytesIO(data))


def bare(data: Data) -> bytes:
    """Return the content without EXIF, XMP, C2PA, and the header that announces them.

    Raises:
        DamagedImage: it is cut.
    """
    return b"".join(
        chunk.kind + bytes(chunk.body) for chunk in chunks(data) if chunk.kind in _SHOWN
    )


def canvas_size(first: Chunk) -> tuple[int, int]:
    """Return width and height in pixels as the first chunk gives them; 0, 0 if it has none."""
    body = first.body
    match first.kind:
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


def chunks(data: Data) -> Iterator[Chunk]:
    """Yield each chunk.

    Raises:
        DamagedImage: on reaching the place where the file is cut.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise DamagedImage("it does not start with a WebP header")
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
        # Chunks begin at even offsets; the last one's padding may be missing.
        padded = min(end + length % 2, len(view))
        yield Chunk(bytes(view[start : start + 4]), start, padded, view[start + 8 : end])
        start = padded
