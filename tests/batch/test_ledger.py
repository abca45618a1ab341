"""The ledger: what is on the disk when, and what is read from it."""

from __future__ import annotations

import json
import os
import random
import resource
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Nb
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace
from support.counting_server import CountingServer

from nanobanana_cli.batch import history
from nanobanana_cli.batch.ledger import Event, Ledger, LedgerLine
from nanobanana_cli.batch.recorded_line import RecordedError, RecordedLine
from nanobanana_cli.errors import Charged, ExitCode, LocalFileError
from nanobanana_cli.types import ErrorRecord


def line(event: Event, call: str, *, row: str = "x.png", cost: float | None = 0.058) -> LedgerLine:
    written = event == "written"
    return LedgerLine(
        event=event,
        id=call,
        row=row,
        fingerprint="f",
        cost_usd=cost,
        path=row if written else None,
        sha256=f"hash of {call}" if written else None,
    )


def failure(call: str, charged: str, *, cost: float = 0.058) -> LedgerLine:
    error = ErrorRecord(ExitCode.BAD_REPLY, "bad_reply", "not JSON", None, Charged(charged))
    return replace(line("failed", call, cost=cost), error=error)


def write(path: Path, *lines: LedgerLine) -> None:
    with Ledger(path) as ledger:
        for each in lines:
            ledger.append(each)


