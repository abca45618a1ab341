"""Read the whole body of a reply, as soon as it fits into memory."""

from __future__ import annotations

import http.client
import mmap
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import IO

import requests
import urllib3

from nanobanana_cli.api.connection_errors import FAILURES
from nanobanana_cli.api.memory import TOO_LARGE, MemoryBudget, Paused
from nanobanana_cli.errors import BadReply
from nanobanana_cli.types import Data

# A 4K picture of noise is 65 MB as base64; a reply eight times as large holds no picture.
LARGEST_REPLY = 512 << 20
_CHUNK = 1 << 18
# The first bytes of gzip and zlib, with which no JSON begins.
_PACKED = (b"\x1f", b"\x78")
_GZIP_OR_ZLIB = 32


class _Body:
    """The bytes of a reply as they come: in memory while they fit, else in a file."""

    def __init__(self, memory: MemoryBudget) -> None:
        self._memory = memory
        self._bytes = bytearray()
        self._file: IO[bytes] | None = None
        self._folders = iter((None, *memory.folders))
        self._has_disk = True
        self.size = 0

    def add(self, chunk: bytes) -> None:
        """Append some bytes."""
        self.size += len(chunk)
        if self._file is None and (not self._has_disk or self._memory.grow(self.size)):
            try:
                self._bytes += chunk
            except MemoryError:
                if not self._has_disk:
                    raise
            else:
                return
        if self._is_in_file(chunk) or any(map(partial(self._move, chunk), self._folders)):
            return
        # The disks are full: rather too much memory than a reply that is paid for.
        self._has_disk = False
        if self._file is not None:
            with self._file as file:
                file.seek(0)
                self._bytes += file.read(self.size - len(chunk))
            self._file = None
        self._bytes += chunk

    def patiently(self, read: Callable[[], bytes], paused: Paused) -> bytes:
        """Call a function that takes memory; if there is none, move what came to a file before."""
        try:
            return read()
        except MemoryError:
            if self._file is None:
                any(map(partial(self._move, b""), self._folders))
        return self._memory.patiently(read, paused)

    def whole(self, paused: Paused) -> Data:
        """Return all bytes, once they fit into memory.

        Raises:
            BadReply: they never do; it holds the file.
        """
        if self._file is None:
            return self._bytes
        self._memory.acquire(self.size, paused)
        try:
            # Pages that the system may take back.
            pages = partial(mmap.mmap, self._file.fileno(), self.size, access=mmap.ACCESS_READ)
            found = memoryview(self._memory.patiently(pages, paused))
        except OSError as error:
            lost = BadReply(TOO_LARGE)
            lost.partial = self._file
            raise lost from error
        self._file.close()
        return found

    def _is_in_file(self, chunk: bytes) -> bool:
        """Append some bytes to the file; return False if there is none, or no space."""
        with suppress(OSError):
            if self._file is not None:
                _write_all(self._file, chunk)
                return True
        return False

    def _move(self, chunk: bytes, folder: Path | None) -> bool:
        """Move what came, and some bytes more, to a new file; return False if that is impossible.

        Args:
            folder: of the file; None for the usual one.
        """
        with suppress(OSError), ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0, dir=folder))
            if self._file is None:
                _write_all(file, self._bytes)
            else:
                self._file.seek(0)
                shutil.copyfileobj(self._file, file)
                # The one that is full may have taken a part of the bytes.
                file.truncate(self.size - len(chunk))
                file.seek(0, os.SEEK_END)
                self._file.close()
            _write_all(file, chunk)
            stack.pop_all()
            self._file, self._bytes = file, bytearray()
            # Others may use it meanwhile.
            self._memory.release()
            return True
        return False


def _write_all(file: IO[bytes], data: Data) -> None:
    written = 0
    while written < len(data):
        written += file.write(memoryview(data)[written:])


