"""Read and write XMP in a JPEG: an APP1 segment, with its overflow in further ones.

Sources: XMP specification part 3, 1.1.3 (a packet of at most 65,502 bytes, ExtendedXMP); CIPA
DC-007 (the index of several pictures); C2PA specification, appendix A (JUMBF in APP11).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import takewhile

from nanobanana_cli.images import jpeg
from nanobanana_cli.images.formats import EXIF
from nanobanana_cli.images.jpeg import Segment
from nanobanana_cli.images.xmp.scan import BadMetadata

FURTHER = "ExtendedXMP"
_PACKET = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
# After the name: the digest's 32 characters, the whole length, this part's offset.
_EXTENSION_HEADER = len(_EXTENSION) + 32 + 4 + 4
_MAX_PACKET = 65_502
_APP0, _APP1, _APP2, _APP11, _SCAN = 0xE0, 0xE1, 0xE2, 0xEB, 0xDA


def packet(data: bytes) -> bytes | None:
    """Return the XMP packet, or None.

    Raises:
        DamagedImage: the file is cut.
    """
    found = _find(data)
    return bytes(found.body[len(_PACKET) :]) if found else None


def further(data: bytes) -> bytes | None:
    """Return the part of the XMP that did not fit into the packet, or None.

    Raises:
        DamagedImage: the file is cut.
    """
    parts = [bytes(each.body) for each in _segments(data) if each.begins(_APP1, _EXTENSION)]
    # The parts may come in any order; the offset, last in each header, tells the right one.
    parts.sort(key=lambda body: body[_EXTENSION_HEADER - 4 : _EXTENSION_HEADER])
    return b"".join(body[_EXTENSION_HEADER:] for body in parts) or None


def with_packet(data: bytes, new: bytes) -> bytes:
    """Return the file with this packet, in the old one's place or after JFIF and EXIF.

    Raises:
        DamagedImage: the file is cut.
        BadMetadata: the packet does not fit into a segment, or the edit would invalidate an offset
            that the file holds.
    """
    if len(new) > _MAX_PACKET:
        raise BadMetadata(
            f"its XMP would grow to {len(new):,} bytes, and a JPEG holds at most {_MAX_PACKET:,}"
        )
    old = _find(data)
    start, end = (old.start, old.end) if old else (_after_exif(data),) * 2
    # The index counts from its own place to the pictures behind the edit.
    if any(each.begins(_APP2, b"MPF\0") and each.end <= start for each in _segments(data)):
        raise BadMetadata("it holds several pictures, and the edit would break their index")
    body = _PACKET + new
    return data[:start] + struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body + data[end:]


def is_signed(data: bytes) -> bool:
    """Return whether the file holds a C2PA manifest."""
    boxes = (each.body for each in _segments(data) if each.begins(_APP11, b"JP"))
    return any(b"c2pa" in bytes(body) for body in boxes)


def _segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments before the image data, which hold the metadata."""
    return takewhile(lambda segment: segment.marker != _SCAN, jpeg.segments(data))


def _find(data: bytes) -> Segment | None:
    return next((each for each in _segments(data) if each.begins(_APP1, _PACKET)), None)


def _after_exif(data: bytes) -> int:
    """Return the offset behind JFIF, which has to come first, and EXIF."""
    at = 2
    for segment in _segments(data):
        if segment.marker != _APP0 and not segment.begins(_APP1, EXIF):
            break
        at = segment.end
    return at
