"""Pace the calls of a batch together, since the rate limit is one for all of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nanobanana_cli.api import retry
from nanobanana_cli.errors import (
    Charged,
    ExitCode,
    NbError,
    OutOfCredit,
    Unavailable,
    Unreachable,
)

# Seconds without a request after an answer that does not say how long to wait.
_DEFAULT_HOLD = 1.0
# Calls added at once after a round of successes: a call takes 20 s, so one would be too slow.
_RECOVERY = 4


class NotSent(NbError):
    """The run was stopped before a request was sent, or sent again."""

    code = ExitCode.UNAVAILABLE
    kind = "not_sent"
    charged = Charged.NO


class RateLimiter:
    """Admit calls, from any number of threads.

    A 429 or a 503 holds all of them for as long as the service asks, and halves the number of
    calls at once; each success afterwards raises it a little, as TCP does.

    Args:
        concurrency: the most calls at once.
        rpm: the most calls started a minute, evenly spread; None for no limit.
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
        """Wait for a turn; the block sends one request and reads its answer.

        Raises:
            NotSent: no further request may be sent.
        """
        with self._lock:
            self._wait_in_line()
            self._in_flight += 1
            self._next_start = max(self._clock(), self._next_start) + self._spacing
        began = self._clock()
        try:
            yield
        except Unavailable as error:
            self._slow_down(error, began)
            raise
        except OutOfCredit:
            # Before another request takes this one's place.
            self.stop()
            raise
        else:
            self._speed_up(began)
        finally:
            with self._lock:
                self._in_flight -= 1
                self._wake_first()

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; `stop` ends the wait."""
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
        """The number of requests that wait for an answer."""
        return self._in_flight

    @property
    def held_for(self) -> float:
        """Seconds until requests are sent again after a rate limit."""
        return max(0.0, self._held_until - self._clock())

    def _wait_in_line(self) -> None:
        """Wait in a queue whose first thread alone watches the clock."""
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
        """Return the seconds until it is worth asking again; 0 when a request may be sent now."""
        if self._stopped:
            raise NotSent("the run was stopped before this was sent")
        if self._line[0] is not ticket or self._in_flight >= max(1, int(self._allowed)):
            return threading.TIMEOUT_MAX
        return max(self._held_until, self._next_start) - self._clock()

    def _slow_down(self, error: Unavailable, began: float) -> None:
        """Send less after a 429 or a 503, which says that the service has too much to do."""
        is_busy = error.resends is None and not isinstance(error, Unreachable)
        if not is_busy or retry.is_pointless(error):
            return
        hold = _DEFAULT_HOLD if error.retry_after is None else error.retry_after
        with self._lock:
            now = self._clock()
            self._held_until = max(self._held_until, now + hold)
            # Calls sent before the last slowdown say nothing new, here and below.
            if began > self._slowed_at:
                self._allowed = max(1.0, self._allowed / 2)
                self._slowed_at = now

    def _speed_up(self, began: float) -> None:
        with self._lock:
            if began > self._slowed_at:
                more = self._allowed + _RECOVERY / self._allowed
                self._allowed = min(float(self._most), more)
