"""stdout for data, stderr for people.

Everything that `nb` says goes through here, because what it says comes from servers, file names
and prompts: control, bidirectional and escape characters are made visible, and no markup is read
into anything. What moves or needs a grid is drawn in `drawing`, which imports rich.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nanobanana_cli.errors import LocalFileError, NbBaseError, OutputClosed, UsageError
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.progress import NoSpinner, PlainProgress, ProgressBar, Spinner

if TYPE_CHECKING:
    from nanobanana_cli.types import Data

_BOLD_RED, _BOLD_YELLOW, _CYAN, _DIM = "1;31", "1;33", "36", "2"


def wants_color(env: Mapping[str, str], stream: TextIO, choice: bool | None) -> bool:
    """Whether to colour a stream: `--color`, `NO_COLOR`, `FORCE_COLOR`, then: is it a terminal.

    Args:
        env: the environment.
        stream: the stream that would carry the colour.
        choice: what `--color/--no-color` said; None when neither was given.
    """
    if choice is not None:
        return choice
    if env.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if value := env.get(name):
            return value not in ("0", "false")
    return stream.isatty() and env.get("TERM") != "dumb"


class Terminal:
    """The streams of one run, and how to speak on them.

    Args:
        env: the environment, read for colour and handed on to commands.
        stdin, stdout, stderr: text streams with a `buffer`, as in `sys`.
    """

    def __init__(
        self, env: Mapping[str, str], stdin: TextIO, stdout: TextIO, stderr: TextIO
    ) -> None:
        self.env = env
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.quiet = False
        self.verbose = False
        self._color: bool | None = None
        # While a spinner turns: how to put a line above it.
        self._above: Callable[[str], None] | None = None
        self._lock = threading.RLock()

    @classmethod
    def of_process(cls) -> Terminal:
        """The terminal of this process; a stream that the parent closed leads nowhere."""
        return cls(
            os.environ,
            sys.stdin or Path(os.devnull).open(encoding="utf-8"),
            sys.stdout or Path(os.devnull).open("w", encoding="utf-8"),
            sys.stderr or Path(os.devnull).open("w", encoding="utf-8"),
        )

    def configure(
        self, *, quiet: bool = False, verbose: bool = False, color: bool | None = None
    ) -> None:
        """Apply a command's own options.

        Args:
            quiet: errors alone on stderr.
            verbose: tell the request's course on stderr.
            color: `--color/--no-color`; None leaves it to the environment.
        """
        self.quiet, self.verbose, self._color = quiet, verbose, color

    def read(self, limit: int = 100_000_000) -> bytes:
        """All of stdin.

        Args:
            limit: the most bytes that it may have.

        Raises:
            UsageError: it cannot be read, or is larger.
        """
        try:
            data = self.stdin.buffer.read(limit + 1)
        except OSError as error:
            raise UsageError("stdin cannot be read", hint="send something to it") from error
        if len(data) > limit:
            raise UsageError(f"stdin: larger than {limit} bytes", hint="check what sends it")
        return data

    # Results: stdout.

    def result(self, line: str) -> None:
        """One line of result, as it is in a pipe, made printable on a terminal."""
        if not self.stdout.isatty():
            self._out(self._encoded(line) + b"\n")
        elif self._above is not None:
            self._above(escape(line))
        else:
            self._out(self._encoded(escape(line)) + b"\n")

    def json(self, record: Mapping[str, object], *, to_stderr: bool = False) -> None:
        """One ASCII-safe JSON line."""
        line = json.dumps(record, separators=(", ", ": "))
        if to_stderr:
            self._err(line)
        else:
            self.result(line)

    def binary(self, data: Data) -> None:
        """Raw bytes on stdout."""
        self._out(data)

    def summary(self, path: str, details: str) -> None:
        """A written file: its path is the result, its details are for people.

        On a terminal that shows both streams the two make one line.
        """
        if self.quiet:
            self.result(path)
        elif self.stdout.isatty() and self.stderr.isatty():
            with self._lock:
                shown = escape(path)
                if self._above is None:
                    self._out(self._encoded(shown))
                    shown = ""
                self._err(f"{shown}  {self._styled(details, _DIM)}")
        else:
            self.result(path)
            self.note(f"{path}  {details}")

    def failures(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """What went wrong, as a table on stderr; `-q` shows it too."""
        if not self.stderr.isatty():
            for row in rows:
                self._err("  ".join(escape(cell) for cell in row))
            return
        from nanobanana_cli.ui import rich_display

        color = wants_color(self.env, self.stderr, self._color)
        cells = [[escape(cell) for cell in row] for row in rows]
        rich_display.table(rich_display.console(self.stderr, color=color), columns, cells, None)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None
    ) -> None:
        """A table on stdout: drawn on a terminal, TAB-separated lines without a head in a pipe."""
        if not self.stdout.isatty():
            for row in rows:
                self.result("\t".join(escape(cell) for cell in row))
            return
        from nanobanana_cli.ui import rich_display

        color = wants_color(self.env, self.stdout, self._color)
        cells = [[escape(cell) for cell in row] for row in rows]
        rich_display.table(rich_display.console(self.stdout, color=color), columns, cells, title)

    # Everything else: stderr.

    def note(self, message: str) -> None:
        """Something worth knowing; silent with `-q`."""
        if not self.quiet:
            self._err(escape(message))

    def warn(self, message: str) -> None:
        """Something that may be wrong; silent with `-q`."""
        if not self.quiet:
            self._err(self._styled("note:", _BOLD_YELLOW) + " " + escape(message))

    def trace(self, message: str) -> None:
        """A step of the request's course; only with `-v`."""
        if self.verbose and not self.quiet:
            self._err(self._styled(escape(message), _DIM))

    def error(self, error: NbBaseError) -> None:
        """What happened, what to do, what it cost."""
        lines = [self._styled("nb:", _BOLD_RED) + " " + escape(error.message)]
        hint = self._styled("hint:", _CYAN)
        lines += [f"{hint} {escape(line)}" for line in (error.hint or "").splitlines()]
        lines.append(error.charged.sentence)
        self._err("\n".join(lines))

    def mistake(self, line: str) -> None:
        """One of several things that are wrong, ahead of the error that sums them up."""
        self._err(escape(line))

    @contextmanager
    def meter(self, total: int) -> Iterator[ProgressBar]:
        """A progress bar while stderr is a terminal, else a line every ten seconds.

        Args:
            total: how many things there are to do.
        """
        if self.quiet or not self.stderr.isatty() or self.env.get("TERM") == "dumb":
            yield PlainProgress(self.note, total)
            return
        from nanobanana_cli.ui import rich_display

        color = wants_color(self.env, self.stderr, self._color)
        console = rich_display.console(self.stderr, color=color)
        with rich_display.bar(console, total) as bar:
            self._above = lambda line: rich_display.above(console, line)
            try:
                yield bar
            finally:
                self._above = None

    @contextmanager
    def waiting(self, label: str, total: int = 1) -> Iterator[Spinner]:
        """A spinner with the seconds gone, while stderr is a terminal and nobody asked for quiet.

        Args:
            label: what is waited for.
            total: how many things; more than one shows how many are done.
        """
        if self.quiet or not self.stderr.isatty() or self.env.get("TERM") == "dumb":
            yield NoSpinner()
            return
        from nanobanana_cli.ui import rich_display

        color = wants_color(self.env, self.stderr, self._color)
        console = rich_display.console(self.stderr, color=color)
        with rich_display.spinner(console, escape(label), total) as spinner:
            self._above = lambda line: rich_display.above(console, line)
            try:
                yield spinner
            finally:
                self._above = None

    def _styled(self, text: str, code: str) -> str:
        return (
            f"\x1b[{code}m{text}\x1b[0m"
            if wants_color(self.env, self.stderr, self._color)
            else text
        )

    def _encoded(self, line: str) -> bytes:
        encoding = self.stdout.encoding or "utf-8"
        try:
            return line.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            return line.encode(encoding, "backslashreplace")

    def _out(self, data: Data) -> None:
        with self._lock:
            try:
                self.stdout.flush()
                self.stdout.buffer.write(data)
                self.stdout.buffer.flush()
            except BrokenPipeError:
                _abandon(self.stdout)
                raise OutputClosed("stdout was closed by its reader") from None
            except OSError as error:
                _abandon(self.stdout)
                raise LocalFileError(f"could not write to stdout: {error.strerror}") from error

    def _err(self, text: str) -> None:
        with self._lock:
            if self._above is not None:
                self._above(text)
                return
            encoding = self.stderr.encoding or "utf-8"
            safe = (text + "\n").encode(encoding, "backslashreplace").decode(encoding)
            try:
                self.stderr.write(safe)
                self.stderr.flush()
            except (OSError, ValueError):
                # Nobody is left to be told; results and exit status still say it all.
                return


def _abandon(stream: TextIO) -> None:
    """Point a stream that cannot be written to at nothing.

    The interpreter flushes what is left in it on its way out, and would complain with 120.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
