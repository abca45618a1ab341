"""Suggests what a mistyped value was meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(value: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped value most likely meant, or None when none is close."""
    from difflib import get_close_matches

    folded = {choice.lower(): choice for choice in choices}
    match = get_close_matches(value.strip().lower(), folded, n=1, cutoff=0.5)
    return folded[match[0]] if match else None
