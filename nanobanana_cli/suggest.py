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
