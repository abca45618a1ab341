"""Write to stdout and stderr, above what moves, if something does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, TextIO

from nanobanana_cli import system
from nanobanana_cli.errors import LocalFileError, OutputClosed

if TYPE_CHECKING:
    from nanobanana_cli.types import Data
    from nanobanana_cli.ui.animation import Animation
    from nanobanana_cli.ui.progress import Frame


class OutputStreams:
    """The output of one run, for any number of threads.

    Args:
        stdout, stderr: text streams with a `buffer`, as in `sys`.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._animation: Animation | None = None
        self._lock = threading.RLock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other threads, and what moves, out of the way of what the block writes."""
        with self._lock, self._animation.cleared() if self._animation else nullcontext():
            yield

    @contextmanager
    def animated(
        self,
        frame: Callable[[float, int], Frame],
        *,
        color: bool,
        prepare: Callable[[], object] = lambda: None,
    ) -> Iterator[None]:
        """Show what moves on stderr during the block; as for `Animation`."""
        from nanobanana_cli.ui.animation import Animation

        animation = Animation(self._stderr, frame, color=color, lock=self._lock, prepare=prepare)
        with animation:
            self._animation = animation
            try:
                yield
            finally:
                self._animation = None

    def out(self, data: Data) -> None:
        """Write bytes to stdout.

        Raises:
            OutputClosed: its reader has closed it.
            LocalFileError: it cannot be written to.
        """
        with self.held():
            try:
                self._stdout.flush()
                self._stdout.buffer.write(data)
                self._stdout.buffer.flush()
            except BrokenPipeError:
                system.redirect_to_null(self._stdout)
                raise OutputClosed("stdout was closed by its reader") from None
            except OSError as error:
                system.redirect_to_null(self._stdout)
                raise LocalFileError(f"cannot write to stdout: {error.strerror}") from error

    def out_text(self, text: str) -> None:
        """Write text to stdout; as `out`."""
        encoding = self._stdout.encoding or "utf-8"
        try:
            data = text.encode(encoding, "surrogateescape")
        except UnicodeEncodeError:
            data = text.encode(encoding, "backslashreplace")
        self.out(data)

    def err(self, text: str) -> None:
        """Write a line to stderr."""
        with self.held():
            encoding = self._stderr.encoding or "utf-8"
            # If stderr is gone, results and the exit status still tell the outcome.
            with suppress(OSError, ValueError):
                shown = f"{text}\n".encode(encoding, "backslashreplace").decode(encoding)
                self._stderr.write(shown)
                self._stderr.flush()
