"""Build the command tree."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from nanobanana_cli.ui import help as screens

if TYPE_CHECKING:
    from nanobanana_cli.errors import UsageError

# In the order of help, docs and completion: name → its module in `commands`, which has a `command`,
# or an `app` when it is a group.
_COMMANDS = {
    "generate": "generate.command",
    "caption": "caption.command",
    "batch": "batch.command",
    "extract": "extract",
    "log": "log.command",
    "config": "config.command",
    "models": "models",
    "sandbox": "sandbox",
    "completion": "completion",
    "help": "help.command",
    "version": "version",
}
# These describe the whole tree.
_NEED_ALL = ("completion", "help")


def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.")
    ] = False,
) -> None:
    """Make images from the shell, with Google's Nano Banana 2 model.

    nb generate "a red fox" --aspect 16:9 --size 2K -o fox.png
    """


def command_tree(first: str | None = None) -> typer.core.TyperGroup:
    """Return the tree, ready to be run or walked.

    Args:
        first: the first word that was typed. If it names a command that works alone, the tree has
            no other: each takes some milliseconds to build.
    """
    app = typer.Typer(
        name="nb",
        cls=screens.HelpGroup,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    is_alone = first in _COMMANDS and first not in _NEED_ALL
    names = [first] if first is not None and is_alone else list(_COMMANDS)
    for name in names:
        module = import_module(f"nanobanana_cli.commands.{_COMMANDS[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=screens.HelpCommand)(module.command)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    # Typer puts groups after commands.
    group.commands = {name: group.commands[name] for name in names}
    return group


def usage_error(error: typer.TyperException, arguments: Sequence[str]) -> UsageError:
    """Return Typer's error about the command line in the form of ours."""
    from nanobanana_cli.commands import usage

    return usage.usage_error(error, arguments, command_tree())
