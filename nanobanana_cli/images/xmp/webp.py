"""Read and write XMP in a WebP: the `XMP ` chunk, announced by a flag in `VP8X`.

Sources: RFC 9649 (the container, VP8L), RFC 6386 section 9.1 (VP8's frame header), C2PA
specification, appendix A (`C2PA`).
"""

from __future__ import annotations

import struct

from nanobanana_cli.images import webp
from nanobanana_cli.images.formats import Chunk, DamagedImage

FURTHER = "a second XMP packet"
_XMP = b"XMP "
_XMP_FLAG = 0x04
_ALPHA_FLAG = 0x10


def packet(data: bytes) -> bytes | None:
    """Return the XMP packet, or None.

    Raises:
        DamagedImage: the file is cut.
    """
    return next((bytes(chunk.body) for chunk in webp.chunks(data) if chunk.kind == _XMP), None)


def further(data: bytes) -> bytes | None:
    """Return a second packet, or None.

    Raises:
        DamagedImage: the file is cut.
    """
    found = [bytes(chunk.body) for chunk in webp.chunks(data) if chunk.kind == _XMP]
    return next((text for text in found if text != found[0]), None)


def with_packet(data: bytes, new: bytes) -> bytes:
    """Return the file with this packet, in the old one's place or at the end.

    Raises:
        DamagedImage: the file is cut, or does not begin with a picture.
    """
    chunks = list(webp.chunks(data))
    if not chunks:
        raise DamagedImage("the WebP has no picture in it")
    first, end = chunks[0], chunks[-1].end
    old = next((chunk for chunk in chunks if chunk.kind == _XMP), None)
    start, resume = (old.start, old.end) if old else (end, end)
    extended = first.kind == b"VP8X" and len(first.body) > 0
    header = bytes([first.body[0] | _XMP_FLAG, *first.body[1:]]) if extended else _header(first)
    rest = first.end if extended else first.start
    # A last chunk of odd length may lack its padding; one that follows needs it.
    middle = data[rest:start] + b"\0" * ((start - rest) % 2)
    content = b"WEBP" + _chunk(b"VP8X", header) + middle + _chunk(_XMP, new) + data[resume:end]
    return b"RIFF" + struct.pack("<I", len(content)) + content + data[end:]


def is_signed(data: bytes) -> bool:
    """Return whether the file holds a C2PA manifest."""
    return any(chunk.kind == b"C2PA" for chunk in webp.chunks(data))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _header(picture: Chunk) -> bytes:
    """Return the body of the VP8X chunk that a simple file needs before it may hold metadata."""
    width, height = webp.canvas_size(picture)
    if width < 1 or height < 1 or len(picture.body) < 5:
        raise DamagedImage("the WebP does not begin with a picture")
    flags = _XMP_FLAG
    # VP8L: a byte of signature, twice 14 bits of size, then the bit that says alpha is used.
    if picture.kind == b"VP8L" and picture.body[4] & 0x10:
        flags |= _ALPHA_FLAG
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return struct.pack("<I", flags) + sides
