"""Bound the memory that replies take."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from nanobanana_cli.settings.validators import MEMORY_LIMIT
from nanobanana_cli.types import Data

# What is said of a reply, or an image, for which there is no memory.
TOO_LARGE = "the reply does not fit into memory"
# What the process takes besides replies: the interpreter, libraries, requests.
_PROCESS = 88 << 20
# Of the rest, what replies get that come at the same time; pictures are unpacked in the other part.
_SHARE = 3 / 8
# A reply, and the image in it, which is three quarters as large.
_HELD_PER_BYTE = 2
# The size of a reply whose length the service does not say, until replies have shown theirs.
_FIRST_GUESS = 16 << 20

# 60 MB at most; what a long stream or many search results come to is far below.
_MOST_VALUES = 500_000
_BLOCK = 1 << 20

# Seconds to wait for memory that other replies hold, and between two tries.
_PATIENCE = 20.0
_PAUSE = 0.05

T = TypeVar("T")
Paused = Callable[[], AbstractContextManager[None]]


class MemoryBudget:
    """Admit replies, from any number of threads, as long as they fit into memory.

    Args:
        limit: bytes that the process may take. A reply that is larger than its share of them is
            admitted alone.
        folders: for what does not fit, where the usual temporary folder has no space for it; those
            that do not exist are passed over.

    Attributes:
        folders: as given.
        largest: the most bytes of a reply and the image in it, when it is alone.
    """

    def __init__(self, limit: int = MEMORY_LIMIT << 20, folders: Sequence[Path] = ()) -> None:
        self.folders = folders
        self.largest = max(limit - _PROCESS, 0)
        self._free = self._capacity = int(self.largest * _SHARE)
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._largest_seen = 0
        self._closed = False

    def acquire(self, expected: int | None, paused: Paused) -> None:
        """Wait until a reply fits; this thread holds its memory until `release`.

        Args:
            expected: the reply's size in bytes; None if the service does not say.
            paused: stops the deadline of the attempt while this waits.
        """
        self.release()
        with self._changed:
            self._largest_seen = max(self._largest_seen, expected or 0)
            needed = self._needed(expected or self._largest_seen or _FIRST_GUESS)
            if not self._fits(needed):
                with paused():
                    self._changed.wait_for(lambda: self._fits(needed))
            self._hold(needed)

    def grow(self, size: int) -> bool:
        """Return whether a reply that has become this large still fits; do not wait.

        Those that wait for each other while they hold memory would wait for ever.
        """
        with self._changed:
            held = self._held.get(threading.get_ident(), 0)
            if size * _HELD_PER_BYTE <= held:
                return True
            self._largest_seen = max(self._largest_seen, size)
            # Twice as much, so that this is seldom asked.
            more = self._needed(2 * size) - held
            is_alone = self._free + held == self._capacity
            if size > self.largest or not (is_alone or self._fits(more)):
                return False
            self._hold(held + more)
            return True

    def release(self) -> None:
        """Free what this thread holds."""
        with self._changed:
            self._free += self._held.pop(threading.get_ident(), 0)
            self._changed.notify_all()

    def patiently(self, allocate: Callable[[], T], paused: Paused) -> T:
        """Call a function that takes memory, again while the system has none but other replies do.

        The budget does not know of limits such as `ulimit -v`.

        Raises:
            MemoryError, OSError: what it raises.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return allocate()
            except (MemoryError, OSError) as error:
                is_short = isinstance(error, MemoryError) or error.errno == errno.ENOMEM
                is_alone = not self._held.keys() - {threading.get_ident()}
                if not is_short or is_alone or time.monotonic() > end:
                    raise
            with paused():
                time.sleep(_PAUSE)

    def close(self) -> None:
        """End every wait, because the run stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _needed(self, size: int) -> int:
        return min(size * _HELD_PER_BYTE, self._capacity)

    def _fits(self, needed: int) -> bool:
        return self._closed or needed <= self._free

    def _hold(self, size: int) -> None:
        thread = threading.get_ident()
        self._free -= size - self._held.get(thread, 0)
        self._held[thread] = size


def has_too_many_values(body: Data) -> bool:
    """Return True for JSON of which parsing would take many times its size: no reply is like that.

    Each value takes up to 120 bytes; all but the first in a list or an object have a comma before.
    """
    count, view = 0, memoryview(body)
    for start in range(0, len(view), _BLOCK):
        # A copy, since no other search is as fast.
        block = bytes(view[start : start + _BLOCK])
        for mark in (b",", b"[", b"{"):
            at = block.find(mark)
            while at >= 0 and count <= _MOST_VALUES:
                count += 1
                at = block.find(mark, at + 1)
    return count > _MOST_VALUES
