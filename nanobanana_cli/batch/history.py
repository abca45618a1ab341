"""Read ledgers, and merge what they record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from nanobanana_cli.batch import asked
from nanobanana_cli.batch import paths as batch_paths
from nanobanana_cli.batch.recorded_line import RecordedError, RecordedLine, lines
from nanobanana_cli.errors import NbError

_FILES = frozenset({"written", "reused", "accepted"})

# Why an image may have been paid for without being there, as `--retry` names it.
Doubt: TypeAlias = Literal["refused", "bad-reply", "unknown"]


class Written(msgspec.Struct, frozen=True, gc=False):
    """A file that was made.

    Args:
        fingerprint: of its request.
        path: relative to the output folder.
        root: that folder, from the ledger's own; None when not known.
        sha256: of the file.
        shown: SHA-256 of the file without its metadata; None in old ledgers.
        paid: it cost something.
        is_sandbox: the sandbox made it.
        is_own: the user's own file, recorded as it was.
        is_beside: the ledger of another manifest records it.
        alt: the text that came with it.
        alt_path: its file, unless that has the default name.
        time, cost: when it was made, UTC in ISO 8601, and micro-dollars of the call.
        origin: SHA-256 of the file that it was converted from, if it was.
    """

    fingerprint: str
    path: str
    sha256: str
    shown: str | None = None
    paid: bool = True
    is_sandbox: bool = False
    is_own: bool = False
    is_beside: bool = False
    alt: str | None = None
    alt_path: str | None = None
    root: str | None = None
    time: str | None = None
    cost: int | None = None
    origin: str | None = None

    @property
    def content(self) -> str:
        """SHA-256 of the file as the model made it."""
        return self.origin or self.sha256


class DoubtfulCall(msgspec.Struct, frozen=True, gc=False):
    """A call that may have been paid for, and whose image is not recorded.

    Args:
        id, row, fingerprint: as in its intent.
        kind: why.
        cost: micro-dollars that it may have cost; None when not known.
        message: the error; "" when the outcome was not recorded.
        sha256, shown, size: of the image, if it was received; size in bytes.
        time: of its last line: UTC, ISO 8601.
        is_beside: the ledger of another manifest records it.
    """

    id: str
    row: str
    fingerprint: str
    kind: Doubt
    cost: int | None
    message: str = ""
    sha256: str | None = None
    shown: str | None = None
    size: int | None = None
    time: str | None = None
    is_beside: bool = False


class Failure(msgspec.Struct, frozen=True, gc=False):
    """The last failure of a row: its error, when it was, and what it may have cost."""

    kind: str
    message: str
    charged: str
    time: str | None = None
    cost: int | None = None


class History(msgspec.Struct):
    """The merged content of ledgers.

    Args:
        written: by row, the files that were made for it.
        doubts: by row, the calls that may have been paid for.
        failed: by row, its last failure.
        asked: by fingerprint, the parts of the request.
        alike: by `asked.key`, the fingerprints that differ in what has a default at most.
        form_1: the fingerprints of old ledgers.
        spent: micro-dollars of all calls, including unknown ones and those that may have been
            charged.
        unpriced: the number of calls without a known price.
        truncated: lines that were cut off when a run was killed, as `file:line`.
    """

    written: dict[str, list[Written]] = msgspec.field(default_factory=dict)
    doubts: dict[str, list[DoubtfulCall]] = msgspec.field(default_factory=dict)
    failed: dict[str, Failure] = msgspec.field(default_factory=dict)
    asked: dict[str, asked.Asked] = msgspec.field(default_factory=dict)
    alike: dict[str, list[str]] = msgspec.field(default_factory=dict)
    form_1: set[str] = msgspec.field(default_factory=set)
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

    def doubts_for(
        self, target: str, fingerprints: Sequence[str] | None
    ) -> tuple[DoubtfulCall, ...]:
        """Return the calls for a target that sent the same request and may have been paid for.

        Args:
            target: of the row.
            fingerprints: those of the request; None if any may be it.
        """
        if not self.doubts:
            return ()
        return tuple(
            call
            for row in (target, *batch_paths.aliases(target))
            for call in self.doubts.get(row, ())
            if fingerprints is None or call.fingerprint in fingerprints
        )


def doubt(kind: str, charged: str) -> Doubt | None:
    """Return why a failed call is not made again unasked; None if every run may do so.

    Args:
        kind, charged: of its error.
    """
    if kind in ("refused", "no_text"):
        # Also where it is free: the answer would most likely be the same.
        return "refused"
    if charged == "no":
        return None
    return "bad-reply" if kind == "bad_reply" else "unknown"


def hint(error: NbError) -> str | None:
    """Return an error's hint for a batch, where only `--retry` repeats what may be paid for."""
    kind = doubt(error.kind, error.charged.value)
    words = (error.hint or "").replace("--dry-run shows the request", "check the row's settings")
    return (re.sub(r"\brun(ning)? it again\b", f"--retry {kind}", words) if kind else words) or None


