"""Decide how many calls a service takes, from what it accepts and refuses. Pure; no clock."""

from __future__ import annotations

import math

# Seconds: the first wait without calls, and the most by which it grows at once; the time between
# the starts of two calls after a refusal.
_FIRST_WAIT = 0.5
_LONGEST_STEP = 60.0
_SHORTEST_GAP = 0.1
_LONGEST_GAP = 1.0


class Pace:
    """Say when the next call may start; not thread-safe. Times are seconds of one clock.

    A refusal (429 or 503) does not say what the limit is: so many calls at once, so many a minute,
    or none for now. So each is tried in turn:

    - After a refusal, no more calls run at once than were in flight beside it, until one ends.
    - If the service refuses the next call too, it is not their number: that is as before, and all
      calls wait. Without a `Retry-After` the wait doubles until a call is accepted. The next time
      it begins between the last wait that was too short and the one that was enough.
    - Each success lets a little more run at once, about one more for each round of calls.
    - After a refusal, calls start apart by twice the time that it took to come: a call without an
      answer by then was accepted, so one refusal is enough to hold the others.

    Args:
        most: the most calls at once.
        rpm: the most calls started a minute, evenly spread; None for no limit.

    Attributes:
        in_flight: the number of calls that wait for an answer.
    """

    def __init__(self, most: int, rpm: float | None = None) -> None:
        self.in_flight = 0
        self._most = self._allowed = self._allowed_before = float(most)
        self._spacing = 60 / rpm if rpm else 0.0
        self._gap = 0.0
        self._next_start = self._asked_until = self._waits_until = -math.inf
        self._call_time = math.inf
        # The first refusal since the service last accepted a call, and the latest refusal of all.
        self._refused_since: float | None = None
        self._refused_at = self._succeeded_at = -math.inf
        self._first_start_since: float | None = None
        # All calls wait until `_refused_since + _wait`, unless their number may be the limit.
        self._is_number = False
        self._wait = self._step = 0.0
        self._refused_wait: float | None = None
        # The last wait that was too short, and the one that was enough.
        self._short = self._enough = 0.0

    @property
    def held_until(self) -> float:
        """When calls may start again after a refusal."""
        return max(self._asked_until, self._waits_until)

    def delay(self, now: float) -> float:
        """Return the seconds until a call may start; infinite if another has to end first."""
        if self.in_flight >= max(1, int(self._allowed)):
            return math.inf
        return max(self.held_until, self._next_start) - now

    def start(self, now: float) -> None:
        """Count a call that starts."""
        self.in_flight += 1
        if self._first_start_since is None:
            self._first_start_since = now
        # Even so, twice as many calls as are allowed can start in the time that one takes.
        gap = min(self._gap, self._call_time / (2 * self._allowed))
        self._next_start = max(now, self._next_start) + self._spacing
        self._next_start = max(self._next_start, now + gap)

    def end(self, now: float) -> None:
        """Count a call that has ended."""
        self.in_flight -= 1
        if not self.in_flight and now < self.held_until:
            # None is left whose number could be the limit.
            self._allowed = self._allowed_before

    def succeed(self, began: float, now: float) -> None:
        """Note that the service answered a call."""
        self._call_time = min(self._call_time, now - began)
        self._succeeded_at = now
        # Calls sent before the refusals say nothing new.
        if self._refused_since is not None and began > self._refused_since:
            self._recover(began)
            self._waits_until = now
        if began > self._refused_at:
            self._allowed = min(self._most, self._allowed + 1 / self._allowed)

    def refuse(
        self, began: float, now: float, asked: float | None, latest: float = math.inf
    ) -> None:
        """Note that the service refused a call, which is still in flight.

        Args:
            began: when it was sent.
            now: the time.
            asked: seconds that the service asks to wait; None if it does not say.
            latest: when to send another call at the latest, unless the service asks for more.
        """
        others = self.in_flight - 1
        is_news = began > self._refused_at
        took = now - began
        self._gap = max(_SHORTEST_GAP, min(_LONGEST_GAP, 2 * took))
        self._next_start = max(self._next_start, now + self._gap)
        first = self._first_start_since
        if is_news and first is not None and now - first > 1.5 * took:
            # It would have been refused before this one, and so was accepted.
            self._recover(first)
        if self._refused_since is None:
            self._refused_since = now
            self._refused_wait = None
            self._allowed_before = self._allowed
            self._wait = max(_FIRST_WAIT, self._short + (self._enough - self._short) / 4)
            self._step = max(_FIRST_WAIT, self._enough / 8)
            self._is_number = True
        elif is_news:
            self._lengthen(now - self._refused_since)
        if self._is_number:
            self._allowed = max(1.0, min(self._allowed, others))
        # With none in flight, and none that has ended meanwhile, it is not their number.
        has_room = not others and self._succeeded_at < self._refused_since
        self._is_number = self._is_number and not has_room
        if not self._is_number:
            self._waits_until = min(latest, self._refused_since + self._wait)
        self._asked_until = max(self._asked_until, now + (asked or 0.0))
        self._refused_at = now
        self._first_start_since = None

    def _lengthen(self, waited: float) -> None:
        """Find the next wait after one that was too short."""
        if self._is_number:
            self._allowed = self._allowed_before
        else:
            self._refused_wait = waited
        self._is_number = False
        while self._wait <= waited:
            if self._wait < 0.85 * self._enough:
                self._wait = (self._wait + self._enough) / 2
            else:
                self._step = min(_LONGEST_STEP, 2 * self._step)
                self._wait += self._step

    def _recover(self, began: float) -> None:
        """Note that the service accepted a call that began then."""
        if self._refused_since is None:
            return
        if not self._is_number:
            self._short = self._short / 2 if self._refused_wait is None else self._refused_wait
            self._enough = began - self._refused_since
        self._refused_since = None
