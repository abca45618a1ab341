"""Work on many items with several threads, and hand the results to one."""

from __future__ import annotations

import itertools
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Generic, Self, TypeVar

import msgspec

from nanobanana_cli.errors import Charged, NbError, Unreachable
from nanobanana_cli.system import STOP_SIGNALS, StopSignals, error_of, most_calls

T = TypeVar("T")
R = TypeVar("R")

# Seconds between two looks at the signals.
_TICK = 0.1
# How far workers may run ahead of the thread that takes the results, in items a worker. An item is
# a path or a row and a result holds no picture, so this is kilobytes.
_AHEAD = 16


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back while threads start: an exception there would leave a thread half made."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    is_holding = True
    current = {int(number): signal.getsignal(number) for number in STOP_SIGNALS}
    before = {number: handler for number, handler in current.items() if callable(handler)}

    def hold(number: int, frame: FrameType | None) -> None:
        if is_holding:
            held.append(number)
        else:
            before[number](number, frame)

    try:
        for number in before:
            signal.signal(number, hold)
        yield
    finally:
        # From here on, `hold` hands on what it gets: an exception can leave it in place.
        is_holding = False
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in held:
        hold(number, None)


class _Failure(msgspec.Struct):
    """An exception that a worker raised."""

    error: BaseException


class WorkerPool(Generic[T, R]):
    """Work on items with several threads; a context manager that leaves none behind.

    The thread that takes the results uses no lock that a signal could leave taken: an exception
    that a signal handler raises there loses no result and stops no worker.

    Args:
        work: turns an item into a result, on any thread; what it raises ends the iteration.
        refuse: turns an item into a result where the system starts no thread; without it, that
            error is raised.
        items: consumed one by one, as workers become free.
        size: number of threads, 1 or more.
        ordered: yield the results in the order of the items, else as they finish.
    """

    def __init__(
        self,
        work: Callable[[T], R],
        items: Iterable[T],
        size: int,
        *,
        refuse: Callable[[T, NbError], R] | None = None,
        ordered: bool = False,
    ) -> None:
        self._work = work
        self._refuse = refuse
        self._items = iter(items)
        self._taken = 0
        self._ordered = ordered
        self._taking = threading.Lock()
        self._stopped = False
        self._places = itertools.count()
        self._results: dict[int, R | _Failure] = {}
        self._next = 0
        # One for each item that workers may still take; one for each change of `_results`.
        self._tickets: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._changes: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(size * _AHEAD):
            self._tickets.put(None)
        self._size = min(size, most_calls())
        self._ended: list[None] = []
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the items that no worker has started, and wait for the others."""
        self.stop()
        self.join()

    def __iter__(self) -> Iterator[R]:
        """Yield each result."""
        for result in self.results():
            if result is not None:
                yield result

    def results(self, tick: float | None = None) -> Iterator[R | None]:
        """Yield each result, and None whenever none has finished for `tick` seconds.

        Raises:
            BaseException: what `work` raised.
        """
        with _signals_held():
            refused = self._start()
        if refused is not None:
            if self._refuse is None:
                raise refused
            for item in self._items:
                yield self._refuse(item, refused)
        while True:
            # Asked before looking: a worker leaves its result before it ends.
            is_working = self.is_working
            while self._next in self._results:
                result = self._results[self._next]
                if isinstance(result, _Failure):
                    raise result.error
                yield result
                # Only when the taker comes back: nothing is lost if a signal stops it.
                del self._results[self._next]
                self._next += 1
                self._tickets.put(None)
            if not is_working:
                return
            try:
                self._changes.get(timeout=tick)
            except queue.Empty:
                yield None

    def _start(self) -> NbError | None:
        """Start the threads; return the error if there are none."""
        while self._started < self._size:
            try:
                threading.Thread(target=self._run, daemon=True).start()
            except (RuntimeError, MemoryError) as error:
                if self._started:
                    # Fewer do it too.
                    return None
                found = error_of(error, Charged.NO)
                return Unreachable(found.message, hint=found.hint)
            self._started += 1
        return None

    def until_stopped(self, signals: StopSignals, abort: Callable[[], object]) -> Iterator[R]:
        """Yield each result; at a signal start no further item, and abort those in work.

        Args:
            signals: counts the signals.
            abort: makes the items in work end soon. Their results come all the same.
        """
        is_aborted = False
        for result in self.results(_TICK):
            if signals.count and not is_aborted:
                is_aborted = True
                self.stop()
                abort()
            if result is not None:
                yield result

    @property
    def is_working(self) -> bool:
        """Return True while a worker runs."""
        return len(self._ended) < self._started

    def stop(self) -> None:
        """Start no further item; from any thread."""
        self._stopped = True
        for _ in range(self._size):
            self._tickets.put(None)

    def join(self, seconds: float | None = None) -> None:
        """Wait at most so many seconds for the workers to end; keep results that nobody took."""
        end = None if seconds is None else time.monotonic() + seconds
        while self.is_working:
            rest = None if end is None else end - time.monotonic()
            if rest is not None and rest <= 0:
                return
            with suppress(queue.Empty):
                # Not `Thread.join`: a signal that raises in it can leave it waiting for ever.
                self._changes.get(timeout=rest)

    # In the threads.

    def _run(self) -> None:
        while self._work_on_one():
            pass
        self._ended.append(None)
        self._changes.put(None)

    def _work_on_one(self) -> bool:
        """Work on the next item; return False if there is none."""
        self._tickets.get()
        index = self._taken
        try:
            with self._taking:
                index = self._taken
                if self._stopped:
                    return False
                try:
                    item = next(self._items)
                except StopIteration:
                    return False
                self._taken += 1
            self._leave(index, self._work(item))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that takes the results
            self.stop()
            self._leave(index, _Failure(error))
        return True

    def _leave(self, index: int, result: R | _Failure) -> None:
        self._results[index if self._ordered else next(self._places)] = result
        self._changes.put(None)
