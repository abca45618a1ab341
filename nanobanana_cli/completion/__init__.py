"""Write completion scripts for four shells from the command tree.

They are static: pressing TAB starts no Python. Typer's own scripts start it every time, do not
know that Bash breaks words at the colon of `16:9`, and have a blank first line, which Zsh takes
for an empty file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nanobanana_cli.completion import bash, fish, powershell, zsh
from nanobanana_cli.completion.describe import describe
from nanobanana_cli.completion.tree import Command
from nanobanana_cli.completion.values import SHELLS

__all__ = ["FILES", "SHELLS", "script"]

_WRITERS: Mapping[str, Callable[[Command], str]] = {
    "bash": bash.script,
    "zsh": zsh.script,
    "fish": fish.script,
    "powershell": powershell.script,
}

# Shell → the script's name under `completions/`.
FILES: Mapping[str, str] = {
    "bash": bash.FILE,
    "zsh": zsh.FILE,
    "fish": fish.FILE,
    "powershell": powershell.FILE,
}


def script(shell: str, command: Any) -> str:
    """Return the completion script of one shell.

    Args:
        shell: one of `SHELLS`.
        command: the outermost Typer group.

    Raises:
        KeyError: the shell is unknown, or the table in `values` lacks an option or argument.
    """
    ctx = command.make_context("nb", [], resilient_parsing=True)
    return _WRITERS[shell](describe(command, ctx))
