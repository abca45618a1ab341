"""Record calls and their outcomes in a ledger: append-only JSON Lines beside the manifest.

An `intent` is on the disk before a call, and its outcome, `written` or `failed`, after it. Between
the two, `received` has the hash of the image before any file has its name. An intent without an
outcome is unknown: it may have been paid for. `dropped` settles an unknown or failed call whose
image is made again. `reused` and `accepted` record a file without a call. Lines are independent of
each other and of their order, so ledgers can be joined with `cat` and merged line by line.

Lines of form 1 have no `form`; they have no `asked` and `shown` either, and their fingerprints are
those of `form_1`.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self, TypeAlias

import msgspec

from nanobanana_cli import files, system
from nanobanana_cli.errors import Charged, LocalFileError
from nanobanana_cli.types import ErrorRecord

# A line has a few hundred bytes, and an error message may be long.
_MAX_LINE_BYTES = 1 << 20

FORM = 2
Event: TypeAlias = Literal[
    "intent", "received", "written", "failed", "dropped", "reused", "accepted"
]


class LedgerLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line; fields are only ever added.

    Args:
        event: what happened.
        id: of the call, the same in its intent and its outcome.
        row: the target that the manifest names.
        fingerprint: of the request.
        form: of the line.
        asked: in an intent, `reused` and `accepted`: the parts of the request, each as a hash.
        cost_usd: what the call costs or may cost; 0 when known to be free; None when not known.
        time: UTC, ISO 8601.
        provider, model, size: of the request.
        root: the output folder of `path`, from the ledger's own; left out when they are the same.
        path, sha256, bytes, width, height, mime_type: of the file that was written.
        shown: SHA-256 of that file without its metadata.
        paid: what a `reused` file shows was paid for.
        origin: SHA-256 of the file that was converted for a `reused` one.
        alt: the alt text that came with it.
        alt_path: its file, unless that has the default name.
        seconds, attempts, response_id: of the call.
        error: of a failure, as in a JSON line.
    """

    event: Event
    id: str
    row: str
    fingerprint: str
    form: int = 1
    asked: Mapping[str, str] | None = None
    cost_usd: float | None = None
    time: str | None = None
    provider: str | None = None
    model: str | None = None
    size: str | None = None
    root: str | None = None
    path: str | None = None
    sha256: str | None = None
    shown: str | None = None
    paid: bool | None = None
    origin: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    mime_type: str | None = None
    alt: str | None = None
    alt_path: str | None = None
    seconds: float | None = None
    attempts: int | None = None
    response_id: str | None = None
    error: ErrorRecord | None = None


class Ledger:
    """Append lines to a ledger; lines that several threads append at once share one fsync.

    Args:
        path: the file; created if it does not exist.

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
            # No link is followed: one may come with a repository, and lines contain names from the
            # manifest, which must not get into a script of the user's.
            self._file = system.open_no_follow(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            try:
                self._move_truncated_line()
                files.sync_folder(path.parent)
            except OSError:
                os.close(self._file)
                raise
        except OSError as error:
            is_link = error.errno == errno.ELOOP
            reason = "is a symbolic link, which is not followed" if is_link else error.strerror
            raise LocalFileError(f"ledger {path}: {reason}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._state:
            self._broken = self._broken or "it is closed"
            self._state.wait_for(lambda: not self._writing)
            os.close(self._file)

    def append(self, line: LedgerLine) -> None:
        """Write a line to the disk, and return once it is there.

        Raises:
            LocalFileError: it could not be written; no further line can be.
        """
        self.extend([line])

    def extend(self, lines: Iterable[LedgerLine]) -> None:
        """Write several lines at once, as `append` does."""
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
        """Write all pending lines, with the lock released so that more can be added."""
        lines, self._pending = self._pending, []
        upto, self._writing = self._added, True
        self._state.release()
        broken = "a write was interrupted"
        try:
            if not os.path.samestat(os.fstat(self._file), self.path.stat()):
                # As by `git pull`; lines in the old file would be lost.
                raise OSError(errno.ESTALE, "the ledger was replaced during the run")
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

    def _unwritten(self) -> LocalFileError:
        return LocalFileError(
            f"ledger {self.path}: {self._broken}",
            hint="no more calls are made because they could not be recorded",
            charged=Charged.MAYBE,
        )

    def _move_truncated_line(self) -> None:
        """Move a last line that was cut off when a run was killed to another file, so that no new
        line is appended to it and the ledger stays readable line by line."""
        size = os.fstat(self._file).st_size
        os.lseek(self._file, max(0, size - _MAX_LINE_BYTES), os.SEEK_SET)
        tail = os.read(self._file, _MAX_LINE_BYTES)
        last = tail[tail.rfind(b"\n") + 1 :]
        if not last:
            return
        try:
            msgspec.json.decode(last)
        except (ValueError, RecursionError):
            with open(self.path.with_suffix(".torn"), "ab", opener=system.open_no_follow) as file:
                file.write(last + b"\n")
            os.ftruncate(self._file, size - len(last))
        else:
            _write_all(self._file, b"\n")


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
