"""`nb completion`: print the script that lets a shell complete `nb`."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal

_HINT = """\
nb completion bash > ~/.nb.bash, and `. ~/.nb.bash` in ~/.bashrc
nb completion zsh > ~/.nb.zsh, and `. ~/.nb.zsh` after compinit in ~/.zshrc
nb completion fish > ~/.config/fish/completions/nb.fish
nb completion powershell | Add-Content $PROFILE"""


def command(
    ctx: typer.Context,
    shell: Annotated[
        str | None, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")
    ] = None,
) -> None:
    """Print the completion script of a shell.

    The script is static: pressing TAB does not start Python.

    Examples:
      nb completion bash > ~/.nb.bash   # source it in ~/.bashrc
      nb completion zsh > ~/.nb.zsh     # source it in ~/.zshrc, after compinit
      nb completion fish > ~/.config/fish/completions/nb.fish
      nb completion powershell | Add-Content $PROFILE
    """
    from nanobanana_cli.completion import SHELLS, script
    from nanobanana_cli.suggest import one_of

    terminal: Terminal = ctx.obj
    if shell is None:
        raise UsageError("which shell? bash, zsh, fish or powershell", hint=_HINT)
    if shell not in SHELLS:
        raise UsageError(
            f"{shell} is not a shell with a completion script", hint=one_of(shell, SHELLS)
        )
    terminal.binary(script(shell, ctx.find_root().command).encode())
