"""Which image is next, and whether there is to be a next one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from nanobanana_cli.api import retry
from nanobanana_cli.batch.budget import Budget
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.errors import (
    Charged,
    KeyRejected,
    LocalFileError,
    NbError,
    OutOfCredit,
    RateLimited,
)

# What a key or an account without credit does to one call, it does to all.
_FATAL = (KeyRejected, OutOfCredit)
_FATAL_LIMIT = 5


class Dispatcher:
    """Hands images out to any number of threads, within the budget.

    Args:
        steps: the images to make, in order.
        budget: what it may cost; used by this alone.
        fail_fast: whether the first failure is the last.
        on_stop: called when nothing more is handed out although there is more.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        budget: Budget,
        *,
        fail_fast: bool,
        on_stop: Callable[[], None],
    ) -> None:
        self._steps = steps
        self._budget = budget
        self.fail_fast = fail_fast
        self._on_stop = on_stop
        self._changed = threading.Condition()
        self._next = 0
        self._stopped = False
        self._fatal: Counter[type[NbError]] = Counter()
        self.reason: NbError | None = None

    def take(self) -> Step | None:
        """The next image, its price set aside; None when there is none.

        Waits while calls in flight may yet turn out to be free and leave room in the budget.
        """
        with self._changed:
            while not self._stopped and self._next < len(self._steps):
                step = self._steps[self._next]
                if self._budget.reserve(step.price or 0):
                    self._next += 1
                    return step
                if self._budget.idle:
                    self._end(self._budget.obstacle(step.price or 0))
                    break
                self._changed.wait()
            return None

    def settle(self, step: Step, error: NbError | None, charged: Charged) -> None:
        """An image is done with.

        Args:
            step: as it was taken.
            error: why there is no image.
            charged: whether it has cost what was set aside.
        """
        with self._changed:
            self._budget.settle(step.price or 0, charged)
            if error is not None and _is_fatal(error):
                self._fatal[type(error)] += 1
                if self._fatal[type(error)] >= _FATAL_LIMIT:
                    self._end(error)
            if error is not None and self.fail_fast:
                self._end(None)
            self._changed.notify_all()

    def stop(self, reason: NbError | None = None) -> None:
        """Hand out nothing more.

        Args:
            reason: why, when nobody asked for it.
        """
        with self._changed:
            self._end(reason)

    @property
    def spent(self) -> int:
        """Micro-dollars that this run has, or may have, cost by now."""
        return self._budget.spent

    @property
    def left(self) -> int:
        """How many images have not been handed out."""
        return len(self._steps) - self._next

    def _end(self, reason: NbError | None) -> None:
        self._stopped = True
        self.reason = self.reason or reason
        self._on_stop()
        self._changed.notify_all()


def _is_fatal(error: NbError) -> bool:
    """Whether further calls would most likely meet the same."""
    if isinstance(error, RateLimited):
        # A quota for the day, or a wait that nobody waits for.
        return retry.is_pointless(error)
    if isinstance(error, LocalFileError):
        # An image was paid for and could not be saved: so may the next, on a full disk.
        return error.charged is Charged.YES
    return isinstance(error, _FATAL)
