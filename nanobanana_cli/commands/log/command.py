"""`nb log`: what was made and paid here."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

import re
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
from typer import Argument, Option

from nanobanana_cli.commands.options import Color, Quiet
from nanobanana_cli.commands.signature import takes
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of, shown
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.log.queries import LogReader, Period, Selection

_SELECTION, _STREAMS = "Lines", "Streams"
_NEWEST = 20
_PERIODS = ("day", "model", "provider")
_AGE = re.compile(r"([0-9]{1,6})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class LogOptions(msgspec.Struct, frozen=True):
    """The options of `nb log`."""

    file: Annotated[
        list[str] | None,
        Argument(
            metavar="[FILE...]",
            show_default=False,
            help="Images, wherever they are by now, or folders; without any, all lines.",
        ),
    ] = None
    count: Annotated[
        int | None,
        Option(
            "--count",
            "-n",
            metavar="N",
            min=1,
            help=f"The newest N lines. [default: {_NEWEST}, unless others are asked for]",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    since: Annotated[
        str | None,
        Option(
            "--since",
            metavar="TIME",
            help="Not older than 7d, 12h or 2026-11-01.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    before: Annotated[
        str | None,
        Option(
            "--before",
            metavar="TIME",
            help="Older than 7d, 12h or 2026-11-01.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    every: Annotated[bool, Option("--all", help="All lines.", rich_help_panel=_SELECTION)] = False
    by: Annotated[
        str | None,
        Option("--sum", metavar="BY", help="Sum what was spent by day, model or provider."),
    ] = None
    command: Annotated[
        bool, Option("--command", help="Print the commands that ask for the same again.")
    ] = False
    forget: Annotated[
        bool, Option("--forget", help="Remove the lines from the log for good; asks first.")
    ] = False
    yes: Annotated[bool, Option("--yes", help="Do not ask before lines are removed.")] = False
    json: Annotated[
        bool, Option("--json", help="Print JSON Lines, for scripts.", rich_help_panel=_STREAMS)
    ] = False
    quiet: Quiet = False
    color: Color = None


@takes(LogOptions)
def command(options: LogOptions, terminal: Terminal) -> None:
    """Show what was made and paid here, the newest first.

    nb keeps a line for each paid call, with its prompt, in a file of yours. `log = false` in the
    configuration, or NB_LOG=0, keeps none. In a pipe, print time, dollars, seconds, path and prompt
    with TABs between them.

    Examples:
      nb log                               # the newest 20 lines
      nb log fox.png                       # what made it, also after it was renamed or moved
      nb log fox.png --command
      nb log --sum day --since 30d
      nb log --forget --before 90d
    """
    from nanobanana_cli.log import queries, store

    _check(options)
    now = time.time()
    since, before = _moment("--since", options.since, now), _moment("--before", options.before, now)
    path = store.log_file(terminal.env)
    if path is None:
        terminal.note("no log is kept, since there is no home folder")
        return
    with queries.opened(path) as log:
        if log is None:
            _tell_empty(options, terminal)
            return
        _run(options, log, _selection(options, log, since, before), terminal)


def _run(options: LogOptions, log: "LogReader", selection: "Selection", terminal: Terminal) -> None:
    from nanobanana_cli.commands.log import again, show

    if options.forget:
        _forget(options, log, selection, terminal)
    elif options.by is not None:
        by = cast("Period", options.by)
        show.sums(log.sums(by, selection), by, terminal, as_json=options.json)
    elif options.command:
        again.show(log.lines(selection), terminal)
    elif options.json:
        for line in log.lines(selection):
            terminal.json(line)
    elif options.file and terminal.stdout.isatty():
        show.details(log.lines(selection), terminal)
    else:
        show.listing(log.lines(selection), terminal)


def _check(options: LogOptions) -> None:
    jobs = {
        f"--sum {options.by}": options.by is not None,
        "--command": options.command,
        "--forget": options.forget,
    }
    given = [name for name, is_given in jobs.items() if is_given]
    if options.json and (options.command or options.forget):
        given.append("--json")
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} contradict each other", hint="use one")
    if options.by is not None and options.by not in _PERIODS:
        raise UsageError(f"--sum {shown(options.by)} is unknown", hint=one_of(options.by, _PERIODS))
    narrowed = (options.file, options.count, options.since, options.before)
    if options.every and any(narrowed):
        raise UsageError("--all takes all lines, and something else fewer", hint="use one")
    if options.forget and not (options.every or any(narrowed)):
        raise UsageError(
            "--forget needs to know what",
            hint="name images, a time or all: nb log --forget --before 90d",
        )


def _selection(
    options: LogOptions, log: "LogReader", since: float | None, before: float | None
) -> "Selection":
    """Return the lines that are asked for.

    Raises:
        UsageError: no line is about one of the files.
    """
    from nanobanana_cli.log.queries import Selection

    found: list[tuple[str, object]] = []
    for name in options.file or ():
        conditions = log.of_file(name)
        if not log.count(Selection(conditions, newest=1)):
            raise UsageError(
                f"the log has no line about {name}",
                hint="it knows an image by its content, or by the path that it had",
            )
        found += conditions
    is_narrowed = found or since or before or options.every or options.by
    newest = options.count or (None if is_narrowed else _NEWEST)
    return Selection(tuple(found), since, before, newest)


def _moment(option: str, text: str | None, now: float) -> float | None:
    """Return a time in seconds since the epoch: so long ago, or a date."""
    if text is None:
        return None
    if age := _AGE.fullmatch(text):
        return now - int(age[1]) * _SECONDS[age[2]]
    with suppress(ValueError, OverflowError, OSError):
        if text[:1].isdigit():
            return datetime.fromisoformat(text).timestamp()
    raise UsageError(
        f"{option} {shown(text)} is not a time",
        hint="such as 12h, 7d, 2026-11-01 or 2026-11-01T18:00",
    )


def _forget(
    options: LogOptions, log: "LogReader", selection: "Selection", terminal: Terminal
) -> None:
    """Remove lines.

    Raises:
        UsageError: it was declined, or nobody can be asked.
    """
    from nanobanana_cli.ui import prompt

    count = log.count(selection)
    lines = counted(count, "line")
    if not count:
        terminal.note("the log has no such lines")
        return
    if not options.yes:
        answer = prompt.confirm(terminal, f"remove {lines} from the log for good?")
        if answer is None:
            raise UsageError(
                f"{lines} would be removed, and nobody can be asked", hint="--yes allows it"
            )
        if not answer:
            raise UsageError("declined, so that nothing was removed", hint="name fewer lines")
    log.forget(selection)
    terminal.note(f"removed {lines}")


def _tell_empty(options: LogOptions, terminal: Terminal) -> None:
    from nanobanana_cli import settings as resolved

    if options.file:
        raise UsageError(f"the log has no line about {options.file[0]}", hint="it is empty")
    settings = resolved.load(terminal.env, resolved.current_folder(), {})
    if settings.log:
        terminal.note("the log is empty: it gets a line for each paid call")
    else:
        terminal.note(f"no log is kept: log is false, from {settings.origins['log']}")
