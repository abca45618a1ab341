"""`nb config`: set, show and check stored settings."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli.commands import options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui import help as screens
from nanobanana_cli.ui.terminal import Terminal

app = typer.Typer(cls=screens.HelpGroup)

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", show_default=False, help="A setting, such as aspect or google.api-key."
    ),
]
_Provider = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="Provider whose key or address it is. [default: the one in force]",
    ),
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print JSON Lines, for scripts.", rich_help_panel="Streams")
]


@app.callback(invoke_without_command=True)
def group(ctx: typer.Context) -> None:
    """Set, show and check stored settings.

    Examples:
      nb config set api-key
      nb config list
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


# A value may begin with a dash: `-1` is not an amount, rather than an unknown option.
@app.command("set", cls=screens.HelpCommand, context_settings={"ignore_unknown_options": True})
def set_(
    ctx: typer.Context,
    name: _Name,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="[VALUE]", show_default=False, help="For api-key leave it out, or - for stdin."
        ),
    ] = None,
    provider: _Provider = None,
    quiet: options.Quiet = False,
    color: options.Color = None,
) -> None:
    """Write a setting to the user's file.

    A key is read from a hidden prompt or from stdin. It cannot be an argument, since arguments show
    up in process lists and shell histories.

    Examples:
      nb config set aspect 16:9
      nb config set api-key
      pass show wisgate | nb config set api-key -
    """
    from nanobanana_cli.commands.config import actions

    _refuse_options(name, value)
    actions.set_entry(_terminal(ctx, quiet, color), name, value, provider)


@app.command(cls=screens.HelpCommand)
def unset(
    ctx: typer.Context,
    name: _Name,
    provider: _Provider = None,
    quiet: options.Quiet = False,
    color: options.Color = None,
) -> None:
    """Remove a setting from the user's file.

    Example:
      nb config unset aspect
    """
    from nanobanana_cli.commands.config import actions

    actions.unset_entry(_terminal(ctx, quiet, color), name, provider)


@app.command(cls=screens.HelpCommand)
def get(
    ctx: typer.Context, name: _Name, quiet: options.Quiet = False, color: options.Color = None
) -> None:
    """Print the value in force: nothing if it is not set, asterisks for a key.

    Example:
      nb config get model
    """
    from nanobanana_cli.commands.config import actions

    actions.show_entry(_terminal(ctx, quiet, color), name)


@app.command("list", cls=screens.HelpCommand)
def list_(ctx: typer.Context, json: _Json = False, color: options.Color = None) -> None:
    """Show each setting with its value and origin.

    Examples:
      nb config list
      nb config list --json
    """
    from nanobanana_cli.commands.config import actions

    actions.show_all(_terminal(ctx, color=color), as_json=json)


@app.command(cls=screens.HelpCommand)
def edit(ctx: typer.Context, quiet: options.Quiet = False, color: options.Color = None) -> None:
    """Open the user's file in an editor: $VISUAL, $EDITOR, nano or vi.

    What is saved is checked. If it is invalid, edit it again, or the file stays as it was.

    Examples:
      nb config edit
      EDITOR="code --wait" nb config edit
    """
    from nanobanana_cli.commands.config import editor

    editor.run(_terminal(ctx, quiet, color))


@app.command(cls=screens.HelpCommand)
def path(ctx: typer.Context, quiet: options.Quiet = False, color: options.Color = None) -> None:
    """Print the path of the user's file.

    Example:
      cat "$(nb config path)"
    """
    from nanobanana_cli.commands.config import actions

    actions.show_path(_terminal(ctx, quiet, color))


@app.command(cls=screens.HelpCommand)
def check(
    ctx: typer.Context,
    provider: options.ProviderName = None,
    base_url: options.BaseUrl = None,
    balance: Annotated[
        bool,
        typer.Option(
            "--balance", help="Also ask WisGate for the account's balance, at api.wisgate.ai."
        ),
    ] = False,
    json: _Json = False,
    quiet: options.Quiet = False,
    color: options.Color = None,
) -> None:
    """Check key, permissions, model and address, without a paid call.

    Each line starts with ok, warning or failed. The exit status is 0 unless a check failed.

    Examples:
      nb config check
      nb config check --provider google
      nb config check --balance
    """
    from nanobanana_cli.commands.config import actions

    terminal = _terminal(ctx, quiet, color)
    chosen = {"provider": provider, "base-url": base_url}
    status = actions.check(terminal, chosen, balance=balance, as_json=json)
    if status:
        raise typer.Exit(status)


def _refuse_options(*words: str | None) -> None:
    for word in words:
        if word and word.startswith("--"):
            raise UsageError(f"no such option: {word}", hint="see `nb config set --help`")


def _terminal(ctx: typer.Context, quiet: bool = False, color: bool | None = None) -> Terminal:
    terminal: Terminal = ctx.obj
    terminal.configure(quiet=quiet, color=color)
    return terminal
