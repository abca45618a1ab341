"""Pace the calls of a batch together, since the rate limit is one for all of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nanobanana_cli.api import retry
from nanobanana_cli.errors import Charged, ExitCode, NbError, RateLimited

# Seconds that the pool holds still after a 429 that does not say for how long.
_DEFAULT_HOLD = 1.0
# How many more calls at once after a round of successes: calls take 20 s, so one would be too slow.
_RECOVERY = 4


class NotSent(NbError):
    """An image that was to be asked for, or asked for again, when the run was stopped."""

    code = ExitCode.UNAVAILABLE
    kind = "not_sent"
    charged = Charged.NO


class RateLimiter:
    """Admits calls, from any number of threads.

    A 429 holds all of them for as long as the service asks, and halves how many go at once; each
    success afterwards lets a little more through, as TCP does.

    Args:
        concurrency: how many calls at once, at most.
        rpm: how many calls a minute are started, evenly spread; None is as many as can be.
        clock: seconds, as `time.monotonic`.
    """

    def __init__(
        self, concurrency: int, rpm: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._most = concurrency
        self._allowed = float(concurrency)
        self._spacing = 60 / rpm if rpm else 0.0
        self._lock = threading.RLock()
        self._stop = threading.Condition(self._lock)
        self._line: deque[threading.Condition] = deque()
        self._in_flight = 0
        self._next_start = 0.0
        self._held_until = 0.0
        self._slowed_at = 0.0
        self._stopped = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """One request, from the moment it may go to its answer.

        Raises:
            NotSent: no further request may go.
        """
        with self._lock:
            self._wait_in_line()
            self._in_flight += 1
            self._next_start = max(self._clock(), self._next_start) + self._spacing
        began = self._clock()
        try:
            yield
        except RateLimited as error:
            self._slow_down(error, began)
            raise
        else:
            self._speed_up(began)
        finally:
            with self._lock:
                self._in_flight -= 1
                self._wake_first()

    def pause(self, seconds: float) -> None:
        """Wait before sending again; not longer than until `stop`."""
        end = self._clock() + seconds
        with self._stop:
            while not self._stopped and (rest := end - self._clock()) > 0:
                self._stop.wait(rest)

    def stop(self) -> None:
        """Admit no further request."""
        with self._lock:
            self._stopped = True
            self._stop.notify_all()
            self._wake_first()

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answer."""
        return self._in_flight

    @property
    def held_for(self) -> float:
        """For how many seconds more nothing is sent because of a rate limit."""
        return max(0.0, self._held_until - self._clock())

    def _wait_in_line(self) -> None:
        """Only the first in line looks at the clock: the rest would wake up for nothing."""
        ticket = threading.Condition(self._lock)
        self._line.append(ticket)
        try:
            while (delay := self._delay(ticket)) > 0:
                ticket.wait(delay)
        finally:
            self._line.remove(ticket)
            self._wake_first()

    def _wake_first(self) -> None:
        if self._line:
            self._line[0].notify()

    def _delay(self, ticket: threading.Condition) -> float:
        """Seconds until it is worth asking again; 0 when a request may go now."""
        if self._stopped:
            raise NotSent("the run was stopped before this was sent")
        if self._line[0] is not ticket or self._in_flight >= max(1, int(self._allowed)):
            return threading.TIMEOUT_MAX
        return max(self._held_until, self._next_start) - self._clock()

    def _slow_down(self, error: RateLimited, began: float) -> None:
        if retry.is_pointless(error):
            return
        hold = _DEFAULT_HOLD if error.retry_after is None else error.retry_after
        with self._lock:
            now = self._clock()
            self._held_until = max(self._held_until, now + hold)
            # Calls that were sent before the pool slowed down say nothing new, here and below.
            if began > self._slowed_at:
                self._allowed = max(1.0, self._allowed / 2)
                self._slowed_at = now

    def _speed_up(self, began: float) -> None:
        with self._lock:
            if began > self._slowed_at:
                more = self._allowed + _RECOVERY / self._allowed
                self._allowed = min(float(self._most), more)
