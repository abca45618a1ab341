"""Decide when a request may be sent, where many calls share one rate limit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Throttle(Protocol):
    """Pace requests. Each method is called from the thread that makes the call."""

    def attempt(self) -> AbstractContextManager[None]:
        """Wait for a turn; the block sends one request and reads its reply.

        Raises:
            NbError: no further request may be sent.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; end early once none may be."""

    def stop(self) -> None:
        """Admit no further request, and end every pause."""
