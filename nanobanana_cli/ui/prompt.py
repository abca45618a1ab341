"""Ask on a terminal: a yes or no, or a text that is not shown."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nanobanana_cli.errors import Interrupted
from nanobanana_cli.ui.escape import escape

if TYPE_CHECKING:
    from nanobanana_cli.ui.terminal import Terminal


def confirm(terminal: Terminal, question: str, *, default: bool = False) -> bool | None:
    """Ask a question, also with `-q`, and return whether the answer is yes.

    Args:
        default: the answer that an empty line gives; the end of input is a no.

    Returns:
        None if stdin or stderr is not a terminal, so that nobody can be asked.
    """
    if not (terminal.stdin.isatty() and terminal.stderr.isatty()):
        return None
    with suppress(OSError, ValueError):
        terminal.stderr.write(f"{escape(question)} [{'Y/n' if default else 'y/N'}] ")
        terminal.stderr.flush()
        answer = terminal.stdin.readline().lower()
        return answer.strip() in ("y", "yes") or (default and answer.isspace())
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
