"""Ledgers and logs with damaged and hostile lines: what can be read counts, the rest is told."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from conftest import Nb
from hypothesis import given
from msgspec import json as msgspec_json
from support import fuzzing

from nanobanana_cli.batch import history
from nanobanana_cli.batch.ledger import Ledger, LedgerLine
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.log import queries, store
from nanobanana_cli.ui import escape

_PATH = Path("m.ledger.jsonl")
_EVENTS = ("intent", "received", "written", "failed", "dropped", "reused", "accepted", "x")
_numbers = st.sampled_from((0, 0.058, -5, 1e305, 10**30, -1e-300, True, None, "1"))
_words = st.sampled_from(("x.png", "../x.png", "", "a", "\x1b[31m", "ü", "2026-11-26T00:00:00Z"))
_fields: dict[str, st.SearchStrategy[Any]] = {
    "form": st.sampled_from((1, 2, 2, 2, 3, -1, 10**30, "2")),
    "asked": st.none() | st.dictionaries(_words, _words, max_size=2),
    "cost_usd": _numbers,
    "time": _words | st.none(),
    "provider": st.sampled_from(("wisgate", "sandbox", None)),
    "path": _words | st.none(),
    "root": _words | st.none(),
    "sha256": _words | st.none(),
    "paid": st.booleans() | st.none(),
    "bytes": _numbers,
    "alt": _words,
    "error": st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(("refused", "bad_reply", "")),
            "message": _words,
            "charged": st.sampled_from(("no", "maybe", "?")),
        },
    ),
}
_lines = st.fixed_dictionaries(
    {
        "event": st.sampled_from(_EVENTS),
        "id": st.sampled_from("abc"),
        "row": _words,
        "fingerprint": st.sampled_from(("f", "g")),
    },
    optional=_fields,
).map(lambda line: json.dumps(line, separators=(",", ":")).encode())
_DAMAGE = (
    *(
        b"\n",
        b"\0",
        b"\xff",
        b'"',
        b"{",
        b"}",
        b"[" * 5000,
        b"<<<<<<< HEAD\n",
        b"=======\n",
        b'{"event":',
    ),
    b'{"form": 9}',
)


@st.composite
def _ledgers(draw: st.DrawFn) -> bytes:
    """Lines, whole or cut, with damages between them."""
    data = b"\n".join(draw(st.lists(_lines, max_size=6)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        end = at + draw(st.integers(0, 6))
        data = data[:at] + draw(st.sampled_from(_DAMAGE) | st.binary(max_size=3)) + data[end:]
    return data + draw(st.sampled_from((b"", b"\n")))


@given(_ledgers())
def test_a_damaged_ledger_is_read_or_told(data: bytes) -> None:
    _PATH.write_bytes(data)
    try:
        found = history.read([_PATH])
    except LocalFileError as error:
        fuzzing.check_message(error.message)
        return
    assert found.spent >= 0
    assert found.unpriced >= 0
    # Copies and order change nothing that is counted.
    lines = data.split(b"\n")
    if not found.truncated:
        _PATH.write_bytes(b"\n".join(lines[::-1] + lines))
        again = history.read([_PATH])
        assert (again.spent, again.unpriced) == (found.spent, found.unpriced)
        assert {row: len(calls) for row, calls in again.doubts.items()} == {
            row: len(calls) for row, calls in found.doubts.items()
        }


@given(_ledgers())
def test_a_line_is_appended_to_a_damaged_ledger(data: bytes) -> None:
    for path in (_PATH, _PATH.with_suffix(".torn")):
        path.unlink(missing_ok=True)
    _PATH.write_bytes(data)
    line = LedgerLine(event="intent", id="new", row="new.png", fingerprint="f", form=2)
    with Ledger(_PATH) as ledger:
        ledger.append(line)
    lines = _PATH.read_bytes().split(b"\n")
    assert lines[-2:] == [msgspec_json.encode(line), b""]
    # Nothing is lost: a line that was cut is beside it.
    whole, _, last = data.rpartition(b"\n")
    assert _PATH.read_bytes().startswith(whole)
    torn = _PATH.with_suffix(".torn")
    assert not last or last in _PATH.read_bytes() or last in torn.read_bytes()


@fuzzing.inputs(0.2)
@given(_ledgers())
def test_nb_says_what_a_damaged_ledger_holds(nb: Nb, data: bytes) -> None:
    Path("m.jsonl").write_text('{"prompt":"a fox","output":"x.png"}\n')
    _PATH.write_bytes(data)
    for argv in (("--status",), ("--status", "--json"), ("--dry-run",)):
        run = nb("batch", "m.jsonl", *argv)
        assert run.code in (0, 2, 3, 6), run.err
        for line in (run.err + run.out).replace("\t", " ").split("\n"):
            assert escape.escape(line) == line
    assert _PATH.read_bytes() == data


_columns = st.sampled_from(
    ("NULL", "1", "-1", "9e999", "'a'", "x'ff'", "CAST(x'ff' AS TEXT)", "'{}'", "'[['", "''")
)
_LINE = (
    '\'{"time":"2026-11-26T00:00:00Z","status":"written","path":null,"sha256":null,"prompt":"a",'
    '"provider":"wisgate","model":"m"}\''
)


@fuzzing.inputs(0.3)
@given(
    st.dictionaries(
        st.sampled_from(("time", "cost", "seconds", "model", "line", "charged")), _columns
    )
)
def test_any_row_of_a_log_is_read_or_told(values: dict[str, str]) -> None:
    path = Path("log.sqlite").absolute()
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(store._SCHEMA + "PRAGMA user_version = 1;")
        row = {
            "time": "1",
            "provider": "'wisgate'",
            "model": "'m'",
            "is_call": "1",
            "charged": "'yes'",
            "cost": "1",
            "seconds": "1",
            "line": _LINE,
            **values,
        }
        try:
            connection.execute(
                f"INSERT INTO calls ({', '.join(row)}) VALUES ({', '.join(row.values())})"
            )
        except sqlite3.IntegrityError:
            return
        connection.commit()
    _read_log(path)


@fuzzing.inputs(0.3)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=8)), max_size=4))
def test_a_damaged_log_is_read_or_told(damages: list[tuple[int, bytes]]) -> None:
    path = Path("log.sqlite").absolute()
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(store._SCHEMA + "PRAGMA user_version = 1;")
        connection.executemany(
            "INSERT INTO calls (time, provider, model, is_call, charged, cost, line)"
            f" VALUES (?, 'wisgate', 'm', 1, 'yes', 58000, {_LINE})",
            [(n,) for n in range(30)],
        )
        connection.commit()
    data = bytearray(path.read_bytes())
    for at, piece in damages:
        at %= len(data)
        data[at : at + len(piece)] = piece
    path.write_bytes(data)
    _read_log(path)


def _read_log(path: Path) -> None:
    everything = queries.Selection()
    try:
        with queries.opened(path) as log:
            if log is not None:
                assert log.count(everything) >= 0
                for period in ("day", "model"):
                    assert sum(each.calls for each in log.sums(period, everything)) >= 0
                list(log.lines(everything))
    except LocalFileError as error:
        fuzzing.check_message(error.message)
    queries.usual_seconds(path, "wisgate", "m", None)
