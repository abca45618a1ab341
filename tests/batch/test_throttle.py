"""Pace calls, and keep the memory and the budget that they share."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.batch.dispatcher import Budget, Limits
from nanobanana_cli.batch.throttle import NotSent, RateLimiter
from nanobanana_cli.errors import Charged, RateLimited, Unavailable, Unreachable


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def together(number: int, work: object) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_more_at_once_than_allowed() -> None:
    pace = RateLimiter(3, None)
    seen: list[int] = []

    def work() -> None:
        with pace.attempt():
            seen.append(pace.in_flight)
            time.sleep(0.01)

    together(12, work)
    assert max(seen) == 3
    assert pace.in_flight == 0


def test_rpm_spreads_the_starts() -> None:
    pace = RateLimiter(8, 60 / 0.02)
    starts: list[float] = []

    def work() -> None:
        with pace.attempt():
            starts.append(time.monotonic())

    together(6, work)
    assert max(starts) - min(starts) >= 0.02 * 5 - 0.005


@pytest.mark.parametrize("error", [Unreachable("gone"), Unavailable("500", resends=1)])
def test_other_failures_say_nothing_about_the_pace(error: Unavailable) -> None:
    pace = RateLimiter(8, None)
    with suppress(Unavailable), pace.attempt():
        raise error
    assert pace.held_for == 0


@pytest.mark.parametrize("kind", [RateLimited, Unavailable])
def test_a_busy_service_holds_all_and_halves_the_pool_once(kind: type[Unavailable]) -> None:
    clock = Clock()
    pace = RateLimiter(8, None, clock)

    def limited() -> None:
        with suppress(kind), pace.attempt():
            raise kind("busy", retry_after=7.0)

    with pace.attempt():
        limited()
        assert pace.held_for == 7.0
    clock.now += 8
    seen: list[int] = []
    gate = threading.Event()

    def work() -> None:
        with pace.attempt():
            seen.append(pace.in_flight)
            gate.wait(5)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while pace.in_flight < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert pace.in_flight == 4
    gate.set()
    for thread in threads:
        thread.join()


def test_a_stop_sends_nobody_any_more() -> None:
    pace = RateLimiter(1, None)
    failed: list[NotSent] = []

    def wait() -> None:
        try:
            with pace.attempt():
                pass
        except NotSent as error:
            failed.append(error)

    with pace.attempt():
        thread = threading.Thread(target=wait)
        thread.start()
        pace.stop()
        thread.join(5)
    assert failed[0].charged is Charged.NO
    began = time.monotonic()
    pace.pause(30)
    assert time.monotonic() - began < 5


@given(
    st.integers(0, 500_000),
    st.lists(st.tuples(st.integers(0, 200_000), st.sampled_from(Charged)), max_size=30),
)
def test_a_budget_is_never_passed(limit: int, calls: list[tuple[int, Charged]]) -> None:
    budget = Budget(Limits(cost=limit))
    flying: list[tuple[int, Charged]] = []
    for price, charged in calls:
        if budget.reserve(price):
            flying.append((price, charged))
        elif flying:
            budget.settle(*flying.pop(0))
        assert budget.spent + budget.in_flight <= limit
    for call in flying:
        budget.settle(*call)
    assert budget.idle
    assert budget.in_flight == 0


@pytest.mark.parametrize(
    ("limits", "option"),
    [
        (Limits(cost=58_000 * 3), "--max-cost $0.174"),
        (Limits(images=3), "--max-images 3"),
        (Limits(total_cost=58_000 * 5), "--max-total-cost $0.29"),
    ],
)
def test_a_budget_is_used_up_exactly(limits: Limits, option: str) -> None:
    budget = Budget(limits, before=58_000 * 2)
    assert budget.allowed == (None if limits.images else 58_000 * 3)
    assert [budget.reserve(58_000) for _ in range(4)] == [True, True, True, False]
    budget.settle(58_000, Charged.NO)
    assert budget.reserve(58_000)
    budget.settle(58_000, Charged.MAYBE)
    obstacle = budget.obstacle(58_000)
    assert obstacle is not None
    assert option in obstacle.message
