"""Write results to stdout and everything else to stderr.

All output goes through here, since it may contain text from servers, file names and prompts:
harmful characters are escaped, and nothing is parsed as markup. `rich_display`, which imports
rich, draws tables, and `animation` what moves.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nanobanana_cli import system
from nanobanana_cli.errors import NbBaseError, UsageError
from nanobanana_cli.money import Charges
from nanobanana_cli.ui import github
from nanobanana_cli.ui.color import wants_color
from nanobanana_cli.ui.escape import escape, strip_unsafe
from nanobanana_cli.ui.layout import wrapped
from nanobanana_cli.ui.streams import OutputStreams

if TYPE_CHECKING:
    from msgspec import Struct

    from nanobanana_cli.types import Data
    from nanobanana_cli.ui.progress import Wait

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
        self._streams = OutputStreams(stdout, stderr)

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
        is_seen = self.stdout.isatty()
        shown = escape(line) if is_seen else self.github.inert_result(line, self.stdout)
        self._streams.out_text(f"{shown}\n")

    def json(self, record: Struct, *, to_stderr: bool = False) -> None:
        """Write a line of ASCII-safe JSON: one of the records in `commands/help/printed.py`."""
        from msgspec import to_builtins

        write = self._err if to_stderr else self.result
        write(github.json_text(json.dumps(to_builtins(record), separators=(", ", ": "))))

    def binary(self, data: Data) -> None:
        """Write bytes to stdout."""
        self._streams.out(data)

    def summary(self, path: str, details: str) -> None:
        """Write a file's path to stdout and details to stderr; one line if both are terminals."""
        if self.quiet:
            self.result(path)
        elif self.stdout.isatty() and self.stderr.isatty():
            with self._streams.held():
                self._streams.out_text(escape(path))
                self._err(f"  {self._styled(details, _DIM)}")
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
            self._err(self._wrapped(message))

    def warn(self, message: str) -> None:
        """Print a message after `note:`, unless `-q` is given."""
        if not self.quiet:
            self._err(self._wrapped(message, "note:", _BOLD_YELLOW))

    def failure(self, message: str, place: github.Place | None = None) -> None:
        """Print a message after `failed:`, unless `-q` is given: the error at the end sums up."""
        if not self.quiet:
            self.annotate("warning", message, place)
            self._err(self._wrapped(message, "failed:", _BOLD_RED))

    def trace(self, message: str) -> None:
        """Print a step of the request, if `-v` is given."""
        if self.verbose and not self.quiet:
            self._err(self._styled(escape(message), _DIM))

    def error(self, error: NbBaseError) -> None:
        """Print an error, its hint, and what this run was charged, where a call was possible."""
        hints = self.charges.hints(error)
        lines = [self._wrapped(error.message, "nb:", _BOLD_RED)]
        lines += [self._wrapped(line, "hint:", _CYAN) for line in hints]
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
    def progress_bar(
        self, total: int, *, usual: Callable[[], float | None] = lambda: None
    ) -> Iterator[Callable[[int, str], None]]:
        """Show a progress bar, or print a line every ten seconds where nothing can be animated.

        Yield a function that shows how many of `total` things are done, and a line of text.

        Args:
            total: the number of things.
            usual: as for `spinner`.
        """
        from nanobanana_cli.ui.progress import Bar, PlainProgress

        if not self._is_watched() or self._is_dumb():
            yield PlainProgress(self.note, total).update
            return
        bar = Bar(total)

        def update(done: int, text: str) -> None:
            bar.done, bar.text = done, escape(text)

        color = wants_color(self.env, self.stderr, self._color)
        with self._streams.animated(bar.frame, color=color, prepare=lambda: bar.look_up(usual)):
            yield update

    @contextmanager
    def spinner(
        self,
        what: str,
        total: int = 1,
        *,
        shape: str = "",
        usual: Callable[[], float | None] = lambda: None,
    ) -> Iterator[Callable[[], None]]:
        """Show what `nb` waits for, and the seconds passed; yield what counts one thing as done.

        On a terminal where nothing can move, that is one line, if it takes a while.

        Args:
            what: what is made, such as the prompt.
            total: the number of things; above one, show how many are done.
            shape: their ratio and size.
            usual: looks up how many seconds it usually takes; called only if that is shown.
        """
        if not self._is_watched():
            yield lambda: None
            return
        from nanobanana_cli.ui.progress import Wait, after_a_while

        wait = Wait(strip_unsafe(what), shape, total)

        def advance() -> None:
            wait.done += 1

        if self._is_dumb():
            with after_a_while(lambda: self._static(wait, usual)):
                yield advance
        else:
            color = wants_color(self.env, self.stderr, self._color)
            with self._streams.animated(
                wait.frame, color=color, prepare=lambda: wait.look_up(usual)
            ):
                yield advance

    def _is_watched(self) -> bool:
        return not self.quiet and self.stderr.isatty()

    def _is_dumb(self) -> bool:
        return self.env.get("TERM") == "dumb"

    def _static(self, wait: Wait, usual: Callable[[], float | None]) -> None:
        from nanobanana_cli.ui.animation import in_foreground, width_of

        if in_foreground(self.stderr):
            wait.look_up(usual)
            self._err(wait.static(width_of(self.stderr)))

    def _draw_table(
        self, stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        from nanobanana_cli.ui import rich_display

        cells = [[escape(cell) for cell in row] for row in rows]
        color = wants_color(self.env, stream, self._color)
        rich_display.table(rich_display.console(stream, color=color), columns, cells)

    def _wrapped(self, message: str, prefix: str = "", code: str = "") -> str:
        """Return a message after its prefix; on a terminal, with its lines broken at words."""
        text, indent = escape(message), len(prefix) + bool(prefix)
        if self.stderr.isatty():
            from nanobanana_cli.ui.animation import width_of

            text = wrapped(text, width_of(self.stderr), indent)
        return f"{self._styled(prefix, code)} {text}" if prefix else text

    def _styled(self, text: str, code: str) -> str:
        colored = wants_color(self.env, self.stderr, self._color)
        return f"\x1b[{code}m{text}\x1b[0m" if colored else text

    def _err(self, text: str, *, is_command: bool = False) -> None:
        self._streams.err(text if is_command else self.github.inert(text))
