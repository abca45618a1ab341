"""Order, bounds, and what becomes of the rest."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from nanobanana_cli.generation.pool import WorkerPool


def test_results_come_in_the_order_of_the_items() -> None:
    def work(item: int) -> int:
        time.sleep(0.03 if item % 3 == 0 else 0)
        return item * 2

    with WorkerPool(work, range(20), 4, ordered=True) as pool:
        assert list(pool) == [item * 2 for item in range(20)]


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

    with WorkerPool(work, range(40), 4, ordered=True) as pool:
        list(pool)
    assert most == 4


def test_items_are_taken_as_they_are_needed() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with WorkerPool(lambda item: item, items(), 2, ordered=True) as pool:
        for result, _ in zip(pool, range(100), strict=False):
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

    with WorkerPool(work, range(10), 2, ordered=True) as pool:
        assert list(pool) == list(range(10))


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

    with WorkerPool(work, range(1000), 2, ordered=True) as pool:
        taken = iter(pool)
        assert next(taken) == 0
        assert release.wait(10)
    rest = list(pool)
    # The one that was taken last is among them: nobody can say what became of it.
    assert rest[:8] == list(range(8))
    assert len(done) < 1000


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_comes_out_and_no_further_item_is_begun(ordered: bool) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise ValueError(item)
        return item

    pool = WorkerPool(work, range(100), 1, ordered=ordered)
    with pytest.raises(ValueError, match="1"), pool:
        list(pool)
    assert begun == [0, 1]


def test_an_error_of_the_items_comes_out_after_the_results() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise ValueError("no more")

    taken: list[int] = []
    with pytest.raises(ValueError, match="no more"), WorkerPool(abs, items(), 2) as pool:
        taken.extend(pool)
    assert taken == [] or taken == [0]


def test_results_come_as_they_get_done_unless_an_order_is_asked_for() -> None:
    second = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second.wait(10)
        else:
            second.set()
        return item

    with WorkerPool(work, range(2), 2) as pool:
        assert list(pool) == [1, 0]


def test_a_tick_comes_while_nothing_gets_done() -> None:
    release = threading.Event()

    def work(item: int) -> int:
        assert release.wait(10)
        return item

    with WorkerPool(work, range(1), 1) as pool:
        results = pool.results(0.01)
        assert next(results) is None
        release.set()
        assert 0 in results


def test_joining_ends_at_its_time() -> None:
    release = threading.Event()
    pool = WorkerPool(lambda _: release.wait(30), range(3), 2)
    results = pool.results(0.01)
    assert next(results) is None
    pool.stop()
    started = time.monotonic()
    pool.join(0.05)
    assert time.monotonic() - started < 10
    assert pool.is_working
    release.set()
    pool.join(5)
    assert not pool.is_working


def test_a_signal_that_raises_at_any_moment_loses_no_result_and_stops_no_worker() -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    def send(delay: float) -> None:
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, stop)
    stopped = 0
    try:
        for attempt in range(100):
            pool = WorkerPool(lambda item: item, range(200), 4)
            taken: list[int] = []
            sender = threading.Thread(target=send, args=(attempt * 0.00005,))
            try:
                sender.start()
                with pool:
                    for result in pool:
                        taken.append(result)  # noqa: PERF402 - one by one, so that none is lost
                    sender.join()
            except Stop:
                stopped += 1
            pool.stop()
            pool.join(10)
            assert not pool.is_working
            found = taken + list(pool)
            assert sorted(set(found)) == list(range(max(found, default=-1) + 1))
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped == 100
