"""Count money in whole micro-dollars (1 USD = 1,000,000), since `int(0.174 / 0.058)` is 2."""

from __future__ import annotations

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
