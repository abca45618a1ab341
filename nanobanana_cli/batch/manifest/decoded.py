"""From decoded values to rows: what is wrong is noted, and the rest goes on to be checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.rows import KEYS, Row, wrong_type
from nanobanana_cli.suggest import one_of


def converted(
    raw: Any,
    row: int,
    mistakes: Diagnostics,
    *,
    strict: bool = True,
    variables: dict[str, str] | None = None,
) -> Iterator[tuple[int, Row]]:
    """The row; what is wrong in it is noted and left out, so that the rest is checked too."""
    if variables:
        raw = {**raw, "vars": variables}
    try:
        yield row, msgspec.convert(raw, Row, strict=strict)
    except (msgspec.ValidationError, ValueError):
        if not isinstance(raw, dict):
            mistakes.add(row, "", 'must be an object, such as {"prompt": "a red fox"}')
            return
        sound = _sound(raw, row, mistakes, strict=strict)
        # The prompt may be under a name that is misspelt.
        yield row, msgspec.convert({"prompt": stand_in(row), **sound}, Row, strict=strict)


def stand_in(row: int) -> str:
    """A prompt for a row whose own is not known, so that the rest is checked too."""
    return f"the prompt of row {row}"


def _sound(raw: dict[str, Any], row: int, mistakes: Diagnostics, *, strict: bool) -> dict[str, Any]:
    """The entries that are as they should be; the others are noted."""
    sound = {}
    for key, value in raw.items():
        if key not in KEYS:
            mistakes.add(row, key, "is not a key", one_of(key, KEYS, ""))
        elif expected := wrong_type(key, value, strict=strict):
            mistakes.add(row, key, f"must be {expected}, not {_shown(value)}")
        else:
            sound[key] = value
    return sound


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
