"""Say what `nb` waits for, for how long, and how far it is. `animation` draws it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from nanobanana_cli.ui.layout import cells, shortened, wrapped

# Seconds between two lines of progress in a pipe.
_PLAIN_EVERY = 10.0
# Seconds after which a wait is worth a line of its own.
_A_WHILE = 0.5
# Columns of a bar, and those that are left to what is made before other parts give way.
_BAR = 24
_SHORTEST = 12
_GREEN, _DIM = "32", "2"

# Lines of text, each in runs of one style; "" is plain.
Frame = list[list[tuple[str, str]]]


class _Usual(msgspec.Struct, kw_only=True):
    """Seconds that something usually takes; None where nobody knows."""

    usual: float | None = None

    def look_up(self, usual: Callable[[], float | None]) -> None:
        """Find the seconds out, if that can be done."""
        # They are nice to know, no more.
        with suppress(Exception):
            self.usual = usual()

    def _clock(self, seconds: float) -> str:
        usually = "" if self.usual is None else f", usually about {max(1, self.usual):.0f}"
        return f"{seconds:.0f} s{usually}"


class Wait(_Usual):
    """A wait: its subject and its length.

    Args:
        what: such as the prompt, on one line and safe to show.
        shape: the ratio and size.
        total: the number of things.
        done: how many are done.
    """

    what: str
    shape: str = ""
    total: int = 1
    done: int = 0

    def frame(self, seconds: float, width: int) -> Frame:
        """Return one line; where columns are few, the shape gives way first, then the usual time.

        Args:
            seconds: by now.
            width: columns.
        """
        shape = [self.shape] if self.shape else []
        count = [f"{self.done}/{self.total}"] if self.total > 1 else []
        clock, usually = f"{seconds:.0f} s", self._clock(seconds)
        rest = ""
        for parts in ([*shape, *count, usually], [*count, usually], [*count, clock]):
            rest = "".join(f" · {part}" for part in parts)
            if cells(rest) + min(cells(self.what), _SHORTEST) <= width:
                break
        return [[(shortened(self.what, width - cells(rest)), ""), (rest, _DIM)]]

    def static(self, width: int) -> str:
        """Return the line for a terminal on which nothing can move."""
        parts = [self.shape, f"{self.total} of them" if self.total > 1 else ""]
        if self.usual is not None:
            parts.append(f"usually about {max(1, self.usual):.0f} s")
        rest = "".join(f" · {part}" for part in parts if part)
        return shortened(self.what, max(_SHORTEST, width - cells(rest))) + rest


class Bar(_Usual):
    """How many of several things are done, and a text about it.

    Args:
        total: the number of things.
        done: how many are done.
        text: one line, safe to show.
    """

    total: int
    done: int = 0
    text: str = ""

    def frame(self, seconds: float, width: int) -> Frame:
        """Return the bar, with the text below it: beside it, 80 columns would cut off the cost.

        Args:
            seconds, width: as for `Wait.frame`.
        """
        beside = f" {self.done}/{self.total} · {self._clock(seconds)}"
        bar = min(_BAR, max(0, width - cells(beside)))
        filled = bar * self.done // max(1, self.total)
        below = wrapped(self.text, width).split("\n") if self.text else []
        first = [("━" * filled, _GREEN), ("─" * (bar - filled), _DIM), (beside, "")]
        return [first, *([(line, "")] for line in below)]


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


@contextmanager
def after_a_while(show: Callable[[], object]) -> Iterator[None]:
    """Call a function on another thread if the block takes a while."""
    timer = threading.Timer(_A_WHILE, show)
    timer.daemon = True
    with suppress(RuntimeError, MemoryError):
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
