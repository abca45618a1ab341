"""Read and write XMP in a PNG: the iTXt chunk with the keyword `XML:com.adobe.xmp`.

ImageMagick and others keep a packet in hexadecimal, as a text with the keyword `Raw profile type
xmp`, or `APP1` for one that comes from a JPEG. It is read, and replaced by the chunk that the
specification asks for.

Sources: PNG specification (third edition) 11.3.3.2 to 11.3.3.4; XMP specification part 3, 1.1.5;
C2PA specification, appendix A (`caBX`); ImageMagick, coders/png.c; ExifTool, PNG tags.
"""

from __future__ import annotations

import re
import struct
import zlib

from nanobanana_cli.images import png
from nanobanana_cli.images.formats import Chunk, DamagedImage
from nanobanana_cli.images.xmp.scan import MalformedXmp

FURTHER = "a second XMP packet"
_KEYWORD = b"XML:com.adobe.xmp\0"
# Not compressed, by no method, in no language, keyword not translated.
_HEADER = _KEYWORD + b"\0\0\0\0"
_RAW, _RAW_APP1 = b"Raw profile type xmp\0", b"Raw profile type APP1\0"
# The name of the profile, its length in bytes, then its digits in lines.
_RAW_PROFILE = re.compile(rb"\s*+\w++\s++\d++\s++([0-9A-Fa-f\s]*+)\0*+")
# What tells an APP1 segment of XMP from one of EXIF.
_APP1_XMP = b"http://ns.adobe.com/xap/1.0/\0"
# A packet is some kilobytes; what inflates beyond this is an attack.
_MAX_PACKET = 16 << 20
# Programs leave two or three; each may inflate to the above.
_MOST_COPIES = 16


def packet(data: bytes) -> bytes | None:
    """Return the XMP packet, or None.

    Raises:
        DamagedImage: the file is cut or corrupt, before the packet.
        MalformedXmp: the chunk cannot be read.
    """
    standard = next((chunk for chunk in png.chunks(data) if _is_standard(chunk)), None)
    found = [standard] if standard else _find(data)
    return _text(found[0]) if found else None


def further(data: bytes) -> bytes | None:
    """Return a second packet, as programs leave that know one of the two chunks only; or None.

    Raises:
        DamagedImage, MalformedXmp: as `packet`.
    """
    texts = map(_text, _find(data))
    first = next(texts, None)
    return next((text for text in texts if text != first), None)


def with_packet(data: bytes, new: bytes) -> bytes:
    """Return the file with this packet, in the old one's place or right after the header.

    Copies of the old one are left out, and so is what cannot be read.

    Raises:
        DamagedImage: the file is cut or corrupt.
    """
    header, found = next(png.chunks(data)), _find(data)
    if header.kind != b"IHDR":
        raise DamagedImage("the PNG does not begin with its header")
    body = b"iTXt" + _HEADER + new
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    if not found:
        return data[: header.end] + chunk + data[header.end :]
    gone = (None, _readable(found[0]))
    edits = {each.start: (each.end, b"") for each in found[1:] if _readable(each) in gone}
    edits[found[0].start] = (found[0].end, chunk)
    for start in sorted(edits, reverse=True):
        end, replacement = edits[start]
        data = data[:start] + replacement + data[end:]
    return data


def is_signed(data: bytes) -> bool:
    """Return whether the file holds a C2PA manifest."""
    return any(chunk.kind == b"caBX" for chunk in png.chunks(data))


def _find(data: bytes) -> list[Chunk]:
    """Return the chunks that hold XMP, the one of the specification first."""
    texts = [chunk for chunk in png.chunks(data) if chunk.kind in (b"iTXt", b"tEXt", b"zTXt")]
    standard = [each for each in texts if _is_standard(each)]
    raw = [each for each in texts if _begins(each, _RAW)]
    app1 = [each for each in texts if _begins(each, _RAW_APP1)]
    if len(standard) + len(raw) + len(app1) > _MOST_COPIES:
        raise DamagedImage(f"the PNG has more than {_MOST_COPIES} chunks of metadata")
    # Another APP1 is EXIF.
    return standard + raw + [each for each in app1 if _readable(each) is not None]


def _is_standard(chunk: Chunk) -> bool:
    return chunk.kind == b"iTXt" and _begins(chunk, _KEYWORD)


def _begins(chunk: Chunk, keyword: bytes) -> bool:
    return chunk.body[: len(keyword)] == keyword


def _readable(chunk: Chunk) -> bytes | None:
    """Return the packet that a chunk holds, or None."""
    try:
        return _text(chunk)
    except MalformedXmp:
        return None


def _text(chunk: Chunk) -> bytes:
    """Return the packet that a chunk holds."""
    keyword, _, rest = bytes(chunk.body).partition(b"\0")
    if chunk.kind == b"iTXt":
        flags, rest = rest[:2], rest[2:]
        _language, _, rest = rest.partition(b"\0")
        _translated, end, text = rest.partition(b"\0")
        if len(flags) < 2 or not end:
            raise MalformedXmp("the PNG's XMP chunk is cut short")
        text = _inflated(text) if flags[0] else text
    else:
        # After the keyword of zTXt, the only method of compression.
        text = _inflated(rest[1:]) if chunk.kind == b"zTXt" else rest
    if keyword + b"\0" == _KEYWORD:
        return text
    profile = _RAW_PROFILE.fullmatch(text)
    digits = b"".join(profile[1].split()) if profile else b""
    body = bytes.fromhex(digits.decode()) if digits and len(digits) % 2 == 0 else b""
    if not body or (keyword + b"\0" == _RAW_APP1 and not body.startswith(_APP1_XMP)):
        raise MalformedXmp("the PNG's raw profile of XMP is not one")
    return body.removeprefix(_APP1_XMP)


def _inflated(text: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        packet = inflater.decompress(text, _MAX_PACKET)
    except zlib.error as error:
        raise MalformedXmp("the PNG's XMP chunk cannot be decompressed") from error
    if not inflater.eof:
        raise MalformedXmp("the PNG's XMP chunk is cut short or too large")
    return packet
