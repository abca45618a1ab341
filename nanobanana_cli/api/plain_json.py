"""Make JSON of a reply's bytes, however they are encoded, packed or damaged. Pure."""

from __future__ import annotations

import json
import math
import mmap
import re
import zlib
from contextlib import suppress
from typing import Any

import msgspec

from nanobanana_cli.types import Data

_SPACE = re.compile(rb"(?:\xef\xbb\xbf)?[\s\0]*")
_BETWEEN_VALUES = re.compile(r"[\s,]*")
# UTF-16 and UTF-32, by their marks or the zeros of the first characters.
_WIDE = re.compile(
    rb"\xff\xfe|\xfe\xff|(?:\0[^\0]){2}|(?:[^\0]\0){2}|(?:\0{3}[^\0]){2}|(?:[^\0]\0{3}){2}"
)
_GZIP = b"\x1f\x8b"
# A string, with its end if that has come, or a mark between values.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[\]{},:]', re.DOTALL)
# The mark of what `closed` has closed; as a field's name, and as what it adds to each kind.
CUT = "nb:cut"
_CLOSED = {b"}": b',"%s":true}' % CUT.encode(), b"]": b',{"%s":true}]' % CUT.encode()}
_LARGEST_UNPACKED = 256 << 20


def plain(body: Data) -> Data:
    """Return a reply as UTF-8, and unpacked if it is gzip that nobody declared."""
    if bytes(body[:2]) == _GZIP:
        with suppress(zlib.error):
            body = zlib.decompressobj(wbits=31).decompress(body, _LARGEST_UNPACKED) or body
    if _WIDE.match(body):
        encoding = json.detect_encoding(bytes(body[:8]))
        return str(body, encoding, "replace").encode("utf-8", "replace")
    return body


def unpacked_size(body: Data) -> int:
    """Return how many bytes gzip that nobody declared says that it holds (RFC 1952); else 0."""
    return int.from_bytes(body[-4:], "little") if bytes(body[:2]) == _GZIP else 0


def is_whole(body: Data) -> bool:
    """Return True if a reply is one JSON value."""
    return _flaw(body) is None


def is_cut(body: Data) -> bool:
    """Return True if a reply is the start of a JSON value."""
    return start_of(body) < len(body) and "truncated" in (_flaw(body) or "")


def _flaw(body: Data) -> str | None:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (ValueError, RecursionError) as error:
        return str(error)
    return None


def searchable(body: Data) -> bytes | bytearray | mmap.mmap:
    """Return the same bytes with a `find`, not copied where they came with a stated length."""
    if not isinstance(body, memoryview):
        return body
    whole = body.obj
    return whole if isinstance(whole, mmap.mmap) and len(whole) == len(body) else bytes(body)


def start_of(body: Data) -> int:
    """Return the place of the first byte that is not white space."""
    found = _SPACE.match(body)
    return found.end() if found else 0


def repaired(body: Data) -> bytes:
    """Return strict JSON for a body that only a lenient parser reads.

    A byte order mark, control characters and lone surrogates in strings, bytes that are not UTF-8,
    NaN, numbers of any length, and something else behind it: all of these occur in practice, and
    none is a reason to lose an image.

    Raises:
        ValueError: it is not JSON in this sense either.
    """
    text = str(body, "utf-8-sig", "replace").strip(" \t\r\n\0")
    decoder = json.JSONDecoder(
        strict=False, parse_constant=lambda _: None, parse_int=_integer, parse_float=_decimal
    )
    values: list[Any] = []
    end = 0
    try:
        while end < len(text) or not values:
            try:
                value, end = decoder.raw_decode(text, end)
            except ValueError:
                # Behind a whole value, only another one that is damaged is a loss.
                if not values or text[end] in "{[":
                    raise
                break
            values.append(value)
            gap = _BETWEEN_VALUES.match(text, end)
            end = gap.end() if gap else end
        lone = values[0] if len(values) == 1 else values
        return json.dumps(lone, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mended(body: Data) -> bytes:
    """Return strict JSON for a body that only a lenient parser reads, or for the start of one.

    Raises:
        ValueError: see `repaired` and `closed`.
    """
    with suppress(ValueError):
        return repaired(body)
    found = closed(body)
    return found if is_whole(found) else repaired(found)


def closed(body: Data) -> bytes:
    """Return what is whole of a cut JSON value; objects and lists that are open end with `CUT`.

    Raises:
        ValueError: it is not the start of an object or a list, or nothing in it is whole.
    """
    start = start_of(body)
    opened: list[bytes] = []
    # Behind the last whole value, and how many were open there: since then, none was closed.
    end = depth = 0
    before = b""
    for token in _TOKEN.finditer(body, start):
        mark = bytes(body[token.start() : token.start() + 1])
        if mark == b'"' and not token[1]:
            break
        is_key = mark == b'"' and before in (b"{", b",") and opened[-1:] == [b"}"]
        if mark in (b"[", b"{"):
            opened.append(b"]" if mark == b"[" else b"}")
        elif mark in (b"]", b"}") and (not opened or opened.pop() != mark):
            raise ValueError("damaged")
        elif mark != b":" and not is_key:
            end, depth = (token.start() if mark == b"," else token.end()), len(opened)
        if not opened:
            raise ValueError("not cut")
        before = mark
    if not end or bytes(body[start : start + 1]) not in (b"[", b"{"):
        raise ValueError("nothing is whole")
    return b"".join((memoryview(body)[start:end], *map(_CLOSED.__getitem__, opened[:depth][::-1])))


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) < 19 else None


def _decimal(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None
