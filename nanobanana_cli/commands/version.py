"""`nb version`: what a report of a defect needs to say."""

from __future__ import annotations

import typer

from nanobanana_cli import __version__
from nanobanana_cli.ui.terminal import Terminal


def command(ctx: typer.Context) -> None:
    """Show the version of nb, of Python, and of the system.

    Example:
      nb version
    """
    import platform

    terminal: Terminal = ctx.obj
    terminal.result(f"nb {__version__}")
    terminal.result(f"Python {platform.python_version()}")
    terminal.result(platform.platform())
