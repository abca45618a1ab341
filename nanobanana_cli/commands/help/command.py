"""`nb help`: the help of a command, the guide for agents, and all of it as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal

# The guide for coding agents, in the form of agentskills.io; its folder has the skill's name.
_GUIDE = Path(__file__).parents[2] / "skills" / "nb-images" / "SKILL.md"
_AGENTS = "agents"


def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            show_default=False,
            help="A command, such as generate; or agents, for a guide for coding agents.",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print commands, options, exit statuses, settings, and the JSON Schemas of JSON "
            "lines and manifests, as JSON; of one COMMAND, what it takes.",
            rich_help_panel="Streams",
        ),
    ] = False,
) -> None:
    """Show the help of a command.

    Examples:
      nb help
      nb help generate
      nb help config set
      nb help agents > SKILL.md
      nb help --json | jq .schemas.manifest > nb-manifest.schema.json
    """
    terminal: Terminal = ctx.obj
    root = ctx.find_root()
    if words == [_AGENTS]:
        if json:
            raise UsageError(
                "the guide is text, not JSON", hint="nb help agents, or: nb help --json"
            )
        terminal.binary(_GUIDE.read_bytes())
    elif not json or not _print_json(root.command, words or [], terminal):
        # As `nb generate --help` does, also where a word names no command.
        root.command.main(
            [*(words or ()), "--help"], prog_name="nb", standalone_mode=False, obj=ctx.obj
        )


def _print_json(tree: Any, words: list[str], terminal: Terminal) -> bool:
    """Print everything, or a line for each command that the words lead to; False for none."""
    from nanobanana_cli.commands.help import reference

    if not words:
        terminal.json(reference.everything(tree))
        return True
    found = list(reference.commands(tree, words))
    for each in found:
        terminal.json(each)
    return bool(found)
