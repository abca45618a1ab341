"""What the ledgers say, taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from nanobanana_cli.batch import paths as batch_paths
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.money import MICRO

_LINE_START = b'{"event":'
_CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>")


class Written(msgspec.Struct, frozen=True, gc=False):
    """A file that was made: what was sent for it, where it went, its SHA-256, and whether it cost
    anything."""

    fingerprint: str
    path: str
    sha256: str
    paid: bool


class UnsettledCall(msgspec.Struct, frozen=True, gc=False):
    """A call whose outcome nobody recorded.

    Args:
        id, row, fingerprint: as in its intent.
        cost: micro-dollars that it may have cost; None when not known.
        replaces: SHA-256 of the file that was there before.
    """

    id: str
    row: str
    fingerprint: str
    cost: int | None
    replaces: str | None


class History(msgspec.Struct):
    """What ledgers say.

    Args:
        written: by row, the files that were made for it.
        unknown: by row, the calls without an outcome.
        failed: by row, the last failure, as the JSON of its `error`.
        spent: micro-dollars of all calls, unknown ones and those that may have been charged
            included.
        unpriced: how many calls had no known price.
        torn: places of lines that were cut off when a run was killed, as `file:line`.
    """

    written: dict[str, list[Written]] = msgspec.field(default_factory=dict)
    unknown: dict[str, list[UnsettledCall]] = msgspec.field(default_factory=dict)
    failed: dict[str, bytes] = msgspec.field(default_factory=dict)
    spent: int = 0
    unpriced: int = 0
    torn: list[str] = msgspec.field(default_factory=list)

    def made_for(self, target: str) -> list[Written]:
        """The files that were made for a target, under whatever name a row had it by then."""
        made = self.written.get(target, [])
        for row in batch_paths.aliases(target) if self.written else ():
            if row in self.written:
                own = batch_paths.candidates(target)
                made = made + [each for each in self.written[row] if each.path in own]
        return made

    def unknown_for(self, target: str, fingerprint: str) -> tuple[UnsettledCall, ...]:
        """The calls without an outcome that were sent for a target, and asked for the same."""
        if not self.unknown:
            return ()
        return tuple(
            call
            for row in (target, *batch_paths.aliases(target))
            for call in self.unknown.get(row, ())
            if call.fingerprint == fingerprint
        )


class _HistoryLine(msgspec.Struct, frozen=True, gc=False):
    """The part of a line that planning needs: the rest is skipped, not decoded."""

    event: str
    id: str
    row: str
    fingerprint: str
    cost_usd: float | None = None
    replaces: str | None = None
    path: str | None = None
    sha256: str | None = None
    error: msgspec.Raw = msgspec.Raw()


def read(paths: Iterable[Path]) -> History:
    """What ledgers say, taken together; a call that several of them hold counts once.

    Args:
        paths: the files; those that do not exist hold nothing.

    Raises:
        LocalFileError: one cannot be read, or holds a merge conflict.
    """
    history = History()
    intents: dict[str, _HistoryLine] = {}
    costs: dict[str, int | None] = {}
    made: set[tuple[str, str, Written]] = set()
    for path in paths:
        for line in _lines(path, history.torn):
            if line.event == "intent":
                intents.setdefault(line.id, line)
            else:
                _settle(line, history, made)
                cost = _cost(line)
                costs[line.id] = _higher(costs.get(line.id, cost), cost)
    for line in intents.values():
        if line.id not in costs:
            _leave_open(line, history)
            costs[line.id] = _cost(line)
    history.spent = sum(cost for cost in costs.values() if cost is not None)
    history.unpriced = sum(cost is None for cost in costs.values())
    return history


def _lines(path: Path, torn: list[str]) -> Iterator[_HistoryLine]:
    decode = msgspec.json.Decoder(_HistoryLine).decode
    for number, text in enumerate(_raw_lines(path), 1):
        try:
            yield decode(text)
        except (msgspec.DecodeError, RecursionError):
            if text.startswith(_CONFLICT):
                raise LocalFileError(
                    f"ledger {path}:{number} holds a merge conflict",
                    hint="keep the lines of both sides and remove the markers",
                ) from None
            if text.strip():
                torn.append(f"{path}:{number}")
                yield from _glued(text, decode)


def _raw_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LocalFileError(f"ledger {path}: {error.strerror}") from error


def _glued(text: bytes, decode: Callable[[bytes], _HistoryLine]) -> Iterator[_HistoryLine]:
    """`cat` glues the first line of one ledger to a torn last line of another."""
    start = text.rfind(_LINE_START)
    if start > 0:
        try:
            yield decode(text[start:])
        except (msgspec.DecodeError, RecursionError):
            return


def _settle(line: _HistoryLine, history: History, made: set[tuple[str, str, Written]]) -> None:
    """Note what came of a call; a copy of a line, and the order of lines, change nothing."""
    if line.event == "written" and line.path and line.sha256:
        file = Written(line.fingerprint, line.path, line.sha256, paid=line.cost_usd != 0)
        if (line.id, line.row, file) not in made:
            made.add((line.id, line.row, file))
            history.written.setdefault(line.row, []).append(file)
    elif line.event == "failed":
        history.failed[line.row] = bytes(line.error)


def _leave_open(line: _HistoryLine, history: History) -> None:
    call = UnsettledCall(line.id, line.row, line.fingerprint, _cost(line), line.replaces)
    history.unknown.setdefault(line.row, []).append(call)


def _cost(line: _HistoryLine) -> int | None:
    return None if line.cost_usd is None else round(line.cost_usd * MICRO)


def _higher(one: int | None, other: int | None) -> int | None:
    """The higher of two costs; an unknown one may be any, so it is the highest."""
    return None if one is None or other is None else max(one, other)
