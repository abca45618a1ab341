"""Fill `{placeholders}`, and expand a matrix: one row into many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product

from msgspec.structs import replace

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.rows import Row, Value, stand_in_prompt
from nanobanana_cli.suggest import one_of

# `{{name}}` stands for `{name}` itself; braces around anything else are left as they are, since
# prompts contain JSON and CSS too.
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
_FILLED = ("prompt", "output", "alt_file", "system", "images")

# An error such as four axes of a hundred would fill the memory before it is reported.
_MAX_COMBINATIONS = 1_000_000


def expand(number: int, row: Row, diagnostics: Diagnostics) -> Iterator[Row]:
    """Yield the rows that a row stands for, with placeholders filled.

    These are all combinations of the matrix's values that the row uses. A row that cannot be
    filled is yielded once, without the texts that need a value.

    Args:
        number: the row's number, for errors.
        row: as written, defaults filled in.
        diagnostics: collects placeholders without a value and axes without values.
    """
    if not any("{" in text for text in _texts(row)):
        yield row
        return
    axes, variables = row.matrix or {}, row.vars or {}
    matches = (match for text in _texts(row) for match in _PLACEHOLDER.finditer(text))
    used = {match[2]: None for match in matches if match[2]}
    if not _check(number, used, axes, variables, diagnostics):
        row = _with(row, lambda text: None if "{" in text else text)
        yield row if row.prompt else replace(row, prompt=stand_in_prompt(number))
        return
    names = [name for name in axes if name in used]
    for combination in product(*(axes[name] for name in names)):
        yield _filled(row, {**variables, **dict(zip(names, combination, strict=True))})


def _texts(row: Row) -> Iterator[str]:
    for name in _FILLED:
        value = getattr(row, name)
        if isinstance(value, str):
            yield value
        elif value is not None:
            yield from value


def _check(
    number: int,
    used: Mapping[str, None],
    axes: Mapping[str, list[Value]],
    variables: Mapping[str, Value],
    diagnostics: Diagnostics,
) -> bool:
    """Report placeholders that cannot be filled; return whether all can be."""
    known = {**variables, **axes}
    valid, total = True, 1
    for name in used:
        if name not in known:
            message = f"{{{name}}} has no value in vars or matrix (write {{{{{name}}}}} for braces)"
            hint = one_of(f"{{{name}}}", [f"{{{each}}}" for each in known], "")
            diagnostics.add(number, "", message, hint)
            valid = False
        elif name in axes and not axes[name]:
            diagnostics.add(number, "matrix", f"{name} has no values")
            valid = False
        total *= len(axes.get(name, "1"))
    if total > _MAX_COMBINATIONS:
        message = f"expands to {total:,} rows; the limit is {_MAX_COMBINATIONS:,}"
        diagnostics.add(number, "matrix", message)
        valid = False
    return valid


def _filled(row: Row, values: Mapping[str, Value]) -> Row:
    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(
            lambda match: str(values[match[2]]) if match[2] else f"{{{match[1]}}}", text
        )

    return _with(row, fill)


def _with(row: Row, change: Callable[[str], str | None]) -> Row:
    """Return a row with its texts changed, and without the values that filled them."""

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
