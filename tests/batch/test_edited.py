"""Files that were edited after they were made: the user's, and neither replaced nor paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.counting_server import CountingServer, image

ROWS: list[dict[str, Any]] = [{"prompt": f"fox {n}", "output": f"{n}.png"} for n in range(3)]
EDITED = b"retouched by hand"


@pytest.fixture
def server(nb: Nb) -> Any:
    """All rows are made, and then 1.png is edited."""
    with CountingServer() as server:
        assert batch(nb, server).code == 0
        Path("1.png").write_bytes(EDITED)
        server.calls.clear()
        yield server


def batch(
    nb: Nb, server: CountingServer, *options: str, rows: list[dict[str, Any]] | None = None
) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows or ROWS)))
    return nb("batch", "m.jsonl", *options, env=server.env)


CHANGED = [ROWS[0], {**ROWS[1], "aspect": "16:9"}, ROWS[2], {"prompt": "new", "output": "3.png"}]


@pytest.mark.parametrize("rows", [[*ROWS, CHANGED[3]], CHANGED])
def test_it_stays_unless_told_otherwise(
    nb: Nb, server: CountingServer, rows: list[dict[str, Any]]
) -> None:
    run = batch(nb, server, rows=rows)
    assert (run.code, run.out, server.calls.total()) == (12, "", 0)
    assert "1.png was edited since it was made" in run.err
    assert "--skip-existing" in run.err
    assert "--force" in run.err
    assert batch(nb, server, "--skip-existing", rows=rows).code == 0
    assert server.calls == {"new": 1}
    assert Path("1.png").read_bytes() == EDITED
    assert batch(nb, server, "--force", "--only", "1.png", rows=rows).code == 0
    assert server.calls == {"new": 1, "fox 1": 1}
    assert Path("1.png").read_bytes() == image("fox 1")
    assert batch(nb, server, "--check", rows=rows).code == 0


def test_the_plan_says_so(nb: Nb, server: CountingServer) -> None:
    run = batch(nb, server, "--check")
    assert run.code == 3
    assert run.out.rstrip("\n").split("\t") == [
        "changed",
        "1.png",
        "",
        "was edited since it was made",
    ]
    for options, price, due in (((), 0, 0), (("--force",), 0.058, 1)):
        run = batch(nb, server, "--dry-run", "--json", *options)
        plan = [json.loads(line) for line in run.out.splitlines()][1]
        assert (plan["plan"], plan["cost_usd"]) == ("changed", price)
        assert run.err.count("1 to make for $0.058") == due
        assert ("1 not replaced without --force" in run.err) != due


def test_a_check_says_what_the_run_would(nb: Nb, server: CountingServer) -> None:
    run = batch(nb, server, "--check")
    assert (run.code, "hint: --skip-existing keeps existing files" in run.err) == (3, True)
    run = batch(nb, server, "--check", "--skip-existing")
    assert (run.code, run.out) == (0, "")
    assert "1 changed, 2 unchanged; 1 left alone" in run.err
    Path("2.png").unlink()
    run = batch(nb, server, "--check", "--skip-existing")
    assert (run.code, run.out.split("\t")[:2]) == (3, ["make", "2.png"])
    assert "hint: nb batch m.jsonl --skip-existing\n" in run.err
    assert batch(nb, server, "--skip-existing").code == 0
    assert batch(nb, server, "--check", "--skip-existing").code == 0


def test_it_is_shown_as_skipped(nb: Nb, server: CountingServer) -> None:
    options = ("--skip-existing", "--json", "--gallery", "index.html")
    run = batch(nb, server, *options)
    assert run.code == 0
    lines = {line["output"]: line for line in map(json.loads, run.out.splitlines())}
    assert (lines["1.png"]["status"], lines["1.png"]["path"]) == ("skipped", "1.png")
    assert "3 of 3 images" in Path("index.html").read_text()


def test_a_text_that_is_embedded_is_no_edit(nb: Nb) -> None:
    with CountingServer() as server:
        assert batch(nb, server).code == 0
        run = nb("caption", "1.png", "--embed", "--provider", "sandbox")
        assert run.code == 0, run.err
        embedded = Path("1.png").read_bytes()
        assert batch(nb, server, "--check").code == 0
        assert batch(nb, server).code == 0
        assert server.calls.total() == 3
        assert Path("1.png").read_bytes() == embedded
        # So the row may change.
        assert batch(nb, server, rows=CHANGED).code == 0
        assert server.calls["fox 1"] == 2


def test_a_file_that_is_edited_during_the_call_stays(nb: Nb) -> None:
    def edit(prompt: str, nth: int) -> int:
        if (prompt, nth) == ("fox 1", 2):
            Path("1.png").write_bytes(EDITED)
        return 200

    with CountingServer(edit) as server:
        assert batch(nb, server).code == 0
        run = batch(nb, server, rows=CHANGED)
        assert run.code == 3
        assert server.calls["fox 1"] == 2
    assert Path("1.png").read_bytes() == EDITED
    assert "the image was saved as 1-2.png" in run.err
    assert Path("1-2.png").read_bytes() == image("fox 1")


def test_a_paid_image_makes_no_room_for_a_free_one(nb: Nb, server: CountingServer) -> None:
    Path("1.png").unlink()
    free = ("batch", "m.jsonl", "--provider", "sandbox", "--size", "2K")
    run = nb(*free)
    assert run.code == 12
    assert "0.png was paid for and would be replaced by a free image" in run.err
    assert nb(*free, "--skip-existing").code == 0
    assert Path("0.png").read_bytes() == image("fox 0")
    assert nb(*free, "--force").code == 0
    assert Path("0.png").read_bytes() != image("fox 0")
    # And what was free makes room for what is paid for.
    real = ("--base-url", "https://gateway.example", "--size", "2K")
    assert batch(nb, server, "--dry-run", *real).out.count("the sandbox made it") == 3
    assert batch(nb, server).code == 0
    assert server.calls == {"fox 0": 1, "fox 1": 1, "fox 2": 1}


def test_a_killed_force_asks_again(nb: Nb, server: CountingServer) -> None:
    ledger = Path("m.ledger.jsonl")
    before = ledger.read_text()
    assert batch(nb, server, "--force").code == 0
    intent = ledger.read_text().removeprefix(before).splitlines()[0]
    # The run was killed before the image was there.
    ledger.write_text(before + intent + "\n")
    Path("1.png").write_bytes(EDITED)
    for options in ((), ("--retry", "unknown")):
        assert batch(nb, server, *options).code == 12
    assert batch(nb, server, "--force").code == 3
    assert Path("1.png").read_bytes() == EDITED
    run = batch(nb, server, "--retry", "all", "--dry-run", "--force")
    assert "unknown\t1.png\t$0.058" in run.out
    assert batch(nb, server, "--retry", "all", "--force").code == 0
    assert Path("1.png").read_bytes() == image("fox 1")
    assert server.calls == {"fox 1": 2}
