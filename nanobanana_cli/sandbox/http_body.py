"""Read the body of an HTTP request, sent with a length or in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BufferedIOBase

from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.validation import MAX_BODY

_PIECE = 1 << 20
_MAX_LINE = 8192
_DIGITS = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n")


def read(headers: Mapping[str, str], stream: BufferedIOBase) -> bytes:
    """Return the whole body.

    Args:
        headers: by name in lower case.
        stream: at the beginning of the body; read to its end even when it is too large, so that
            the client gets to read the error.

    Raises:
        ApiError: the length is malformed, or too large.
        ConnectionError: the client went away.
    """
    encoding = headers.get("transfer-encoding")
    if encoding is None:
        length = headers.get("content-length", "0")
        if not _DIGITS.fullmatch(length):
            raise ApiError(400, "Content-Length is not a number.")
        pieces = _counted(stream, int(length))
    elif encoding.strip().lower() == "chunked":
        pieces = _chunked(stream)
    else:
        raise ApiError(400, f"Transfer-Encoding {encoding[:40]} is not known.")
    kept: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size <= MAX_BODY:
            kept.append(piece)
    if size > MAX_BODY:
        raise ApiError(413, f"Request payload size exceeds the limit: {MAX_BODY} bytes.")
    return b"".join(kept)


def _counted(stream: BufferedIOBase, left: int) -> Iterator[bytes]:
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise ConnectionError("the client went away in mid-request")
        left -= len(piece)
        yield piece


def _chunked(stream: BufferedIOBase) -> Iterator[bytes]:
    while size := _chunk_size(stream.readline(_MAX_LINE)):
        yield from _counted(stream, size)
        stream.readline(_MAX_LINE)
    # Headers may follow; none of them means anything here.
    while stream.readline(_MAX_LINE).strip():
        pass


def _chunk_size(line: bytes) -> int:
    if not line:
        raise ConnectionError("the client went away in mid-request")
    found = _CHUNK.fullmatch(line)
    if not found:
        raise ApiError(400, "The size of a chunk is not a number.")
    return int(found[1], 16)
