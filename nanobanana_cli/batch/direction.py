"""What directs the calls of a batch: its pace, and the room that replies have."""

from __future__ import annotations

from contextlib import AbstractContextManager

from nanobanana_cli.batch.pace import Pace
from nanobanana_cli.batch.room import Room
from nanobanana_cli.traffic import Standstill


class Direction:
    """As `traffic.Traffic`, for a pool of threads.

    Args:
        pace: when requests go.
        room: when replies are read.
    """

    def __init__(self, pace: Pace, room: Room) -> None:
        self.pace = pace
        self.room = room

    def attempt(self) -> AbstractContextManager[None]:
        """Waits for its turn."""
        return self.pace.attempt()

    def pause(self, seconds: float) -> None:
        """Waits before a resend."""
        self.pace.pause(seconds)

    def make_room(self, expected: int | None, standstill: Standstill) -> None:
        """Waits for room."""
        self.room.make(expected, standstill)

    def work(self) -> AbstractContextManager[None]:
        """Waits for a processor."""
        return self.room.work()
