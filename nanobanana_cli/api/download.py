"""Read the body of a reply, once and whole."""

from __future__ import annotations

import http.client
from collections.abc import Callable

import requests
import urllib3

from nanobanana_cli.errors import BadReply

# A 4K picture of noise is 65 MB as base64; a reply eight times as large holds no picture.
LARGEST_REPLY = 512 << 20
_CHUNK = 1 << 18


def read(response: requests.Response, begun: Callable[[int | None], object]) -> bytearray:
    """Return all bytes of a reply; without a stated length, those that came before its end.

    Args:
        response: its headers are read, its body is not.
        begun: called once the body begins to come, with its length in bytes if that is known.
            Until it returns, the rest waits in the socket. Not called before the first bytes:
            some services send the headers long before them.

    Raises:
        BadReply: it is larger than 512 MiB, or its compression is damaged.
        Exception: those of `connection_errors.FAILURES`.
    """
    raw = response.raw
    length = raw.length_remaining
    if (length or 0) > LARGEST_REPLY:
        raise _too_large()
    try:
        # Past urllib3, which would copy each piece twice. requests, too, takes this attribute
        # from urllib3.
        source = raw._original_response  # noqa: SLF001
        is_encoded = "Content-Encoding" in response.headers
        if length and not is_encoded and isinstance(source, http.client.HTTPResponse):
            return _read_known(source, length, begun)
        return _read_unknown(raw, length, begun)
    except urllib3.exceptions.DecodeError as error:
        raise BadReply("the reply's compression is damaged") from error


def _read_known(
    source: http.client.HTTPResponse, length: int, begun: Callable[[int | None], object]
) -> bytearray:
    first = source.read(1)
    begun(length)
    body = bytearray(length)
    body[: len(first)] = first
    filled = len(first)
    view = memoryview(body)
    while filled and (count := source.readinto(view[filled:])):
        filled += count
    if filled < length:
        raise http.client.IncompleteRead(b"", length - filled)
    return body


def _read_unknown(
    raw: urllib3.HTTPResponse, length: int | None, begun: Callable[[int | None], object]
) -> bytearray:
    body = bytearray()
    for chunk in raw.stream(_CHUNK, decode_content=True):
        if not body:
            begun(length)
        body += chunk
        if len(body) > LARGEST_REPLY:
            raise _too_large()
    return body


def _too_large() -> BadReply:
    return BadReply(f"the reply is larger than {LARGEST_REPLY >> 20} MiB")
