"""Room in memory for replies: those that do not fit wait in their sockets."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nanobanana_cli.api.throttle import Paused

# A reply with room to grow, and the image in it, which is three quarters as large.
_HELD_PER_BYTE = 2
CAPACITY = 192 << 20
# Replies that come all at once are read a few at a time, since dozens of threads get in each
# other's way. One that comes slowly keeps the others waiting for only so many seconds.
_LONGEST_TURN = 0.25
# Until replies have shown how large they are.
_FIRST_GUESS = 16 << 20


# As glibc's malloc.h has it.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BLOCK = 4 << 20


def give_large_blocks_back() -> None:
    """Have freed replies leave the process at once.

    Those whose length is told do (see `api.buffer`); others grow as they come. Of these glibc would
    keep up to 32 MB for each thread: 390 MiB instead of 170 for 64 threads and images of 12 MB.
    Other C libraries have no such switch and no such habit.
    """
    import ctypes

    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
        libc.mallopt(_M_TRIM_THRESHOLD, _LARGE_BLOCK)


class MemoryBudget:
    """Admits replies, from any number of threads, as long as there is room for them.

    Args:
        capacity: bytes. A reply that is larger by itself comes in alone.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._free = self._capacity = capacity
        self._changed = threading.Condition()
        self._held: dict[int, int] = {}
        self._largest = 0
        self._open = False
        # Decoding and checking take the processor: more at once only take memory.
        self._workers = threading.Semaphore((os.cpu_count() or 1) + 2)
        self._turns = threading.Semaphore((os.cpu_count() or 1) + 2)
        self._with_turn: set[int] = set()

    def make(self, expected: int | None, standstill: Paused) -> None:
        """Wait for room for a reply; this thread holds it until `leave`.

        Args:
            expected: the reply's bytes; None when the service does not say.
            standstill: keeps the attempt's deadline from passing meanwhile.
        """
        self.leave()
        if expected is not None:
            self._largest = max(self._largest, expected)
        size = expected or self._largest or _FIRST_GUESS
        needed = min(size * _HELD_PER_BYTE, self._capacity)
        if self._turns.acquire(timeout=_LONGEST_TURN):
            self._with_turn.add(threading.get_ident())
        with self._changed:
            if not self._fits(needed):
                with standstill():
                    self._changed.wait_for(lambda: self._fits(needed))
            self._free -= needed
            self._held[threading.get_ident()] = needed

    def leave(self) -> None:
        """What this thread held is free again."""
        with self._changed:
            self._free += self._held.pop(threading.get_ident(), 0)
            self._changed.notify_all()
        if threading.get_ident() in self._with_turn:
            self._with_turn.remove(threading.get_ident())
            self._turns.release()

    def open(self) -> None:
        """Keep nobody waiting any more: the run stops now."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Decode, verify and save."""
        with self._workers:
            yield

    def _fits(self, needed: int) -> bool:
        return self._open or needed <= self._free
