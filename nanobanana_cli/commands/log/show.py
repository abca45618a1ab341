"""Show lines of the log, and sums of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size

from nanobanana_cli.log.line import LoggedCall
from nanobanana_cli.log.queries import Period, Spending
from nanobanana_cli.money import dollars, micro_dollars
from nanobanana_cli.ui.escape import one_line
from nanobanana_cli.ui.terminal import Terminal

# Characters of a prompt in a table, and columns that one needs.
_SHORT, _WIDE = 200, 72


def listing(lines: Iterable[LoggedCall], terminal: Terminal) -> None:
    """Write a row for each line."""
    if not terminal.stdout.isatty():
        terminal.table((), map(_fields, lines))
        return
    rows = ((_local_time(each), _price(each), _seconds(each), _name(each), each) for each in lines)
    columns = get_terminal_size().columns
    if columns >= _WIDE:
        table = ((*facts, one_line(_about(each), _SHORT)) for *facts, each in rows)
        terminal.table(("When", "Cost", "Took", "File", "Prompt"), table)
        return
    for when, price, seconds, name, each in rows:
        terminal.result(f"{when}  {price}  {seconds}")
        for shown in filter(None, (name, one_line(_about(each), columns - 2))):
            terminal.result(f"  {shown}")


def details(lines: Iterable[LoggedCall], terminal: Terminal) -> None:
    """Write all that lines hold, on a terminal."""
    for each in lines:
        terminal.table((_local_time(each), ""), _facts(each))


def sums(found: Sequence[Spending], by: Period, terminal: Terminal, *, as_json: bool) -> None:
    """Write what was spent; a total on a terminal alone."""
    if as_json:
        for each in found:
            terminal.json(each)
        return
    if not terminal.stdout.isatty():
        terminal.table(
            (), ((e.key, str(e.calls), f"{e.cost_usd:.6f}", str(e.unsure)) for e in found)
        )
        return
    total = Spending(
        "total",
        sum(each.calls for each in found),
        sum(each.cost_usd for each in found),
        sum(each.unsure for each in found),
    )
    rows = [
        (
            each.key,
            str(each.calls),
            _spent(each),
            f"{each.unsure} unsure" * (each.unsure > 0),
        )
        for each in (*found, total)
    ]
    terminal.table((by.capitalize(), "Calls", "Cost", ""), rows)


def _fields(line: LoggedCall) -> tuple[str, ...]:
    """Return a row for programs: time, dollars, seconds, path and prompt; empty where not known."""
    cost = "" if line.cost_usd is None else f"{line.cost_usd:.6f}"
    seconds = "" if line.seconds is None else f"{line.seconds:.2f}"
    return line.time, cost, seconds, line.path or "", line.prompt or line.alt or ""


def _facts(line: LoggedCall) -> Iterator[tuple[str, str]]:
    if line.prompt:
        yield "prompt", line.prompt
    if line.alt:
        yield "text", line.alt
    yield "file", _name(line)
    yield "model", f"{line.model} from {line.provider}"
    if line.settings:
        pairs = (f"{name.replace('_', '-')} {_value(v)}" for name, v in line.settings.items())
        yield "settings", ", ".join(pairs)
    for reference in line.references:
        yield "from", relative(reference.name)
    price = _price(line)
    yield "cost", f"{price}, {_seconds(line)}" if line.seconds is not None else price
    if line.response_id:
        yield "response", line.response_id
    if line.sha256:
        yield "sha256", line.sha256


def _value(value: object) -> str:
    return "on" if value is True else str(value)


def _about(line: LoggedCall) -> str:
    return line.prompt or line.alt or ""


def _name(line: LoggedCall) -> str:
    """Return the file of a line, or why there is none."""
    if line.status not in ("written", "unchanged"):
        return f"({(line.error or line.status).replace('_', ' ')})"
    return relative(line.path) if line.path else ""


def relative(path: str) -> str:
    """Return a path as it is seen from here, if it is below the current folder."""
    return path.removeprefix(f"{Path.cwd()}{os.sep}")


def _local_time(line: LoggedCall) -> str:
    return datetime.fromisoformat(line.time).astimezone().strftime("%Y-%m-%d %H:%M")


def _seconds(line: LoggedCall) -> str:
    return "" if line.seconds is None else f"{line.seconds:.1f} s"


def _price(line: LoggedCall) -> str:
    if line.charged == "maybe":
        return "maybe"
    return "unknown" if line.cost_usd is None else _amount(line.cost_usd)


def _spent(each: Spending) -> str:
    return "unknown" if each.unsure and not each.cost_usd else _amount(each.cost_usd)


def _amount(usd: float) -> str:
    return dollars(micro_dollars(f"{usd:.6f}")) if usd else "free"
