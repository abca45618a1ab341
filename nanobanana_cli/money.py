"""Count money in whole micro-dollars (1 USD = 1,000,000), since `int(0.174 / 0.058)` is 2."""

from __future__ import annotations

import threading

from nanobanana_cli.errors import Charged, ExitCode, Interrupted, NbBaseError, OutcomeUnknown

MICRO = 1_000_000


def micro_dollars(usd: str) -> int:
    """Parse an amount in dollars as whole micro-dollars, rounded down.

    Raises:
        ValueError: not an amount from zero to a million.
    """
    from decimal import Decimal, InvalidOperation

    try:
        # Decimal accepts digits of any script, and underscores.
        amount = Decimal(usd.strip() if usd.isascii() and "_" not in usd else "")
    except InvalidOperation:
        raise ValueError(usd) from None
    if not amount.is_finite() or not 0 <= amount <= MICRO:
        raise ValueError(usd)
    return int(amount * MICRO)


def usd(micro: int | None) -> float | None:
    """Return micro-dollars as dollars, for JSON."""
    return None if micro is None else micro / MICRO


def dollars(micro: int | None, *, zero: str = "free") -> str:
    """Format an amount: `$0.058`, `$1.20`, `free` (or another word for `zero`), `price unknown`."""
    if micro is None:
        return "price unknown"
    if micro == 0:
        return zero
    whole, fraction = divmod(micro, MICRO)
    return f"${whole}.{str(fraction).zfill(6).rstrip('0').ljust(2, '0')}"


class Charges:
    """Record what this process has sent that may cost money, and what came of it.

    For any number of threads, each of which makes one call at a time. Each method is one step that
    neither a signal nor another thread can divide, or takes its steps in an order that never says
    too little.

    Attributes:
        usage: where the account's usage is shown; "" where only its owner knows, None if nothing
            can be charged.
    """

    def __init__(self) -> None:
        self.usage: str | None = None
        self._in_flight: set[int] = set()
        self._unsaved: set[int] = set()
        self._outcomes: set[Charged] = set()

    def sent(self) -> None:
        """Note that this thread sends a request: from here on its outcome is unknown."""
        self._in_flight.add(threading.get_ident())

    def settle(self, charged: Charged) -> None:
        """Note what came of this thread's request, unless that is known already."""
        thread = threading.get_ident()
        if thread in self._in_flight:
            self._outcomes.add(charged)
            self._in_flight.discard(thread)

    def received(self) -> None:
        """Note that this thread holds a reply, which must not be lost."""
        self._unsaved.add(threading.get_ident())

    def saved(self) -> None:
        """Note that this thread is done with its reply."""
        self._unsaved.discard(threading.get_ident())

    def are_unsaved(self) -> bool:
        """Return True while a reply is here that is not saved yet."""
        return bool(self._unsaved)

    def are_others_busy(self) -> bool:
        """Return True while another thread makes a call or saves its reply."""
        return bool((self._in_flight | self._unsaved) - {threading.get_ident()})

    @property
    def total(self) -> Charged:
        """The charge for all that was sent so far: unsure as long as that of any request is."""
        if self._in_flight or Charged.MAYBE in self._outcomes:
            return Charged.MAYBE
        return Charged.YES if Charged.YES in self._outcomes else Charged.NO

    def hints(self, error: NbBaseError) -> list[str]:
        """Return an error's hints, with where to look whether a call was charged."""
        hints = (error.hint or "").splitlines()
        if self.total is Charged.MAYBE and self.usage is not None:
            if isinstance(error, Interrupted):
                where = f": {self.usage}" if self.usage else ""
                hints.append(f"check the account's usage before running it again{where}")
            elif isinstance(error, OutcomeUnknown) and self.usage:
                hints.append(f"the usage is shown at {self.usage}")
        return hints

    def line(self, error: NbBaseError) -> str | None:
        """Return the line that ends an error's; None for one that comes before any call."""
        charged = self.total
        if charged is Charged.NO and error.code is ExitCode.USAGE:
            return None
        return charged.sentence
