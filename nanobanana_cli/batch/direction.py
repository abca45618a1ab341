"""What directs the calls of a batch: its pace, and the room that replies have."""

from __future__ import annotations

from contextlib import AbstractContextManager

from nanobanana_cli.api.throttle import Paused
from nanobanana_cli.batch.memory import MemoryBudget
from nanobanana_cli.batch.throttle import RateLimiter


class Direction:
    """As `traffic.Traffic`, for a pool of threads.

    Args:
        pace: when requests go.
        room: when replies are read.
    """

    def __init__(self, pace: RateLimiter, room: MemoryBudget) -> None:
        self.pace = pace
        self.room = room

    def attempt(self) -> AbstractContextManager[None]:
        """Waits for its turn."""
        return self.pace.attempt()

    def pause(self, seconds: float) -> None:
        """Waits before a resend."""
        self.pace.pause(seconds)

    def make_room(self, expected: int | None, standstill: Paused) -> None:
        """Waits for room."""
        self.room.make(expected, standstill)

    def work(self) -> AbstractContextManager[None]:
        """Waits for a processor."""
        return self.room.work()
