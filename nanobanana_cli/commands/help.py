"""`nb help`: the help of a command, and of `nb` itself."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...", show_default=False, help="A command, such as generate."
        ),
    ] = None,
) -> None:
    """Show the help of a command.

    Examples:
      nb help
      nb help generate
      nb help config set
    """
    root = ctx.find_root()
    # As `nb generate --help` does, also where a word names no command.
    root.command.main(
        [*(words or ()), "--help"], prog_name="nb", standalone_mode=False, obj=ctx.obj
    )
