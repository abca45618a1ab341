"""Read the log: lines, sums, and how long calls usually take; and forget lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

import msgspec

from nanobanana_cli import files
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images.content import shown_in
from nanobanana_cli.log import store
from nanobanana_cli.log.line import LoggedCall, absolute
from nanobanana_cli.money import usd

if TYPE_CHECKING:
    import sqlite3

# How many of the newest calls say how long one takes, and how few do not.
_NEWEST, _TOO_FEW = 15, 3
# Seconds that a guess is worth waiting for.
_SOON = 0.2
_LARGEST_IMAGE = 512 << 20

Period = Literal["day", "model", "provider"]
_KEYS = {
    "day": "date(time, 'unixepoch', 'localtime')",
    "model": "model",
    "provider": "provider",
}


class Spending(msgspec.Struct, frozen=True):
    """The cost of the calls of one day, model or provider; the JSON line of `nb log --sum`.

    Args:
        key: the day as 2026-11-26, in the local time zone; the model or the provider.
        calls: how many.
        cost_usd: as far as it is known.
        unsure: how many of the calls have no known cost, or may not have been charged.
    """

    key: str
    calls: int
    cost_usd: float
    unsure: int


class Selection(msgspec.Struct, frozen=True):
    """Some lines of the log.

    Args:
        found: conditions, of which a line fulfils one; none stands for all lines.
        since, before: seconds since the epoch.
        newest: the most lines, the newest of them; None for all.
    """

    found: tuple[tuple[str, object], ...] = ()
    since: float | None = None
    before: float | None = None
    newest: int | None = None

    def sql(self) -> tuple[str, list[object]]:
        """Return the end of a query, and its parameters."""
        conditions, values = [], list[object]()
        if self.found:
            conditions.append(f"({' OR '.join(condition for condition, _ in self.found)})")
            values += [value for _, value in self.found]
        for comparison, value in ((">=", self.since), ("<", self.before)):
            if value is not None:
                conditions.append(f"time {comparison} ?")
                values.append(value)
        end = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        if self.newest is not None:
            end += " ORDER BY time DESC, id DESC LIMIT ?"
            values.append(self.newest)
        return end, values


class LogReader:
    """A log that is open for reading.

    Args:
        connection: to it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_file(self, name: str) -> tuple[tuple[str, object], ...]:
        """Return the conditions for the lines about an image, or about those in a folder.

        An image is known by its content, whatever name and metadata it has by now; one that is not
        there, or was changed, by the name that it had.

        Raises:
            UsageError, LocalFileError: the file cannot be read.
        """
        path = Path(name)
        if path.is_file():
            data = files.read(path, "image", limit=_LARGEST_IMAGE)
            found: list[tuple[str, object]] = [("sha256 = ?", hashlib.sha256(data).digest())]
            if shown := shown_in(data):
                found.append(("shown = ?", bytes.fromhex(shown)))
            if self.count(Selection(tuple(found))):
                return tuple(found)
        place = absolute(name)
        return (("path = ?", place), *_in_folder(place))

    def count(self, selection: Selection) -> int:
        """Return how many lines there are."""
        end, values = selection.sql()
        query = f"SELECT count(*) FROM (SELECT 1 FROM calls {end})"  # noqa: S608 - of our own
        count: int = self._connection.execute(query, values).fetchone()[0]
        return count

    def lines(self, selection: Selection) -> Iterator[LoggedCall]:
        """Yield lines, the newest first."""
        if selection.newest is None:
            selection = msgspec.structs.replace(selection, newest=-1)
        end, values = selection.sql()
        decode = msgspec.json.Decoder(LoggedCall).decode
        for (text,) in self._connection.execute(f"SELECT line FROM calls {end}", values):  # noqa: S608
            try:
                yield decode(text)
            except (TypeError, ValueError, RecursionError) as error:
                raise msgspec.DecodeError(str(error)) from None

    def sums(self, by: Period, selection: Selection) -> list[Spending]:
        """Return what calls cost: the newest day first, else the dearest first."""
        end, values = selection.sql()
        query = f"""SELECT {_KEYS[by]}, sum(is_call), coalesce(sum(cost), 0) AS spent,
            sum(is_call AND (charged = 'maybe' OR cost IS NULL))
            FROM (SELECT * FROM calls {end}) GROUP BY 1
            ORDER BY {"1" if by == "day" else "spent"} DESC"""  # noqa: S608
        # Of other types only in a file that is damaged.
        rows = msgspec.convert(
            self._connection.execute(query, values).fetchall(), list[tuple[str, int, int, int]]
        )
        return [Spending(key, calls, usd(cost) or 0.0, unsure) for key, calls, cost, unsure in rows]

    def forget(self, selection: Selection) -> None:
        """Delete lines, so that nothing of them is left in the file."""
        end, values = selection.sql()
        self._connection.execute("PRAGMA secure_delete = ON")
        # What the file is rewritten from is not to be left in a temporary folder.
        self._connection.execute("PRAGMA temp_store = MEMORY")
        self._connection.execute(
            f"DELETE FROM calls WHERE id IN (SELECT id FROM calls {end})",  # noqa: S608
            values,
        )
        self._connection.execute("VACUUM")


def _in_folder(place: str) -> tuple[tuple[str, object], ...]:
    """Return the condition for paths below a folder, which an index serves."""
    start = place.rstrip("/\\") + ("\\" if "\\" in place and "/" not in place else "/")
    return (("path GLOB ?", start.translate({ord(c): f"[{c}]" for c in "*?["}) + "*"),)


@contextmanager
def opened(path: Path) -> Iterator[LogReader | None]:
    """Open the log for the block; None if there is none yet.

    Raises:
        LocalFileError: it cannot be read, or changed.
    """
    if not path.exists():
        yield None
        return
    import sqlite3

    try:
        with closing(store.connect(path)) as connection:
            yield LogReader(connection) if store.version_of(connection) else None
    except (sqlite3.Error, store.UnusableLog, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LocalFileError(
            f"the log {path} cannot be used: {store.reason_of(error)}", hint=_hint(error)
        ) from error


def usual_seconds(path: Path | None, provider: str, model: str, size: str | None) -> float | None:
    """Return how long such a call usually takes; None if the log does not say.

    Args:
        path: the log, as `store.log_file` returns it; None without one.
        provider, model: their names in the catalog.
        size: the image size; None for a text.

    Returns:
        The median of the newest calls that were answered, in seconds.
    """
    query = """SELECT seconds FROM calls WHERE provider = ? AND model = ? AND size IS ?
        AND seconds IS NOT NULL ORDER BY time DESC LIMIT ?"""
    if path is None or not path.exists():
        return None
    # A log that cannot be read is told where it matters.
    with suppress(Exception), closing(store.connect(path, _SOON)) as connection:
        rows = connection.execute(query, (provider, model, size, _NEWEST)).fetchall()
        return median(seconds for (seconds,) in rows) if len(rows) >= _TOO_FEW else None
    return None


def _hint(error: Exception) -> str:
    if isinstance(error, store.UnusableLog):
        return "upgrade nb"
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_BUSY"):
        return "run the same command again later"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        return "check the permissions of the file and of its folder"
    return "move the file away: the next paid call begins a new one"
