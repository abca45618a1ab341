"""Order, bounds, and what becomes of the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from nanobanana_cli.captions.ordered_pool import OrderedPool


def test_results_come_in_the_order_of_the_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.03 if item % 3 == 0 else 0)
        return item * 2

    with OrderedPool(work, range(20), 4) as crew:
        assert list(crew) == [item * 2 for item in range(20)]


def test_never_more_at_once_than_asked_for() -> None:
    lock = threading.Lock()
    busy = most = 0

    def work(_: int) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.005)
        with lock:
            busy -= 1

    with OrderedPool(work, range(40), 4) as crew:
        list(crew)
    assert most == 4


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with OrderedPool(lambda item: item, items(), 2) as crew:
        for result, _ in zip(crew, range(100), strict=False):
            assert taken <= result + 2 * 16
    assert taken < 200


def test_a_slow_first_one_does_not_hold_up_the_others() -> None:
    first = threading.Event()
    done: list[int] = []

    def work(item: int) -> int:
        if item == 0:
            assert first.wait(10)
        done.append(item)
        if len(done) == 9:
            first.set()
        return item

    with OrderedPool(work, range(10), 2) as crew:
        assert list(crew) == list(range(10))


def test_what_was_done_and_not_taken_can_be_had_afterwards() -> None:
    release = threading.Event()
    done: list[int] = []

    def work(item: int) -> int:
        if item == 2:
            release.wait(10)
        done.append(item)
        if len(done) == 8:
            release.set()
        return item

    with OrderedPool(work, range(1000), 2) as crew:
        taken = iter(crew)
        assert next(taken) == 0
        assert release.wait(10)
    rest = list(crew.rest())
    # The one that was taken last is among them: nobody can say what became of it.
    assert rest[:8] == list(range(8))
    assert len(done) < 1000


def test_an_error_comes_out_and_is_no_result_afterwards() -> None:
    def work(item: int) -> int:
        if item == 1:
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match="1"), OrderedPool(work, range(3), 1) as crew:
        list(crew)
    assert list(crew.rest()) == [2]
