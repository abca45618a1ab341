"""Hand out the images to make, within the limits of the run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from nanobanana_cli.api import retry
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.errors import (
    ENDS_RUN,
    Charged,
    LocalFileError,
    NbError,
    OverBudget,
    RateLimited,
)
from nanobanana_cli.money import dollars

# So many failures of one kind that ends a run, with no success between them, end it: one alone can
# be a whim of the service.
_ENOUGH = 5


class Limits(msgspec.Struct, frozen=True):
    """What a run may cost.

    Args:
        cost: micro-dollars of this run; None is no limit.
        images: calls of this run that are, or may be, charged.
        total_cost: micro-dollars of all that the ledger records and this run.
    """

    cost: int | None = None
    images: int | None = None
    total_cost: int | None = None

    @property
    def any_cost(self) -> bool:
        """Whether prices must be known."""
        return self.cost is not None or self.total_cost is not None


class Budget:
    """Counts what was spent and what may still be. Not for several threads at once.

    Args:
        limits: what may be spent.
        before: micro-dollars that the ledger records.
    """

    def __init__(self, limits: Limits, before: int = 0) -> None:
        self.limits = limits
        self.spent = 0
        self.in_flight = 0
        self._before = before
        self._images = 0
        self._calls = 0

    def reserve(self, price: int) -> bool:
        """Set a call's price aside, if it is within every limit whatever comes of those in flight.

        Args:
            price: micro-dollars.
        """
        if self.obstacle(price):
            return False
        self.in_flight += price
        self._calls += 1
        return True

    def settle(self, price: int, charged: Charged) -> None:
        """A call is over: what was set aside for it is spent, unless it is known to be free."""
        self.in_flight -= price
        self._calls -= 1
        if charged is not Charged.NO:
            self.spent += price
            self._images += 1

    @property
    def allowed(self) -> int | None:
        """Micro-dollars that this run may cost by all limits; None when there is none."""
        total = self.limits.total_cost
        known = (self.limits.cost, None if total is None else max(0, total - self._before))
        return min((limit for limit in known if limit is not None), default=None)

    @property
    def idle(self) -> bool:
        """Whether no call is in flight, so that no reservation can come back."""
        return self._calls == 0

    def obstacle(self, price: int) -> OverBudget | None:
        """The limit that a call would pass; None when it passes none."""
        cost = self.spent + self.in_flight + price
        limits = self.limits
        if limits.images is not None and self._images + self._calls >= limits.images:
            return _reached("--max-images", str(limits.images))
        if limits.cost is not None and cost > limits.cost:
            return _reached("--max-cost", dollars(limits.cost, zero="$0"))
        if limits.total_cost is not None and self._before + cost > limits.total_cost:
            return _reached("--max-total-cost", dollars(limits.total_cost, zero="$0"))
        return None


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
        self._ending: Counter[type[NbError]] = Counter()
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
            if error is None:
                self._ending.clear()
            elif _ends_run(error):
                self._ending[type(error)] += 1
                if self._ending[type(error)] >= _ENOUGH:
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


def _ends_run(error: NbError) -> bool:
    """Return whether further calls would most likely meet the same."""
    if isinstance(error, RateLimited):
        # A quota for the day, or a wait that is too long.
        return retry.is_pointless(error)
    if isinstance(error, LocalFileError):
        # An image was paid for and could not be saved: so may the next, on a full disk.
        return error.charged is Charged.YES
    return isinstance(error, ENDS_RUN)


def _reached(option: str, limit: str) -> OverBudget:
    return OverBudget(
        f"{option} {limit} is reached",
        hint="what was made is kept; run again with a higher limit for the rest",
    )
