"""Read the whole body of a reply, as soon as it fits into memory."""

from __future__ import annotations

import http.client
import mmap
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import requests
import urllib3

from nanobanana_cli.errors import BadReply
from nanobanana_cli.types import Data

# A 4K picture of noise is 65 MB as base64; a reply eight times as large holds no picture.
LARGEST_REPLY = 512 << 20
_CHUNK = 1 << 18
# A reply, and the image in it, which is three quarters as large.
_HELD_PER_BYTE = 2
CAPACITY = 192 << 20
# The size of a reply whose length the service does not say, until replies have shown theirs.
_FIRST_GUESS = 16 << 20


class MemoryBudget:
    """Admit replies, from any number of threads, as long as they fit into memory.

    Args:
        capacity: bytes. A reply that is larger by itself is admitted alone.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._free = self._capacity = capacity
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._largest = 0
        self._closed = False

    def acquire(
        self, expected: int | None, paused: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Wait until a reply fits; this thread holds its memory until `release`.

        Args:
            expected: the reply's size in bytes; None if the service does not say.
            paused: stops the deadline of the attempt while this waits.
        """
        self.release()
        thread = threading.get_ident()
        with self._changed:
            self._largest = max(self._largest, expected or 0)
            size = expected or self._largest or _FIRST_GUESS
            needed = min(size * _HELD_PER_BYTE, self._capacity)
            if not self._fits(needed):
                with paused():
                    self._changed.wait_for(lambda: self._fits(needed))
            self._free -= needed
            self._held[thread] = needed

    def release(self) -> None:
        """Free what this thread holds."""
        with self._changed:
            self._free += self._held.pop(threading.get_ident(), 0)
            self._changed.notify_all()

    def close(self) -> None:
        """End every wait, because the run stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, needed: int) -> bool:
        return self._closed or needed <= self._free


def read(
    response: requests.Response,
    begun: Callable[[int | None], object],
    *,
    limit: int | None = None,
) -> Data:
    """Return all bytes of a reply; without a stated length, all that arrive before it ends.

    Args:
        response: its headers are read, its body is not.
        begun: called once the body begins to arrive, with its length in bytes if that is known.
            Until it returns, the rest waits in the socket. It is not called before the first bytes,
            since some services send the headers long before them.
        limit: the most bytes to read; 512 MiB by default.

    Raises:
        BadReply: it is larger than the limit, or its compression is damaged.
        Exception: those of `connection_errors.FAILURES`.
    """
    raw = response.raw
    limit = limit or LARGEST_REPLY
    length = raw.length_remaining
    if (length or 0) > limit:
        raise _too_large(limit)
    try:
        # Past urllib3, which would copy each piece twice. requests, too, takes this attribute
        # from urllib3.
        source = raw._original_response  # noqa: SLF001
        is_encoded = "Content-Encoding" in response.headers
        if length and not is_encoded and isinstance(source, http.client.HTTPResponse):
            return _read_known(source, length, begun)
        return _read_unknown(raw, length, begun, limit)
    except urllib3.exceptions.DecodeError as error:
        raise BadReply("the reply's compression is damaged") from error


def _read_known(
    source: http.client.HTTPResponse, length: int, begun: Callable[[int | None], object]
) -> memoryview:
    first = source.read(1)
    begun(length)
    # Pages of its own, which leave the process when the reply is done with: of a bytearray, the
    # allocator would keep up to 32 MB for each thread.
    body = memoryview(mmap.mmap(-1, length))
    body[: len(first)] = first
    filled = len(first)
    while filled and (count := source.readinto(body[filled:])):
        filled += count
    if filled < length:
        raise http.client.IncompleteRead(b"", length - filled)
    return body


def _read_unknown(
    raw: urllib3.HTTPResponse,
    length: int | None,
    begun: Callable[[int | None], object],
    limit: int,
) -> bytearray:
    body = bytearray()
    for chunk in raw.stream(_CHUNK, decode_content=True):
        if not body:
            begun(length)
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return body


def _too_large(limit: int) -> BadReply:
    return BadReply(f"the reply is larger than {limit >> 20} MiB")
