"""What is there is recorded with `--accept`, kept by `--remake`, and removed with `--prune`."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.counting_server import CountingServer, image
from support.crash import ledger

ROWS: list[dict[str, Any]] = [{"prompt": f"fox {n}", "output": f"{n}.png"} for n in range(3)]


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def batch(
    nb: Nb, server: CountingServer, *options: str, rows: list[dict[str, Any]] | None = None
) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, ROWS if rows is None else rows)))
    return nb("batch", "m.jsonl", *options, env=server.env)


def test_accepted_files_are_up_to_date_and_cost_nothing(nb: Nb, server: CountingServer) -> None:
    Path("0.png").write_bytes(image("my own"))
    run = batch(nb, server, "--accept", "0.*", "--json")
    line = json.loads(run.out)
    assert (run.code, line["path"], line["status"], line["cost_usd"]) == (
        *(0, "0.png"),
        *("unchanged", 0),
    )
    assert Path("0.png").read_bytes() == image("my own")
    assert batch(nb, server).code == 0
    assert server.calls == {"fox 1": 1, "fox 2": 1}
    assert batch(nb, server, "--check").code == 0
    # It stays the user's own, whatever the row asks for later.
    changed = [{**ROWS[0], "size": "2K"}]
    run = batch(nb, server, rows=changed)
    assert (run.code, "0.png is your own file, recorded with --accept" in run.err) == (12, True)
    assert Path("0.png").read_bytes() == image("my own")


def test_an_image_of_nbs_is_accepted_for_another_prompt(nb: Nb, server: CountingServer) -> None:
    assert batch(nb, server).code == 0
    rows = [{**row, "prompt": row["prompt"].upper()} for row in ROWS]
    assert batch(nb, server, "--accept", "*", rows=rows).out.split() == ["0.png", "1.png", "2.png"]
    assert batch(nb, server, rows=rows).code == 0
    assert server.calls.total() == 3
    # It may be replaced as any other.
    assert batch(nb, server, rows=[{**rows[0], "size": "2K"}]).code == 0
    assert server.calls["FOX 0"] == 1


def test_accepting_ends_doubt(nb: Nb, server: CountingServer) -> None:
    server.answer = lambda _prompt, _nth: 0
    assert batch(nb, server, rows=ROWS[:1]).code == 3
    Path("0.png").write_bytes(image("found on the website"))
    assert batch(nb, server, rows=ROWS[:1]).code == 12
    assert batch(nb, server, "--accept", "0.png", rows=ROWS[:1]).code == 0
    assert batch(nb, server, "--check", rows=ROWS[:1]).code == 0
    run = batch(nb, server, "--dry-run", rows=ROWS[:1])
    assert "the ledger records $0.058" in run.err
    assert server.calls.total() == 1


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (None, 3, "1 of 1 images have no file to accept"),
        (b"mine", 6, "0.png cannot be accepted: it is not an image"),
        (image("x")[:-20], 6, "0.png cannot be accepted: the PNG is cut off"),
        (b"RIFF\x04\0\0\0WEBP", 6, "0.png cannot be accepted: "),
    ],
)
def test_what_cannot_be_accepted(
    nb: Nb, server: CountingServer, data: bytes | None, code: int, reason: str
) -> None:
    if data is not None:
        Path("0.png").write_bytes(data)
    run = batch(nb, server, "--accept", "0.png")
    assert (run.code, reason in run.err, run.out) == (code, True, ""), run.err
    assert not [line for line in ledger() if line] if Path("m.ledger.jsonl").exists() else True
    run = batch(nb, server, "--accept", "x*")
    assert (run.code, "--accept x* matches no image" in run.err) == (2, True)
    assert not server.calls


def test_a_remade_image_leaves_the_old_one(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, rows=ROWS[:2])
    server.calls.clear()
    run = batch(nb, server, "--remake", "0.png", "--dry-run")
    assert run.out == "remake\t0.png\t$0.058\t\n"
    for number in (1, 2):
        run = batch(nb, server, "--remake", "0.*")
        assert (run.code, run.out) == (0, "0.png\n")
        assert Path(f"0.old-{number}.png").read_bytes() == image("fox 0")
    # And no others, though one is missing.
    assert server.calls == {"fox 0": 2}
    assert batch(nb, server, "--check", rows=ROWS[:2]).code == 0
    assert not Path("1.old-1.png").exists()


def _answer(status: int, _prompt: str, _nth: int) -> int:
    return status


def test_a_failed_remake_leaves_all_as_it_was(nb: Nb, server: CountingServer) -> None:
    batch(nb, server)
    before = sorted(Path().iterdir())
    for status in (400, 0):
        server.answer = partial(_answer, status)
        assert batch(nb, server, "--remake", "0.png").code == 3
        assert Path("0.png").read_bytes() == image("fox 0")
    assert sorted(Path().iterdir()) == before
    assert batch(nb, server, "--check").code == 0


def test_an_edited_image_is_remade_and_kept(nb: Nb, server: CountingServer) -> None:
    batch(nb, server)
    Path("0.png").write_bytes(image("edited"))
    assert batch(nb, server).code == 12
    assert batch(nb, server, "--remake", "0.png").code == 0
    assert Path("0.old-1.png").read_bytes() == image("edited")
    assert Path("0.png").read_bytes() == image("fox 0")


def test_prune_lists_and_delete_removes(nb: Nb, server: CountingServer) -> None:
    rows = [{**row, "alt": True} for row in ROWS]
    rows += [{"prompt": "owl", "output": "owl.png", "alt_file": "texts/owl.txt"}]
    batch(nb, server, rows=rows)
    calls = server.calls.total()
    Path("1.png").write_bytes(image("edited"))
    Path("mine.png").write_bytes(image("mine"))
    Path(".nb-0123456789abcdef.tmp").write_bytes(image("fox")[:-9])
    Path(".nb-fedcba9876543210.tmp").write_bytes(image("whole"))
    there = sorted(path for path in Path().rglob("*") if path.is_file())
    rest = rows[:1]
    run = batch(nb, server, "--prune", rows=rest)
    listed = sorted(run.out.split())
    assert run.code == 0
    assert listed == [
        *(".nb-0123456789abcdef.tmp", "2.alt.txt", "2.png", "owl.png", "texts/owl.txt"),
    ]
    assert "1.png was edited or accepted since it was made, so it stays" in run.err
    assert "5 files; to remove: nb batch m.jsonl --prune --delete" in run.err
    assert sorted(path for path in Path().rglob("*") if path.is_file()) == there
    run = batch(nb, server, "--prune", "--json", rows=rest)
    reasons = {line["path"]: line["reason"] for line in map(json.loads, run.out.splitlines())}
    assert reasons["2.png"] == "its row is gone"
    run = batch(nb, server, "--prune", "--delete", rows=rest)
    assert sorted(run.out.split()) == listed
    assert "5 files removed" in run.err
    left = [path for path in there if str(path) not in listed]
    assert sorted(path for path in Path().rglob("*") if path.is_file()) == left
    assert batch(nb, server, "--prune", rows=rest).out == ""
    assert server.calls.total() == calls


def test_prune_leaves_what_others_need(nb: Nb, server: CountingServer) -> None:
    batch(nb, server)
    # Another manifest has made the same file, and a row with another name asks for another.
    Path("n.jsonl").write_text(json.dumps(ROWS[1]))
    shutil.copy("m.ledger.jsonl", "n.ledger.jsonl")
    lines = [line for line in Path("n.ledger.jsonl").read_text().splitlines() if '"1.png"' in line]
    Path("n.ledger.jsonl").write_text("\n".join(lines) + "\n")
    rows = [{**ROWS[0], "output": "renamed.png"}]
    run = batch(nb, server, "--prune", "--delete", rows=rows)
    assert run.out.split() == ["2.png"]
    assert "0.png is what a row without a file asks for, so it stays" in run.err
    assert Path("1.png").exists()


def test_a_ledger_prunes_nothing_elsewhere(nb: Nb, server: CountingServer) -> None:
    Path("victim.png").write_bytes(image("precious"))
    Path("shop").mkdir()
    Path("shop/away").symlink_to("..")
    Path("shop/notes.txt").write_text("known\n")
    batch(nb, server, rows=ROWS[:1])
    digest = hashlib.sha256(image("precious")).hexdigest()
    line = {"event": "written", "form": 2, "id": "x", "row": "x.png", "fingerprint": "00"}
    places = ("../victim.png", "away/victim.png", str(Path("victim.png").absolute()))
    lines = [{**line, "path": path, "sha256": digest} for path in places]
    lines += [{**line, "id": "y", "path": "victim.png", "root": "..", "sha256": digest}]
    Path("shop/m.jsonl").write_text(json.dumps(ROWS[0]))
    Path("shop/m.ledger.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    run = nb("batch", "shop/m.jsonl", "--prune", "--delete", env=server.env)
    assert (run.code, run.out) == (0, "")
    assert Path("victim.png").read_bytes() == image("precious")
    assert Path("shop/notes.txt").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--delete",),
        ("--prune", "--check"),
        ("--accept", "*", "--dry-run"),
        ("--accept", "*", "--prune"),
        ("--remake", "*", "--skip-existing"),
    ],
)
def test_contradictions(nb: Nb, server: CountingServer, options: tuple[str, ...]) -> None:
    run = batch(nb, server, *options)
    assert (run.code, server.calls.total()) == (2, 0)
