"""What was paid for and what came of it: append-only JSON Lines beside the manifest.

Before a call an `intent` is on the disk, after the image is there its outcome: `written` or
`failed`. An intent without an outcome is unknown: it may have been paid for. `dropped` says that
an unknown one was given up and made again. Every line stands for itself and the order of lines
means nothing, so ledgers join with `cat` and merge line by line.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import msgspec

from nanobanana_cli import system
from nanobanana_cli.errors import Charged, LocalFileError

# A line has a few hundred bytes; an error message adds its own.
_LONGEST_LINE = 1 << 20

Event: TypeAlias = Literal["intent", "written", "failed", "dropped"]


class LedgerLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line; fields are only ever added.

    Args:
        event: what happened.
        id: the call's, the same in its intent and its outcome.
        row: the target that the manifest names.
        fingerprint: of what was sent.
        cost_usd: what the call costs or may cost; 0 when it is known to be free; None when not
            known.
        time: UTC, ISO 8601.
        provider, model, size: who was asked for what.
        replaces: in an intent, SHA-256 of the file that was there.
        path, sha256, bytes, width, height, mime_type: of the file that was written.
        alt: the alt text that came with it.
        seconds, attempts, response_id: of the call.
        error: of a failure, as in a JSON line.
    """

    event: Event
    id: str
    row: str
    fingerprint: str
    cost_usd: float | None = None
    time: str | None = None
    provider: str | None = None
    model: str | None = None
    size: str | None = None
    replaces: str | None = None
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    mime_type: str | None = None
    alt: str | None = None
    seconds: float | None = None
    attempts: int | None = None
    response_id: str | None = None
    error: dict[str, Any] | None = None


class Ledger:
    """A ledger that is written to. Lines of several threads that come at once share one fsync.

    Args:
        path: the file; made when it is not there.

    Raises:
        LocalFileError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = threading.Condition()
        self._pending: list[bytes] = []
        self._added = 0
        self._on_disk = 0
        self._writing = False
        self._broken = ""
        try:
            self._file = _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            try:
                self._set_torn_line_aside()
                system.sync_folder(path.parent)
            except OSError:
                os.close(self._file)
                raise
        except OSError as error:
            reason = "is a link, and none is followed" if error.errno == errno.ELOOP else ""
            raise LocalFileError(f"ledger {path}: {reason or error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._state:
            self._broken = self._broken or "it is closed"
            self._state.wait_for(lambda: not self._writing)
            os.close(self._file)

    def append(self, line: LedgerLine) -> None:
        """Put a line on the disk; it is there when this returns.

        Raises:
            LocalFileError: it could not be written; no further line can.
        """
        self.extend([line])

    def extend(self, lines: Iterable[LedgerLine]) -> None:
        """Put several lines on the disk at once, as `append` does."""
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        with self._state:
            if self._broken:
                raise self._unwritten()
            self._pending.append(data)
            self._added += 1
            mine = self._added
            while self._on_disk < mine and not self._broken:
                if self._writing:
                    self._state.wait()
                else:
                    self._write_pending()
            if self._on_disk < mine:
                raise self._unwritten()

    def _write_pending(self) -> None:
        """Write all that waits, with the lock let go meanwhile so that more can gather."""
        lines, self._pending = self._pending, []
        upto, self._writing = self._added, True
        self._state.release()
        broken = "a write was interrupted"
        try:
            self._check_in_place()
            _write_all(self._file, b"".join(lines))
            os.fsync(self._file)
            broken = ""
        except OSError as error:
            broken = error.strerror or type(error).__name__
        finally:
            self._state.acquire()
            self._writing = False
            if broken:
                self._broken = broken
            else:
                self._on_disk = upto
            self._state.notify_all()

    def _check_in_place(self) -> None:
        """Lines that go to a file without a name are lost; `git pull` puts another in its place."""
        if not os.path.samestat(os.fstat(self._file), self.path.stat()):
            raise OSError(errno.ESTALE, "the ledger was replaced during the run")

    def _unwritten(self) -> LocalFileError:
        return LocalFileError(
            f"ledger {self.path}: {self._broken}",
            hint="no further call is made, since none could be recorded",
            charged=Charged.MAYBE,
        )

    def _set_torn_line_aside(self) -> None:
        """A line that was cut off when a run was killed goes to a file of its own: a new line must
        not be glued to it, and the ledger is to stay readable line by line."""
        size = os.fstat(self._file).st_size
        os.lseek(self._file, max(0, size - _LONGEST_LINE), os.SEEK_SET)
        tail = os.read(self._file, _LONGEST_LINE)
        torn = tail[tail.rfind(b"\n") + 1 :]
        if not torn:
            return
        try:
            msgspec.json.decode(torn)
        except msgspec.DecodeError:
            with open(self.path.with_suffix(".torn"), "ab", opener=_opened) as aside:
                aside.write(torn + b"\n")
            os.ftruncate(self._file, size - len(torn))
        else:
            _write_all(self._file, b"\n")


def _opened(path: str | Path, flags: int) -> int:
    """A file that is here, and not where a link that came with a repository leads: lines hold
    names from the manifest, which must not get into a script of the user's."""
    return system.open_no_follow(path, flags)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def now() -> str:
    """The time as the ledger has it: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
