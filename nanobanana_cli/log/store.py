"""Write lines to the log: a SQLite file that any number of processes share.

The journal is SQLite's default one, not a write-ahead log, which does not work on network file
systems. sqlite3 is imported where it is used: most commands need none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from nanobanana_cli import files
from nanobanana_cli.log import line
from nanobanana_cli.log.line import LoggedCall
from nanobanana_cli.system import error_of, state_folder
from nanobanana_cli.types import Endpoint, Result
from nanobanana_cli.ui.layout import counted

if TYPE_CHECKING:
    import sqlite3

# What is asked of the file: its columns repeat what of a line is searched for or summed.
VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY,
  time REAL NOT NULL,        -- seconds since the epoch
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  size TEXT,
  is_call INTEGER NOT NULL,  -- 0 for further images of one reply
  charged TEXT NOT NULL,
  cost INTEGER,              -- micro-dollars
  seconds REAL,
  path TEXT,
  sha256 BLOB,
  shown BLOB,                -- SHA-256 of the image without its metadata
  line TEXT NOT NULL         -- the JSON line
);
CREATE INDEX IF NOT EXISTS by_time ON calls (time, provider, model, is_call, charged, cost);
CREATE INDEX IF NOT EXISTS by_kind ON calls (provider, model, size, time, seconds);
CREATE INDEX IF NOT EXISTS by_path ON calls (path);
CREATE INDEX IF NOT EXISTS by_sha256 ON calls (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_shown ON calls (shown) WHERE shown IS NOT NULL;
"""
_INSERT = """
INSERT INTO calls
  (time, provider, model, size, is_call, charged, cost, seconds, path, sha256, shown, line)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Seconds to wait for other processes: while calls are made, and in the end.
_PATIENCE = (3.0, 10.0)

Row = tuple[object, ...]


class UnusableLog(ValueError):
    """The log cannot be used; `str()` gives the reason in one plain line."""


def log_file(env: Mapping[str, str]) -> Path | None:
    """Return the place of the log; None if the user has no home folder."""
    state = state_folder(env)
    return None if state is None else state / "log.sqlite"


def connect(path: Path, patience: float = _PATIENCE[0]) -> sqlite3.Connection:
    """Open a log that exists; without the right to write, for reading.

    Args:
        path: the file.
        patience: seconds to wait while another process writes.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    import sqlite3

    # Its own transactions: Python's would take the lock too late, and fail when two meet.
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a log's form, 0 for an empty file.

    Raises:
        UnusableLog: a newer nb wrote it.
        sqlite3.Error: it cannot be read.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise UnusableLog("a newer nb wrote it")
    return version


def reason_of(error: Exception) -> str:
    """Return why the log could not be read or written, in one plain line."""
    if isinstance(error, UnusableLog):
        return str(error)
    # SQLite puts what it cannot read into its own messages.
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
        return "it is damaged"
    name = getattr(error, "sqlite_errorname", "")
    known = {
        "SQLITE_BUSY": "another process keeps it locked",
        "SQLITE_CORRUPT": "it is damaged",
        "SQLITE_NOTADB": "it is not a SQLite file",
        "SQLITE_FULL": "no space left on the device",
        "SQLITE_READONLY": "it is read-only",
        "SQLITE_CANTOPEN": "it cannot be opened",
        "SQLITE_IOERR": "the device reported an error",
    }
    # The first two words of a name: what follows says where in SQLite.
    found = known.get("_".join(name.split("_")[:2]))
    return found or error_of(error).message.removeprefix("the system reports: ")


class CallLog:
    """The log of one run, for any number of threads; a context manager.

    A line that cannot be written yet waits for the next one, and in the end for other processes.

    Args:
        path: the file; None keeps no log.
        endpoint: where the calls go.
        note: told why lines could not be written.
        patience: seconds to wait for other processes, while calls are made and in the end.
    """

    def __init__(
        self,
        path: Path | None,
        endpoint: Endpoint,
        note: Callable[[str], object],
        patience: tuple[float, float] = _PATIENCE,
    ) -> None:
        self._path = path
        self._endpoint = endpoint
        self._note = note
        self._patience, self._last_patience = patience
        self._waiting: list[Row] = []
        self._writing = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._failure: Exception | None = None

    @property
    def is_kept(self) -> bool:
        """True if lines are kept."""
        return self._path is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits, and say what could not be written."""
        with self._writing:
            if self._waiting:
                self._write(self._last_patience)
            if self._connection is not None:
                with suppress(Exception):
                    self._connection.close()
                self._connection = None
            if self._waiting and self._failure is not None:
                lines = counted(len(self._waiting), "line")
                why = f"{lines} could not be written to the log: {reason_of(self._failure)}"
                self._note(f"{why}; see {self._path}")
                self._waiting.clear()

    def add(
        self,
        results: Sequence[Result],
        settings: Mapping[str, object] | None = None,
        *,
        shown: str | None = None,
        hashes: Sequence[str] | None = None,
    ) -> None:
        """Add a line for each image or text that came of one call, or for the call without any.

        Args:
            results: what came of it, with its files saved.
            settings: what the command asked for besides the request.
            shown: SHA-256 of the image without its metadata, if the result does not hold it.
            hashes: SHA-256 of the reference images, if they are known already.
        """
        if self._path is None:
            return
        paid = line.payer(results)
        for number, result in enumerate(results):
            found = line.of_result(
                *(result, self._endpoint),
                settings=settings or {},
                hashes=hashes,
                is_further=number != paid,
            )
            if found is not None:
                self._waiting.append(_row(found, shown or result.shown, int(number != paid)))
        # Whoever writes takes what others leave meanwhile along.
        while self._waiting and not self._failure and self._writing.acquire(blocking=False):
            try:
                self._write(self._patience)
            finally:
                self._writing.release()

    def _write(self, patience: float) -> None:
        """Write the lines that wait, in one transaction; keep them if that fails."""
        rows = self._waiting[:]
        try:
            if self._connection is None:
                assert self._path is not None
                create(self._path)
                self._connection = connect(self._path)
            self._connection.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
            _insert(self._connection, rows)
        except Exception as error:  # noqa: BLE001 - what it is about has been paid for and saved
            self._failure = error
        else:
            self._failure = None
            del self._waiting[: len(rows)]


def create(path: Path) -> None:
    """Create an empty log, for its owner alone, unless one is there.

    Raises:
        OSError, NbError: it cannot be created.
    """
    if path.exists():
        return
    files.make_private_folder(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version_of(connection) < VERSION:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        with closing(connection.cursor()) as cursor:
            cursor.executemany(_INSERT, rows)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(Exception):
            connection.execute("ROLLBACK")
        raise


def _row(found: LoggedCall, shown: str | None, number: int) -> Row:
    return (
        datetime.fromisoformat(found.time).timestamp(),
        found.provider,
        found.model,
        found.settings.get("size"),
        int(number == 0),
        found.charged,
        # A sandbox's is free, whatever the price at its address.
        None if found.cost_usd is None else round(found.cost_usd * 1_000_000),
        found.seconds if found.error is None else None,
        found.path,
        bytes.fromhex(found.sha256) if found.sha256 else None,
        bytes.fromhex(shown) if shown else None,
        msgspec.json.encode(found).decode(),
    )
