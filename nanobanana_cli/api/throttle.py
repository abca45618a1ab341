"""What many calls at once have to agree on: when one may start, and when its reply is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

# Stops an attempt's deadline while the block runs.
Paused = Callable[[], AbstractContextManager[None]]


class Throttle(Protocol):
    """Who directs calls. All of it is called from the thread that makes the call."""

    def attempt(self) -> AbstractContextManager[None]:
        """Entered before a request is sent, left once it is answered; waits for its turn.

        Raises:
            NbError: no further request may be sent.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; ends early when that is not to be."""

    def make_room(self, expected: int | None, standstill: Paused) -> None:
        """Wait until a reply's body fits into memory; it stays in the socket meanwhile.

        Args:
            expected: its bytes; None when the service does not say.
            standstill: keeps the attempt's deadline from passing while it waits.
        """

    def work(self) -> AbstractContextManager[None]:
        """Entered to decode, verify and save."""


class NoThrottle:
    """For few calls: each goes when it likes.

    Args:
        stopped: set when no call is to be sent again.
    """

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """At once."""
        yield

    def pause(self, seconds: float) -> None:
        """Until then, or until all is stopped."""
        self._stopped.wait(seconds)

    def make_room(self, expected: int | None, standstill: Paused) -> None:
        """There is."""

    @contextmanager
    def work(self) -> Iterator[None]:
        """At once."""
        yield
