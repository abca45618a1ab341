"""What is made again, what is not, and what the plan says of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from support.counting_server import CountingServer, image

from nanobanana_cli.sandbox.server import Sandbox

ROWS = [{"prompt": f"fox {n}", "output": f"out/{n}.png"} for n in range(3)]


def write(*rows: dict[str, Any]) -> None:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows or ROWS)))


def states(nb: Nb, *options: str) -> dict[str, str]:
    run = nb("batch", "m.jsonl", "--dry-run", "--json", *options)
    assert run.code == 0, run.err
    return {row["path"]: row["plan"] for row in map(json.loads, run.out.splitlines())}


def calls(nb: Nb, server: CountingServer, *options: str, code: int = 0) -> dict[str, int]:
    """The calls of one run."""
    server.calls.clear()
    run = nb("batch", "m.jsonl", *options, env=server.env)
    assert run.code == code, run.err
    return dict(server.calls)


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def test_nothing_is_made_twice(nb: Nb, server: CountingServer) -> None:
    write()
    assert calls(nb, server) == {"fox 0": 1, "fox 1": 1, "fox 2": 1}
    assert Path("out/1.png").read_bytes() == image("fox 1")
    assert calls(nb, server) == {}
    run = nb("batch", "m.jsonl", "--check", env={"NB_BASE_URL": server.env["NB_BASE_URL"]})
    assert (run.code, run.out) == (0, "")
    assert "3 unchanged" in run.err


def test_only_what_is_missing_or_changed_is_made(nb: Nb, server: CountingServer) -> None:
    write()
    calls(nb, server)
    Path("out/0.png").unlink()
    write(ROWS[0], ROWS[1], {**ROWS[2], "aspect": "16:9"}, {"prompt": "new", "output": "new.png"})
    options = ("--base-url", server.env["NB_BASE_URL"])
    assert states(nb, *options) == {
        "out/0.png": "make",
        "out/1.png": "unchanged",
        "out/2.png": "changed",
        "new.png": "make",
    }
    run = nb("batch", "m.jsonl", "--check", *options)
    assert run.code == 3
    assert "3 of 4 images are not up to date" in run.err
    assert calls(nb, server) == {"fox 0": 1, "fox 2": 1, "new": 1}
    assert set(states(nb, *options).values()) == {"unchanged"}


def test_times_mean_nothing(nb: Nb, server: CountingServer) -> None:
    write()
    calls(nb, server)
    shutil.copytree("out", "copy")
    shutil.rmtree("out")
    Path("copy").rename("out")
    Path("m.jsonl").touch()
    assert calls(nb, server) == {}


def test_an_image_that_moves_with_its_row_is_up_to_date(nb: Nb, server: CountingServer) -> None:
    write()
    calls(nb, server)
    Path("out").rename("art")
    moved = [{**row, "output": row["output"].replace("out/", "art/")} for row in ROWS]
    write(*moved)
    assert set(states(nb, "--base-url", server.env["NB_BASE_URL"]).values()) == {"unchanged"}
    assert calls(nb, server) == {}
    # What was made for one row is no other row's.
    Path("art/1.png").write_bytes(image("fox 0"))
    assert calls(nb, server, code=12) == {}


def test_a_reference_image_counts_by_its_content(nb: Nb, server: CountingServer) -> None:
    Path("ref.png").write_bytes(image("one"))
    write({"prompt": "fox", "output": "x.png", "images": ["ref.png"]})
    assert calls(nb, server) == {"fox": 1}
    shutil.copy("ref.png", "same.png")
    write({"prompt": "fox", "output": "x.png", "images": "same.png"})
    assert calls(nb, server) == {}
    Path("same.png").write_bytes(image("two"))
    assert calls(nb, server) == {"fox": 1}


def test_a_sandbox_is_not_the_service(nb: Nb) -> None:
    write(ROWS[0])
    assert nb("batch", "m.jsonl", "--provider", "sandbox").code == 0
    assert states(nb, "--provider", "sandbox") == {"out/0.png": "unchanged"}
    assert states(nb) == {"out/0.png": "changed"}


def test_a_sandbox_at_an_address_is_not_the_service(nb: Nb) -> None:
    write(ROWS[0])
    key = {"WISDOM_GATE_KEY": "k" * 20}
    with Sandbox() as sandbox:
        assert nb("batch", "m.jsonl", "--base-url", sandbox.url, env=key).code == 0
        assert states(nb, "--base-url", sandbox.url) == {"out/0.png": "unchanged"}
    assert states(nb, "--provider", "sandbox") == {"out/0.png": "unchanged"}
    run = nb("batch", "m.jsonl", "--dry-run")
    assert run.out == "changed\tout/0.png\t$0.058\tthe sandbox made it\n"


def test_a_file_that_no_ledger_knows(nb: Nb, server: CountingServer) -> None:
    write()
    Path("out").mkdir()
    Path("out/1.png").write_bytes(b"mine")
    run = nb("batch", "m.jsonl", env=server.env)
    assert run.code == 12
    assert "out/1.png exists already" in run.err
    assert not server.calls
    assert calls(nb, server, "--skip-existing") == {"fox 0": 1, "fox 2": 1}
    assert Path("out/1.png").read_bytes() == b"mine"
    assert calls(nb, server, "--force") == {"fox 1": 1}
    assert Path("out/1.png").read_bytes() == image("fox 1")


def test_a_link_to_nothing_is_a_file_too(nb: Nb, server: CountingServer) -> None:
    write()
    Path("out").mkdir()
    Path("out/1.png").symlink_to("later.png")
    run = nb("batch", "m.jsonl", env=server.env)
    assert run.code == 12
    assert "out/1.png exists already" in run.err
    assert calls(nb, server, "--skip-existing") == {"fox 0": 1, "fox 2": 1}
    assert Path("out/1.png").is_symlink()


def test_a_killed_force_makes_a_file_nobody_elses(nb: Nb, server: CountingServer) -> None:
    mine = b"mine"
    Path("x.png").write_bytes(mine)
    write({"prompt": "another fox", "output": "x.png"})
    line = {"event": "intent", "id": "1", "row": "x.png", "fingerprint": "00", "cost_usd": 0.058}
    intent = {**line, "replaces": hashlib.sha256(mine).hexdigest()}
    Path("m.ledger.jsonl").write_text(json.dumps(intent) + "\n")
    assert calls(nb, server, code=12) == {}
    assert Path("x.png").read_bytes() == mine
    # What the killed run made may as well be somebody else's by now.
    Path("x.png").write_bytes(b"what the killed run made")
    assert calls(nb, server, code=12) == {}


def test_a_ledger_leads_to_no_other_file(nb: Nb, server: CountingServer) -> None:
    Path("victim").write_bytes(b"precious")
    Path("shop").mkdir()
    Path("shop/m.jsonl").write_text(json.dumps({"prompt": "fox", "output": "fox.png"}))
    line = {"event": "written", "id": "x", "row": "fox.png", "fingerprint": "00", "cost_usd": 0}
    Path("shop/m.ledger.jsonl").write_text(
        json.dumps({**line, "path": "../victim", "sha256": "00"}) + "\n"
    )
    assert nb("batch", "shop/m.jsonl", env=server.env).code == 0
    assert Path("victim").read_bytes() == b"precious"
    assert Path("shop/fox.png").read_bytes() == image("fox")


@pytest.mark.parametrize("event", ["written", "intent"])
def test_a_ledger_gives_no_file_away(nb: Nb, server: CountingServer, event: str) -> None:
    Path("fox.png").write_bytes(b"precious")
    write({"prompt": "fox", "output": "fox.png"})
    line = {"event": event, "id": "x", "row": "fox.png", "fingerprint": "00", "cost_usd": 0}
    Path("m.ledger.jsonl").write_text(
        json.dumps({**line, "path": "fox.png", "sha256": "00"}) + "\n"
    )
    assert calls(nb, server, code=12) == {}
    assert calls(nb, server, "--retry", "unknown", code=12) == {}
    assert Path("fox.png").read_bytes() == b"precious"


def test_failed_rows_are_tried_again(nb: Nb) -> None:
    write()
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 1" else 200) as server:
        run = nb("batch", "m.jsonl", "--json", env=server.env)
        assert run.code == 3
        lines = {row["output"]: row for row in map(json.loads, run.out.splitlines())}
        assert lines["out/1.png"]["status"] == "failed"
        assert lines["out/1.png"]["path"] is None
        assert lines["out/1.png"]["error"]["code"] == 7
        assert lines["out/0.png"]["status"] == "written"
        server.answer = lambda _prompt, _nth: 200
        assert calls(nb, server) == {"fox 1": 1}


def test_names_made_from_prompts(nb: Nb, server: CountingServer) -> None:
    write({"prompt": "a red fox"}, {"prompt": "an owl", "format": "webp"})
    calls(nb, server)
    assert {path.name for path in Path().glob("*.*g*")} >= {"a-red-fox.png"}
    assert Path("an-owl.webp").exists()
    assert calls(nb, server) == {}
    Path("a-red-fox.png").unlink()
    assert calls(nb, server) == {"a red fox": 1}


def test_only_takes_the_paths_that_the_plan_lists(nb: Nb, server: CountingServer) -> None:
    Path("m.txt").write_text("a fox\nan owl\n")
    assert nb("batch", "m.txt", env=server.env).code == 0
    for listed in ("a-fox.png", "a-fox.*"):
        run = nb("batch", "m.txt", "--dry-run", "--only", listed, env=server.env)
        assert run.out == "unchanged\ta-fox.png\t\t\n"
    run = nb("batch", "m.txt", "--dry-run", "--only", "a-fox.jpg", env=server.env)
    assert (run.code, "--only a-fox.jpg matches no image" in run.err) == (2, True)


def test_only_limit_and_shuffle(nb: Nb, server: CountingServer) -> None:
    write()
    assert calls(nb, server, "--only", "out/[01].png", "--limit", "1") == {"fox 0": 1}
    assert len(calls(nb, server, "--limit", "1", "--shuffle")) == 1
    Path("shop").mkdir()
    Path("m.jsonl").rename("shop/m.jsonl")
    for pattern in ("out/2.*", "shop/out/2.*"):
        run = nb("batch", "shop/m.jsonl", "--only", pattern, "--dry-run", env=server.env)
        assert run.out.split() == ["make", "shop/out/2.png", "$0.058"]
    run = nb("batch", "shop/m.jsonl", "--only", "nothing*", env=server.env)
    assert run.code == 2
    assert "--only nothing* matches no image" in run.err


def test_shards_are_parts_of_a_whole(nb: Nb, server: CountingServer) -> None:
    write(*({"prompt": f"p{n}", "output": f"{n}.png"} for n in range(24)))
    parts = [calls(nb, server, "--shard", f"{part}/3") for part in (1, 2, 3)]
    assert all(parts)
    assert sorted(prompt for part in parts for prompt in part) == sorted(f"p{n}" for n in range(24))
    ledgers = sorted(Path().glob("m.*-of-3.ledger.jsonl"))
    assert len(ledgers) == 3
    assert calls(nb, server) == {}
    Path("joined").write_bytes(b"".join(path.read_bytes() for path in ledgers))
    for path in ledgers:
        path.unlink()
    Path("joined").rename("m.ledger.jsonl")
    assert calls(nb, server) == {}


@pytest.mark.parametrize("shard", ["0/3", "4/3", "a", "1/0", "-1/2", "1"])
def test_impossible_shards(nb: Nb, shard: str) -> None:
    write()
    assert nb("batch", "m.jsonl", f"--shard={shard}").code == 2


def test_the_plan_has_prices(nb: Nb) -> None:
    write(ROWS[0], {**ROWS[1], "model": "pro"})
    run = nb("batch", "m.jsonl", "--dry-run", "--provider", "google")
    # The image, a short prompt, and 500 tokens of thinking at $7.50 and $12 a million.
    assert [line.split("\t") for line in run.out.splitlines()] == [
        ["make", "out/0.png", "about $0.0374", ""],
        ["make", "out/1.png", "about $0.1401", ""],
    ]
    assert "2 to make for about $0.1774" in run.err
    assert "nothing was sent" in run.err


def test_unknown_prices_and_models(nb: Nb) -> None:
    write(ROWS[0], {**ROWS[1], "model": "brand-new"})
    run = nb("batch", "m.jsonl", "--dry-run")
    assert "brand-new is not a model that nb knows" in run.err
    assert "$0.058 and 1 of unknown price" in run.err
    for option in ("--max-cost", "--max-total-cost"):
        run = nb("batch", "m.jsonl", option, "5", env={"WISDOM_GATE_KEY": "k" * 20})
        assert run.code == 8
        assert "the price of brand-new is unknown" in run.err


@pytest.mark.parametrize(
    "options",
    [("--dry-run", "--check"), ("--force", "--skip-existing"), ("--status", "--check")],
)
def test_contradictions(nb: Nb, options: tuple[str, ...]) -> None:
    write()
    run = nb("batch", "m.jsonl", *options)
    assert run.code == 2
    assert "contradict each other" in run.err


def test_the_example_runs_as_it_stands(nb: Nb) -> None:
    run = nb("batch", "--init")
    assert (run.code, run.out) == (0, "images.toml\n")
    assert nb("batch", "--init").code == 12
    run = nb("batch", "images.toml", "--provider", "sandbox")
    assert run.code == 0, run.err
    assert len(run.out.splitlines()) == 10
    assert all(Path(line).is_file() for line in run.out.splitlines())
    assert nb("batch", "images.toml", "--provider", "sandbox", "--check").code == 0


def test_a_truncated_ledger_is_told(nb: Nb, server: CountingServer) -> None:
    write()
    calls(nb, server)
    with Path("m.ledger.jsonl").open("ab") as ledger:
        ledger.write(b'{"event":"int')
    run = nb("batch", "m.jsonl", "--dry-run", env=server.env)
    assert "m.ledger.jsonl:10: ignored a line that was cut off" in run.err
    assert calls(nb, server) == {}


def test_stdin(nb: Nb, server: CountingServer) -> None:
    run = nb("batch", "-", stdin=b'{"prompt": "fox", "output": "x.png"}', env=server.env)
    assert (run.code, run.out) == (0, "x.png\n")
    assert Path("batch.ledger.jsonl").exists()


def test_without_a_key_nothing_is_sent(nb: Nb, server: CountingServer) -> None:
    write()
    run = nb("batch", "m.jsonl", env={"NB_BASE_URL": server.env["NB_BASE_URL"]})
    assert run.code == 4
    assert not server.calls
    assert not Path("m.ledger.jsonl").exists()
