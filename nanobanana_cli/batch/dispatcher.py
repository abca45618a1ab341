"""Hand out the images to make, within the limits of the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import msgspec

from nanobanana_cli.batch.dependencies import StepQueue
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.throttle import ends_run
from nanobanana_cli.errors import BatchIncomplete, Charged, NbError, NoImage, NoText, OverBudget
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result


class Limits(msgspec.Struct, frozen=True):
    """The limits of a run's cost.

    Args:
        cost: micro-dollars of this run; None for no limit.
        images: calls of this run that are, or may be, charged.
        total_cost: micro-dollars of all that the ledger records and this run.
    """

    cost: int | None = None
    images: int | None = None
    total_cost: int | None = None

    @property
    def any_cost(self) -> bool:
        """True if a limit is in dollars, so that prices must be known."""
        return self.cost is not None or self.total_cost is not None


class Budget:
    """Count what was spent and what may still be spent; not thread-safe.

    Args:
        limits: of what may be spent.
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
        """Set a call's price aside if it exceeds no limit, even if all calls in flight are charged.

        Args:
            price: micro-dollars.
        """
        if self.obstacle(price):
            return False
        self.in_flight += price
        self._calls += 1
        return True

    def settle(self, price: int, charged: Charged, cost: int | None = None) -> None:
        """Spend what was set aside for a call that has ended, unless it is known to be free.

        Args:
            price: micro-dollars that were set aside.
            charged: whether it has cost anything.
            cost: micro-dollars that it has cost instead, if that is known.
        """
        self.in_flight -= price
        self._calls -= 1
        if charged is not Charged.NO:
            self.spent += price if cost is None else cost
            self._images += 1

    @property
    def allowed(self) -> int | None:
        """Micro-dollars that this run may cost by all limits; None without a limit."""
        total = self.limits.total_cost
        known = (self.limits.cost, None if total is None else max(0, total - self._before))
        return min((limit for limit in known if limit is not None), default=None)

    @property
    def idle(self) -> bool:
        """True if no call is in flight, so that no reservation can be returned."""
        return self._calls == 0

    def obstacle(self, price: int) -> OverBudget | None:
        """Return the limit that a call would exceed, if any."""
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
    """Hand images out to any number of threads, within the budget.

    Args:
        steps: the images to make, each after those that it is made from.
        budget: of the run; used by the dispatcher alone.
        fail_fast: stop after the first failure.
        max_failures: stop after so many failures in a row that may have been charged, or were
            refusals.
        limit: called from the thread whose image has been settled, with the most calls that may
            be under way now; None for no such limit.
        on_stop: called when no more images are handed out although some are left.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        budget: Budget,
        *,
        fail_fast: bool,
        max_failures: int,
        limit: Callable[[int | None], None],
        on_stop: Callable[[], None],
    ) -> None:
        self._queue = StepQueue(steps)
        self._budget = budget
        self.fail_fast = fail_fast
        self._max_failures = max_failures
        self._limit = limit
        self._on_stop = on_stop
        self._changed = threading.Condition()
        self._stopped = False
        self._failures = 0  # since the last success
        self.reason: NbError | None = None

    def take(self) -> Step | None:
        """Return the next image and set its price aside; return None at the end.

        Wait while calls in flight may yet turn out to be free and return their share of the budget,
        and for the images that all others are made from.
        """
        with self._changed:
            while not self._stopped and self._queue.left:
                step = self._queue.first()
                if step is not None and self._budget.reserve(step.price or 0):
                    self._queue.take()
                    return step
                if step is not None and self._budget.idle:
                    self._end(self._budget.obstacle(step.price or 0))
                    break
                self._changed.wait()
            return None

    def settle(self, step: Step, result: Result, charged: Charged) -> list[Step]:
        """Settle an image; return the others that cannot be made without it, and are dropped.

        Args:
            step: as `take` returned it.
            result: what became of it.
            charged: whether the call cost what was set aside, or what the result says.
        """
        error = result.error
        with self._changed:
            self._budget.settle(step.price or 0, charged, result.cost)
            if result.attempts:
                self._count(error, charged)
            dropped = []
            if not self._stopped:
                has_turns = error is None or result.chat_path is not None
                has_image = result.path is not None
                dropped = self._queue.ended(step, has_image=has_image, has_turns=has_turns)
            if error is not None and self.fail_fast:
                self._end(None)
            # No more than what would be as many failures in a row as are allowed.
            self._limit(max(1, self._max_failures - self._failures) if self._failures else None)
            self._changed.notify_all()
            return dropped

    def stop(self, reason: NbError | None = None) -> None:
        """Hand out no more images.

        Args:
            reason: the error that ends the run, unless the user does.
        """
        with self._changed:
            self._end(reason)

    @property
    def spent(self) -> int:
        """Micro-dollars that this run has cost, or may have cost, so far."""
        return self._budget.spent

    @property
    def left(self) -> int:
        """The number of images that have not been handed out."""
        return self._queue.left

    def _count(self, error: NbError | None, charged: Charged) -> None:
        """End the run after a failure that all others would meet too, or one too many in a row."""
        if error is not None and ends_run(error):
            self._end(error)
        elif error is None or isinstance(error, NoText):
            self._failures = 0
        elif charged is not Charged.NO or isinstance(error, NoImage):
            self._failures += 1
            if self._failures >= self._max_failures:
                self._end(self._too_many(error))

    def _too_many(self, error: NbError) -> BatchIncomplete:
        return BatchIncomplete(
            f"{self._failures} images failed in a row, the last of them: {error.message}",
            hint=f"{error.hint or 'see why'}; --max-failures allows more than "
            f"{self._max_failures} in a row",
        )

    def _end(self, reason: NbError | None) -> None:
        self._stopped = True
        self.reason = self.reason or reason
        self._on_stop()
        self._changed.notify_all()


def _reached(option: str, limit: str) -> OverBudget:
    return OverBudget(
        f"{option} {limit} is reached",
        hint="what was made is kept; run again with a higher limit for the rest",
    )
