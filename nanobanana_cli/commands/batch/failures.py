"""Sum up the failures of a run: a block for each cause, with what its calls may have cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from nanobanana_cli.commands.batch.plan import amount
from nanobanana_cli.errors import Charged, NbError

_PATHS_SHOWN = 3
_CAUSES_SHOWN = 20
_CHARGES = {
    Charged.YES: "charged",
    Charged.MAYBE: "may have been charged",
    Charged.NO: "not charged",
}


class FailedRow(msgspec.Struct, frozen=True):
    """A row whose call failed, or whose image came without its text.

    Args:
        path: of its image, as shown.
        error: the reason.
        cost: micro-dollars that the call cost or may have cost; None when not known.
    """

    path: str
    error: NbError
    cost: int | None


def blocks(failed: Sequence[FailedRow]) -> Iterator[str]:
    """Yield the lines of a block for each cause, the most frequent first."""
    causes: dict[tuple[str, str, str], list[FailedRow]] = {}
    for row in failed:
        # Messages that differ in an amount or an address have one cause.
        words = re.sub(r"[\d.,]+", "#", row.error.message)
        # So do hints that lead to what was kept of each.
        hint = "" if row.error.is_kept else row.error.hint or ""
        causes.setdefault((row.error.kind, hint, words), []).append(row)
    ordered = sorted(causes.items(), key=lambda cause: -len(cause[1]))
    for _, rows in ordered[:_CAUSES_SHOWN]:
        message, _ = Counter(row.error.message for row in rows).most_common(1)[0]
        yield f"{len(rows)} × {message}"
        hints = (row.error.hint or "" for row in rows)
        lines = dict.fromkeys(line for hint in hints for line in hint.splitlines())
        yield from (f"  hint: {line}" for line in lines)
        yield f"  {charges(rows)}"
        rest = len(rows) - _PATHS_SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        yield "  " + ", ".join(row.path for row in rows[:_PATHS_SHOWN]) + more
    if len(ordered) > _CAUSES_SHOWN:
        yield f"… and {len(ordered) - _CAUSES_SHOWN} more causes"


def charges(rows: Sequence[FailedRow]) -> str:
    """Return how many calls were charged, and what they cost: `2 charged ($0.116)`."""
    parts = []
    for charged, words in _CHARGES.items():
        costs = [row.cost for row in rows if row.error.charged is charged]
        unpriced = costs.count(None)
        known = amount(sum(cost or 0 for cost in costs), unpriced)
        price = "price unknown" if unpriced == len(costs) else known
        if costs:
            parts.append(f"{len(costs)} {words}" + (charged is not Charged.NO) * f" ({price})")
    return ", ".join(parts)
