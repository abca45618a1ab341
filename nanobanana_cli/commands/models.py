"""`nb models`: what each model accepts, and what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli.commands import options
from nanobanana_cli.ui.terminal import Terminal


def command(
    ctx: typer.Context,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="The prices of this one alone.")
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="One JSON line for each model.", rich_help_panel="Streams"),
    ] = False,
    color: options.Color = None,
) -> None:
    """Show what each model accepts, and what an image costs.

    In a pipe, one line for each model, with TABs between: id, name, aspect ratios, sizes,
    reference images, and the price at each provider.

    Examples:
      nb models
      nb models --provider google --json
    """
    from nanobanana_cli.commands import model_facts

    terminal: Terminal = ctx.obj
    terminal.configure(color=color)
    model_facts.show(terminal, provider, as_json=json)
