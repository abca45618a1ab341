"""Images that are there under another name, or without one, are taken, and not paid for again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.counting_server import CountingServer, image
from support.crash import ledger

from nanobanana_cli.images.formats import verify

ROW: dict[str, Any] = {"prompt": "fox", "output": "fox.png"}


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def batch(
    nb: Nb, server: CountingServer, *rows: dict[str, Any], options: tuple[str, ...] = ()
) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return nb("batch", "m.jsonl", *options, env=server.env)


@pytest.mark.parametrize("output", ["reynard.png", "deep/er/fox.png", None])
def test_a_row_with_another_name(nb: Nb, server: CountingServer, output: str | None) -> None:
    batch(nb, server, ROW)
    row = {"prompt": "fox", **({"output": output} if output else {"output": "sub/"})}
    run = batch(nb, server, row, options=("--dry-run", "--json"))
    line = json.loads(run.out)
    assert (line["plan"], line["reason"], line["cost_usd"]) == ("reuse", "is there as fox.png", 0)
    run = batch(nb, server, row, options=("--json",))
    line = json.loads(run.out)
    assert (line["status"], line["cost_usd"], line["attempts"]) == ("written", 0, 0)
    assert run.summary == "1 made for $0, 1 of them without a call"
    assert Path(line["path"]).read_bytes() == image("fox")
    assert Path("fox.png").exists()
    assert batch(nb, server, row, options=("--check",)).code == 0
    assert server.calls == {"fox": 1}
    costs = [line.get("cost_usd") for line in ledger() if line["event"] in ("written", "reused")]
    assert costs == [0.058, 0]


def test_another_format_is_converted(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    run = batch(nb, server, {**ROW, "output": "fox.webp"}, options=("--json",))
    line = json.loads(run.out)
    assert (line["path"], line["mime_type"], line["cost_usd"]) == ("fox.webp", "image/webp", 0)
    assert verify(Path("fox.webp").read_bytes()).format == "webp"
    assert any("provenance metadata (C2PA, XMP) is lost" in note for note in line["notes"])
    assert batch(nb, server, {**ROW, "output": "fox.webp"}, options=("--check",)).code == 0
    assert server.calls == {"fox": 1}


def test_another_folder_or_manifest(nb: Nb, server: CountingServer) -> None:
    Path("one").mkdir()
    Path("two").mkdir()
    batch(nb, server, ROW, options=("-o", "one"))
    assert batch(nb, server, ROW, options=("-o", "two")).code == 0
    assert Path("two/fox.png").read_bytes() == image("fox")
    shutil.rmtree("two")
    Path("m.jsonl").rename("n.jsonl")
    Path("two").mkdir()
    run = nb("batch", "n.jsonl", "-o", "two", env=server.env)
    assert (run.code, run.out) == (0, "two/fox.png\n")
    # And the files that are in place need nothing at all.
    Path("n.ledger.jsonl").unlink()
    run = nb("batch", "n.jsonl", "-o", "two", env=server.env)
    assert (run.code, run.out) == (0, "")
    assert server.calls == {"fox": 1}


def test_another_manifests_image_is_not_replaced(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    Path("n.jsonl").write_text(json.dumps({**ROW, "prompt": "owl"}))
    run = nb("batch", "n.jsonl", env=server.env)
    assert (run.code, "the ledger of another manifest records it" in run.err) == (12, True)
    assert Path("fox.png").read_bytes() == image("fox")
    # What both ask for needs no call.
    Path("n.jsonl").write_text(json.dumps(ROW))
    assert nb("batch", "n.jsonl", env=server.env).code == 0
    assert server.calls == {"fox": 1}


def test_what_is_taken_from_another_manifest_stays(nb: Nb, server: CountingServer) -> None:
    """Its ledger may go, and what its rows made while they were there is not pruned."""
    batch(nb, server, {**ROW, "alt": True})
    Path("n.jsonl").write_text(json.dumps({**ROW, "alt": True}))
    for _ in range(2):
        assert nb("batch", "n.jsonl", env=server.env).code == 0
    assert len(Path("n.ledger.jsonl").read_text().splitlines()) == 1
    Path("m.jsonl").write_text(json.dumps({"prompt": "owl"}))
    run = nb("batch", "m.jsonl", "--prune", "--delete", env=server.env)
    assert (run.code, run.out) == (0, "")
    # Both record it, so neither replaces it.
    Path("n.jsonl").write_text(json.dumps({**ROW, "prompt": "elk"}))
    assert nb("batch", "n.jsonl", env=server.env).code == 12
    Path("n.jsonl").write_text(json.dumps({**ROW, "alt": True}))
    Path("m.ledger.jsonl").unlink()
    assert nb("batch", "n.jsonl", "--check", env=server.env).code == 0
    Path("n.jsonl").write_text(json.dumps({**ROW, "prompt": "elk"}))
    assert nb("batch", "n.jsonl", env=server.env).code == 0
    assert server.calls == {"fox": 1, "elk": 1}


def test_an_accepted_file_stays_the_users_for_other_manifests(
    nb: Nb, server: CountingServer
) -> None:
    Path("fox.png").write_bytes(image("my own"))
    batch(nb, server, ROW, options=("--accept", "*"))
    Path("m.jsonl").rename("n.jsonl")
    assert nb("batch", "n.jsonl", env=server.env).code == 0
    Path("m.ledger.jsonl").unlink()
    Path("n.jsonl").write_text(json.dumps({**ROW, "prompt": "elk"}))
    run = nb("batch", "n.jsonl", env=server.env)
    assert (run.code, "is your own file" in run.err) == (12, True)
    assert server.calls == {}


def test_each_row_has_an_image_of_its_own(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, {**ROW, "count": 2})
    assert server.calls == {"fox": 2}
    # The two are taken once each, and what another row claims is not taken.
    batch(nb, server, {**ROW, "output": "reynard.png", "count": 3})
    assert server.calls == {"fox": 3}
    batch(nb, server, ROW, {**ROW, "output": "reynard.png", "count": 3})
    # fox-1.png and fox-2.png are nobody's now.
    assert server.calls == {"fox": 3}
    batch(nb, server, ROW, {**ROW, "output": "other.png"}, {**ROW, "output": "more.png"})
    batch(nb, server, *({**ROW, "output": f"{n}.png"} for n in range(20)))
    made = server.calls["fox"]
    batch(nb, server, *({**ROW, "output": f"{n}.png"} for n in range(20)))
    assert server.calls["fox"] == made > 3


def test_an_edited_file_is_not_taken(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    Path("fox.png").write_bytes(image("my own"))
    assert batch(nb, server, {**ROW, "output": "reynard.png"}).code == 0
    assert server.calls == {"fox": 2}
    assert Path("fox.png").read_bytes() == image("my own")


def test_the_text_comes_along(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, {**ROW, "alt": True})
    Path("fox.alt.txt").write_text("Mended.\n")
    run = batch(nb, server, {**ROW, "alt": True, "output": "reynard.png"})
    assert run.code == 0, run.err
    assert Path("reynard.alt.txt").read_text() == "Mended.\n"
    # What a ledger has needs no call either.
    Path("reynard.alt.txt").unlink()
    assert batch(nb, server, {**ROW, "alt": True, "output": "reynard.png"}).code == 0
    assert Path("reynard.alt.txt").read_text() == "Mended.\n"
    assert server.calls == {"fox": 1}


def test_a_text_for_a_renamed_image_is_asked_for_alone(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    row = {**ROW, "alt": True, "output": "reynard.png"}
    run = batch(nb, server, row, options=("--dry-run",))
    assert run.out.startswith("reuse\treynard.png\t$0.0")
    run = batch(nb, server, row)
    assert (run.code, run.out.split()) == (0, ["reynard.png", "reynard.alt.txt"])
    assert Path("reynard.alt.txt").read_text() == "Seen: text of fox.\n"
    assert server.calls == {"fox": 1, "text of fox": 1}
    assert batch(nb, server, row, options=("--check",)).code == 0


def test_a_copy_that_a_killed_run_left_is_no_other_image(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    Path(".nb-0123456789abcdef.tmp").write_bytes(image("fox"))
    Path(".nb-fedcba9876543210.tmp").write_bytes(image("another fox"))
    assert batch(nb, server, ROW).code == 0
    assert [path.name for path in Path().glob("*ecovered*")] == ["recovered.png"]
    assert Path("recovered.png").read_bytes() == image("another fox")
    assert not list(Path().glob(".nb-*"))


def test_what_another_command_named_meanwhile_is_taken(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    lines = Path("m.ledger.jsonl").read_text().splitlines(keepends=True)
    Path("m.ledger.jsonl").write_text("".join(lines[:2]))
    Path("fox.png").rename(".nb-0123456789abcdef.tmp")
    assert nb("generate", "owl", "--provider", "sandbox", "-o", "./").code == 0
    assert Path("recovered.png").read_bytes() == image("fox")
    assert batch(nb, server, ROW).code == 0
    assert Path("fox.png").read_bytes() == image("fox")
    assert not Path("recovered.png").exists()
    assert server.calls == {"fox": 1}


@pytest.mark.parametrize("where", ["ledger", "file"])
def test_what_was_received_before_a_kill_is_taken(
    nb: Nb, server: CountingServer, where: str
) -> None:
    batch(nb, server, ROW)
    lines = Path("m.ledger.jsonl").read_text().splitlines(keepends=True)
    assert [json.loads(line)["event"] for line in lines] == ["intent", "received", "written"]
    Path("m.ledger.jsonl").write_text("".join(lines[:2]))
    if where == "file":
        # The kill came before the file had its name.
        Path("fox.png").rename(".nb-0123456789abcdef.tmp")
        Path(".nb-fedcba9876543210.tmp").write_bytes(image("fox")[:-9])
    run = batch(nb, server, ROW, options=("--json",))
    assert run.code == 0, run.err
    assert Path("fox.png").read_bytes() == image("fox")
    assert not Path(".nb-0123456789abcdef.tmp").exists()
    assert [line["event"] for line in ledger()] == ["intent", "received", "written"]
    assert server.calls == {"fox": 1}
    assert batch(nb, server, ROW, options=("--check",)).code == 0


def test_a_file_of_the_users_is_never_taken_for_nbs(nb: Nb, server: CountingServer) -> None:
    batch(nb, server, ROW)
    lines = Path("m.ledger.jsonl").read_text().splitlines(keepends=True)
    for number in (1, 2):
        Path("m.ledger.jsonl").write_text("".join(lines[:number]))
        Path("fox.png").write_bytes(image("my own"))
        for options in ((), ("--retry", "all")):
            assert batch(nb, server, ROW, options=options).code == 12
        assert batch(nb, server, {**ROW, "size": "2K"}).code == 12
        assert Path("fox.png").read_bytes() == image("my own")
    assert server.calls == {"fox": 1}


def test_an_image_beside_the_users_own_is_taken_when_there_is_room(nb: Nb) -> None:
    def intrude(_prompt: str, nth: int) -> int:
        if nth == 1:
            Path("fox.png").write_bytes(image("my own"))
        return 200

    with CountingServer(intrude) as server:
        run = batch(nb, server, ROW)
        assert (run.code, "the image was saved as fox-2.png" in run.err) == (3, True)
        assert batch(nb, server, ROW).code == 12
        Path("fox.png").rename("mine.png")
        assert batch(nb, server, ROW).code == 0
        assert Path("fox.png").read_bytes() == Path("fox-2.png").read_bytes() == image("fox")
        assert server.calls == {"fox": 1}


def test_an_image_in_the_state_folder_is_taken(nb: Nb, server: CountingServer) -> None:
    # The folder is a file by the time that the image comes.
    def block(_prompt: str, _nth: int) -> int:
        shutil.rmtree("out", ignore_errors=True)
        Path("out").write_bytes(b"")
        return 200

    server.answer = block
    row = {**ROW, "output": "out/fox.png"}
    Path("out").mkdir()
    run = batch(nb, server, row)
    assert run.code == 6
    assert "the image was saved as" in run.err
    Path("out").unlink()
    run = batch(nb, server, row)
    assert (run.code, run.out) == (0, "out/fox.png\n")
    assert Path("out/fox.png").read_bytes() == image("fox")
    assert server.calls == {"fox": 1}
