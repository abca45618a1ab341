"""Ctrl-C in a run that has calls in flight: the first asks, the second insists."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from nanobanana_cli.system import STOP_SIGNALS


class Signals:
    """Counts signals while the block runs, instead of raising.

    Attributes:
        count: how many there were.
        last: the number of the last one; 0 when there was none.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in STOP_SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.last = number
