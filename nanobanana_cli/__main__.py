"""Run `nb`; the only place where an error becomes lines and an exit status."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from nanobanana_cli import __version__, system

# All else is imported where it is used: signals come first.
if TYPE_CHECKING:
    from nanobanana_cli.errors import NbBaseError
    from nanobanana_cli.ui.terminal import Terminal

# The commands that can make a paid call, so that their errors say what was charged.
_CALLING = (["generate"], ["caption"], ["batch"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run `nb`.

    Args:
        argv: the arguments after the program's name; by default those of the process.

    Returns:
        The exit status. Raises nothing.
    """
    handlers = {number: signal.getsignal(number) for number in system.STOP_SIGNALS}
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def entry(held: Sequence[int] = ()) -> NoReturn:
    """Run `nb` as a process.

    Args:
        held: signals that came before.
    """
    held = [*held]

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
        os._exit(_main(sys.argv[1:], answer_signals))
    except Interrupted as second:
        # Seconds after the first, which could not be told: nobody reads stderr.
        os._exit(second.code)


def _main(arguments: list[str], on_start: Callable[[], object] = lambda: None) -> int:
    """Run `nb` and show its error; leave signals held.

    Args:
        on_start: called first, where what it raises is shown as an error.
    """
    from nanobanana_cli.errors import Interrupted
    from nanobanana_cli.ui.terminal import Terminal

    terminal = Terminal.of_process()
    terminal.shows_charge = arguments[:1] in _CALLING
    signals = system.StopSignals()
    shown: int | NbBaseError
    try:
        on_start()
        shown = _ended(arguments, terminal)
        # From here on, none may come between an error and its lines.
        signals.__enter__()
    except Interrupted as error:
        # Whoever raised it holds those that follow.
        shown = error
    if isinstance(shown, int):
        return shown
    if terminal.env.get("NB_DEBUG") == "1":
        for line in _traceback(shown.__cause__ or shown, terminal.env).rstrip("\n").split("\n"):
            terminal.problem(line)
    terminal.error(shown)
    return 128 + signals.last if signals.last else shown.code


def _traceback(error: BaseException, env: Mapping[str, str]) -> str:
    """Return an error's traceback, without keys: messages may hold anything."""
    import traceback

    from nanobanana_cli.catalog import PROVIDERS
    from nanobanana_cli.settings.redaction import redact_all

    keys = [env.get(name, "") for each in PROVIDERS.values() for name in each.key_variables]
    return redact_all("".join(traceback.format_exception(error)), keys)


def _ended(arguments: list[str], terminal: Terminal) -> int | NbBaseError:
    """Run `nb`; return its exit status or its error."""
    from nanobanana_cli.errors import ExitCode, NbError, OutputClosed

    try:
        if arguments[:1] in (["--version"], ["-V"]):
            # Importing the command tree would take three times as long.
            terminal.result(f"nb {__version__}")
            return ExitCode.OK
        return _run(arguments or ["--help"], terminal)
    except OutputClosed as error:
        return error.code
    except NbError as error:
        return error
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user unasked
        return system.error_of(error)


def _run(arguments: list[str], terminal: Terminal) -> int:
    from nanobanana_cli.errors import ExitCode, Interrupted, LocalFileError

    if sys.stdout is None:
        raise LocalFileError("stdout is closed", hint="redirect it to /dev/null to discard it")

    import typer

    from nanobanana_cli.cli import command_tree, usage_error

    try:
        tree = command_tree(arguments[0])
        status = tree.main(arguments, prog_name="nb", standalone_mode=False, obj=terminal)
    except typer.TyperException as error:
        raise usage_error(error, arguments) from error
    except typer.Abort as error:
        # Typer raises Abort for Ctrl-C and for EOFError; only the first is an interrupt.
        if isinstance(error.__cause__, EOFError):
            raise error.__cause__ from None
        raise Interrupted(signal.SIGINT) from None
    return status if isinstance(status, int) else ExitCode.OK


if __name__ == "__main__":
    entry()
