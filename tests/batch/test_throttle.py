"""Pace calls, and keep the memory and the budget that they share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.batch.dispatcher import Budget, Limits
from nanobanana_cli.batch.throttle import NotSent, RateLimiter
from nanobanana_cli.errors import Charged, NbError, RateLimited, Unavailable, Unreachable


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
    limiter = RateLimiter(3, None)
    seen: list[int] = []

    def send() -> None:
        seen.append(limiter.in_flight)
        time.sleep(0.01)

    together(12, lambda: limiter.run(send))
    assert max(seen) == 3
    assert limiter.in_flight == 0


def test_rpm_spreads_the_starts() -> None:
    limiter = RateLimiter(8, 60 / 0.02)
    starts: list[float] = []
    together(6, lambda: limiter.run(lambda: starts.append(time.monotonic())))
    assert max(starts) - min(starts) >= 0.02 * 5 - 0.005


@pytest.mark.parametrize("error", [Unreachable("gone"), Unavailable("500", resends=1)])
def test_other_failures_say_nothing_about_the_pace(error: Unavailable) -> None:
    limiter = RateLimiter(8, None, wait=60)
    with pytest.raises(Unavailable):
        limiter.run(raising(error))
    assert limiter.held_for == 0


def raising(error: Exception) -> Callable[[], None]:
    def send() -> None:
        raise error

    return send


@pytest.mark.parametrize("kind", [RateLimited, Unavailable])
def test_a_busy_service_holds_all_calls(kind: type[Unavailable]) -> None:
    limiter = RateLimiter(8, None, clock=Clock())
    with pytest.raises(kind):
        limiter.run(raising(kind("busy", retry_after=7.0)))
    assert limiter.held_for == 7.0


def test_a_network_that_was_there_is_waited_for() -> None:
    limiter = RateLimiter(1, None, wait=60)
    answers: list[NbError | None] = [None, Unreachable("gone"), Unreachable("gone"), None]

    def send() -> None:
        if answer := answers.pop(0):
            raise answer

    limiter.run(send)
    began = time.monotonic()
    limiter.run(send)
    assert not answers
    assert 1.4 < time.monotonic() - began < 10


def test_a_stop_sends_nobody_any_more() -> None:
    limiter = RateLimiter(1, None)
    failed: list[NotSent] = []

    def wait() -> None:
        try:
            limiter.run(lambda: None)
        except NotSent as error:
            failed.append(error)

    def send() -> None:
        thread.start()
        limiter.stop()

    thread = threading.Thread(target=wait)
    limiter.run(send)
    thread.join(5)
    assert failed[0].charged is Charged.NO
    began = time.monotonic()
    limiter.pause(30)
    assert time.monotonic() - began < 10


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