def read(
    response: requests.Response,
    memory: MemoryBudget,
    paused: Paused,
    *,
    limit: int | None = None,
    is_usable: Callable[[Data], bool] = lambda _: False,
    goes_on: Callable[[Data], bool] = lambda _: False,
) -> Data:
    """Return all bytes of a reply; without a stated length, all that arrive before it ends.

    Args:
        response: its headers are read, its body is not.
        memory: admits the body once it begins to arrive, since some services send the headers long
            before; until then, the rest waits in the socket.
        paused: stops the deadline of the attempt while the reply waits for memory.
        limit: the most bytes to read; 512 MiB by default.
        is_usable: returns True for what came before the connection broke, if it will do.
        goes_on: returns True for what came with the stated length, if more is to be read.

    Raises:
        BadReply: it is larger than the limit, does not fit into memory, or its compression is
            damaged.
        Exception: those of `connection_errors.FAILURES`.
    """
    raw, body = response.raw, _Body(memory)
    limit = limit or LARGEST_REPLY
    length = raw.length_remaining
    if (length or 0) > limit:
        raise _too_large(limit)
    try:
        # Past urllib3, which would copy each piece twice. requests, too, takes this attribute
        # from urllib3.
        source = raw._original_response  # noqa: SLF001
        is_packed = "Content-Encoding" in response.headers
        if not isinstance(source, http.client.HTTPResponse):
            chunks: Iterable[bytes] = raw.stream(_CHUNK, decode_content=True)
        elif not length:
            read = partial(source.read1, _CHUNK)
            chunks = iter(lambda: body.patiently(read, paused), b"")
        elif not is_packed and (pages := _pages(length, memory)) is not None:
            # Past `source`, which is closed once its length has come.
            return _read_known(source.fp, pages, memory, paused, is_usable, goes_on)
        else:
            chunks = _chunks(source.fp, length, body, paused)
        if is_packed:
            chunks, length = _unpacked(chunks), None
        return _read_unknown(chunks, body, length, memory, paused, limit, is_usable)
    except (zlib.error, urllib3.exceptions.DecodeError) as error:
        raise BadReply("the reply's compression is damaged") from error


def _pages(length: int, memory: MemoryBudget) -> memoryview | None:
    """Return memory for a reply, None if there is not enough; it is taken as it is filled.

    Its pages leave the process when the reply is done with: of a bytearray, the allocator would
    keep up to 32 MB for each thread.
    """
    try:
        return memoryview(mmap.mmap(-1, length)) if length <= memory.largest else None
    except OSError:
        return None


def _read_known(
    stream: BufferedReader,
    body: memoryview,
    memory: MemoryBudget,
    paused: Paused,
    is_usable: Callable[[Data], bool],
    goes_on: Callable[[Data], bool],
) -> Data:
    first, length = stream.read(1), len(body)
    memory.acquire(length, paused)
    body[: len(first)] = first
    filled = len(first)
    try:
        while filled < length:
            # One read at a time: what came before an error counts.
            count = stream.readinto1(body[filled:])
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


def _chunks(stream: BufferedReader, length: int, body: _Body, paused: Paused) -> Iterator[bytes]:
    while length:
        chunk = body.patiently(partial(stream.read1, min(length, _CHUNK)), paused)
        if not chunk:
            raise http.client.IncompleteRead(b"", length)
        length -= len(chunk)
        yield chunk


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a reply that is said to be packed, if it is.

    Gateways pass the header of a reply on that they have unpacked.

    Raises:
        zlib.error: the compression is damaged.
    """
    unpacker = None
    for number, chunk in enumerate(chunks):
        if not number and chunk[:1] in _PACKED:
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | _GZIP_OR_ZLIB)
        if unpacker is None:
            yield chunk
            continue
        rest = chunk
        while rest:
            before = unpacker.copy()
            try:
                piece = unpacker.decompress(rest, _CHUNK)
            except zlib.error:
                # All that comes before the damage, which may be that of the checksum alone.
                yield from (before.decompress(rest[at : at + 1]) for at in range(len(rest)))
                raise
            yield piece
            rest = unpacker.unconsumed_tail


def _read_unknown(
    chunks: Iterable[bytes],
    body: _Body,
    length: int | None,
    memory: MemoryBudget,
    paused: Paused,
    limit: int,
    is_usable: Callable[[Data], bool],
) -> Data:
    try:
        for chunk in chunks:
            if not body.size:
                memory.acquire(length, paused)
            body.add(chunk)
            if body.size > limit:
                raise _too_large(limit)
    except (*FAILURES, zlib.error):
        came = body.whole(paused)
        if not is_usable(came):
            raise
        return came
    return body.whole(paused)


def _too_large(limit: int) -> BadReply:
    return BadReply(f"the reply is larger than {limit >> 20} MiB")
