"""Read the whole body of a reply, as soon as it fits into memory."""

from __future__ import annotations

import http.client
import mmap
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from functools import partial

import requests
import urllib3

from nanobanana_cli.api.connection_errors import FAILURES
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
    is_usable: Callable[[Data], bool] = lambda _: False,
    goes_on: Callable[[Data], bool] = lambda _: False,
) -> Data:
    """Return all bytes of a reply; without a stated length, all that arrive before it ends.

    Args:
        response: its headers are read, its body is not.
        begun: called once the body begins to arrive, with its length in bytes if that is known.
            Until it returns, the rest waits in the socket. It is not called before the first bytes,
            since some services send the headers long before them.
        limit: the most bytes to read; 512 MiB by default.
        is_usable: returns True for what came before the connection broke, if it will do.
        goes_on: returns True for what came with the stated length, if more is to be read.

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
        if "Content-Encoding" in response.headers or not isinstance(
            source, http.client.HTTPResponse
        ):
            chunks: Iterable[bytes] = raw.stream(_CHUNK, decode_content=True)
        elif length:
            return _read_known(source, length, begun, is_usable, goes_on)
        else:
            chunks = iter(partial(source.read1, _CHUNK), b"")
        return _read_unknown(chunks, length, begun, limit, is_usable)
    except urllib3.exceptions.DecodeError as error:
        raise BadReply("the reply's compression is damaged") from error


def _read_known(
    source: http.client.HTTPResponse,
    length: int,
    begun: Callable[[int | None], object],
    is_usable: Callable[[Data], bool],
    goes_on: Callable[[Data], bool],
) -> Data:
    # Past `source`, which is closed once its length has come.
    stream = source.fp
    first = stream.read(1)
    begun(length)
    # Pages of its own, which leave the process when the reply is done with: of a bytearray, the
    # allocator would keep up to 32 MB for each thread.
    body = memoryview(mmap.mmap(-1, length))
    body[: len(first)] = first
    filled = len(first)
    try:
        while filled < length:
            count = stream.readinto(body[filled:])
            if not count:
                raise http.client.IncompleteRead(b"", length - filled)
            filled += count
    except FAILURES:
        if not is_usable(body[:filled]):
            raise
        return body[:filled]
    if not goes_on(body):
        return body
    whole = bytearray(body)
    with suppress(*FAILURES):
        while len(whole) < LARGEST_REPLY and (chunk := stream.read1(_CHUNK)):
            whole += chunk
    return whole


def _read_unknown(
    chunks: Iterable[bytes],
    length: int | None,
    begun: Callable[[int | None], object],
    limit: int,
    is_usable: Callable[[Data], bool],
) -> bytearray:
    body = bytearray()
    try:
        for chunk in chunks:
            if not body:
                begun(length)
            body += chunk
            if len(body) > limit:
                raise _too_large(limit)
    except FAILURES:
        if not is_usable(body):
            raise
    return body


def _too_large(limit: int) -> BadReply:
    return BadReply(f"the reply is larger than {limit >> 20} MiB")
