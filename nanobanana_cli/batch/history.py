"""Read ledgers, and merge what they record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from nanobanana_cli.batch import paths as batch_paths
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.money import MICRO

_LINE_START = b'{"event":'
_CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>")


class Written(msgspec.Struct, frozen=True, gc=False):
    """A file that was made: its request, path and SHA-256, and whether it cost anything."""

    fingerprint: str
    path: str
    sha256: str
    paid: bool


class UnsettledCall(msgspec.Struct, frozen=True, gc=False):
    """A call whose outcome was not recorded.

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
    """The merged content of ledgers.

    Args:
        written: by row, the files that were made for it.
        unknown: by row, the calls without an outcome.
        failed: rows of which a call failed.
        spent: micro-dollars of all calls, including unknown ones and those that may have been
            charged.
        unpriced: the number of calls without a known price.
        truncated: lines that were cut off when a run was killed, as `file:line`.
    """

    written: dict[str, list[Written]] = msgspec.field(default_factory=dict)
    unknown: dict[str, list[UnsettledCall]] = msgspec.field(default_factory=dict)
    failed: set[str] = msgspec.field(default_factory=set)
    spent: int = 0
    unpriced: int = 0
    truncated: list[str] = msgspec.field(default_factory=list)

    def made_for(self, target: str) -> list[Written]:
        """Return the files that were made for a target, under any name that its row had then."""
        made = self.written.get(target, [])
        for row in batch_paths.aliases(target) if self.written else ():
            if row in self.written:
                own = batch_paths.candidates(target)
                made = made + [each for each in self.written[row] if each.path in own]
        return made

    def unknown_for(
        self, target: str, fingerprints: Sequence[str] | None
    ) -> tuple[UnsettledCall, ...]:
        """Return the calls without an outcome that sent the same request for a target.

        Args:
            fingerprints: those of the request; None if any may be it.
        """
        if not self.unknown:
            return ()
        return tuple(
            call
            for row in (target, *batch_paths.aliases(target))
            for call in self.unknown.get(row, ())
            if fingerprints is None or call.fingerprint in fingerprints
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

    @property
    def cost(self) -> int | None:
        """Micro-dollars."""
        return None if self.cost_usd is None else round(self.cost_usd * MICRO)


_DECODER = msgspec.json.Decoder(_HistoryLine)


def read(paths: Iterable[Path]) -> History:
    """Merge ledgers; copies of a line, and the order of lines, change nothing.

    Args:
        paths: the files; those that do not exist are empty.

    Raises:
        LocalFileError: one cannot be read, or contains a merge conflict.
    """
    history = History()
    intents: dict[str, _HistoryLine] = {}
    costs: dict[str, int | None] = {}
    seen: set[tuple[str, str, Written]] = set()
    for path in paths:
        for line in _lines(path, history.truncated):
            if line.event == "intent":
                intents.setdefault(line.id, line)
                continue
            costs[line.id] = _higher(costs.get(line.id, line.cost), line.cost)
            if line.event == "written" and line.path and line.sha256:
                file = Written(line.fingerprint, line.path, line.sha256, paid=line.cost_usd != 0)
                if (line.id, line.row, file) not in seen:
                    seen.add((line.id, line.row, file))
                    history.written.setdefault(line.row, []).append(file)
            elif line.event == "failed":
                history.failed.add(line.row)
    for line in intents.values():
        if line.id not in costs:
            costs[line.id] = line.cost
            call = UnsettledCall(line.id, line.row, line.fingerprint, line.cost, line.replaces)
            history.unknown.setdefault(line.row, []).append(call)
    history.spent = sum(cost for cost in costs.values() if cost is not None)
    history.unpriced = sum(cost is None for cost in costs.values())
    return history


def _lines(path: Path, truncated: list[str]) -> Iterator[_HistoryLine]:
    for number, text in enumerate(_raw_lines(path), 1):
        line = _decoded(text)
        if line is None and text.strip():
            if text.startswith(_CONFLICT):
                raise LocalFileError(
                    f"ledger {path}:{number} contains a merge conflict",
                    hint="keep the lines of both sides and remove the markers",
                )
            truncated.append(f"{path}:{number}")
            # `cat` appends the first line of another ledger to a truncated last line.
            start = text.rfind(_LINE_START)
            line = _decoded(text[start:]) if start > 0 else None
        if line is not None:
            yield line


def _decoded(text: bytes) -> _HistoryLine | None:
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _raw_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LocalFileError(f"ledger {path}: {error.strerror}") from error


def _higher(one: int | None, other: int | None) -> int | None:
    """Return the higher of two costs; an unknown one may be any, so it is the highest."""
    return None if one is None or other is None else max(one, other)
