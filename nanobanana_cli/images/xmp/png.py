"""Read and write XMP in a PNG: the iTXt chunk with the keyword `XML:com.adobe.xmp`.

Sources: PNG specification (third edition) 11.3.3.4; XMP specification part 3, 1.1.5; C2PA
specification, appendix A (`caBX`).
"""

from __future__ import annotations

import struct
import zlib

from nanobanana_cli.images import png
from nanobanana_cli.images.formats import Chunk
from nanobanana_cli.images.xmp.scan import BadMetadata

_KEYWORD = b"XML:com.adobe.xmp\0"
# Not compressed, by no method, in no language, keyword not translated.
_HEADER = _KEYWORD + b"\0\0\0\0"
# A packet is some kilobytes; what inflates beyond this is an attack.
_MAX_PACKET = 16 << 20


def packet(data: bytes) -> bytes | None:
    """Return the XMP packet, or None.

    Raises:
        DamagedImage: the file is cut or corrupt.
        BadMetadata: the chunk cannot be read.
    """
    chunk = _find(data)
    return _text(bytes(chunk.body)) if chunk else None


def with_packet(data: bytes, new: bytes) -> bytes:
    """Return the file with this packet, in the old one's place or right after the header.

    Raises:
        DamagedImage: the file is cut or corrupt.
    """
    header, old = next(png.chunks(data)), _find(data)
    start, end = (old.start, old.end) if old else (header.end, header.end)
    body = b"iTXt" + _HEADER + new
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:start] + chunk + data[end:]


def is_signed(data: bytes) -> bool:
    """Return whether the file holds a C2PA manifest."""
    return any(chunk.kind == b"caBX" for chunk in png.chunks(data))


def _find(data: bytes) -> Chunk | None:
    texts = (chunk for chunk in png.chunks(data) if chunk.kind == b"iTXt")
    return next((c for c in texts if c.body[: len(_KEYWORD)] == _KEYWORD), None)


def _text(body: bytes) -> bytes:
    flags, rest = body[len(_KEYWORD) :][:2], body[len(_KEYWORD) + 2 :]
    _language, _, rest = rest.partition(b"\0")
    _translated, end, text = rest.partition(b"\0")
    if len(flags) < 2 or not end:
        raise BadMetadata("the PNG's XMP chunk is cut short")
    return _inflated(text) if flags[0] else text


def _inflated(text: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        packet = inflater.decompress(text, _MAX_PACKET)
    except zlib.error as error:
        raise BadMetadata("the PNG's XMP chunk cannot be decompressed") from error
    if not inflater.eof:
        raise BadMetadata("the PNG's XMP chunk is cut short or too large")
    return packet
