"""Suggest what a mistyped value was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def one_of(value: str, choices: Iterable[str], rest: str | None = None) -> str:
    """Return a hint for a value that is not a choice: `did you mean png? one of auto, png, jpeg`.

    Args:
        value: as typed; the question is left out when it resembles no choice.
        choices: the valid values, in the order to list them.
        rest: replaces the list, where that is long or shown elsewhere; "" for nothing.
    """
    from difflib import get_close_matches

    folded = {choice.lower(): choice for choice in choices}
    match = get_close_matches(value.strip().lower(), folded, n=1, cutoff=0.5)
    question = f"did you mean {folded[match[0]]}? " if match else ""
    listed = f"one of {', '.join(folded.values())}" if rest is None else rest
    return (question + listed).rstrip()


def shown(value: str) -> str:
    """Return a value for a message: one that is empty is to be seen, too."""
    return value or '""'


def nearest(
    value: str, choices: Iterable[str], *, cutoff: float = 0.7, prefix: bool = True
) -> list[str]:
    """Return the choices that a value begins, or else the one that it resembles, if any.

    Args:
        value: as typed.
        choices: names in lower case.
        cutoff: how alike they must be, from 0 to 1.
        prefix: False to look for resemblance alone.
    """
    from difflib import get_close_matches

    known, typed = list(choices), value.lower()
    begun = [choice for choice in known if choice.startswith(typed)] if prefix and typed else []
    return begun or get_close_matches(typed, known, n=1, cutoff=cutoff)
