"""Show progress where nothing can be animated; see `rich_display` for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable

# Seconds between two lines of progress in a pipe.
_PLAIN_EVERY = 10.0


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