def read(paths: Iterable[Path], beside: Iterable[Path] = ()) -> History:
    """Merge ledgers; copies of a line, and the order of lines, change nothing.

    Args:
        paths: the files; those that do not exist are empty.
        beside: ledgers of other manifests. What they spent and what failed there is not counted.

    Raises:
        LocalFileError: one cannot be read, has a form that is not known, or contains a merge
            conflict.
    """
    merger = _Merger()
    for path in paths:
        for line in lines(path, merger.history.truncated):
            merger.own.add(line.id)
            merger.add(line)
    for path in beside:
        for line in lines(path, []):
            merger.add(line)
    return merger.merged()


class _Merger:
    """Collect lines in any order.

    Attributes:
        own: the calls that count for the manifest.
    """

    def __init__(self) -> None:
        self.history = History()
        self.own: set[str] = set()
        self._intents: dict[str, RecordedLine] = {}
        self._received: dict[str, RecordedLine] = {}
        self._failed: dict[str, RecordedLine] = {}
        # Calls whose outcome is recorded, and those that are in no doubt any more.
        self._costs: dict[str, int | None] = {}
        self._settled: set[str] = set()
        self._seen: set[tuple[str, str, Written]] = set()

    def add(self, line: RecordedLine) -> None:
        history = self.history
        if line.form == 1:
            history.form_1.add(line.fingerprint)
        elif line.asked and line.fingerprint not in history.asked:
            history.asked[line.fingerprint] = line.asked
            history.alike.setdefault(asked.key(line.asked), []).append(line.fingerprint)
        if line.event in ("intent", "received"):
            _keep(self._intents if line.event == "intent" else self._received, line)
            return
        self._costs[line.id] = _higher(self._costs.get(line.id, line.cost), line.cost)
        if line.event == "failed":
            _keep(self._failed, line)
        else:
            self._settled.add(line.id)
        # A failed call may have put its image beside a file of the user's.
        if line.path and line.sha256 and line.event in ("failed", *_FILES):
            self._settled.add(line.id)
            self._add_file(line, line.path, line.sha256)

    def _add_file(self, line: RecordedLine, path: str, sha256: str) -> None:
        file = Written(
            *(line.fingerprint, path, sha256, line.shown),
            paid=line.cost_usd != 0 or bool(line.paid),
            is_sandbox=line.provider == "sandbox",
            is_own=line.event == "accepted",
            is_beside=line.id not in self.own,
            alt=line.alt,
            alt_path=line.alt_path,
            root=line.root,
            time=line.time,
            cost=line.cost,
            origin=line.origin,
        )
        if (line.id, line.row, file) not in self._seen:
            self._seen.add((line.id, line.row, file))
            self.history.written.setdefault(line.row, []).append(file)

    def merged(self) -> History:
        history = self.history
        for line in self._failed.values():
            error = line.error or RecordedError()
            failure = Failure(error.kind, error.message, error.charged, line.time, line.cost)
            if line.id in self.own:
                last = history.failed.get(line.row, failure)
                history.failed[line.row] = max(
                    last, failure, key=lambda each: (each.time or "", each.message)
                )
            kind = doubt(error.kind, error.charged)
            if kind is not None and line.id not in self._settled:
                self._add_doubt(line, kind, error.message)
        for line in self._intents.values():
            if line.id not in self._costs:
                self._costs[line.id] = line.cost
                self._add_doubt(line, "unknown", "")
        costs = [cost for call, cost in self._costs.items() if call in self.own]
        history.spent = sum(cost for cost in costs if cost is not None)
        history.unpriced = sum(cost is None for cost in costs)
        return history

    def _add_doubt(self, line: RecordedLine, kind: Doubt, message: str) -> None:
        received = self._received.get(line.id)
        call = DoubtfulCall(
            *(line.id, line.row, line.fingerprint, kind, line.cost),
            message=message,
            sha256=received.sha256 if received else None,
            shown=received.shown if received else None,
            size=received.bytes if received else None,
            time=line.time,
            is_beside=line.id not in self.own,
        )
        self.history.doubts.setdefault(line.row, []).append(call)


def _keep(lines: dict[str, RecordedLine], line: RecordedLine) -> None:
    """Keep one line a call: of two that differ, as in a damaged ledger, the dearer one."""
    if (kept := lines.setdefault(line.id, line)) != line:
        lines[line.id] = max(kept, line, key=_weight)


def _weight(line: RecordedLine) -> tuple[bool, int, bytes]:
    return line.cost is None, line.cost or 0, msgspec.json.encode(line)


def _higher(one: int | None, other: int | None) -> int | None:
    """Return the higher of two costs; an unknown one may be any, so it is the highest."""
    return None if one is None or other is None else max(one, other)
