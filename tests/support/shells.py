"""Real shells at a pseudo-terminal, with a key that tells what stands on the command line."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_DEADLINE = 60.0

_TAB = b"\t"
# Bound by each shell's setup: insert all matches; write the line to `$NB_LINE`; empty the line.
_ALL, _TELL, _CLEAR = b"\x18a", b"\x18t", b"\x18c"

_BASH = r"""
bind '"\C-xa": insert-completions'
bind -x '"\C-xt": printf "%s\n." "$READLINE_LINE" > "$NB_LINE.new"; mv "$NB_LINE.new" "$NB_LINE"'
bind '"\C-xc": kill-whole-line'
"""

_ZSH_COMPINIT = """
autoload -Uz compinit
compinit -D -u
"""

_ZSH = r"""
zle -C all-matches complete-word _generic
zstyle ':completion:all-matches:*' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert yes
tell() { print -rn -- "$BUFFER"$'\n.' > $NB_LINE.new; command mv $NB_LINE.new $NB_LINE }
zle -N tell
bindkey -e
bindkey '^I' complete-word
bindkey '^Xa' all-matches '^Xt' tell '^Xc' kill-whole-line
"""

_FISH = r"""
bind \cxt 'commandline | read -z text; printf "%s." $text > $NB_LINE.new; mv $NB_LINE.new $NB_LINE'
bind \cxc 'commandline ""'
"""


class Shell:
    """An interactive shell.

    Args:
        argv: how to start it, without any of its user's files.
        setup: its first commands.
        folder: where it runs, and where it keeps what it needs.
    """

    def __init__(self, argv: Sequence[str], setup: str, folder: Path) -> None:
        self._told = folder / ".line"
        started = folder / ".setup"
        started.write_text(setup)
        parent, child = pty.openpty()
        self._terminal = parent
        env = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "NB_LINE": str(self._told),
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
        }
        self._process = subprocess.Popen(
            argv,
            stdin=child,
            stdout=child,
            stderr=child,
            cwd=folder,
            env=env,
            start_new_session=True,
            # Shells with job control want to own their terminal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(child)
        self._send(f"source {started}\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)

    def tab(self, line: str) -> str:
        """What stands on the command line after `line` and TAB."""
        return self._press(line, _TAB)

    def all(self, line: str) -> list[str]:
        """The words that stand there once all matches have been put in place of the last one."""
        before = line.rpartition(" ")[0]
        return self._press(line, _ALL).removeprefix(before).split()

    def _press(self, line: str, key: bytes) -> str:
        self._told.unlink(missing_ok=True)
        self._send(line.encode() + key + _TELL)
        deadline = time.monotonic() + _DEADLINE
        screen = b""
        while not self._told.exists():
            running = self._process.poll() is None and time.monotonic() < deadline
            assert running, screen.decode(errors="replace")
            if select.select([self._terminal], [], [], 0.01)[0]:
                screen += os.read(self._terminal, 65536)
        self._send(_CLEAR)
        return self._told.read_text().removesuffix("\n.")

    def _send(self, keys: bytes) -> None:
        while keys:
            keys = keys[os.write(self._terminal, keys) :]


def bash(program: str, script: Path, folder: Path, *, before: str = "", after: str = "") -> Shell:
    """Bash that has sourced a completion script, between `before` and `after`."""
    setup = f"{before}\nsource '{script}'\n{_BASH}\n{after}"
    return Shell([program, "--norc", "--noprofile", "-i"], setup, folder)


def zsh(program: str, script: Path, folder: Path, *, autoload: bool, after: str = "") -> Shell:
    """Zsh that finds a completion script in its `fpath`, or has sourced it; then `after`."""
    setup = (
        f"fpath=('{script.parent}' $fpath)\n{_ZSH_COMPINIT}"
        if autoload
        else f"{_ZSH_COMPINIT}\nsource '{script}'\n"
    )
    return Shell([program, "-f", "-i"], f"{setup}{_ZSH}{after}", folder)


def fish(program: str, script: Path, folder: Path) -> Shell:
    """Fish that has sourced a completion script."""
    return Shell([program, "--no-config", "-i"], f"source '{script}'\n{_FISH}", folder)
