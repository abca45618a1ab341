"""Only what is known to be uncharged is sent again, after a pause that can be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.api import retry
from nanobanana_cli.errors import (
    BadReply,
    NbError,
    NoImage,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)


@dataclass
class Course:
    """Plays outcomes one after the other, and notes what happens between them."""

    outcomes: Sequence[NbError | str]
    attempts: int = 0
    pauses: list[float] = field(default_factory=list)
    ceilings: list[float] = field(default_factory=list)
    told: list[tuple[NbError, float, int]] = field(default_factory=list)

    def attempt(self) -> str:
        outcome = self.outcomes[self.attempts]
        self.attempts += 1
        if isinstance(outcome, NbError):
            raise outcome
        return outcome

    def uniform(self, low: float, high: float) -> float:
        assert low == 0
        self.ceilings.append(high)
        return high / 2

    def on_wait(self, error: NbError, seconds: float, attempt: int) -> None:
        assert len(self.pauses) == len(self.told), "told before the pause"
        self.told.append((error, seconds, attempt))

    def run(self, retries: int = 3, wait: float | None = None) -> tuple[str, int]:
        result = retry.call(
            self.attempt,
            retries=retries,
            left=None if wait is None else lambda: wait - sum(self.pauses),
            on_wait=self.on_wait,
            sleep=self.pauses.append,
            uniform=self.uniform,
        )
        return result, self.attempts


def test_success_needs_one_attempt() -> None:
    assert Course(["ok"]).run() == ("ok", 1)


def test_each_pause_is_told_before_it() -> None:
    error = Unavailable("busy")
    course = Course([error, Unreachable("gone"), "ok"])
    assert course.run() == ("ok", 3)
    assert course.told[0] == (error, 0.5, 1)
    assert [attempt for _, _, attempt in course.told] == [1, 2]
    assert course.pauses == [seconds for _, seconds, _ in course.told]


def test_the_backoff_doubles_up_to_thirty_seconds() -> None:
    course = Course([Unavailable("busy") for _ in range(8)])
    with pytest.raises(Unavailable):
        course.run(retries=7)
    assert course.ceilings == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("kind", [OutcomeUnknown, BadReply, NoImage, Rejected])
def test_what_may_be_charged_or_cannot_work_is_never_sent_again(kind: type[NbError]) -> None:
    course = Course([kind("no"), "never"])
    with pytest.raises(kind, match=r"^no$"):
        course.run()
    assert course.attempts == 1


def test_no_retries_means_one_attempt() -> None:
    course = Course([Unavailable("busy")])
    with pytest.raises(Unavailable, match=r"^busy$"):
        course.run(retries=0)
    assert course.attempts == 1


def test_the_last_error_says_how_many_attempts_there_were() -> None:
    with pytest.raises(RateLimited, match=r"^slow \(after 3 attempts\)$") as caught:
        Course([RateLimited("slow") for _ in range(3)]).run(retries=2)
    assert caught.value.message == "slow (after 3 attempts)"


def test_the_wait_that_the_service_asks_for_is_kept() -> None:
    course = Course([RateLimited("slow", retry_after=34.5), "ok"])
    course.run()
    assert course.pauses == [34.5]
    assert course.ceilings == []


def test_a_longer_wait_than_two_minutes_is_not_begun() -> None:
    course = Course([RateLimited("slow", retry_after=121)])
    with pytest.raises(RateLimited, match=r"^slow \(the service asks to wait 121 s\)$"):
        course.run()
    assert course.pauses == []


def test_some_errors_are_worth_one_resend_only() -> None:
    course = Course([Unavailable("500", resends=1) for _ in range(2)])
    with pytest.raises(Unavailable, match="after 2 attempts"):
        course.run()


def test_other_failures_do_not_use_that_one_up() -> None:
    course = Course([Unavailable("503"), Unavailable("500", resends=1), "ok"])
    assert course.run() == ("ok", 3)


def test_some_errors_are_worth_none() -> None:
    course = Course([RateLimited("tomorrow", resends=0)])
    with pytest.raises(RateLimited, match=r"^tomorrow$"):
        course.run()


def test_an_interrupt_ends_the_wait() -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    course = Course([Unavailable("busy"), "never"])
    with pytest.raises(KeyboardInterrupt):
        retry.call(course.attempt, retries=3, on_wait=course.on_wait, sleep=interrupted)
    assert course.attempts == 1


def test_with_time_left_retries_do_not_count() -> None:
    course = Course([*(Unavailable("busy") for _ in range(12)), "ok"])
    assert course.run(retries=0, wait=600) == ("ok", 13)
    assert course.ceilings == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]


def test_the_last_attempt_is_made_when_the_time_is_over() -> None:
    course = Course([Unavailable("busy") for _ in range(9)])
    with pytest.raises(Unavailable, match=r"^busy \(after 5 attempts\)$"):
        course.run(wait=5)
    assert course.pauses == [0.5, 1, 2, 1.5]


def test_a_wait_that_the_service_asks_for_may_be_as_long_as_the_time_left() -> None:
    course = Course([RateLimited("slow", retry_after=121), "ok"])
    assert course.run(retries=0, wait=121) == ("ok", 2)
    assert course.pauses == [121]
    course = Course([RateLimited("slow", retry_after=121)])
    with pytest.raises(RateLimited, match=r"^slow \(the service asks to wait 121 s\)$"):
        course.run(wait=120)


def test_time_left_gives_no_more_resends_to_what_is_worth_one() -> None:
    course = Course([Unavailable("500", resends=1) for _ in range(2)])
    with pytest.raises(Unavailable, match="after 2 attempts"):
        course.run(wait=600)


@given(
    wait=st.floats(0.001, 1e5),
    asked=st.lists(st.none() | st.floats(0, 1000), min_size=1, max_size=30),
    share=st.floats(0, 1),
)
def test_pauses_stay_within_their_bounds(
    wait: float, asked: list[float | None], share: float
) -> None:
    pauses: list[float] = []
    errors = [RateLimited("slow", retry_after=seconds) for seconds in asked]
    course = iter(errors)

    def attempt() -> str:
        if error := next(course, None):
            raise error
        return "ok"

    def left() -> float:
        return wait - sum(pauses)

    try:
        retry.call(
            attempt,
            retries=0,
            left=left,
            on_wait=lambda *_: None,
            sleep=pauses.append,
            uniform=lambda low, high: low + (high - low) * share,
        )
    except RateLimited:
        last = asked[len(pauses)]
        assert left() <= 0 or (last is not None and last > left())
    else:
        assert len(pauses) == len(asked)
    spent = 0.0
    for number, (pause, seconds) in enumerate(zip(pauses, asked, strict=False)):
        ceiling = min(60, 2**number)
        assert (seconds or 0) <= pause <= max(seconds or 0, ceiling)
        is_cut = pause == wait - spent
        assert is_cut or pause == max(seconds or 0, ceiling * share)
        spent = sum(pauses[: number + 1])
    assert spent <= wait * (1 + 1e-9)
