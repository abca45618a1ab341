"""From a Typer command to the four scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nanobanana_cli.completion import bash, fish, powershell, zsh
from nanobanana_cli.completion.tree import Command, describe

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
    """The completion script of one shell.

    Args:
        shell: one of `SHELLS`.
        command: the outermost Typer group.

    Raises:
        KeyError: there is no such shell, or the tree has an option or argument that is missing in
            the table of `values`.
    """
    ctx = command.make_context("nb", [], resilient_parsing=True)
    return _WRITERS[shell](describe(command, ctx))
