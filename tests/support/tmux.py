"""A shell in tmux: a terminal emulator that tells what its screen shows."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from support.tools import require

_ROOT = Path(__file__).parents[2]
_SECONDS = 60.0


class Tmux:
    """An interactive Bash, with job control and the command `nb`.

    Args:
        folder: where it runs; its socket is there too.
        columns: how wide the terminal is.
        env: the variables that it starts with.
        prompt: the shell's.
    """

    def __init__(
        self,
        folder: Path,
        columns: int,
        env: Mapping[str, str],
        *,
        prompt: str = "ready>",
    ) -> None:
        self._prompt = prompt
        self._socket = folder / "tmux"
        self._env = {**env, "LC_ALL": "C.UTF-8", "SHELL": require("bash")}
        started = folder / "bashrc"
        nb = f"{shlex.quote(sys.executable)} -m nanobanana_cli"
        started.write_text(
            # A history would be written as the shell ends, when its home may be on its way out.
            f"unset HISTFILE; PS1='{prompt} '; export PYTHONPATH={shlex.quote(str(_ROOT))}\n"
            f'nb() {{ {nb} "$@"; }}\n'
        )
        size = ("-x", str(columns), "-y", "30")
        shell = shlex.join(["bash", "--rcfile", str(started), "-i"])
        self._tmux("-f", os.devnull, "new-session", "-d", *size, "-c", str(Path.cwd()), shell)
        self.until(prompt)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._tmux("kill-server")

    def type(self, *keys: str) -> None:
        """Press keys: text, or names such as `Enter` and `C-z`."""
        self._tmux("send-keys", *keys)

    def screen(self, *, styled: bool = False) -> list[str]:
        """The lines on the screen, without those that are empty.

        Args:
            styled: with the codes of their colours.
        """
        shown = self._tmux("capture-pane", "-p", *(["-e"] if styled else []))
        return [line for line in shown.splitlines() if line]

    def has_cursor(self) -> bool:
        """Whether the cursor is shown."""
        return self._tmux("display-message", "-p", "#{cursor_flag}") == "1\n"

    def until(self, text: str, count: int = 1) -> list[str]:
        """Wait until a text is on the screen so many times; return the lines."""
        deadline = time.monotonic() + _SECONDS
        while "\n".join(lines := self.screen()).count(text) < count:
            assert time.monotonic() < deadline, "\n".join(lines)
            time.sleep(0.05)
        return lines

    def until_prompt(self, count: int = 1) -> list[str]:
        """Wait until the shell has shown its prompt so many times."""
        return self.until(self._prompt, count)

    def _tmux(self, *arguments: str) -> str:
        command = [require("tmux"), "-S", str(self._socket), *arguments]
        run = subprocess.run(command, env=self._env, capture_output=True, check=True, timeout=60)
        return run.stdout.decode()
