"""How far the work has come, as it is told where nothing is drawn; see `drawing` for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

# Seconds between two lines of progress in a pipe.
_PLAIN_EVERY = 10.0


class Spinner(Protocol):
    """What `Terminal.waiting` hands out: told when one of several things is done."""

    def advance(self) -> None:
        """One more is done."""


class ProgressBar(Protocol):
    """What `Terminal.meter` hands out: told how far the work has come."""

    def update(self, done: int, text: str) -> None:
        """So much is done, and what there is to say of it."""


class PlainProgress:
    """A line now and then, where nothing can move.

    Args:
        note: takes the line.
        total: how many things there are to do.
    """

    def __init__(self, note: Callable[[str], None], total: int) -> None:
        self._note, self._total = note, total
        self._last = time.monotonic()

    def update(self, done: int, text: str) -> None:
        """Said when it is time for a line."""
        if time.monotonic() - self._last >= _PLAIN_EVERY:
            self._last = time.monotonic()
            self._note(f"{done}/{self._total}: {text}")


class NoSpinner:
    """Where nothing is to be seen of the waiting."""

    def advance(self) -> None:
        """Nothing is said of it."""
