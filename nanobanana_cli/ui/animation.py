"""Keep lines moving at the end of a terminal, and out of the way of all others.

Nothing moves while another job has the terminal, and while `nb` is stopped (Ctrl-Z) the lines are
gone and the cursor is back.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Self, TextIO

from nanobanana_cli import system
from nanobanana_cli.ui.progress import Frame

# Seconds between two frames.
_EVERY = 0.1
# Seconds that Ctrl-Z waits for a line that is just being written.
_PATIENCE = 1.0
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CYAN = "36"
# What Ctrl-Z sends; 0 where there is none, as on Windows.
_STOP: int = getattr(signal, "SIGTSTP", 0)
# For encodings without the characters: others, as wide.
_PLAIN = str.maketrans(dict(zip(f"{_SPINNER}·…━─", "|/-\\|/-\\|/-~=-", strict=True)))
_USUAL_WIDTH = 80
# Columns of the spinner and its space, and the last one: what ends a line would erase it.
_MARGIN = 3


def width_of(stream: TextIO) -> int:
    """Return the columns of the terminal that a stream is; 0 if that is not known."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 0


def in_foreground(stream: TextIO) -> bool:
    """Return False if another job of the shell has the terminal, or a script started this with `&`.

    Scripts have no jobs: what they start with `&` is told by its SIGINT, which is ignored then
    (POSIX, Shell Command Language, 2.12).
    """
    if sys.platform == "win32":
        return True
    else:  # noqa: RET505 - for mypy, which takes the rest for unreachable on Windows otherwise
        if signal.SIGINT not in system.STOP_SIGNALS:
            return False
        try:
            # 0 is a group of which this process cannot know, such as that of a container's host.
            return os.tcgetpgrp(stream.fileno()) in (0, os.getpgrp())
        except (OSError, ValueError):
            # Not the terminal that controls this process, so no job of another has it.
            return True


class Animation:
    """Lines at the end of a terminal that are drawn anew, as a context manager.

    Args:
        stream: a terminal.
        frame: returns the lines, for the seconds by now and the columns.
        color: style with terminal codes.
        lock: held by whoever writes to the terminal.
        prepare: finds out more for the frames after the first, which do not wait for it.
    """

    def __init__(
        self,
        stream: TextIO,
        frame: Callable[[float, int], Frame],
        *,
        color: bool,
        lock: threading.RLock,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self._stream = stream
        self._frame = frame
        self._color = color
        self._lock = lock
        self._prepare = prepare
        self._spinner = itertools.cycle(_SPINNER)
        self._began = time.monotonic()
        # How many lines are there now, and how many blocks want none to be.
        self._drawn = 0
        self._hidden = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._catches_stop = False

    def __enter__(self) -> Self:
        self._catch_stop()
        # Where no further thread can be started, nothing moves.
        with suppress(RuntimeError, MemoryError):
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._lock:
            self._hidden += 1
            self._erase()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)
        if self._catches_stop:
            signal.signal(_STOP, signal.SIG_DFL)

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Leave the terminal to the block: what it writes stays, above the lines."""
        with self._lock:
            self._hidden += 1
            self._erase()
            try:
                yield
            finally:
                self._hidden -= 1
                self._draw()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._draw()
            self._prepare()
            self._prepare = lambda: None
            if self._ended.wait(_EVERY):
                return

    def _draw(self) -> None:
        if self._hidden or self._ended.is_set() or not in_foreground(self._stream):
            return
        width = width_of(self._stream) or _USUAL_WIDTH
        glyph = next(self._spinner)
        (first, *others) = self._frame(time.monotonic() - self._began, width - _MARGIN)
        lines = [[(glyph, _CYAN), (" ", ""), *first], *others]
        text = "\x1b[K\r\n".join("".join(map(self._styled, line)) for line in lines)
        # Without the terminal's own line breaks, a line that is wider than thought stays one.
        self._write(f"\x1b[?25l\x1b[?7l{self._back()}{text}\x1b[J\x1b[?7h")
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn and in_foreground(self._stream):
            self._write(f"{self._back()}\x1b[J\x1b[?25h")
        self._drawn = 0

    def _back(self) -> str:
        """Return what leads to the beginning of the lines."""
        return f"\r\x1b[{self._drawn - 1}A" if self._drawn > 1 else "\r"

    def _styled(self, run: tuple[str, str]) -> str:
        text, code = run
        return f"\x1b[{code}m{text}\x1b[0m" if code and text and self._color else text

    def _write(self, text: str) -> None:
        """Write, past the stream's own buffer, which a signal may find in use."""
        encoding = self._stream.encoding or "utf-8"
        try:
            data = text.encode(encoding)
        except UnicodeEncodeError:
            data = text.translate(_PLAIN).encode(encoding, "replace")
        # A terminal that is gone needs no lines.
        with suppress(OSError, ValueError):
            while data:
                data = data[os.write(self._stream.fileno(), data) :]

    def _catch_stop(self) -> None:
        """Catch Ctrl-Z, unless something else does, or nobody may."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and _STOP and signal.getsignal(_STOP) is signal.SIG_DFL:
            signal.signal(_STOP, self._stop)
            self._catches_stop = True

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Stop this process, as the signal asks, with a tidy terminal; it goes on from here."""
        is_held = self._lock.acquire(timeout=_PATIENCE)
        try:
            self._erase()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            signal.signal(number, self._stop)
        finally:
            if is_held:
                self._lock.release()
