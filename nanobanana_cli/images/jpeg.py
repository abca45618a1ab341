"""Read a JPEG: its markers and segments, its size, and whether its end is there.

Source of the rules: ITU-T T.81, annex B.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from nanobanana_cli.images.formats import EXIF, DamagedImage, check_size
from nanobanana_cli.types import Data

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile


_EOI, _SOS = 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Frames whose pixels come from top to bottom, and those of Huffman's code. An arithmetic coder may
# leave out zeros at its end, so that nobody can tell whether a scan is complete.
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_HUFFMAN = _SEQUENTIAL | {0xC2}
# Encoders make ten or a few more; each costs the time of the whole picture, however short it is.
_MOST_SCANS = 500
# What libjpeg makes of blocks that are missing, before and after Pillow inverts them.
_GREY = (127, 128)
# Noise, so that missing blocks made of it are not grey; then some after each restart marker.
_NOISE = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(64)).replace(b"\xff", b"\xfe")
_SPARE = _NOISE + b"".join(bytes((0xFF, marker)) + _NOISE for marker in range(0xD0, 0xD8))
# Within a scan, FF 00 is data and FF D0…D7 restarts it; elsewhere libjpeg skips all but markers.
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")


class Segment(NamedTuple):
    """A marker, the offsets of its FF and of the end of its parameters, and these, not copied."""

    marker: int
    start: int
    end: int
    body: memoryview

    def begins(self, marker: int, signature: bytes) -> bool:
        """Return whether the marker is this one and its parameters begin with a signature."""
        return self.marker == marker and self.body[: len(signature)] == signature


def survey(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels as stored, of a JPEG with all its segments and its end.

    Ignores bytes after the end: phones and gain maps put further pictures there.

    Raises:
        DamagedImage: it is cut, or has no picture.
    """
    return _outline(data).size


def verify(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels as stored, of a JPEG that is whole.

    Decodes all of it, but makes no more pixels of it than tell whether it was all there: libjpeg
    fills what is missing with grey, and Pillow does not hear of it.

    Raises:
        DamagedImage: it is cut, though it may have an end, or it cannot be decoded.
    """
    outline = _outline(data)
    # Luminance, one pixel a block: two thirds of the time, a thirtieth of the memory.
    scale = 8 if outline.has_one_scan else 1
    picture = _decoded(data, outline, scale)
    if outline.has_one_scan and not _ends_grey(picture):
        return outline.size
    # A scan that is complete has no use for further bytes.
    longer = b"".join((data[: outline.end], _SPARE, b"\xff\xd9"))
    if outline.frame.marker in _HUFFMAN and _decoded(longer, outline, scale) != picture:
        raise DamagedImage("the JPEG is cut off: a part of its picture is missing")
    return outline.size


class _Outline(NamedTuple):
    """The frame, its size in pixels, its scans, and the offset of the end marker."""

    frame: Segment
    size: tuple[int, int]
    scans: list[Segment]
    end: int

    @property
    def has_one_scan(self) -> bool:
        return len(self.scans) == 1 and self.frame.marker in _SEQUENTIAL

    @property
    def ends_with_luminance(self) -> bool:
        return self.scans[-1].body[1] == self.frame.body[6]


def _outline(data: Data) -> _Outline:
    found = list(segments(data))
    frame = next((each for each in found if each.marker in _FRAMES), None)
    scans = [each for each in found if each.marker == _SOS]
    if frame is None or not scans or len(frame.body) < 6:
        raise DamagedImage("the JPEG has no picture in it")
    if len(scans) > _MOST_SCANS:
        raise DamagedImage(f"the JPEG has {len(scans):,} scans, more than {_MOST_SCANS}")
    height, width = int.from_bytes(frame.body[1:3]), int.from_bytes(frame.body[3:5])
    check_size("JPEG", width, height)
    # Each component: in the frame 3 bytes from the 6th on, in a scan 2 from the 2nd on.
    shown = {component for scan in scans for component in scan.body[1:-3:2]}
    if not shown.issuperset(frame.body[6::3]):
        raise DamagedImage("the JPEG is cut off: a part of its picture is missing")
    return _Outline(frame, (width, height), scans, found[-1].start)


def _decoded(data: Data, outline: _Outline, scale: int) -> Image:
    """Return the picture, in luminance alone if that is enough, smaller by a power of two."""
    from nanobanana_cli.images.convert import opened

    with opened(data, "jpeg") as image:
        if outline.ends_with_luminance:
            image.draft("L", (max(1, outline.size[0] // scale), max(1, outline.size[1] // scale)))
        image.load()
        return image


def _ends_grey(picture: Image) -> bool:
    last = picture.getpixel((picture.width - 1, picture.height - 1))
    levels = last if isinstance(last, tuple) else (last,)
    return all(level in _GREY for level in levels)


def open_image(data: Data) -> ImageFile:
    """Return Pillow's image, with EXIF as it is in the file.

    Pillow would read EXIF as it opens the file, and warn or fail when that is damaged though every
    pixel is there, so it does not get to see it.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    image = JpegImageFile(BytesIO(bare(data)))
    if found := exif(data):
        image.info["exif"] = found
    return image


def segments(data: Data) -> Iterator[Segment]:
    """Yield each segment after the first marker, up to and including the end marker.

    Raises:
        DamagedImage: on reaching the place where the file is cut.
    """
    if data[:3] != b"\xff\xd8\xff":
        raise DamagedImage("it does not start with a JPEG marker")
    view = memoryview(data)
    position = 2
    while found := _MARKER.search(data, position):
        start = found.start()
        marker = data[start + 1]
        if marker == _EOI:
            yield Segment(marker, start, start + 2, view[:0])
            return
        position = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        if len(data) < start + 4 or position > len(data) or position < start + 4:
            break
        yield Segment(marker, start, position, view[start + 4 : position])
    raise DamagedImage("the JPEG is cut off: its end marker is missing")


def bare(data: Data) -> bytes:
    """Return the JPEG without EXIF, XMP, comments and whatever else no pixel or colour needs.

    Raises:
        DamagedImage: it is cut.
    """
    kept = bytearray(data[:2])
    position = 2
    for marker, start, end, _ in segments(data):
        needless = _APP0 < marker <= _APP15 and marker not in (_APP2, _APP14)
        kept += data[position : start if needless or marker == _COM else end]
        position = end
    return bytes(kept)


def exif(data: Data) -> bytes | None:
    """Return the EXIF block, from its `Exif` signature on, or None.

    Raises:
        DamagedImage: the JPEG is cut.
    """
    found = (bytes(each.body) for each in segments(data) if each.begins(_APP1, EXIF))
    return next(found, None)
