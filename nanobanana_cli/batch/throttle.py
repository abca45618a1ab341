"""Pace the calls of a batch together, since the service's limits are for all of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from nanobanana_cli.api import retry
from nanobanana_cli.batch.pace import Pace
from nanobanana_cli.errors import (
    ENDS_RUN,
    Charged,
    ExitCode,
    LocalFileError,
    NbError,
    OutcomeUnknown,
    Unavailable,
    Unreachable,
)
from nanobanana_cli.generation.destinations import MisplacedImage

T = TypeVar("T")

# Seconds: shorter waits are not told on screen, and those that are, no more often.
_NEWS = 5.0
_NEWS_EVERY = 60.0


class NotSent(NbError):
    """The run was stopped before a request was sent, or sent again."""

    code = ExitCode.UNAVAILABLE
    kind = "not_sent"
    charged = Charged.NO


def ends_run(error: NbError) -> bool:
    """Return True if every further call would most likely fail in the same way."""
    if isinstance(error, LocalFileError):
        # An image was paid for and could not be saved: so could the next, on a full file system.
        return error.charged is Charged.YES and not isinstance(error, MisplacedImage)
    if isinstance(error, Unavailable) and retry.is_pointless(error):
        return True
    return isinstance(error, ENDS_RUN)


class RateLimiter:
    """Admit calls, from any number of threads, and repeat those that the service refuses.

    Args:
        concurrency: the most calls at once.
        rpm: the most calls started a minute, evenly spread; None for no limit.
        wait: seconds to repeat calls while the service refuses all of them; 0 repeats none.
        note: takes a line about a long wait.
        clock: seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        concurrency: int,
        rpm: float | None,
        wait: float = 0.0,
        note: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._pace = Pace(concurrency, rpm)
        self._patience = wait
        self._note = note
        self._told_at = -_NEWS_EVERY
        self._lock = threading.RLock()
        self._stop = threading.Condition(self._lock)
        self._line: deque[threading.Condition] = deque()
        self._refused_since: float | None = None
        self._was_reached = False
        # The most calls under way; threads whose calls have ended and may yet turn out to have
        # failed are under way, too.
        self._most: int | None = None
        self._unsettled: set[int] = set()
        self._stopped = False

    def run(self, send: Callable[[], T]) -> T:
        """Wait for a turn and call `send`; do so again while the service is busy.

        Raises:
            NotSent: no further request may be sent.
            NbError: that of `send`. `resends` is 0 if the service was busy for too long.
        """
        thread = threading.get_ident()
        while True:
            with self._lock:
                self._unsettled.discard(thread)
                self._wait_in_line()
                began = self._clock()
                self._pace.start(began)
            try:
                result = send()
            except NbError as error:
                if not self._is_repeated(error, began):
                    raise
            else:
                with self._lock:
                    self._was_reached = True
                    self._refused_since = None
                    self._pace.succeed(began, self._clock())
                return result
            finally:
                with self._lock:
                    self._pace.end(self._clock())
                    self._unsettled.add(thread)
                    self._wake_first()

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; `stop` ends the wait."""
        end = self._clock() + seconds
        with self._stop:
            self._unsettled.discard(threading.get_ident())
            self._wake_first()
            while not self._stopped and (rest := end - self._clock()) > 0:
                self._stop.wait(rest)

    def limit(self, most: int | None) -> None:
        """Set the most calls under way; from the thread that has settled the call it sent.

        Args:
            most: None for no such limit.
        """
        with self._lock:
            self._unsettled.discard(threading.get_ident())
            self._most = most
            self._wake_first()

    def stop(self) -> None:
        """Admit no further request."""
        with self._lock:
            self._stopped = True
            self._stop.notify_all()
            self._wake_first()

    @property
    def in_flight(self) -> int:
        """The number of requests that wait for an answer."""
        return self._pace.in_flight

    @property
    def held_for(self) -> float:
        """Seconds until requests are sent again after the service was busy."""
        return max(0.0, self._pace.held_until - self._clock())

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
        under_way = self._pace.in_flight + len(self._unsettled)
        if self._line[0] is not ticket or (self._most is not None and under_way >= self._most):
            return threading.TIMEOUT_MAX
        return min(threading.TIMEOUT_MAX, self._pace.delay(self._clock()))

    def _is_repeated(self, error: NbError, began: float) -> bool:
        """Return True to send a call again; slow down after a 429, a 503 or a lost network."""
        with self._lock:
            if not isinstance(error, Unreachable | OutcomeUnknown):
                self._was_reached = True
            if not isinstance(error, Unavailable):
                if not isinstance(error, OutcomeUnknown):
                    self._refused_since = None
            elif error.resends is None and self._was_reached:
                return self._is_waited_for(error, began)
            if ends_run(error) and not (isinstance(error, Unavailable) and error.resends is None):
                # Before another request takes this one's place.
                self.stop()
            return False

    def _is_waited_for(self, error: Unavailable, began: float) -> bool:
        """Hold all calls; return False if the service is busy for longer than anybody waits."""
        now, asked = self._clock(), error.retry_after
        self._refused_since = self._refused_since or now
        if not self._patience:
            if not retry.is_pointless(error):
                self._pace.refuse(began, now, asked)
            return False
        end = self._refused_since + self._patience
        if now < end and now + (asked or 0.0) <= end:
            self._pace.refuse(began, now, asked, end)
            self._tell(error, end - now)
            return True
        wait = _duration(self._patience)
        is_asked = asked is not None and now + asked > end
        retry.give_up(
            error,
            f"the service asks to wait {asked:.0f} s" if is_asked else f"for {wait} on end",
            hint=f"run the same command again later, or with a --wait longer than {wait}",
        )
        self.stop()
        return False

    def _tell(self, error: Unavailable, left: float) -> None:
        now = self._clock()
        if self.held_for >= _NEWS and now >= self._told_at + _NEWS_EVERY:
            self._told_at = now
            message = error.message.rstrip(".")
            self._note(
                f"{message}; all calls wait {_duration(self.held_for)}, "
                f"giving up in {_duration(left)}"
            )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
