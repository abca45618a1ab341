"""Write results to stdout and everything else to stderr.

All output goes through here, since it may contain text from servers, file names and prompts:
harmful characters are escaped, and nothing is parsed as markup. `rich_display`, which imports
rich, draws tables and animations.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from nanobanana_cli import system
from nanobanana_cli.errors import NbBaseError, UsageError
from nanobanana_cli.money import Charges
from nanobanana_cli.ui import github, streams
from nanobanana_cli.ui.color import wants_color
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.progress import PlainProgress

if TYPE_CHECKING:
    from msgspec import Struct
    from rich.console import Console

    from nanobanana_cli.types import Data

T = TypeVar("T")

_BOLD_RED, _BOLD_YELLOW, _CYAN, _DIM = "1;31", "1;33", "36", "2"


class Terminal:
    """The streams of one run.

    Args:
        env: the environment, also for commands to read.
        stdin, stdout, stderr: text streams with a `buffer`, as in `sys`.
    """

    def __init__(
        self, env: Mapping[str, str], stdin: TextIO, stdout: TextIO, stderr: TextIO
    ) -> None:
        self.env = env
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.charges = Charges()
        self.github = github.GitHub(env)
        self.quiet = False
        self.verbose = False
        # Errors say whether they were charged; a command that makes no call turns it off.
        self.shows_charge = True
        self._color: bool | None = None
        # While something is animated: prints a line above it.
        self._above: Callable[[str], None] | None = None
        self._lock = threading.RLock()

    @classmethod
    def of_process(cls) -> Terminal:
        """Return the terminal of this process, with the null device for closed streams."""
        return cls(
            os.environ,
            sys.stdin or Path(os.devnull).open(encoding="utf-8"),
            sys.stdout or Path(os.devnull).open("w", encoding="utf-8"),
            sys.stderr or Path(os.devnull).open("w", encoding="utf-8"),
        )

    def configure(
        self, *, quiet: bool = False, verbose: bool = False, color: bool | None = None
    ) -> None:
        """Apply a command's options.

        Args:
            quiet: print only errors on stderr.
            verbose: print each step of the request on stderr.
            color: the value of `--color/--no-color`; None leaves it to the environment.
        """
        self.quiet, self.verbose, self._color = quiet, verbose, color

    def read(self, limit: int = 100_000_000) -> bytes:
        """Read all of stdin; on a terminal, say how to end it.

        Args:
            limit: the size limit in bytes.

        Raises:
            UsageError: stdin is unreadable or larger.
        """
        if self.stdin.isatty():
            self.note(f"reading from the terminal; to end, {system.END_OF_INPUT} on an empty line")
        try:
            data = system.read_stream(self.stdin.buffer, limit)
        except OSError as error:
            raise UsageError("cannot read stdin", hint="pipe something into it") from error
        if len(data) > limit:
            raise UsageError(f"stdin: larger than {limit} bytes", hint="check its source")
        return data

    # Results: stdout.

    def result(self, line: str) -> None:
        """Write a line of result: unchanged in a pipe, escaped on a terminal."""
        if not self.stdout.isatty():
            self._out(self._encoded(self.github.inert_result(line, self.stdout)) + b"\n")
        elif self._above is not None:
            self._above(escape(line))
        else:
            self._out(self._encoded(escape(line)) + b"\n")

    def json(self, record: Struct, *, to_stderr: bool = False) -> None:
        """Write a line of ASCII-safe JSON: one of the records in `commands/help/printed.py`."""
        from msgspec import to_builtins

        write = self._err if to_stderr else self.result
        write(github.json_text(json.dumps(to_builtins(record), separators=(", ", ": "))))

    def binary(self, data: Data) -> None:
        """Write bytes to stdout."""
        self._out(data)

    def summary(self, path: str, details: str) -> None:
        """Write a file's path to stdout and details to stderr; one line if both are terminals."""
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

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write a table to stdout: drawn on a terminal, headerless with TABs in a pipe."""
        if self.stdout.isatty():
            self._draw_table(self.stdout, columns, rows)
            return
        for row in rows:
            self.result("\t".join(escape(cell) for cell in row))

    # Everything else: stderr.

    def note(self, message: str) -> None:
        """Print a message, unless `-q` is given."""
        if not self.quiet:
            self._err(escape(message))

    def warn(self, message: str) -> None:
        """Print a message after `note:`, unless `-q` is given."""
        if not self.quiet:
            self._err(self._styled("note:", _BOLD_YELLOW) + " " + escape(message))

    def failure(self, message: str, place: github.Place | None = None) -> None:
        """Print a message after `failed:`, unless `-q` is given: the error at the end sums up."""
        if not self.quiet:
            self.annotate("warning", message, place)
            self._err(self._styled("failed:", _BOLD_RED) + " " + escape(message))

    def trace(self, message: str) -> None:
        """Print a step of the request, if `-v` is given."""
        if self.verbose and not self.quiet:
            self._err(self._styled(escape(message), _DIM))

    def error(self, error: NbBaseError) -> None:
        """Print an error, its hint, and what this run was charged, where a call was possible."""
        lines = [self._styled("nb:", _BOLD_RED) + " " + escape(error.message)]
        hint = self._styled("hint:", _CYAN)
        hints = (error.hint or "").splitlines()
        lines += [f"{hint} {escape(line)}" for line in hints]
        charge = self.charges.line(error) if self.shows_charge else None
        lines += [charge] if charge else []
        # Before them, since the charge is the last line.
        told = [error.message, *(f"hint: {line}" for line in hints), *([charge] if charge else [])]
        self.annotate("error", "\n".join(told), None, ends=True)
        self._err("\n".join(lines))

    def picture(self, sequence: str) -> None:
        """Write the escape sequences that show an image."""
        self._err(sequence)

    def problem(self, line: str, place: github.Place | None = None) -> None:
        """Print one of several problems, before the error that sums them up."""
        if place is not None:
            self.annotate("error", line, place)
        self._err(escape(line))

    def annotate(
        self, level: github.Level, message: str, place: github.Place | None, *, ends: bool = False
    ) -> None:
        """Annotate the run, if it is one of GitHub Actions; see `GitHub.annotation`."""
        if not (self.quiet and level == "warning") and (
            line := self.github.annotation(level, message, place, ends=ends)
        ):
            self._err(line, is_command=True)

    @contextmanager
    def progress_bar(self, total: int) -> Iterator[Callable[[int, str], None]]:
        """Show a progress bar, or print a line every ten seconds where nothing can be animated.

        Yield a function that shows how many of `total` things are done, and a line of text.
        """
        if not self._can_animate():
            yield PlainProgress(self.note, total).update
            return
        from nanobanana_cli.ui import rich_display

        console = self._console(self.stderr)
        with self._animated(console, rich_display.bar(console, total)) as update:
            yield update

    @contextmanager
    def spinner(self, label: str, total: int = 1) -> Iterator[Callable[[], None]]:
        """Show a spinner with the seconds passed; yield a function that counts one thing as done.

        Args:
            label: what `nb` waits for.
            total: the number of things; above one, show how many are done.
        """
        if not self._can_animate():
            yield lambda: None
            return
        from nanobanana_cli.ui import rich_display

        console = self._console(self.stderr)
        display = rich_display.spinner(console, escape(label), total)
        with self._animated(console, display) as advance:
            yield advance

    def _can_animate(self) -> bool:
        return not self.quiet and self.stderr.isatty() and self.env.get("TERM") != "dumb"

    @contextmanager
    def _animated(self, console: Console, display: AbstractContextManager[T]) -> Iterator[T]:
        """Enter a display, and print all lines above it while it is shown."""
        from nanobanana_cli.ui import rich_display

        with display as shown:
            self._above = partial(rich_display.print_above, console)
            try:
                yield shown
            finally:
                self._above = None

    def _console(self, stream: TextIO) -> Console:
        from nanobanana_cli.ui import rich_display

        return rich_display.console(stream, color=wants_color(self.env, stream, self._color))

    def _draw_table(
        self, stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        from nanobanana_cli.ui import rich_display

        cells = [[escape(cell) for cell in row] for row in rows]
        rich_display.table(self._console(stream), columns, cells)

    def _styled(self, text: str, code: str) -> str:
        colored = wants_color(self.env, self.stderr, self._color)
        return f"\x1b[{code}m{text}\x1b[0m" if colored else text

    def _encoded(self, line: str) -> bytes:
        return streams.encoded(line, self.stdout.encoding)

    def _out(self, data: Data) -> None:
        with self._lock:
            streams.write_result(self.stdout, data)

    def _err(self, text: str, *, is_command: bool = False) -> None:
        text = text if is_command else self.github.inert(text)
        with self._lock:
            if self._above is not None:
                self._above(text)
            else:
                streams.write_line(self.stderr, text)
