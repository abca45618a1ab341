"""`main(argv)`: the one place where an error becomes lines and an exit status."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from nanobanana_cli import system
from nanobanana_cli.errors import (
    Charged,
    ExitCode,
    Interrupted,
    LocalFileError,
    NbBaseError,
    NbError,
    OutputClosed,
    UsageError,
)
from nanobanana_cli.ui.terminal import Terminal

# Seconds; longer than most steps of an import.
_MOMENT = 0.01


def main(argv: Sequence[str] | None = None) -> int:
    """Run `nb`.

    Args:
        argv: the arguments after the program's name; those of the process when left out.

    Returns:
        The exit status; nothing is raised.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal.of_process()
    shown: NbBaseError
    try:
        if arguments[:1] == ["--version"]:
            # Answered before the command tree is imported, which would take three times as long.
            return _version(terminal)
        return _run(arguments or ["--help"], terminal)
    except OutputClosed as error:
        return error.code
    except NbBaseError as error:
        shown = error
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user unasked
        shown = _defect(error)
    if terminal.env.get("NB_DEBUG") == "1":
        import traceback

        traceback.print_exception(shown.__cause__ or shown, file=terminal.stderr)
    terminal.error(shown)
    return shown.code


def entry() -> NoReturn:
    """The console script."""
    for number in system.STOP_SIGNALS:
        signal.signal(number, _interrupt)
    # What a run builds it mostly keeps, from the first import to the end: looking for garbage in it
    # takes an eighth of the time of `nb --help`.
    gc.set_threshold(100_000)
    # After that nothing is left to be saved or told: every file is closed, every line is out. To
    # take apart what the imports built would take as long, and a signal in it leave a traceback.
    try:
        os._exit(main())
    except Interrupted as again:
        # While another was being told.
        os._exit(again.code)


def _run(arguments: list[str], terminal: Terminal) -> int:
    if sys.stdout is None:
        raise LocalFileError("stdout is closed", hint="send it to /dev/null to see nothing of it")

    import typer

    from nanobanana_cli.cli import command_tree

    try:
        tree = command_tree(arguments[0])
        status = tree.main(arguments, prog_name="nb", standalone_mode=False, obj=terminal)
    except typer.TyperException as error:
        raise _usage(error) from error
    except typer.Abort as error:
        # Typer's word for Ctrl-C, and for any EOFError: that one is nobody's wish.
        if isinstance(error.__cause__, EOFError):
            raise error.__cause__ from None
        raise Interrupted(signal.SIGINT, charged=Charged.NO) from None
    return status if isinstance(status, int) else ExitCode.OK


def _usage(error: Exception) -> UsageError:
    """Typer's own complaint about an option, in our words' form."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    first, _, rest = message.replace("\n", " ").partition(" ")
    hint = "`nb --help` and `nb COMMAND --help` list what there is"
    if message.startswith("Got unexpected extra argument"):
        hint = 'put quotes around a prompt of several words: nb generate "a red fox"'
    return UsageError(f"{first.lower()} {rest}".strip().rstrip("."), hint=hint)


def _defect(error: Exception) -> NbError:
    # The text of an unforeseen error may hold anything, a key included: its class has to do.
    defect = NbError(
        f"a defect in nb: {type(error).__name__}",
        hint="NB_DEBUG=1 shows where; please report it",
    )
    defect.__cause__ = error
    return defect


def _version(terminal: Terminal) -> int:
    from nanobanana_cli import __version__

    terminal.result(f"nb {__version__}")
    return ExitCode.OK


def _interrupt(signum: int, frame: FrameType | None) -> None:
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        # There, an exception can leave the lock on all imports taken, and the threads that load
        # something would never end: the signal comes again in a moment.
        threading.Timer(_MOMENT, system.signal_main_thread, (signum,)).start()
        return
    raise Interrupted(signum, charged=Charged.NO)


if __name__ == "__main__":
    entry()
