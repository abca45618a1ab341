"""What a run shows: failures by cause, what to do next, and what was left as it is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import Nb
from support.counting_server import CountingServer, image
from support.crash import write
from support.pty_run import run_in_pty

from nanobanana_cli.commands.batch.failures import FailedRow, blocks
from nanobanana_cli.errors import BadReply, Charged, NoImage, Rejected

PRICE = 58_000


def refused(number: int, charged: Charged, cost: int | None = PRICE) -> FailedRow:
    error = NoImage(f"refused after {number} s", charged=charged)
    return FailedRow(f"{number}.png", error, cost)


def test_a_cause_says_what_each_of_its_calls_cost() -> None:
    rows = [
        refused(1, Charged.NO),
        refused(2, Charged.MAYBE),
        refused(3, Charged.MAYBE),
        refused(4, Charged.MAYBE, None),
        refused(5, Charged.YES),
        FailedRow("x.png", Rejected("no such model", hint="nb models\nlists them"), PRICE),
        FailedRow("y.png", BadReply("not JSON"), None),
    ]
    assert list(blocks(rows)) == [
        "5 × refused after 1 s",
        "  hint: rephrase the prompt",
        (
            "  1 charged ($0.058), 3 may have been charged ($0.116 and 1 of unknown price), "
            "1 not charged"
        ),
        "  1.png, 2.png, 3.png and 2 more",
        "1 × no such model",
        "  hint: nb models",
        "  hint: lists them",
        "  1 not charged",
        "  x.png",
        "1 × not JSON",
        "  hint: nothing was saved; running it again is a new, paid call",
        "  1 may have been charged (price unknown)",
        "  y.png",
    ]


def test_many_causes_are_cut_short() -> None:
    rows = [FailedRow("x.png", Rejected(f"cause {chr(65 + n)}"), PRICE) for n in range(23)]
    assert list(blocks(rows))[-1] == "… and 3 more causes"


def answer(prompt: str, _nth: int) -> int:
    return {"fox 1": 400, "fox 2": 0, "fox 3": 0}.get(prompt, 200)


@pytest.mark.parametrize("quiet", [False, True])
def test_failures_are_told_by_cause(nb: Nb, quiet: bool) -> None:
    write(4)
    with CountingServer(answer) as server:
        run = nb("batch", "m.jsonl", *(["-q"] if quiet else []), env=server.env)
    assert run.code == 3
    lines = run.err.splitlines()
    assert lines.count("  2 may have been charged ($0.116)") == 1
    assert lines.count("  1 not charged") == 1
    assert sum(line.startswith("  hint: what came of the reply is kept as") for line in lines) == 2
    told = sorted(line.partition(": ")[2][:6] for line in lines if line.startswith("failed: "))
    assert told == ([] if quiet else ["1.png:", "2.png:", "3.png:"])
    assert not [line for line in lines if line.startswith("note: ")]


def test_the_hint_repeats_the_options(nb: Nb) -> None:
    write(2)
    Path("my out").mkdir()
    options = ("-o", "my out", "-s", "2K", "--concurrency", "1", "--only", "*.png")
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 1" else 200) as server:
        run = nb("batch", "m.jsonl", *options, env=server.env)
    command = "nb batch m.jsonl --only '*.png' --concurrency 1 --output 'my out' --size 2K"
    assert f"\nhint: run it again to continue: {command}\n" in run.err
    run = nb("batch", "m.jsonl", "--check", *options, env=server.env)
    assert f"\nhint: {command}\n" in run.err


def test_the_hint_remakes_nothing_twice(nb: Nb) -> None:
    rows = [{"prompt": f"fox {n}", "output": f"[{n}].png"} for n in range(3)]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", env=server.env).code == 0
        server.answer = lambda prompt, _: 0 if prompt == "fox 1" else 200
        run = nb("batch", "m.jsonl", "--remake", "*", env=server.env)
        command = "nb batch m.jsonl --remake '[[]1].png'"
        assert f"\nhint: run this to continue: {command}\n" in run.err
        server.calls.clear()
        server.answer = lambda _prompt, _nth: 200
        assert nb(*shlex.split(command)[1:], env=server.env).code == 0
        assert server.calls == {"fox 1": 1}
        server.answer = lambda _prompt, _nth: 400
        rows += [{"prompt": f"owl {n}", "output": f"{n}.png"} for n in range(9)]
        Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
        run = nb("batch", "m.jsonl", "--remake", "*", env=server.env)
    hint = "hint: run it again with --remake for the images that are missing\n"
    assert hint in run.err


def test_conversions_are_told_once(nb: Nb) -> None:
    rows = [{"prompt": f"fox {n}", "output": f"{n}.jpg"} for n in range(3)]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
    assert run.code == 0
    assert [line for line in run.err.splitlines() if "converted" in line] == [
        (
            "note: 3 images: the service sent png, converted to jpeg: provenance metadata "
            "(C2PA, XMP) is lost; as .png it is kept"
        )
    ]


def test_the_line_of_an_image_left_as_it_is_is_whole(nb: Nb) -> None:
    row = {"prompt": "a fox", "output": "fox.png", "alt": True, "id": "x"}
    Path("m.jsonl").write_text(json.dumps(row))
    with CountingServer() as server:
        first, second = (
            json.loads(nb("batch", "m.jsonl", "--json", env=server.env).out) for _ in range(2)
        )
        Path("fox.png").write_bytes(image("my own"))
        third = json.loads(nb("batch", "m.jsonl", "--skip-existing", "--json", env=server.env).out)
    assert first["alt"] == "Seen: a fox."
    assert first["width"] == 8
    assert "is 8×8, smaller" in first.pop("notes")[0]
    about_the_call = dict.fromkeys(("model_version", "seconds", "response_id", "usage"))
    expected = {**first, **about_the_call, "attempts": 0, "cost_usd": 0, "status": "unchanged"}
    assert second == expected
    assert (third["status"], third["bytes"]) == ("skipped", len(image("my own")))
    assert (third["cost_usd"], third["alt"]) == (0, "Seen: a fox.")


def test_the_bar_is_not_red_while_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    monkeypatch.setenv("COLORTERM", "truecolor")
    with CountingServer(latency=0.5) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        code, screen = run_in_pty("batch", "m.jsonl", "--concurrency", "1")
    assert code == 0
    assert "1/3" in screen
    assert "\x1b[32m━" in screen
    assert "249;38;114" not in screen


def test_an_unknown_price_is_no_sum(nb: Nb) -> None:
    write(2)
    with CountingServer(lambda *_: 502) as server:
        told = [
            nb("batch", "m.jsonl", "-m", "my-model", *option, env=server.env)
            for option in (("--dry-run",), (), ("--status",))
        ]
    assert "2 make; 2 to make for an unknown price; nothing was sent\n" in told[0].err
    assert told[1].summary == "0 made for an unknown price, 2 failed"
    assert "hint: --retry unknown makes 2 again for an unknown price\n" in told[1].err
    assert "the ledger records an unknown price, nothing was sent\n" in told[2].err


def test_hints_are_those_of_a_batch(nb: Nb) -> None:
    """`--dry-run` shows no request there, and running it again repeats no call."""
    write(2)
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 1" else 502) as server:
        run = nb("batch", "m.jsonl", "--json", env=server.env)
        again = nb("batch", "m.jsonl", "--json", env=server.env)
    hints = {
        "1.png": "check the row's settings",
        "0.png": "check the account's usage first; --retry unknown is a new, paid call",
    }
    for each in (run, again):
        lines = map(json.loads, each.out.splitlines())
        assert {line["output"]: line["error"]["hint"] for line in lines} == hints
    assert all(f"  hint: {hint}\n" in run.err for hint in hints.values())


def test_a_hint_repeats_no_retry(nb: Nb) -> None:
    write(3)
    answers = {"fox 0": 502, "fox 1": 400}
    with CountingServer(lambda prompt, _: answers.get(prompt, 200)) as server:
        for _ in range(2):
            run = nb("batch", "m.jsonl", "--retry", "all", "-q", env=server.env)
            assert run.err.splitlines()[-5:] == [
                "nb: 2 of 3 images are missing",
                "hint: run it again to continue: nb batch m.jsonl --quiet",
                "hint: --retry unknown makes 1 again for $0.058",
                "hint: nb batch m.jsonl --retry unknown --quiet",
                "May have been charged.",
            ]
        # Nor does it lead to what this run was to make again, and did not try.
        answers.update({"fox 1": 502, "fox 0": 401})
        assert nb("batch", "m.jsonl", env=server.env).code == 3
        run = nb("batch", "m.jsonl", "--retry", "all", "--concurrency", "1", env=server.env)
        assert (run.code, run.summary) == (4, "0 made for $0, 1 unchanged, 2 not made")
        server.calls.clear()
        assert nb("batch", "m.jsonl", env=server.env).code == 4
        assert server.calls == {"fox 0": 1}


def test_images_that_are_there_are_not_missing(nb: Nb) -> None:
    rows = [
        {"prompt": "mute", "output": "mute.png", "alt": True},
        {"prompt": "fox", "output": "fox.png"},
        {"prompt": "owl", "output": "owl.png"},
    ]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows[:2])))
    with CountingServer(lambda prompt, _: 502 if prompt in ("text of mute", "owl") else 200) as on:
        run = nb("batch", "m.jsonl", env=on.env)
        assert "nb: 1 of 2 images are without text\n" in run.err
        assert "hint: run it again to continue: nb batch m.jsonl\n" in run.err
        rows[1] = {"prompt": "owl", "output": "fox.png"}
        Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
        for _ in range(2):
            run = nb("batch", "m.jsonl", env=on.env)
            message = "1 of 3 images are missing, 1 out of date, 1 without text"
            assert (run.code, f"nb: {message}\n" in run.err) == (3, True)
        assert on.calls == {"mute": 1, "fox": 1, "text of mute": 1, "owl": 2}
        status = nb("batch", "m.jsonl", "--status", "--json").out.splitlines()
        line = json.loads(status[0])
        assert (line["status"], line["path"], line["width"]) == ("failed", "mute.png", 8)
        assert line["details"].startswith("its text: the service did not finish")


def test_the_line_of_a_text_alone_is_whole(nb: Nb) -> None:
    row = {"prompt": "a fox", "output": "fox.png"}
    Path("m.jsonl").write_text(json.dumps(row))
    with CountingServer() as server:
        first = json.loads(nb("batch", "m.jsonl", "--json", env=server.env).out)
        Path("m.jsonl").write_text(json.dumps({**row, "alt": True}))
        second = json.loads(nb("batch", "m.jsonl", "--json", env=server.env).out)
    assert (second["alt"], second["cost_usd"]) == ("Seen: text of a fox.", PRICE / 1e6)
    names = ("path", "prompt", "model", "aspect", "size", "mime_type", "width", "bytes", "sha256")
    assert [second[name] for name in names] == [first[name] for name in names]
