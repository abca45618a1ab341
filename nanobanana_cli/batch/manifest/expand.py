"""Fill `{placeholders}`, and expand a matrix: one row into many."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from msgspec.structs import replace

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.rows import AXES, Row, Value, stand_in_prompt
from nanobanana_cli.errors import NbError
from nanobanana_cli.slug import slug
from nanobanana_cli.suggest import one_of

# `{{name}}` stands for `{name}` itself; braces around anything else are left as they are, since
# prompts contain JSON and CSS too.
_NAME = r"\w*|[^\W\d][\w.-]*"
_PLACEHOLDER = re.compile(rf"\{{\{{({_NAME})\}}\}}|\{{({_NAME})\}}")
# As other tools write a placeholder.
_FOREIGN = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}|\{[ \t]+(\w+)[ \t]*\}|\{(\w+)[ \t]+\}")
_FILLED = ("prompt", "system", "output", "alt_file", "images", "continues", "id", "note")
_OF_PATHS = ("output", "alt_file")
_NUMBER, _SLUG = "index", "slug"

# An error such as four axes of a hundred would fill the memory before it is reported.
_MAX_COMBINATIONS = 1_000_000


class Expander:
    """Turn rows as written into rows without placeholders, prompt files and matrix.

    Args:
        diagnostics: collects what is wrong with placeholders, axes and prompt files.
        read_prompt: returns the content of a prompt file, by its name in the manifest.
    """

    def __init__(self, diagnostics: Diagnostics, read_prompt: Callable[[str], str]) -> None:
        self._diagnostics = diagnostics
        self._read_prompt = read_prompt
        self._count = 0

    def expand(self, number: int, row: Row) -> Iterator[Row]:
        """Yield the rows that a row stands for: all combinations of the matrix that it uses.

        A row that cannot be filled is yielded once, without the texts that need a value.

        Args:
            number: the row's number, for errors.
            row: as written, defaults filled in.
        """
        row = self._with_valid_axes(number, row) if row.matrix else row
        for each in [row] if row.prompt_file is None else self._with_prompt(number, row):
            axes = each.matrix or {}
            if AXES.keys().isdisjoint(axes) and not any("{" in text for _, text in _texts(each)):
                self._count += 1
                yield each
                continue
            used = self._used(number, each, _texts(each), (_NUMBER, _SLUG))
            if used is None:
                blank = _changed(each, lambda _, text: None if "{" in text else text)
                yield blank if blank.prompt else replace(blank, prompt=stand_in_prompt(number))
                continue
            for chosen in _combinations(axes, [*used, *AXES]):
                self._count += 1
                values = {_NUMBER: self._count, **(each.vars or {}), **chosen}
                if _SLUG in used and _SLUG not in values:
                    values[_SLUG] = slug(_fill(each.prompt or "", values))
                yield _filled(each, values, chosen)

    def _with_prompt(self, number: int, row: Row) -> Iterator[Row]:
        """Yield the row with the content of its prompt file; once for each file that it names."""
        name, bare = row.prompt_file or "", replace(row, prompt_file=None)
        if row.prompt is not None:
            self._diagnostics.add(number, "prompt_file", "contradicts prompt", "use one")
            yield bare
            return
        used = self._used(number, row, [("prompt_file", name)], ())
        if used is None:
            yield replace(bare, prompt=stand_in_prompt(number))
            return
        axes = row.matrix or {}
        for chosen in _combinations(axes, used):
            values = {**(row.vars or {}), **chosen}
            try:
                prompt = self._read_prompt(_fill(name, values))
            except NbError as error:
                self._diagnostics.add(number, "prompt_file", error.message)
                prompt = stand_in_prompt(number)
            rest = {axis: several for axis, several in axes.items() if axis not in chosen}
            yield replace(bare, prompt=prompt, vars=values, matrix=rest, **_keys(chosen))

    def _with_valid_axes(self, number: int, row: Row) -> Row:
        """Return the row without axes that set a key in a wrong way; report these."""
        wrong = set()
        for name in AXES.keys() & (row.matrix or {}).keys():
            if getattr(row, name) is not None:
                self._diagnostics.add(number, name, "is in the matrix too", "use one")
                wrong.add(name)
            for value in (row.matrix or {})[name]:
                if not isinstance(value, AXES[name]):
                    what = "whole numbers" if AXES[name] is int else "strings"
                    message = f"{name} must be {what}, not {value!r}"
                    self._diagnostics.add(number, "matrix", message)
                    wrong.add(name)
        return replace(row, matrix=_without(row.matrix or {}, wrong)) if wrong else row

    def _used(
        self,
        number: int,
        row: Row,
        texts: Iterable[tuple[str, str]],
        special: Collection[str],
    ) -> list[str] | None:
        """Return the names in texts; None, once that is reported, if not all can be filled."""
        axes = row.matrix or {}
        known = {**dict.fromkeys(special), **(row.vars or {}), **axes}
        used: dict[str, None] = {}
        problems: list[tuple[str, str, str]] = []
        for key, text in texts:
            if "{" not in text:
                continue
            for match in _FOREIGN.finditer(text):
                name = next(filter(None, match.groups()))
                if name in known:
                    message = f"{match[0]} is not how a placeholder is written"
                    problems.append((key, message, f"write {{{name}}}"))
            for match in _PLACEHOLDER.finditer(text):
                name = match[2]
                if name == _SLUG and key == "prompt" and known.get(name) is None:
                    problems.append(
                        (key, "{slug} is made from the prompt, so it cannot be in it", "")
                    )
                elif name is not None and name not in known and name not in used:
                    problems.append((key, *_no_value(name, known)))
                if name is not None:
                    used[name] = None
        for key, message, hint in problems:
            self._diagnostics.add(number, "", message, hint, within=key)
        return list(used) if self._has_values(number, axes, used) and not problems else None

    def _has_values(
        self, number: int, axes: Mapping[str, list[Value]], used: Collection[str]
    ) -> bool:
        """Report axes without values, and too many combinations; return whether all is well."""
        valid, total = True, 1
        for name, values in axes.items():
            if name in used or name in AXES:
                total *= len(values)
                if not values:
                    self._diagnostics.add(number, "matrix", f"{name} has no values")
                    valid = False
        if total > _MAX_COMBINATIONS:
            message = f"expands to {total:,} rows; the limit is {_MAX_COMBINATIONS:,}"
            self._diagnostics.add(number, "matrix", message)
            valid = False
        return valid


def _no_value(name: str, known: Iterable[str]) -> tuple[str, str]:
    """Return what is wrong with a placeholder that nothing fills, and a hint."""
    if not name:
        return "{} names no value (write {{}} for braces)", ""
    message = f"{{{name}}} has no value in vars or matrix (write {{{{{name}}}}} for braces)"
    return message, one_of(f"{{{name}}}", [f"{{{each}}}" for each in known], "")


def _combinations(
    axes: Mapping[str, list[Value]], names: Collection[str]
) -> Iterator[dict[str, Value]]:
    """Yield the combinations of the axes that have one of the names."""
    chosen = [axis for axis in axes if axis in names]
    for combination in product(*(axes[axis] for axis in chosen)):
        yield dict(zip(chosen, combination, strict=True))


def _without(values: Mapping[str, list[Value]], names: Collection[str]) -> dict[str, list[Value]]:
    return {name: value for name, value in values.items() if name not in names}


def _keys(chosen: Mapping[str, Value]) -> dict[str, Any]:
    """Return the values that set a key of the row."""
    return {name: value for name, value in chosen.items() if name in AXES}


def _texts(row: Row) -> Iterator[tuple[str, str]]:
    for key in _FILLED:
        value = getattr(row, key)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield key, text


def _filled(row: Row, values: Mapping[str, Value], chosen: Mapping[str, Value]) -> Row:
    """Return a row with its placeholders filled, and the keys set that a matrix chose."""

    def fill(key: str, text: str) -> str:
        return _fill(text, values, is_path=key in _OF_PATHS)

    return replace(_changed(row, fill), **_keys(chosen))


def _fill(text: str, values: Mapping[str, Value], *, is_path: bool = False) -> str:
    def value_of(match: re.Match[str]) -> str:
        if match[2] is None:
            return f"{{{match[1]}}}"
        value = str(values[match[2]])
        # `16:9` is no name on Windows, and nb understands `16x9`.
        return value.replace(":", "x") if is_path and match[2] == "aspect" else value

    return _PLACEHOLDER.sub(value_of, text) if "{" in text else text


def _changed(row: Row, change: Callable[[str, str], str | None]) -> Row:
    """Return a row with its texts changed, and without the values that filled them."""
    new: dict[str, Any] = {}
    for key in _FILLED:
        value = getattr(row, key)
        if isinstance(value, str):
            new[key] = change(key, value)
        elif isinstance(value, list):
            new[key] = [text for each in value if (text := change(key, each)) is not None]
    return replace(row, vars=None, matrix=None, **new)
