"""What the runner of GitHub Actions makes of a step's output: its own parser, in Python.

Ported from actions/runner (MIT): ActionCommand.cs, OutputManager.cs and ActionCommandManager.cs.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

_KNOWN = {
    *("set-env", "set-output", "save-state", "add-mask", "add-path", "add-matcher"),
    *("remove-matcher", "debug", "warning", "error", "notice", "group", "endgroup", "echo"),
    "stop-commands",
}
# char.IsWhiteSpace of .NET.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


class Command(NamedTuple):
    """A command that the runner obeys, as it understands it."""

    name: str
    properties: dict[str, str]
    data: str


def commands(stream: bytes) -> list[Command]:
    """Return the commands in what a step printed on stdout or stderr."""
    text = stream.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    # StreamReader.ReadLine ends a line at CR, LF or both.
    return [found for line in re.split("\r\n|\r|\n", text) for found in _of_line(line)]


def annotated(stream: bytes) -> list[tuple[str, str | None, int | None, str]]:
    """Return level, file, line and message of each annotation; there must be no other command."""
    found = commands(stream)
    assert all(each.name in ("error", "warning") for each in found), found
    assert all(each.properties["title"] == "nb" for each in found), found
    return [
        (
            *(name, properties.get("file")),
            int(properties["line"]) if "line" in properties else None,
            data,
        )
        for name, properties, data in found
    ]


def _of_line(line: str) -> Iterator[Command]:
    found = _new(line.lstrip(_SPACE)) or _old(line)
    if found:
        yield found


def _new(line: str) -> Command | None:
    if not line.startswith("::") or (end := line.find("::", 2)) < 0:
        return None
    name, _, properties = line[2:end].partition(" ")
    if name.lower() not in _KNOWN:
        return None
    marks = ("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")
    pairs = (each.split("=", 1) for each in properties.strip().split(",") if "=" in each)
    decoded = {pair[0]: _decoded(pair[1], marks) for pair in pairs}
    return Command(name, decoded, _decoded(line[end + 2 :], (*marks[:2], marks[4])))


def _old(line: str) -> Command | None:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name = line[start + 3 : end].partition(" ")[0]
    return Command(name, {}, line[end + 1 :]) if name.lower() in _KNOWN else None


def _decoded(text: str, marks: tuple[tuple[str, str], ...]) -> str:
    for mark, char in marks:
        text = text.replace(mark, char)
    return text
