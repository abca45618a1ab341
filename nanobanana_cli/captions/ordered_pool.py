"""Several workers on one list: results in the list's order, memory that does not grow with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# How far workers may run ahead of a slow first one, in items a worker. An item is a path and a
# result is a text, so this is kilobytes.
_AHEAD = 16


class OrderedPool(Generic[T, R]):
    """Works on items, several at once; a context manager that leaves no worker behind.

    Args:
        work: from an item to its result, on any thread; whatever it raises comes out of the
            iteration.
        items: taken up one after the other, and not all at the start.
        size: how many at once, 1 or more.
    """

    def __init__(self, work: Callable[[T], R], items: Iterable[T], size: int) -> None:
        self._work = work
        self._items = iter(items)
        self._size = size
        self._pool = ThreadPoolExecutor(size)
        self._begun: deque[Future[R]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop what has not begun, and wait for what has."""
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[R]:
        """Each result, in the order of the items."""
        while self._fill():
            # Let go of only when the taker comes back: nothing is lost if a signal stops it.
            yield self._begun[0].result()
            self._begun.popleft()

    def rest(self) -> Iterator[R]:
        """After the end of the block: results that are done and were not taken yet."""
        for future in self._begun:
            if not future.cancelled() and future.exception() is None:
                yield future.result()

    def _fill(self) -> bool:
        """Give out items as far ahead as allowed; whether any result is to come."""
        for item in self._items:
            self._begun.append(self._pool.submit(self._work, item))
            if len(self._begun) >= self._size * _AHEAD:
                break
        return bool(self._begun)
