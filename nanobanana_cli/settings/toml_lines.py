"""Find the lines of a TOML text, which tomllib does not report."""

from __future__ import annotations

from collections.abc import Mapping


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Return the line, from 1, of the statement that sets a key, or None.

    Split the text into statements: the fewest lines that parse alone.
    """
    import tomllib

    table: tuple[str, ...] = ()
    pending: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        pending.append(line)
        try:
            statement = tomllib.loads("\n".join(pending))
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
