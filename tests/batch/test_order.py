"""A reference image that another row makes: that row comes first, and each is paid for once."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import pngs
from support.counting_server import CountingServer, image

HERO: dict[str, Any] = {"prompt": "hero", "output": "hero.png"}
FOX: dict[str, Any] = {"prompt": "fox", "output": "fox.png", "images": ["hero.png"]}
HARE: dict[str, Any] = {"prompt": "hare", "output": "hare.png", "images": ["fox.png", "hero.png"]}


@pytest.fixture
def server() -> Any:
    with CountingServer(repeats=False) as server:
        yield server


def write(*rows: dict[str, Any]) -> None:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))


def batch(nb: Nb, server: CountingServer, *options: str, code: int = 0) -> Any:
    run = nb("batch", "m.jsonl", *options, env=server.env)
    assert run.code == code, run.err
    return run


def plan(nb: Nb, *options: str) -> dict[str, tuple[str, str | None]]:
    run = nb("batch", "m.jsonl", "--dry-run", "--json", *options)
    assert run.code == 0, run.err
    lines = map(json.loads, run.out.splitlines())
    return {line["path"]: (line["plan"], line["reason"]) for line in lines}


def test_a_child_is_made_from_the_image_that_its_parent_got(nb: Nb, server: CountingServer) -> None:
    write(HARE, FOX, HERO)
    assert plan(nb) == {
        "hare.png": ("make", "after fox.png, hero.png"),
        "fox.png": ("make", "after hero.png"),
        "hero.png": ("make", None),
    }
    batch(nb, server)
    hero, fox = image("hero #1"), image("fox #1")
    assert server.sent == {"hero": [()], "fox": [(hero,)], "hare": [(fox, hero)]}
    assert Path("hero.png").read_bytes() == hero
    batch(nb, server, "--check")
    batch(nb, server)
    assert server.calls.total() == 3


def test_what_a_remade_parent_makes_out_of_date_is_in_the_plan(
    nb: Nb, server: CountingServer
) -> None:
    write(HERO, FOX, HARE)
    batch(nb, server)
    write({**HERO, "prompt": "heroine"}, FOX, {**HARE, "prompt": "rabbit"})
    assert plan(nb) == {
        "hero.png": ("changed", "prompt"),
        "fox.png": ("changed", "reference hero.png"),
        "hare.png": ("changed", "prompt, reference fox.png, reference hero.png"),
    }
    assert "3 to make for $0.174" in nb("batch", "m.jsonl", "--dry-run").err
    assert "3 of 3 images are not up to date" in batch(nb, server, "--check", code=3).err
    config = {**server.env, "NB_BASE_URL": "", "NB_CONFIG": "c.toml"}
    Path("c.toml").write_text("confirm-above = 0.15\n")
    refused = nb("batch", "m.jsonl", env=config)
    assert refused.code == 2
    assert "3 images could cost $0.174 (3 changed)" in refused.err
    batch(nb, server)
    heroine, fox = image("heroine #1"), image("fox #2")
    assert server.sent["fox"][1:] == [(heroine,)]
    assert server.sent["rabbit"] == [(fox, heroine)]
    batch(nb, server)
    assert server.calls.total() == 6


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        (
            [{**HERO, "images": ["./a/../hero.png"]}],
            ["m.jsonl:1: images: hero.png would be made from itself; write another output"],
        ),
        (
            [{**HERO, "images": ["hare.png"]}, FOX, {**HARE, "images": ["fox.png"]}],
            [
                f"m.jsonl:{line}: images: these images would be made from each other: "
                "hero.png from hare.png from fox.png from hero.png"
                for line in (1, 2, 3)
            ],
        ),
        (
            [{**HERO, "images": ["none.png"]}, FOX],
            ["m.jsonl:1: images: image none.png: no such file or folder"],
        ),
    ],
)
def test_cycles_are_told_with_their_lines(
    nb: Nb, rows: list[dict[str, Any]], errors: list[str]
) -> None:
    write(*rows)
    run = nb("batch", "m.jsonl")
    assert run.code == 2
    assert run.err.splitlines()[:-2] == errors


class WaitingServer(CountingServer):
    """Answers `slow` when `fox` was asked for, or after half a minute."""

    def take(self, prompt: str, references: tuple[bytes, ...]) -> tuple[int, str]:
        answer = super().take(prompt, references)
        end = time.monotonic() + 30
        while prompt == "slow" and not self.calls["fox"] and time.monotonic() < end:
            time.sleep(0.01)
        return answer


def test_a_child_starts_when_its_parents_are_there(nb: Nb) -> None:
    write(HERO, {"prompt": "slow", "output": "slow.png"}, FOX)
    began = time.monotonic()
    with WaitingServer() as server:
        batch(nb, server, "--concurrency", "2")
    assert time.monotonic() - began < 20


def test_a_failed_parent_skips_its_children(nb: Nb, server: CountingServer) -> None:
    server.answer = lambda prompt, _: 400 if prompt == "hero" else 200
    write(HERO, FOX, HARE, {"prompt": "owl", "output": "owl.png"})
    run = batch(nb, server, "--json", "--gallery", "index.html", code=3)
    lines = {line["output"]: line for line in map(json.loads, run.out.splitlines())}
    assert {name: line["status"] for name, line in lines.items()} == {
        "hero.png": "failed",
        "fox.png": "skipped",
        "hare.png": "skipped",
        "owl.png": "written",
    }
    assert lines["fox.png"]["path"] is None
    assert lines["fox.png"]["error"] == {
        "code": 5,
        "kind": "not_sent",
        "message": "made from hero.png, which was not made",
        "hint": None,
        "charged": "no",
    }
    assert run.summary == "1 made for $0.058, 1 failed, 2 skipped"
    assert "2 images skipped: made from hero.png, which was not made" in run.err
    assert "3 of 4 images are missing\nhint: run it again to continue" in run.err
    page = Path("index.html").read_text()
    assert page.count("made from hero.png, which was not made") == 2
    assert server.calls == {"hero": 1, "owl": 1}
    server.answer = lambda *_: 200
    batch(nb, server)
    assert server.calls == {"hero": 2, "owl": 1, "fox": 1, "hare": 1}


class SlowServer(CountingServer):
    """Refuses `hero`, and answers `slow` when that has been told."""

    told = False

    def take(self, prompt: str, references: tuple[bytes, ...]) -> tuple[int, str]:
        end = time.monotonic() + 30
        while prompt == "slow" and not self.told and time.monotonic() < end:
            time.sleep(0.01)
            self.told = b'"failed"' in Path("m.ledger.jsonl").read_bytes()
        time.sleep(0.1 if prompt == "slow" else 0)
        return super().take(prompt, references)


def test_a_child_of_two_is_skipped_though_the_second_comes_later(nb: Nb) -> None:
    child = {"prompt": "fox", "output": "fox.png", "images": ["hero.png", "slow.png"]}
    write(HERO, {"prompt": "slow", "output": "slow.png"}, child)
    with SlowServer(lambda prompt, _: 400 if prompt == "hero" else 200) as server:
        run = batch(nb, server, code=3)
        assert server.calls == {"hero": 1, "slow": 1}
    assert run.summary == "1 made for $0.058, 1 failed, 1 skipped"


def test_a_parent_in_doubt_holds_its_children(nb: Nb, server: CountingServer) -> None:
    server.answer = lambda *_: 502
    write(HERO, FOX, HARE)
    batch(nb, server, code=3)
    server.answer = lambda *_: 200
    assert plan(nb)["fox.png"] == ("waiting", "for hero.png, which may have been paid for")
    assert plan(nb)["hare.png"] == ("waiting", "for fox.png, which waits itself")
    run = batch(nb, server, "--gallery", "index.html", code=3)
    assert "1 image skipped: waiting for hero.png, which may have been paid for" in run.err
    assert "--retry unknown makes 1 again for $0.058\nhint: nb batch m.jsonl" in run.err
    assert "run it again" not in run.err
    assert "waiting for hero.png" in Path("index.html").read_text()
    status = nb("batch", "m.jsonl", "--status", "--json")
    found = {line["output"]: line for line in map(json.loads, status.out.splitlines())}
    assert {name: line["status"] for name, line in found.items()} == {
        "hero.png": "failed",
        "fox.png": "waiting",
        "hare.png": "waiting",
    }
    assert found["fox.png"]["cost_usd"] is None
    run = batch(nb, server, "--check", code=3)
    assert "3 of 3 images are not up to date\nhint: --retry unknown makes 1 again" in run.err
    assert server.calls == {"hero": 1}
    assert "3 to make for $0.174" in nb("batch", "m.jsonl", "--dry-run", "--retry", "all").err
    batch(nb, server, "--retry", "unknown")
    assert server.calls == {"hero": 2, "fox": 1, "hare": 1}


def test_a_child_waits_for_a_parent_that_is_not_selected(nb: Nb, server: CountingServer) -> None:
    write(HERO, FOX)
    run = batch(nb, server, "--only", "fox.png", code=3)
    assert "1 image skipped: waiting for hero.png, which is missing and not selected" in run.err
    assert "hint: select the images that they wait for, too" in run.err
    batch(nb, server, "--only", "hero.png")
    batch(nb, server, "--only", "fox.png")
    assert server.sent == {"hero": [()], "fox": [(image("hero #1"),)]}
    write({**HERO, "prompt": "heroine"}, {**FOX, "prompt": "cub"})
    run = batch(nb, server, "--only", "fox.png", code=3)
    assert "for hero.png, which is out of date and not selected" in run.err
    run = batch(nb, server, "--remake", "fox.png", "--check", code=3)
    assert "waiting" in run.out
    assert server.calls.total() == 2


def test_images_made_from_each_other_are_in_one_shard(nb: Nb, server: CountingServer) -> None:
    rows: list[dict[str, Any]] = []
    for name in "abcdef":
        rows.append({"prompt": name, "output": f"{name}.png"})
        rows.append({"prompt": f"{name} 2", "output": f"{name}2.png", "images": [f"{name}.png"]})
    write(*rows)
    shards = [set(plan(nb, "--shard", f"{number}/3")) for number in (1, 2, 3)]
    assert len([each for each in shards if each]) > 1
    for shard in shards:
        assert shard == {f"{name[0]}{end}.png" for name in shard for end in ("", "2")}
    for number in (1, 2, 3):
        batch(nb, server, "--shard", f"{number}/3")
    batch(nb, server, "--check")
    # It stays so once the images are there.
    assert [set(plan(nb, "--shard", f"{number}/3")) for number in (1, 2, 3)] == shards
    assert server.calls.total() == 12


@pytest.mark.parametrize("limit", ["--max-cost=0.06", "--max-images=1", "--limit=1"])
def test_limits_take_parents_first(nb: Nb, server: CountingServer, limit: str) -> None:
    write(HARE, FOX, HERO)
    for names in (["hero"], ["hero", "fox"], ["hero", "fox", "hare"]):
        run = nb("batch", "m.jsonl", limit, env=server.env | {"NB_PROVIDER": "wisgate"})
        assert run.code in (0, 8), run.err
        assert list(server.calls) == names
    batch(nb, server, limit)
    assert server.calls == {"hero": 1, "fox": 1, "hare": 1}


def test_shuffled_images_come_after_their_parents(nb: Nb, server: CountingServer) -> None:
    rows: list[dict[str, Any]] = [HERO]
    for n in range(8):
        before = f"{n - 1}.png" if n else "hero.png"
        rows.append({"prompt": f"fox {n}", "output": f"{n}.png", "images": [before]})
    write(*reversed(rows))
    batch(nb, server, "--shuffle")
    assert list(server.calls) == ["hero", *(f"fox {n}" for n in range(8))]


def test_a_parent_that_is_converted_or_moved_costs_nothing(nb: Nb, server: CountingServer) -> None:
    write(HERO, FOX)
    batch(nb, server)
    write({**HERO, "output": "art/hero.webp"}, {**FOX, "images": ["art/hero.webp"]})
    assert (
        plan(nb)
        == {
            "art/hero.webp": ("reuse", "is there as hero.png"),
            "fox.png": ("unchanged", ""),
        }
        or plan(nb)["fox.png"][0] == "unchanged"
    )
    batch(nb, server)
    batch(nb, server, "--check")
    write(
        {**HERO, "output": "art/hero.webp"},
        {**FOX, "output": "b/fox.png", "images": ["art/hero.webp"]},
        {"prompt": "cub", "output": "cub.png", "images": ["art/hero.webp"]},
    )
    batch(nb, server)
    batch(nb, server, "--check")
    assert server.calls == {"hero": 1, "fox": 1, "cub": 1}
    assert server.sent["cub"] == [(Path("art/hero.webp").read_bytes(),)]


def test_a_parent_that_is_reused_is_what_its_child_is_sent(nb: Nb, server: CountingServer) -> None:
    write(HERO)
    batch(nb, server)
    write({**HERO, "output": "new.webp"}, {**FOX, "images": ["new.webp"], "output": "cub.png"})
    batch(nb, server)
    assert server.sent["fox"] == [(Path("new.webp").read_bytes(),)]
    batch(nb, server, "--check")


def test_metadata_in_a_parent_makes_nothing_out_of_date(nb: Nb, server: CountingServer) -> None:
    write(HERO, FOX)
    batch(nb, server)
    whole = Path("hero.png").read_bytes()
    end = whole.rindex(b"IEND") - 4
    Path("hero.png").write_bytes(whole[:end] + pngs.chunk(b"tEXt", b"a\0b") + whole[end:])
    batch(nb, server, "--check")
    write(HERO, FOX, HARE)
    batch(nb, server)
    assert server.sent["hare"][0][1] == Path("hero.png").read_bytes()
    batch(nb, server, "--check")


def test_a_sandbox_parent_never_feeds_a_paid_child(nb: Nb) -> None:
    write(HERO)
    assert nb("batch", "m.jsonl", "--provider", "sandbox").code == 0
    write(HERO, FOX)
    paid = {"WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
    run = nb("batch", "m.jsonl", "--dry-run", "--json", env=paid)
    found = [(line["plan"], line["reason"]) for line in map(json.loads, run.out.splitlines())]
    assert found == [("changed", "the sandbox made it"), ("make", "after hero.png")]
    run = nb("batch", "m.jsonl", "--only", "fox.png", env=paid)
    assert run.code == 3
    assert "for hero.png, which is out of date and not selected" in run.err


@pytest.mark.parametrize("is_there", [False, True])
def test_outputs_elsewhere(nb: Nb, server: CountingServer, is_there: bool) -> None:
    # A file beside the manifest is what it names; else the image in the output folder is.
    Path("out").mkdir()
    if is_there:
        Path("hero.png").write_bytes(image("mine"))
    write(HERO, FOX, {"prompt": "cub", "output": "cub.png", "images": ["out/fox.png"]})
    batch(nb, server, "-o", "out")
    hero = image("mine" if is_there else "hero #1")
    assert server.sent == {"hero": [()], "fox": [(hero,)], "cub": [(image("fox #1"),)]}
    batch(nb, server, "-o", "out", "--check")


@pytest.mark.parametrize(
    ("parent", "name"),
    [
        ({"prompt": "a red hero"}, "a-red-hero.png"),
        ({"prompt": "a red hero"}, "a-red-hero.jpg"),
        ({"prompt": "a red hero", "output": "art/"}, "art/a-red-hero.png"),
        ({"prompt": "hero", "output": "hero.png", "count": 2}, "hero-2.png"),
        ({"prompt": "{k} hero", "output": "{k}.png", "matrix": {"k": ["a", "b"]}}, "b.png"),
        ({"prompt": "hero", "output": "./art//hero.png"}, "art/../art/hero.png"),
        ({"prompt": "hero", "output": "art/hero"}, "art/hero"),
        ({"prompt": "hero", "output": "art/hero"}, "art/hero.jpg"),
        ({"prompt": "hero", "output": "hero", "format": "png"}, "hero.png"),
    ],
)
def test_names_that_rows_make(
    nb: Nb, server: CountingServer, parent: dict[str, Any], name: str
) -> None:
    write({**FOX, "images": [name]}, parent)
    batch(nb, server)
    assert list(server.calls)[-1] == "fox"
    made = [path.read_bytes() for path in Path().rglob("*.png")]
    assert server.sent["fox"][0][0] in made
    batch(nb, server, "--check")
    count = server.calls.total()
    batch(nb, server)
    assert server.calls.total() == count


def test_rows_without_output_that_share_a_prompt(nb: Nb, server: CountingServer) -> None:
    hares = [{"prompt": "hare", "images": [name]} for name in ("hero.png", "fox.png")]
    write(HERO, FOX, *hares)
    names = list(plan(nb))
    batch(nb, server)
    assert {name.replace(".*", ".png") for name in names} == {
        str(path) for path in Path().glob("*.png")
    }
    batch(nb, server, "--check")


def test_a_child_keeps_the_shape_that_its_parent_got(nb: Nb) -> None:
    write({**HERO, "aspect": "21:9"}, FOX)
    run = nb("batch", "m.jsonl", "--provider", "sandbox", "--json")
    assert [json.loads(line)["aspect"] for line in run.out.splitlines()] == ["21:9", "21:9"]
    planned = nb("batch", "m.jsonl", "--dry-run", "--json", "--provider", "sandbox")
    assert [json.loads(line)["plan"] for line in planned.out.splitlines()] == ["unchanged"] * 2


def test_accept_takes_parents_with_their_children(nb: Nb, server: CountingServer) -> None:
    write(HERO, FOX)
    Path("fox.png").write_bytes(image("mine"))
    run = nb("batch", "m.jsonl", "--accept", "fox.png")
    assert run.code == 6
    assert "fox.png cannot be accepted before hero.png, which it is made from" in run.err
    Path("hero.png").write_bytes(image("my hero"))
    batch(nb, server, "--accept", "*")
    batch(nb, server, "--check")
    assert not server.calls


def test_prune_keeps_what_a_child_would_reuse(nb: Nb, server: CountingServer) -> None:
    write(HERO, FOX)
    batch(nb, server)
    write(HERO, {**FOX, "output": "b/fox.png"})
    run = nb("batch", "m.jsonl", "--prune", "--delete")
    assert "fox.png is what a row without a file asks for, so it stays" in run.err
    batch(nb, server)
    assert server.calls.total() == 2


def test_a_parent_made_again_as_it_was_makes_nothing_out_of_date(nb: Nb) -> None:
    write(HERO, FOX, HARE)
    with CountingServer() as server:
        batch(nb, server)
        Path("hero.png").unlink()
        assert "3 to make" in nb("batch", "m.jsonl", "--dry-run").err
        run = batch(nb, server, "--json")
        statuses = [json.loads(line)["status"] for line in run.out.splitlines()]
        assert statuses == ["written", "unchanged", "unchanged"]
        assert server.calls == {"hero": 2, "fox": 1, "hare": 1}


@pytest.mark.parametrize("option", ["--only=hero.png", "--remake=hero.png"])
def test_a_run_says_what_it_leaves_out_of_date(nb: Nb, server: CountingServer, option: str) -> None:
    write(HERO, FOX, HARE)
    batch(nb, server)
    write({**HERO, "size": "2K"}, FOX, {**HARE, "output": "new.png"})
    told = "1 image is out of date then, to be made by another run for $0.058"
    assert told in nb("batch", "m.jsonl", "--dry-run", option).err
    assert told in batch(nb, server, option).err
    assert server.calls == {"hero": 2, "fox": 1, "hare": 1}
    batch(nb, server)
    assert server.calls == {"hero": 2, "fox": 2, "hare": 2}
    assert server.sent["hare"][1] == (image("fox #2"), image("hero #2"))


def test_a_doubt_about_a_child_outlasts_its_parents_remaking(nb: Nb) -> None:
    write(HERO, FOX, HARE)
    with CountingServer(lambda prompt, _: 502 if prompt == "fox" else 200) as server:
        batch(nb, server, code=3)
        Path("hero.png").unlink()
        run = batch(nb, server, "--json", code=3)
        _, line, last = map(json.loads, run.out.splitlines())
        assert (line["status"], line["error"]["charged"]) == ("skipped", "no")
        assert (last["output"], last["status"]) == ("hare.png", "skipped")
        assert line["error"]["message"].endswith("--retry unknown makes it again")
        assert server.calls == {"hero": 2, "fox": 1}


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows, each made from some of those before it, in any order."""
    rows: list[dict[str, Any]] = []
    for n in range(draw(st.integers(2, 7))):
        before = [row["output"] for row in rows]
        images = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if n else []
        rows.append({"prompt": f"fox {n}", "output": f"{n}.png", "images": images})
    return draw(st.permutations(rows))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    graphs(),
    st.lists(st.sampled_from([200, 200, 200, 400, 502, 0]), min_size=7, max_size=7),
    st.sets(st.integers(0, 6), max_size=2),
    st.sampled_from(["1", "4"]),
)
def test_each_child_is_sent_its_parents_last_images_and_paid_for_once(
    nb: Nb, rows: list[dict[str, Any]], first: list[int], edited: set[int], concurrency: str
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        CountingServer(lambda prompt, _: first[int(prompt[4])], repeats=False) as server,
    ):
        options = ("--concurrency", concurrency, "--json")
        write(*rows)
        nb("batch", "m.jsonl", *options, env=server.env)
        # What came cut was paid for, and is asked for again.
        cut = {prompt for prompt in server.charged if first[int(prompt[4])] == 0}
        server.answer = lambda *_: 200
        batch(nb, server, *options, "--retry", "all")
        for row in rows:
            assert server.charged[row["prompt"]] == 1 + (row["prompt"] in cut)
        check_references(server, rows)
        changed = [
            {**row, "prompt": row["prompt"] + "!"} if int(row["output"][0]) in edited else row
            for row in rows
        ]
        stale = {row["output"] for row, then in zip(changed, rows, strict=True) if row != then}
        for _ in rows:
            stale |= {row["output"] for row in rows if stale & {*row["images"]}}
        write(*changed)
        before = server.calls.total()
        planned = [path for path, (what, _) in plan(nb).items() if what != "unchanged"]
        assert set(planned) == stale
        batch(nb, server, *options)
        assert server.calls.total() == before + len(stale)
        check_references(server, changed)
        batch(nb, server, "--check")


def check_references(server: CountingServer, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        now = tuple(Path(name).read_bytes() for name in row["images"])
        assert server.sent[row["prompt"]][-1] == now
