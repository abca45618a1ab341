"""Rows that go on from the conversations of others: `continue = "fox.png"`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.comparing_server import ComparingServer
from support.replies import picture

_SANDBOX = {"NB_PROVIDER": "sandbox"}
_THREE = """
[defaults]
size = "0.5K"

[[image]]
prompt = "and let it snow"
continue = "night.png"
output = "snow.png"

[[image]]
prompt = "now at night"
continue = "fox.png"
output = "night.png"

[[image]]
prompt = "a red fox"
aspect = "21:9"
output = "fox.png"
"""


def _run(nb: Nb, manifest: str, *more: str, env: dict[str, str] | None = None) -> Run:
    Path("m.toml").write_text(manifest)
    return nb("batch", "m.toml", *more, env=env or _SANDBOX)


def _states(run: Run) -> dict[str, str]:
    records = [json.loads(line) for line in run.out.splitlines()]
    return {each["output"]: each["status"] for each in records}


def _chat(name: str) -> dict[str, Any]:
    found = json.loads(Path(name).read_bytes())
    assert isinstance(found, dict)
    return found


def test_rows_go_on_from_each_other_in_their_order(nb: Nb) -> None:
    with ComparingServer() as server:
        run = _run(nb, _THREE, "--json", env=server.env)
        assert run.code == 0, run.err
        assert server.altered == []
        assert [len(each["contents"]) for each in server.requests] == [1, 3, 5]
        last = server.requests[-1]
        assert last["generationConfig"]["imageConfig"]["aspectRatio"] == "21:9"
        texts = [
            part["text"] for turn in last["contents"] for part in turn["parts"] if "text" in part
        ]
        assert texts == ["a red fox", "now at night", "and let it snow"]
        records = {each["output"]: each for each in map(json.loads, run.out.splitlines())}
        assert {name: each["chat_path"] for name, each in records.items()} == {
            "fox.png": "fox.chat.json",
            "night.png": "night.chat.json",
            "snow.png": "snow.chat.json",
        }
        again = _run(nb, _THREE, env=server.env)
        assert (again.code, len(server.requests)) == (0, 3)
        # A row that was made goes on outside of the batch, too.
        run = nb("generate", "x", "--continue", "snow.png", "-o", "x.png", env=server.env)
        assert (run.code, server.altered) == (0, [])


def test_a_remade_turn_makes_the_later_ones_out_of_date(nb: Nb) -> None:
    assert _run(nb, _THREE).code == 0
    plan = _run(nb, _THREE.replace("now at night", "at dawn"), "--dry-run").out
    assert [line.split("\t")[::3] for line in plan.splitlines()] == [
        ["changed", "conversation night.png"],
        ["changed", "prompt"],
        ["unchanged", ""],
    ]
    run = _run(nb, _THREE.replace("now at night", "at dawn"), "--json")
    assert _states(run) == {"fox.png": "unchanged", "night.png": "written", "snow.png": "written"}
    texts = [turn["parts"][0].get("text") for turn in _chat("snow.chat.json")["contents"]]
    assert texts[::2] == ["a red fox", "at dawn", "and let it snow"]
    assert sorted(map(str, Path().glob("*.old-*"))) == []


def test_remake_keeps_image_and_conversation(nb: Nb) -> None:
    assert _run(nb, _THREE).code == 0
    old = Path("night.chat.json").read_bytes()
    run = _run(nb, _THREE, "--remake", "night.png")
    assert run.code == 0
    assert Path("night.old-1.chat.json").read_bytes() == old
    assert Path("night.old-1.png").exists()
    run = nb("generate", "x", "--continue", "night.old-1.png", "-o", "x.png", env=_SANDBOX)
    assert run.code == 0


def test_a_conversation_of_the_user_is_moved_and_never_lost(nb: Nb) -> None:
    Path("fox.chat.json").write_text("mine")
    assert _run(nb, _THREE).code == 0
    assert Path("fox.old-1.chat.json").read_text() == "mine"


def test_an_image_that_is_there_without_a_conversation_holds_its_row(nb: Nb) -> None:
    one = '[[image]]\nprompt = "a fox"\noutput = "fox.png"\n'
    assert _run(nb, one).code == 0
    two = one + '[[image]]\nprompt = "b"\ncontinue = "fox.png"\noutput = "b.png"\n'
    run = _run(nb, two, "--json")
    assert (run.code, _states(run)["b.png"]) == (3, "skipped")
    assert "fox.png, which has no conversation: --remake fox.png makes it with one" in run.out
    assert _run(nb, two, "--remake", "fox.png").code == 0
    run = _run(nb, two, "--json")
    assert (run.code, _states(run)["b.png"]) == (0, "written")


def test_chat_keeps_the_conversation_of_any_row(nb: Nb) -> None:
    rows = '{"prompt": "a", "output": "a.png", "chat": true}\n{"prompt": "b", "output": "b.png"}\n'
    Path("m.jsonl").write_text(rows)
    assert nb("batch", "m.jsonl", env=_SANDBOX).code == 0
    assert sorted(map(str, Path().glob("*.chat.json"))) == ["a.chat.json"]


def test_a_conversation_that_no_row_makes_counts_by_its_content(nb: Nb) -> None:
    nb("generate", "a fox", "--chat", "-a", "16:9", "-o", "old.png", env=_SANDBOX)
    Path("ref.png").write_bytes(picture(64, 64))
    row = '[[image]]\nprompt = "b"\ncontinue = "{}"\nimages = ["ref.png"]\noutput = "b.png"\n'
    run = _run(nb, row.format("old.png"), "--json")
    assert (run.code, json.loads(run.out)["aspect"]) == (0, "16:9"), run.err
    assert len(_chat("b.chat.json")["contents"][2]["parts"]) == 2
    assert _states(_run(nb, row.format("old.chat.json"), "--json")) == {"b.png": "unchanged"}
    nb("generate", "a hare", "--chat", "-a", "16:9", "-o", "old.png", "--force", env=_SANDBOX)
    plan = _run(nb, row.format("old.png"), "--dry-run")
    assert "conversation" in plan.out + plan.err
    assert _states(_run(nb, row.format("old.png"), "--json")) == {"b.png": "written"}
    # As a reference image it asks for something else.
    assert "changed" in _run(nb, row.format("old.png").replace("continue", "note"), "--dry-run").out


def test_an_image_at_hand_brings_its_conversation(nb: Nb) -> None:
    assert _run(nb, _THREE).code == 0
    moved = _THREE.replace('"night.png"', '"dark.png"')
    run = _run(nb, moved, "--json")
    assert set(_states(run).values()) <= {"unchanged", "written"}
    assert _chat("dark.chat.json") == _chat("night.chat.json")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('continue = "no.png"', "continue: no.png: no such file"),
        ('continue = "bare.png"', "continue: bare.png has no conversation beside it"),
        ('continue = ""', "continue: --continue needs an image"),
        ('continue = "b.png"', "b.png would be made from itself"),
        ("continue = 3", "continue: must be a string"),
        ('chat = "yes"', "chat: must be true or false"),
        ('continues = "b.png"', "did you mean continue?"),
        ('continue = "a.png"\nmodel = "pro"', "a.png is made by gemini-3.1-flash-image-preview"),
    ],
)
def test_what_cannot_be_gone_on_from_is_said_before_anything_is_sent(
    nb: Nb, row: str, says: str
) -> None:
    Path("bare.png").write_bytes(picture())
    first = '[[image]]\nprompt = "a"\noutput = "a.png"\n'
    run = _run(nb, f'{first}[[image]]\nprompt = "b"\noutput = "b.png"\n{row}\n')
    assert (run.code, run.out) == (2, "")
    assert says in run.err
    assert not Path("a.png").exists()


def test_two_rows_do_not_share_a_conversation(nb: Nb) -> None:
    rows = [f'[[image]]\nprompt = "a"\nchat = true\noutput = "a.{s}"\n' for s in ("png", "jpg")]
    run = _run(nb, "".join(rows))
    assert (run.code, "a.chat.json" in run.err) == (2, True)


def test_a_conversation_of_another_provider_is_refused(nb: Nb) -> None:
    nb("generate", "a fox", "--chat", "-o", "old.png", env=_SANDBOX)
    row = '[[image]]\nprompt = "b"\ncontinue = "old.png"\noutput = "b.png"\n'
    run = _run(nb, row, env={"WISDOM_GATE_KEY": "secret-key-123456"})
    assert (run.code, "was made by sandbox, and wisgate cannot go on from it" in run.err) == (
        2,
        True,
    )


def test_an_estimate_counts_the_images_of_the_turns_before(nb: Nb) -> None:
    env = {"NB_PROVIDER": "google"}
    run = _run(nb, _THREE.replace("0.5K", "1K"), "--dry-run", "--json", env=env)
    costs = {each["path"]: each["cost_usd"] for each in map(json.loads, run.out.splitlines())}
    assert costs["fox.png"] < costs["night.png"] < costs["snow.png"]


def test_prune_takes_the_conversation_along_unless_it_is_anothers(nb: Nb) -> None:
    assert _run(nb, _THREE).code == 0
    left = _THREE[: _THREE.index("[[image]]")] + _THREE[_THREE.rindex("[[image]]") :]
    Path("night.chat.json").write_text("mine")
    run = _run(nb, left, "--prune", "--delete")
    assert run.code == 0
    names = {"night.png": False, "snow.png": False, "fox.png": True}
    names |= {"night.chat.json": True, "snow.chat.json": False}
    assert {name: Path(name).exists() for name in names} == names


def test_an_image_at_hand_that_replaces_another_brings_its_conversation(nb: Nb) -> None:
    rows = [f'[[image]]\nprompt = "{p}"\nchat = true\noutput = "{p}.png"\n' for p in ("a", "b")]
    assert _run(nb, "".join(rows)).code == 0
    former, wanted = _chat("b.chat.json"), _chat("a.chat.json")
    child = '[[image]]\nprompt = "c"\ncontinue = "b.png"\noutput = "c.png"\n'
    run = _run(nb, rows[0].replace("a.png", "b.png") + child, "--json")
    assert _states(run) == {"b.png": "written", "c.png": "written"}
    assert Path("b.png").read_bytes() == Path("a.png").read_bytes()
    assert (_chat("b.chat.json"), _chat("b.old-1.chat.json")) == (wanted, former)
    assert _chat("c.chat.json")["contents"][0]["parts"][0]["text"] == "a"


def test_a_converted_image_keeps_its_conversation(nb: Nb) -> None:
    row = '[[image]]\nprompt = "a"\nchat = true\noutput = "a.{}"\n'
    assert _run(nb, row.format("png")).code == 0
    before = Path("a.chat.json").read_bytes()
    assert _states(_run(nb, row.format("jpg"), "--json")) == {"a.jpg": "written"}
    assert {path.name for path in Path().glob("*.json")} == {"a.chat.json"}
    assert Path("a.chat.json").read_bytes() == before
