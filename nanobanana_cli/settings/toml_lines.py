"""Read TOML, and find the lines of a text, which tomllib does not report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Characters to parse in search of a line: half a second's.
_MOST_PARSED = 1 << 23


def load(text: str) -> dict[str, Any]:
    """Return what a TOML text holds.

    Raises:
        ValueError: it is not TOML, or holds a whole number that TOML has no room for, whose digits
            Python would refuse to show.
        RecursionError: it is nested too deeply.
    """
    import tomllib

    content = tomllib.loads(text)
    # Numbers of other bases are read however long they are.
    values: list[Any] = [content]
    while values:
        value = values.pop()
        if isinstance(value, dict | list):
            values += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int) and value.bit_length() > 64:
            raise ValueError
    return content


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Return the line, from 1, of the statement that sets a key, or None.

    Split the text into statements: the fewest lines that parse alone. None, too, when that takes
    long, as for a string of thousands of lines.
    """
    import tomllib

    table: tuple[str, ...] = ()
    pending: list[str] = []
    parsed = 0
    for number, line in enumerate(text.split("\n"), start=1):
        pending.append(line)
        text = "\n".join(pending)
        parsed += len(text)
        if parsed > _MOST_PARSED:
            return None
        try:
            statement = tomllib.loads(text)
        except (ValueError, RecursionError):
            continue
        start = number - len(pending) + 1
        header = pending[0].lstrip().startswith("[")
        pending = []
        if header:
            table = _path(statement)
        found = _path(statement) if header else table + _path(statement, keys[len(table) :])
        if statement and found[: len(keys)] == keys:
            return start
    return None


def _path(statement: Mapping[str, object], wanted: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the keys that lead into a statement, along `wanted` where an inline table branches."""
    path: list[str] = []
    node: object = statement
    while isinstance(node, dict) and node:
        step = wanted[len(path)] if len(path) < len(wanted) else ""
        key = step if step in node else next(iter(node))
        path.append(key)
        node = node[key]
    return tuple(path)
