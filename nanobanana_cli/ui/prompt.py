"""Ask on a terminal: a yes or no, or a text that is not shown."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nanobanana_cli.errors import Interrupted
from nanobanana_cli.ui.escape import escape

if TYPE_CHECKING:
    from nanobanana_cli.ui.terminal import Terminal


def confirm(terminal: Terminal, question: str) -> bool | None:
    """Ask a question, also with `-q`, and return whether the answer is yes; by default it is no.

    Returns:
        None if stdin or stderr is not a terminal, so that nobody can be asked.
    """
    if not (terminal.stdin.isatty() and terminal.stderr.isatty()):
        return None
    with suppress(OSError, ValueError):
        terminal.stderr.write(f"{escape(question)} [y/N] ")
        terminal.stderr.flush()
        return terminal.stdin.readline().strip().lower() in ("y", "yes")
    return None


def hidden(terminal: Terminal, question: str) -> str:
    """Ask for a text that is not shown, and return it; "" at the end of input."""
    from getpass import getpass

    try:
        return getpass(question, terminal.stderr)
    except EOFError:
        terminal.note("")
        return ""
    except Interrupted:
        terminal.note("")
        raise
