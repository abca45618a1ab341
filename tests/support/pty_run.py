"""Runs `nb`, and other programs, on a real terminal: a pseudo-terminal that types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def run_in_pty(
    *argv: str, typed: str = "", after: str = "", columns: int = 80, seconds: float = 20.0
) -> tuple[int, str]:
    """Run `nb` in this folder and with this environment.

    Args:
        argv: the arguments after `nb`.
        typed: what to type.
        after: what has to be on the screen before.
        columns: how wide the terminal is.
        seconds: how long it may take.

    Returns:
        The exit status, and all that was on the screen.
    """
    command = [sys.executable, "-m", "nanobanana_cli", *argv]
    return run_program(command, typed=typed, after=after, columns=columns, seconds=seconds)


def run_program(
    command: list[str],
    *,
    typed: str = "",
    after: str = "",
    columns: int = 80,
    seconds: float = 20.0,
    env: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> tuple[int, str]:
    """Run any program as `run_in_pty` runs `nb`."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**env, "PYTHONPATH": str(_ROOT)},
        cwd=cwd,
        preexec_fn=_own_terminal,
    ) as process:
        os.close(inside)
        try:
            screen = _watch(terminal, typed, after, time.monotonic() + seconds)
        finally:
            # Closing it hangs up on a process that is still there.
            os.close(terminal)
            process.wait(seconds)
    return process.returncode, screen


def _own_terminal() -> None:
    # A hidden prompt asks /dev/tty, which is then this one.
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _watch(terminal: int, typed: str, after: str, deadline: float) -> str:
    screen = b""
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:
            # Linux says so when the other side has closed.
            break
        if not read:
            break
        screen += read
        if typed and after.encode() in screen:
            os.write(terminal, typed.encode())
            typed = ""
    return screen.decode("utf-8", "replace")
