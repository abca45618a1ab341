"""`{placeholders}`, and the matrix that makes one row into many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from msgspec.structs import replace

from nanobanana_cli.batch.manifest.decoded import stand_in
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.rows import Row, Value
from nanobanana_cli.suggest import one_of

# `{{name}}` stands for `{name}` itself; braces around anything else are left as they are, since
# prompts hold JSON and CSS too.
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
_FILLED = ("prompt", "output", "alt_file", "system", "images")

# A slip such as four axes of a hundred would otherwise fill the memory before it is told.
MOST_COMBINATIONS = 1_000_000


def expand(number: int, row: Row, mistakes: Diagnostics) -> Iterator[Row]:
    """The rows that a row stands for: one for each combination of the matrix's values that it
    uses, with its placeholders filled; one that cannot be filled is left with what needs none.

    Args:
        number: the row's number, for mistakes.
        row: as written, defaults filled in.
        mistakes: told of placeholders without a value and of axes without values.
    """
    if not _has_braces(row):
        yield row
        return
    axes, variables = row.matrix or {}, row.vars or {}
    used = _used(row)
    if _wrong(number, used, axes, variables, mistakes):
        yield _without_braces(number, row)
        return
    names = [name for name in axes if name in used]
    for combination in product(*(axes[name] for name in names)):
        yield _filled(row, {**variables, **dict(zip(names, combination, strict=True))})


def _has_braces(row: Row) -> bool:
    return any("{" in text for text in _texts(row))


def _texts(row: Row) -> Iterator[str]:
    for name in _FILLED:
        value = getattr(row, name)
        if isinstance(value, str):
            yield value
        elif value is not None:
            yield from value


def _used(row: Row) -> dict[str, None]:
    """The names of the placeholders, in order, each once."""
    matches = (match for text in _texts(row) for match in _PLACEHOLDER.finditer(text))
    return {match[2]: None for match in matches if match[2]}


def _wrong(
    number: int,
    used: Mapping[str, None],
    axes: Mapping[str, list[Value]],
    variables: Mapping[str, Value],
    mistakes: Diagnostics,
) -> bool:
    known = {**variables, **axes}
    unknown = [name for name in used if name not in known]
    for name in unknown:
        mistakes.add(
            number,
            "",
            f"{{{name}}} has no value in vars or matrix ({{{{{name}}}}} stands for the braces "
            "themselves)",
            one_of(f"{{{name}}}", [f"{{{each}}}" for each in known], ""),
        )
    empty = [name for name in used if name in axes and not axes[name]]
    for name in empty:
        mistakes.add(number, "matrix", f"{name} has no values")
    total = 1
    for name in used:
        total *= len(axes.get(name, "1"))
    if total > MOST_COMBINATIONS:
        mistakes.add(number, "matrix", f"makes {total:,} rows; at most {MOST_COMBINATIONS:,}")
    return bool(unknown or empty) or total > MOST_COMBINATIONS


def _filled(row: Row, values: Mapping[str, Value]) -> Row:
    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(
            lambda match: str(values[match[2]]) if match[2] else f"{{{match[1]}}}", text
        )

    return _with(row, fill)


def _without_braces(number: int, row: Row) -> Row:
    """The rest of a row that cannot be filled, so that it is checked too."""
    row = _with(row, lambda text: None if "{" in text else text)
    return row if row.prompt else replace(row, prompt=stand_in(number))


def _with(row: Row, change: Callable[[str], str | None]) -> Row:
    """A row with its texts changed, and without what they were filled from."""

    def changed(text: str | None) -> str | None:
        return None if text is None else change(text)

    images = [row.images] if isinstance(row.images, str) else row.images
    return replace(
        row,
        prompt=changed(row.prompt),
        output=changed(row.output),
        alt_file=changed(row.alt_file),
        system=changed(row.system),
        images=images and [text for name in images if (text := change(name)) is not None],
        vars=None,
        matrix=None,
    )
