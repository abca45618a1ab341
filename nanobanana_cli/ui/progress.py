"""Show progress where nothing can be animated; see `rich_display` for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

# Seconds between two lines of progress in a pipe.
_PLAIN_EVERY = 10.0


class Spinner(Protocol):
    """The result of `Terminal.spinner`."""

    def advance(self) -> None:
        """Count one more thing as done."""


class ProgressBar(Protocol):
    """The result of `Terminal.progress_bar`."""

    def update(self, done: int, text: str) -> None:
        """Show how many things are done, and a line of text."""


class PlainProgress:
    """Print a line of progress every ten seconds.

    Args:
        note: prints a line.
        total: the number of things to do.
    """

    def __init__(self, note: Callable[[str], None], total: int) -> None:
        self._note, self._total = note, total
        self._last = time.monotonic()

    def update(self, done: int, text: str) -> None:
        """Print the line if ten seconds have passed since the last one."""
        if time.monotonic() - self._last >= _PLAIN_EVERY:
            self._last = time.monotonic()
            self._note(f"{done}/{self._total}: {text}")


class NoSpinner:
    """A spinner that shows nothing."""

    def advance(self) -> None:
        """Do nothing."""
