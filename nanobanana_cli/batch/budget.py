"""Limits that hold exactly, calls in flight included. Whole micro-dollars."""

from __future__ import annotations

import msgspec

from nanobanana_cli.errors import Charged, OverBudget
from nanobanana_cli.money import dollars


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


def _reached(option: str, limit: str) -> OverBudget:
    return OverBudget(
        f"{option} {limit} is reached",
        hint="what was made is kept; run again with a higher limit for the rest",
    )
