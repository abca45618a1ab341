"""What the pace makes of the limits of services, in simulated time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.batch.pace import Pace

REFUSAL = 0.05  # seconds until a refusal comes


class Service:
    """A service that takes a call or not.

    Args:
        takes: decides, from the time and the number of calls in flight.
        latency: seconds for a call that it takes.
        asked: seconds that a refusal asks to wait; None if it does not say.
    """

    def __init__(
        self, takes: Callable[[float, int], bool], latency: float, asked: float | None = None
    ) -> None:
        self.takes = takes
        self.latency = latency
        self.asked = asked

    def run(self, pace: Pace, rows: int) -> tuple[int, float]:
        """Make so many rows; return the number of refusals, and the time when the last is done."""
        events: list[tuple[float, int, bool | None, float]] = [(0.0, 0, None, 0.0)]
        order = itertools.count(1)
        noise = random.Random(1)
        now, made, refused, taken, waiting = 0.0, 0, 0, 0, rows
        while made < rows:
            now, _, is_made, began = heapq.heappop(events)
            if is_made is not None:
                if is_made:
                    taken, made = taken - 1, made + 1
                    pace.succeed(began, now)
                else:
                    refused, waiting = refused + 1, waiting + 1
                    pace.refuse(began, now, self.asked)
                pace.end(now)
            while waiting and (delay := pace.delay(now)) <= 0:
                waiting -= 1
                pace.start(now)
                is_taken = self.takes(now, taken)
                taken += is_taken
                seconds = self.latency * noise.uniform(0.98, 1.02) if is_taken else REFUSAL
                heapq.heappush(events, (now + seconds, next(order), is_taken, now))
            if waiting and delay < math.inf:
                heapq.heappush(events, (now + delay, next(order), None, 0.0))
            assert events or made == rows, "nothing happens any more"
        return refused, now


def room(number: int) -> Callable[[float, int], bool]:
    """Takes so many calls at once."""
    return lambda _now, taken: taken < number


def in_any_minute(number: int) -> Callable[[float, int], bool]:
    """Takes so many calls in any 60 s."""
    starts: deque[float] = deque()

    def takes(now: float, _: int) -> bool:
        while starts and now - starts[0] >= 60:
            starts.popleft()
        if len(starts) == number:
            return False
        starts.append(now)
        return True

    return takes


def in_each_minute(number: int) -> Callable[[float, int], bool]:
    """Takes so many calls from one full minute to the next."""
    starts: list[int] = []

    def takes(now: float, _: int) -> bool:
        if starts.count(int(now // 60)) == number:
            return False
        starts.append(int(now // 60))
        return True

    return takes


@pytest.mark.parametrize("asked", [None, 0.0, 1.0])
@pytest.mark.parametrize("latency", [2, 10, 30])
def test_room_for_some_calls_at_once(latency: float, asked: float | None) -> None:
    refused, seconds = Service(room(4), latency, asked).run(Pace(8), 40)
    assert refused <= 20
    assert seconds <= 1.2 * 10 * latency


@pytest.mark.parametrize("number", [1, 2, 16])
def test_more_calls_at_once_than_there_is_room_for(number: int) -> None:
    _, seconds = Service(room(number), 10).run(Pace(64), 100)
    assert seconds <= 1.2 * math.ceil(100 / number) * 10


@pytest.mark.parametrize("latency", [1, 2, 5, 10, 20])
@pytest.mark.parametrize("limit", [in_any_minute, in_each_minute])
def test_so_many_a_minute(
    limit: Callable[[int], Callable[[float, int], bool]], latency: float
) -> None:
    refused, seconds = Service(limit(10), latency).run(Pace(8), 40)
    assert refused <= 20
    assert seconds <= 1.35 * (180 + latency)


def test_a_wait_that_the_service_asks_for_is_kept() -> None:
    sent: list[float] = []

    def takes(now: float, _: int) -> bool:
        sent.append(now)
        return now >= 30

    refused, _ = Service(takes, 1, asked=30).run(Pace(4), 12)
    assert refused == 4
    assert [now for now in sent if 0 < now < 30] == []


@pytest.mark.parametrize("began", [0, 20])
def test_an_outage_is_probed_by_one_call_ever_more_rarely(began: float) -> None:
    sent: list[float] = []

    def takes(now: float, _: int) -> bool:
        sent.append(now)
        return not began <= now < began + 100

    refused, seconds = Service(takes, 5).run(Pace(8), 100)
    assert refused <= 8 + 9
    assert seconds <= 2 * 100 + 13 * 5
    probes = [now for now in sent if began + 1 <= now < began + 100]
    gaps = [later - earlier for earlier, later in itertools.pairwise(probes)]
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(gaps))


def test_all_calls_run_at_once_again_after_an_outage() -> None:
    most = 0

    def takes(now: float, taken: int) -> bool:
        nonlocal most
        most = max(most, taken + 1)
        return now >= 5

    Service(takes, 10).run(Pace(32), 64)
    assert most == 32


def test_more_room_is_found_by_and_by() -> None:
    most = 0

    def takes(now: float, taken: int) -> bool:
        nonlocal most
        is_taken = taken < (2 if now < 20 else 8)
        most = max(most, taken + is_taken)
        return is_taken

    Service(takes, 1).run(Pace(8), 200)
    assert most == 8


@given(
    rows=st.integers(1, 60),
    concurrency=st.integers(1, 20),
    number=st.integers(1, 8),
    per_minute=st.integers(1, 20),
    outage=st.floats(0, 300),
    asked=st.none() | st.floats(0, 100),
    latency=st.floats(1, 100),
)
def test_every_row_is_made(
    rows: int,
    concurrency: int,
    number: int,
    per_minute: int,
    outage: float,
    asked: float | None,
    latency: float,
) -> None:
    a_minute = in_any_minute(per_minute)

    def takes(now: float, taken: int) -> bool:
        return now >= outage and taken < number and a_minute(now, taken)

    refused, seconds = Service(takes, latency, asked).run(Pace(concurrency), rows)
    fastest = outage + max(rows * latency / min(number, concurrency), rows / per_minute * 60)
    assert seconds <= 6 * fastest + 2 * latency + 300 + (asked or 0) * rows
    assert refused <= concurrency + 20 + 15 * rows
