"""Build the command tree, and word Typer's errors as ours."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Annotated

import typer

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui import help as screens

# In the order of help, docs and completion: name → its module in `commands`, which has a `command`,
# or an `app` when it is a group.
_COMMANDS = {
    "generate": "generate.command",
    "caption": "caption.command",
    "batch": "batch.command",
    "extract": "extract",
    "config": "config.command",
    "models": "models",
    "sandbox": "sandbox",
    "completion": "completion",
}
# This one describes the whole tree.
_NEEDS_ALL = "completion"


def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
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
    is_alone = first in _COMMANDS and first != _NEEDS_ALL
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


def usage_error(error: typer.TyperException) -> UsageError:
    """Return Typer's error about the command line in the form of ours."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    said, _, guesses = re.sub(r" \(Possible options:|\. Did you mean", "\0", said).partition("\0")
    said = re.sub(r"a valid int( range)?$", "a whole number", said.rstrip("."))
    said = re.sub(r"a valid float( range)?$", "a number", said)
    command = getattr(getattr(error, "ctx", None), "command_path", "nb")
    hint = f"see `{command} --help`"
    # An option of earlier versions.
    guesses = "--retry unknown" if said.endswith("--retry-unknown") else guesses
    if guesses := re.sub(r"['?)]", "", guesses).strip():
        hint = f"did you mean {guesses}? {hint}"
    elif command == "nb generate" and said.startswith("Got unexpected extra argument"):
        hint = 'put quotes around a prompt of several words: nb generate "a red fox"'
    return UsageError(f"{said[:1].lower()}{said[1:]}".replace("\n", " "), hint=hint)
