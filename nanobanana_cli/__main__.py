"""Run `nb`; the only place where an error becomes lines and an exit status."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from nanobanana_cli import __version__, system

# All else is imported where it is used: signals come first.
if TYPE_CHECKING:
    from nanobanana_cli.errors import NbBaseError, NbError
    from nanobanana_cli.ui.terminal import Terminal


def main(
    argv: Sequence[str] | None = None, *, on_start: Callable[[], object] = lambda: None
) -> int:
    """Run `nb`.

    Args:
        argv: the arguments after the program's name; by default those of the process.
        on_start: called first, where what it raises is shown as an error.

    Returns:
        The exit status. Raises nothing.
    """
    from nanobanana_cli.errors import ExitCode, NbBaseError, OutputClosed
    from nanobanana_cli.ui.terminal import Terminal

    arguments = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal.of_process()
    shown: NbBaseError
    try:
        on_start()
        if arguments[:1] == ["--version"]:
            # Importing the command tree would take three times as long.
            terminal.result(f"nb {__version__}")
            return ExitCode.OK
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
    """Run `nb` as a process."""
    held: list[int] = []

    def answer_signals() -> None:
        for number in system.STOP_SIGNALS:
            signal.signal(number, system.interrupt)
        for signum in held:
            signal.raise_signal(signum)

    # Until errors can be shown: Python's own handlers would end `nb` with a traceback, or silently.
    for number in system.STOP_SIGNALS:
        signal.signal(number, lambda signum, _: held.append(signum))
    # Most objects live until the end; collecting garbage takes an eighth of `nb --help`.
    gc.set_threshold(100_000)
    from nanobanana_cli.errors import Interrupted

    # All files are closed and all lines written by then. Skip the teardown, which takes as long
    # as the imports, and in which a signal would leave a traceback.
    try:
        os._exit(main(on_start=answer_signals))
    except Interrupted as second:
        # A second signal, while the first was being reported.
        os._exit(second.code)


def _run(arguments: list[str], terminal: Terminal) -> int:
    from nanobanana_cli.errors import Charged, ExitCode, Interrupted, LocalFileError

    if sys.stdout is None:
        raise LocalFileError("stdout is closed", hint="redirect it to /dev/null to discard it")

    import typer

    from nanobanana_cli.cli import command_tree, usage_error

    try:
        tree = command_tree(arguments[0])
        status = tree.main(arguments, prog_name="nb", standalone_mode=False, obj=terminal)
    except typer.TyperException as error:
        raise usage_error(error) from error
    except typer.Abort as error:
        # Typer raises Abort for Ctrl-C and for EOFError; only the first is an interrupt.
        if isinstance(error.__cause__, EOFError):
            raise error.__cause__ from None
        raise Interrupted(signal.SIGINT, charged=Charged.NO) from None
    return status if isinstance(status, int) else ExitCode.OK


def _defect(error: Exception) -> NbError:
    from nanobanana_cli.errors import NbError

    # The message of an unforeseen error may contain anything, even a key: show only its class.
    defect = NbError(
        f"a defect in nb: {type(error).__name__}",
        hint="NB_DEBUG=1 shows where; please report it",
    )
    defect.__cause__ = error
    return defect


if __name__ == "__main__":
    entry()
