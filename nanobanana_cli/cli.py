"""The command tree."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli import help as screens
from nanobanana_cli.commands import caption, completion, config, generate, models, sandbox

app = typer.Typer(
    name="nb",
    cls=screens.Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    """Images from the shell, with Google's Nano Banana 2 model.

    nb generate "a red fox" --aspect 16:9 --size 2K -o fox.png
    """


app.command("generate", cls=screens.Command)(generate.command)
app.command("caption", cls=screens.Command)(caption.command)
app.add_typer(config.app, name="config")
app.command("models", cls=screens.Command)(models.command)
app.command("sandbox", cls=screens.Command)(sandbox.command)
app.command("completion", cls=screens.Command)(completion.command)


def command_tree() -> typer.core.TyperGroup:
    """The whole tree, ready to be run or walked."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group
