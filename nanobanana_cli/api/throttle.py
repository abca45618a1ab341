"""Decide when a request may be sent, where many calls share one rate limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Throttle(Protocol):
    """Paces requests. Each method is called from the thread that makes the call."""

    def attempt(self) -> AbstractContextManager[None]:
        """Wait for a turn; the block sends one request and reads its answer.

        Raises:
            NbError: no further request may be sent.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; end early once none may be."""

    def stop(self) -> None:
        """Admit no further request, and end every pause."""


class NoThrottle:
    """Sends each request at once: for a few calls."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Send at once."""
        yield

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until `stop`."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End every pause."""
        self._stopped.set()