def test_what_is_appended_is_there(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(line("intent", "1"))
        assert [json.loads(each)["id"] for each in path.read_text().splitlines()] == ["1"]


def test_a_line_names_what_is_known_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    write(path, LedgerLine(event="dropped", id="1", row="x.png", fingerprint="f"))
    assert path.read_bytes() == b'{"event":"dropped","id":"1","row":"x.png","fingerprint":"f"}\n'


def test_a_closed_ledger_takes_no_line(tmp_path: Path) -> None:
    """Its descriptor may be another file's by then."""
    ledger = Ledger(tmp_path / "x.ledger.jsonl")
    with ledger:
        ledger.append(line("intent", "1"))
    with (
        (tmp_path / "other").open("wb"),
        pytest.raises(LocalFileError, match="it is closed"),
    ):
        ledger.append(line("written", "1"))
    assert not (tmp_path / "other").stat().st_size


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    with Ledger(path) as ledger:

        def fifty(n: int) -> None:
            for i in range(50):
                ledger.append(line("intent", f"{n}-{i}"))

        threads = [threading.Thread(target=fifty, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = [json.loads(each)["id"] for each in path.read_text().splitlines()]
    assert len(found) == len(set(found)) == 800
    for n in range(16):
        assert [each for each in found if each.startswith(f"{n}-")] == [
            f"{n}-{i}" for i in range(50)
        ]


def test_a_line_that_cannot_be_written_is_an_error_for_good(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger(tmp_path / "x.ledger.jsonl") as ledger:
        ledger.append(line("intent", "1"))
        room = ledger.path.stat().st_size + 10
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(LocalFileError, match="File too large"):
                ledger.append(line("intent", "2"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with pytest.raises(LocalFileError, match="File too large"):
            ledger.append(line("intent", "3"))


@pytest.mark.parametrize("replaced", [True, False])
def test_a_ledger_that_is_gone_takes_no_line(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "x.ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append(line("intent", "1"))
        path.rename(tmp_path / "old")
        if replaced:
            path.write_bytes(b"")
        reason = "the ledger was replaced" if replaced else "No such file"
        for _ in range(2):
            with pytest.raises(LocalFileError, match=reason):
                ledger.append(line("written", "1"))
    assert not replaced or path.read_bytes() == b""


@pytest.mark.parametrize("link", ["m.ledger.jsonl", "m.ledger.torn", ".m.ledger.lock"])
def test_no_link_is_followed(nb: Nb, link: str) -> None:
    Path("profile").write_text("alias ls=ls")
    Path("m.jsonl").write_text('{"prompt": "a", "output": "$(date).png"}')
    Path("m.ledger.jsonl").write_text('{"event":"wri')
    Path(link).unlink(missing_ok=True)
    Path(link).symlink_to("profile")
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert (run.code, server.calls.total()) == (6, 0)
    assert "link" in run.err
    assert Path("profile").read_text() == "alias ls=ls"


def test_what_did_not_get_to_the_disk_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(_file: int) -> None:
        raise MemoryError

    with Ledger(tmp_path / "x.ledger.jsonl") as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", out_of_memory)
            with pytest.raises(MemoryError):
                ledger.append(line("intent", "1"))
        with pytest.raises(LocalFileError, match="a write was interrupted"):
            ledger.append(line("intent", "2"))


def test_a_truncated_line_is_moved(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    write(path, line("intent", "1"))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event":"intent","id":"2","ro')
    assert history.read([path]).truncated == [f"{path}:2"]
    write(path, line("intent", "3"))
    found = history.read([path])
    assert found.truncated == []
    assert [call.id for call in found.doubts["x.png"]] == ["1", "3"]
    assert path.with_suffix(".torn").read_bytes() == b'{"event":"intent","id":"2","ro\n'


def test_a_whole_line_without_its_end_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    write(path, line("intent", "1"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    write(path, line("written", "1"))
    found = history.read([path])
    assert (found.truncated, found.doubts) == ([], {})


def test_cat_appends_to_a_truncated_line(tmp_path: Path) -> None:
    one, other, both = (tmp_path / name for name in ("1.jsonl", "2.jsonl", "3.jsonl"))
    write(one, line("intent", "1"))
    write(other, line("intent", "2"), line("written", "2"))
    torn = one.read_bytes() + b'{"event":"written","id":"1","row":"x'
    both.write_bytes(torn + other.read_bytes())
    found = history.read([both])
    assert [call.id for call in found.doubts["x.png"]] == ["1"]
    assert [made.sha256 for made in found.written["x.png"]] == ["hash of 2"]


def test_a_merge_conflict_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(LocalFileError, match="contains a merge conflict"):
        history.read([path])


def test_money(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    write(
        path,
        line("intent", "made"),
        line("written", "made"),
        line("intent", "unknown"),
        line("intent", "free"),
        failure("free", "no", cost=0.0),
        line("intent", "maybe"),
        failure("maybe", "maybe"),
        line("intent", "dropped"),
        line("dropped", "dropped"),
        line("intent", "unpriced", cost=None),
    )
    found = history.read([path])
    assert (found.spent, found.unpriced) == (4 * 58_000, 1)
    assert [call.id for call in found.doubts["x.png"]] == ["maybe", "unknown", "unpriced"]


def test_a_call_that_was_given_up_may_have_made_its_file(tmp_path: Path) -> None:
    one, other = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    write(one, line("intent", "1"), line("dropped", "1"))
    write(other, line("intent", "1"), line("written", "1", cost=0.1))
    for order in ([one, other], [other, one]):
        found = history.read(order)
        assert [made.sha256 for made in found.written["x.png"]] == ["hash of 1"]
        assert (found.spent, found.doubts) == (100_000, {})


@given(
    st.randoms(use_true_random=False),
    st.lists(st.sampled_from(["i", "w", "f", "d", "dw", "fw", "df", "dfw"]), max_size=30),
    st.sampled_from([0.0, 0.058, None]),
)
def test_order_and_copies_mean_nothing(
    shuffle: random.Random, events: list[str], dropped: float | None
) -> None:
    names: dict[str, Event] = {"w": "written", "f": "failed", "d": "dropped"}
    lines = []
    for number, event in enumerate(events):
        lines.append(line("intent", str(number), row=f"{number % 3}.png"))
        for letter in event.strip("i"):
            cost = dropped if letter == "d" else 0.058
            lines.append(line(names[letter], str(number), row=f"{number % 3}.png", cost=cost))
    mixed = [*lines, *shuffle.sample(lines, len(lines) // 2)]
    shuffle.shuffle(mixed)
    assert _summary(lines) == _summary(mixed)


def test_lines_of_one_call_that_differ_count_as_the_dearer_in_any_order() -> None:
    lines = [
        line("intent", "a", row="x.png", cost=0.058),
        line("intent", "a", row="y.png", cost=None),
        line("failed", "b", row="x.png", cost=0.0),
        line("failed", "b", row="y.png", cost=0.058),
    ]
    found = _summary(lines)
    assert found == _summary(lines[::-1])
    assert found == ({}, {"y.png": {"a", "b"}}, 58_000, 1, {"y.png"})


def _summary(lines: list[LedgerLine]) -> object:
    import tempfile

    import msgspec

    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(map(msgspec.json.encode, lines)))
        file.flush()
        found = history.read([Path(file.name)])
    made = {row: {each.sha256 for each in all_} for row, all_ in found.written.items()}
    unknown = {row: {each.id for each in all_} for row, all_ in found.doubts.items()}
    return made, unknown, found.spent, found.unpriced, set(found.failed)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with suppress(LocalFileError):
            history.read([Path(file.name)])


def test_what_is_read_of_a_line_is_what_is_written() -> None:
    written = {field.name: field.default for field in fields(LedgerLine)}
    read = {field.name: field.default for field in fields(RecordedLine)}
    assert read == {name: written[name] for name in read}
    error = fields(ErrorRecord)
    assert {field.name for field in fields(RecordedError)} <= {field.name for field in error}


@pytest.mark.parametrize("damaged", [b'"\xff"', b"[" * 100_000, b'{"event":"\xff'])
def test_a_last_line_that_is_damaged_is_moved_aside(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.write_bytes(damaged)
    write(path, line("intent", "1"))
    assert path.with_suffix(".torn").read_bytes() == damaged + b"\n"
    path.write_bytes(damaged + b"\n" + path.read_bytes())
    assert history.read([path]).truncated == [f"{path}:1"]


@pytest.mark.parametrize("cost", ["1e305", "-5"])
def test_a_cost_that_no_call_has_is_not_known(tmp_path: Path, cost: str) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.write_text(
        f'{{"event":"intent","id":"1","row":"x.png","fingerprint":"f","cost_usd":{cost}}}\n'
    )
    found = history.read([path])
    assert (found.spent, found.unpriced) == (0, 1)
