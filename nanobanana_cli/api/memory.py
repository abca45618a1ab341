"""Bound the memory that replies take: those that do not fit yet wait in their sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

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
            expected: the reply's bytes; None when the service does not say.
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
        """Let nobody wait any longer, because the run stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, needed: int) -> bool:
        return self._closed or needed <= self._free
