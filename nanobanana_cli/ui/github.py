r"""Speak to GitHub Actions: annotations, the step's summary, and lines that command nothing.

Its runner reads stdout and stderr of a step in lines, which CR, LF or both end. It obeys a line
that begins, after white space, with `::NAME …::`, or holds `##[NAME …]` anywhere. In the data of a
command, `%0A` stands for a new line (actions/runner: ActionCommand.cs, OutputManager.cs).
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TextIO

from nanobanana_cli.ui.escape import escape

Level = Literal["error", "warning"]
# A file, and a line in it if that is known.
Place = tuple[str, int | None]

_COMMAND = r"((?:\A|[\r\n])(?:[^\S\r\n]|\ufeff)*)::"
_OLD_COMMAND = "##["
# GitHub shows so many of each level for a step. The last error is kept for what ended the run.
MOST: Mapping[Level, int] = {"error": 9, "warning": 10}
# A larger summary is not shown at all; the runner counts 1 MiB for all commands of a step.
_SUMMARY_BYTES = 1_000_000
SUMMARY_ROWS = 500
_CELL = 400
# Characters that mean nothing in Markdown or HTML. Compiled where it is used: that takes 4 ms.
_PLAIN = r"[^A-Za-z0-9 ,/'\u00a0-\U0010ffff-]"


def json_text(text: str) -> str:
    r"""Return the same JSON without `##[`, which can only stand in a string."""
    return text.replace(_OLD_COMMAND, r"##\u005b")


class GitHub:
    """GitHub Actions, if `nb` runs there.

    Args:
        env: the environment.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.is_on = env.get("GITHUB_ACTIONS") == "true"
        self._workspace = env.get("GITHUB_WORKSPACE", "")
        self._summary = env.get("GITHUB_STEP_SUMMARY", "") if self.is_on else ""
        self._told: Counter[Level] = Counter()

    def inert(self, text: str) -> str:
        """Return lines with a backslash in what the runner would take for a command."""
        if not self.is_on or ("::" not in text and _OLD_COMMAND not in text):
            return text
        return re.sub(_COMMAND, r"\1\\::", text).replace(_OLD_COMMAND, r"##\[")

    def inert_result(self, text: str, stream: TextIO) -> str:
        """Return lines for a stream; unchanged for a file, which the runner does not read."""
        changed = self.inert(text)
        return text if changed == text or _is_file(stream) else changed

    def annotation(
        self, level: Level, message: str, place: Place | None, *, ends: bool
    ) -> str | None:
        """Return the line that annotates a run; None elsewhere, or if GitHub would not show it.

        Args:
            level: how bad it is.
            message: what to show, in one or more lines.
            place: what it is about, if that is a file.
            ends: it ended the run, and is shown in any case.
        """
        self._told[level] += 1
        if not self.is_on or (self._told[level] > MOST[level] and not ends):
            return None
        file, line = place or ("", None)
        properties = [f"file={_property(self._in_repository(file))}"] if file else []
        properties += [] if line is None else [f"line={line}"]
        shown = "\n".join(map(escape, message.split("\n")))
        return f"::{level} {','.join([*properties, 'title=nb'])}::{_data(shown)}"

    def add_summary(
        self, title: str, text: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        """Append a table to the summary of the step, as far as GitHub would show it.

        Args:
            title, text: a heading, and a line below it.
            columns: the heads of the columns.
            rows: cells of plain text.

        Raises:
            OSError: it cannot be written.
        """
        if not self._summary:
            return
        # A pipe without a reader would never open.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(self._summary, flags, 0o644), "ab") as file:
            room = _SUMMARY_BYTES - os.fstat(file.fileno()).st_size
            file.write(_markdown(title, text, columns, rows, room))

    def _in_repository(self, file: str) -> str:
        """Return a path as GitHub knows it, from the top of the repository."""
        if self._workspace:
            # Not resolved: a link in the repository is a file of it.
            # On Windows, it may be on another drive.
            with suppress(ValueError):
                inside = Path(os.path.relpath(file, self._workspace))
                if inside.parts[:1] != (os.pardir,):
                    return inside.as_posix()
        return file


def _data(text: str) -> str:
    # Where commands of the new form are switched off, those of the old one may not be.
    text = text.replace(_OLD_COMMAND, r"##\[")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _markdown(
    title: str, text: str, columns: Sequence[str], rows: Iterable[Sequence[str]], room: int
) -> bytes:
    """Return a heading, a text and a table, in at most so many bytes; no part of a row is cut."""
    more = "\n… and more, which did not fit\n"
    parts = [f"\n### {_cell(title)}\n\n{_cell(text)}\n"]
    left = room - len(parts[0].encode()) - len(more.encode())
    if left < 0:
        return b""
    head = f"\n{_row(map(_cell, columns))}{_row('---' for _ in columns)}"
    for number, row in enumerate(rows):
        line = ("" if number else head) + _row(map(_cell, row))
        left -= len(line.encode())
        if left < 0 or number == SUMMARY_ROWS:
            parts.append(more)
            break
        parts.append(line)
    return "".join(parts).encode()


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    """Return text that Markdown shows as it is."""
    shown = escape(text if len(text) <= _CELL else f"{text[: _CELL - 1]}…")
    return re.sub(_PLAIN, lambda found: f"&#{ord(found[0])};", shown)


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
