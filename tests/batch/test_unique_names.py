"""Names made from prompts: they stay, whatever rows come and go, so that nothing is paid twice."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.counting_server import CountingServer, image

# One name for all of them: a-fox.
FOX, FOX_TOO, FOX_THREE = ({"prompt": f"a fox{mark}"} for mark in "!?.")
Rows = list[dict[str, Any]]


@pytest.fixture
def server() -> Any:
    with CountingServer() as server:
        yield server


def batch(nb: Nb, server: CountingServer, rows: Rows, *options: str) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return nb("batch", "m.jsonl", *options, env=server.env)


def calls(nb: Nb, server: CountingServer, rows: Rows, *options: str) -> dict[str, int]:
    """The calls of one run."""
    server.calls.clear()
    run = batch(nb, server, rows, *options)
    assert run.code == 0, run.err
    return dict(server.calls)


def plan(nb: Nb, server: CountingServer, rows: Rows) -> dict[str, tuple[str, str]]:
    """By prompt: where the plan has an image, and what is to be done."""
    run = batch(nb, server, rows, "--dry-run", "--json")
    assert run.code == 0, run.err
    lines = map(json.loads, run.out.splitlines())
    return {line["prompt"]: (line["path"], line["plan"]) for line in lines}


def test_the_first_keeps_its_name_when_a_second_comes(nb: Nb, server: CountingServer) -> None:
    assert calls(nb, server, [FOX]) == {"a fox!": 1}
    both = [FOX_TOO, FOX]
    found = plan(nb, server, both)
    assert found["a fox!"] == ("a-fox.png", "unchanged")
    assert found["a fox?"][0].startswith("a-fox-")
    assert calls(nb, server, both, "--gallery", "index.html") == {"a fox?": 1}
    assert 'href="./a-fox.png"' in Path("index.html").read_text()
    assert Path("a-fox.png").read_bytes() == image("a fox!")
    assert batch(nb, server, both, "--check").code == 0


def test_the_second_keeps_its_name_when_the_first_goes(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    calls(nb, server, [FOX, FOX_TOO])
    name = plan(nb, server, [FOX, FOX_TOO])["a fox?"][0]
    assert plan(nb, server, [FOX_TOO]) == {"a fox?": (name, "unchanged")}
    assert calls(nb, server, [FOX_TOO]) == {}
    assert calls(nb, server, [FOX_TOO, FOX_THREE, FOX]) == {"a fox.": 1}


def test_all_options_see_one_name(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    both = [FOX, FOX_TOO]
    assert calls(nb, server, both, "--only", "a-fox.*") == {}
    assert calls(nb, server, both, "--only", "a-fox-*") == {"a fox?": 1}
    assert batch(nb, server, [FOX, FOX_TOO], "--only", "b*").code == 2


def test_machines_without_a_ledger_never_meet(nb: Nb, server: CountingServer) -> None:
    rows: Rows = [FOX, FOX_TOO, FOX_THREE]
    names: list[str] = []
    for part in "12":
        for path in Path().glob("*.png"):
            path.rename(path.with_suffix(".kept"))
            names.append(path.name)
        for path in Path().glob("*.jsonl"):
            path.rename(path.with_suffix(f".{part}"))
        calls(nb, server, rows, "--shard", f"{part}/2")
    names += [path.name for path in Path().glob("*.png")]
    assert len(set(names)) == 3
    for path in Path().glob("*.kept"):
        path.rename(path.with_suffix(".png"))
    ledgers = [*Path().glob("*.ledger.2"), *Path().glob("*.ledger.jsonl")]
    Path("m.ledger.jsonl").write_bytes(b"".join(path.read_bytes() for path in ledgers))
    assert calls(nb, server, rows) == {}


def test_a_row_that_changes_alone_keeps_its_name(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    changed = {**FOX, "aspect": "16:9"}
    assert plan(nb, server, [changed]) == {"a fox!": ("a-fox.png", "changed")}
    assert calls(nb, server, [changed]) == {"a fox!": 1}
    # Both were made under that name, and the later one is there.
    twins = [FOX_TOO, {**FOX, "size": "2K"}, changed]
    assert calls(nb, server, twins) == {"a fox?": 1, "a fox!": 1}
    assert calls(nb, server, [*twins, FOX]) == {"a fox!": 1}
    assert len(list(Path().glob("*.png"))) == 4


def test_a_row_that_changes_beside_another_takes_a_new_name(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    changed = {**FOX, "aspect": "16:9"}
    assert calls(nb, server, [changed, FOX_TOO]) == {"a fox!": 1, "a fox?": 1}
    assert Path("a-fox.png").read_bytes() == image("a fox!")
    assert calls(nb, server, [FOX, FOX_TOO]) == {}


def test_a_row_cannot_name_what_was_made_for_another(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    named = {"prompt": "an owl", "output": "a-fox.png"}
    for rows in ([FOX, named], [named, FOX]):
        run = batch(nb, server, rows)
        assert run.code == 2
        assert "m.jsonl:2: output: a-fox." in run.err
        assert "of row 1 may be the same file" in run.err
    assert Path("a-fox.png").read_bytes() == image("a fox!")
    # Once the file is another row's, it is in nobody's way.
    assert calls(nb, server, [named], "--force") == {"an owl": 1}
    assert calls(nb, server, [FOX, named]) == {"a fox!": 1}
    assert Path("a-fox.png").read_bytes() == image("an owl")


@pytest.mark.parametrize("more", [{"output": "a-fox.png"}, {"format": "png"}, {"output": "./"}])
def test_a_row_that_says_the_name_that_it_has(
    nb: Nb, server: CountingServer, more: dict[str, str]
) -> None:
    calls(nb, server, [FOX])
    assert calls(nb, server, [{**FOX, **more}]) == {}
    calls(nb, server, [{**FOX, **more, "size": "2K"}])
    assert calls(nb, server, [{**FOX, "size": "2K"}]) == {}
    assert [path.name for path in Path().glob("*.png")] == ["a-fox.png"]


def test_formats_that_may_meet(nb: Nb, server: CountingServer) -> None:
    rows = [FOX, {**FOX_TOO, "format": "webp"}]
    assert calls(nb, server, rows) == {"a fox!": 1, "a fox?": 1}
    assert {path.suffix for path in Path().glob("a-fox-*")} == {".png", ".webp"}
    assert calls(nb, server, rows) == {}


def test_the_same_twice_is_an_error_for_ever(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    run = batch(nb, server, [FOX, FOX])
    assert run.code == 2
    assert "a-fox" in run.err


def test_a_call_that_nobody_knows_of_keeps_its_name_too(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    ledger = Path("m.ledger.jsonl")
    ledger.write_text(ledger.read_text().splitlines(keepends=True)[0])
    Path("a-fox.png").unlink()
    found = plan(nb, server, [FOX_TOO, FOX])
    assert found["a fox!"] == ("a-fox.*", "unknown")
    server.calls.clear()
    assert batch(nb, server, [FOX_TOO, FOX]).code == 3
    assert server.calls == {"a fox?": 1}
    assert calls(nb, server, [FOX_TOO, FOX], "--retry", "unknown") == {"a fox!": 1}


def test_an_image_that_was_made_under_both_names(nb: Nb, server: CountingServer) -> None:
    calls(nb, server, [FOX])
    ledger = Path("m.ledger.jsonl").rename("alone")
    kept = Path("a-fox.png").rename("kept")
    calls(nb, server, [FOX, FOX_TOO])
    with Path("m.ledger.jsonl").open("ab") as joined:
        joined.write(ledger.read_bytes())
    assert calls(nb, server, [FOX, FOX_TOO]) == {}
    apart = Path(plan(nb, server, [FOX])["a fox!"][0])
    assert apart.name.startswith("a-fox-")
    shutil.copy(kept, "a-fox.png")
    apart.unlink()
    for rows in ([FOX], [FOX_TOO, FOX]):
        assert plan(nb, server, rows)["a fox!"] == ("a-fox.png", "unchanged")


def test_a_ledger_makes_no_names(nb: Nb, server: CountingServer) -> None:
    Path("victim.png").write_bytes(b"precious")
    prints = {
        line["prompt"]: line["fingerprint"]
        for line in map(
            json.loads, batch(nb, server, [FOX, FOX_TOO], "--dry-run", "--json").out.splitlines()
        )
    }
    with Path("m.ledger.jsonl").open("w") as ledger:
        for row in ("victim.*", "../victim.png", "a-fox.*", "a-fox-0.png"):
            for number, fingerprint in enumerate(prints.values()):
                line: dict[str, object] = {"event": "written", "id": f"{row}{number}", "row": row}
                line |= {"fingerprint": fingerprint, "path": "../victim.png", "sha256": "00"}
                ledger.write(json.dumps(line) + "\n")
    found = plan(nb, server, [FOX, FOX_TOO])
    for prompt, fingerprint in prints.items():
        assert found[prompt][0] in ("a-fox.*", f"a-fox-{fingerprint[:8]}.*")
    assert calls(nb, server, [FOX, FOX_TOO]) == {"a fox!": 1, "a fox?": 1}
    assert Path("victim.png").read_bytes() == b"precious"


@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_is_there_is_paid_again(nb: Nb, server: CountingServer, seed: int) -> None:
    chance = random.Random(seed)
    pool = [FOX, FOX_TOO, FOX_THREE, {"prompt": "A fox"}, {"prompt": "owl", "output": "a-fox.png"}]
    for _ in range(10):
        rows = chance.sample(pool, chance.randint(1, 4))
        there = {path.read_bytes() for path in Path().glob("a-fox*.png")}
        server.calls.clear()
        run = batch(nb, server, rows)
        assert run.code in (0, 2), run.err
        generated = {row["prompt"] for row in rows if "output" not in row}
        assert not {prompt for prompt in server.calls if image(prompt) in there} & generated
        assert set(server.calls.values()) <= {1}
        if run.code == 0:
            assert batch(nb, server, rows, "--check").code == 0
