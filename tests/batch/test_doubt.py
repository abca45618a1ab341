"""What may have been paid for is listed with its price, and made again only when told to."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from conftest import Nb, NbProcess, Run
from support.counting_server import CountingServer, reply
from support.ledgers import as_form_1
from support.wire_server import Answer, WireServer

ROW = {"prompt": "fox", "output": "fox.png"}
KEY = {"WISDOM_GATE_KEY": "sk-very-secret-key-123"}
MADE = Answer(body=json.dumps(reply("fox")).encode())
REFUSED = Answer(body=json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}).encode())
TEXT = {"candidates": [{"content": {"parts": [{"text": "No."}]}, "finishReason": "STOP"}]}
DOUBTS = {
    "refused": [
        REFUSED,
        Answer(body=json.dumps(TEXT).encode()),
    ],
    "bad-reply": [
        Answer(body=b"<html>"),
        Answer(body=json.dumps(reply("fox")).replace("iVBOR", "iVBOX").encode()),
    ],
    "unknown": [
        Answer(body=MADE.body, stall=200),
        Answer(body=MADE.body, cut=200),
        Answer(502, body=b"<html>bad gateway</html>"),
        Answer(504, body=b"{}"),
        Answer(body=MADE.body, cut=100, reset=True),
    ],
}
CASES = [(kind, answer) for kind, answers in DOUBTS.items() for answer in answers]


def run(nb: Nb, server: WireServer, *options: str) -> Run:
    Path("m.jsonl").write_text(json.dumps(ROW))
    return nb("batch", "m.jsonl", *options, env={"NB_BASE_URL": server.url, **KEY})


@pytest.mark.parametrize(("kind", "answer"), CASES)
def test_it_is_made_again_only_when_told_to(nb: Nb, kind: str, answer: Answer) -> None:
    with WireServer(answer, MADE) as server:
        first = run(nb, server, "--timeout", "60" if answer.stall is None else "1")
        hint = f"hint: --retry {kind} makes 1 again for $0.058\n"
        assert (first.code, hint in first.err) == (3, True), first.err
        others = [each for each in DOUBTS if each != kind]
        for options in ((), *(("--retry", each) for each in others), ("--force",)):
            again = run(nb, server, *options)
            assert (again.code, again.out) == (3, "")
            assert hint in again.err
            assert "left alone, $0.058 to make it again" in again.err
        plan = run(nb, server, "--dry-run").out.split("\t")
        assert (plan[:3], len(plan[3]) > 5) == ([kind, "fox.png", "$0.058"], True)
        check = run(nb, server, "--check")
        assert (check.code, hint in check.err) == (3, True)
        assert len(server.requests) == 1
        retried = run(nb, server, "--retry", others[0], "--retry", kind)
        assert (retried.code, retried.out) == (0, "fox.png\n")
        assert run(nb, server, "--check").code == 0
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_is_free_is_made_again_by_every_run(nb: Nb, status: int) -> None:
    with WireServer(Answer(status, body=b'{"error": {"message": "no"}}'), MADE) as server:
        # Some of these end a run, with the status of their own.
        assert run(nb, server).code in (3, 4, 7)
        assert run(nb, server).code == 0
        assert len(server.requests) == 2


def test_a_refusal_that_is_free_waits_too(nb: Nb) -> None:
    body = {"error": {"message": "blocked", "code": "sensitive_words_detected"}}
    with WireServer(Answer(400, body=json.dumps(body).encode()), MADE) as server:
        first = run(nb, server, "--json")
        error = json.loads(first.out)["error"]
        assert (error["kind"], error["charged"]) == ("refused", "no")
        assert run(nb, server).code == 3
        assert len(server.requests) == 1
        assert run(nb, server, "--retry", "refused").code == 0


def test_another_prompt_is_another_call(nb: Nb) -> None:
    with WireServer(REFUSED, MADE) as server:
        assert run(nb, server).code == 3
        Path("n.jsonl").write_text(json.dumps({**ROW, "prompt": "a kind fox"}))
        Path("m.ledger.jsonl").rename("n.ledger.jsonl")
        assert nb("batch", "n.jsonl", env={"NB_BASE_URL": server.url, **KEY}).code == 0


def test_it_stays_in_doubt_when_the_manifest_is_renamed(nb: Nb) -> None:
    with WireServer(REFUSED, MADE) as server:
        assert run(nb, server).code == 3
        Path("m.jsonl").rename("n.jsonl")
        assert nb("batch", "n.jsonl", env={"NB_BASE_URL": server.url, **KEY}).code == 3
        assert len(server.requests) == 1


def test_it_stays_in_doubt_under_another_name(nb: Nb) -> None:
    """The output's name is no part of what is asked; one call puts one row in doubt."""
    with CountingServer(lambda prompt, _: 502 if prompt == "fox" else 200) as server:

        def batch(*rows: dict[str, str], options: tuple[str, ...] = ()) -> Run:
            Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
            return nb("batch", "m.jsonl", *options, env=server.env)

        assert batch(ROW).code == 3
        for name in ("reynard.png", "reynard.webp", "red/"):
            run = batch({**ROW, "output": name})
            assert (run.code, "--retry unknown makes 1 again for $0.058" in run.err) == (3, True)
        assert server.calls == {"fox": 1}
        # One call makes one row doubtful.
        assert batch({**ROW, "output": "a.png"}, {**ROW, "output": "b.png"}).code == 3
        assert server.calls == {"fox": 2}
        server.answer = lambda _prompt, _nth: 200
        again = ({**ROW, "output": "c.png"}, {**ROW, "output": "b.png"})
        run = batch(*again, options=("--retry", "unknown"))
        assert (run.code, sorted(run.out.split())) == (0, ["b.png", "c.png"])
        # And that is settled.
        assert batch({**ROW, "output": "b.png"}, {**ROW, "output": "d.png"}).code == 0
        assert server.calls == {"fox": 4}


def test_a_text_stays_in_doubt_under_another_name(nb: Nb) -> None:
    row = {"prompt": "mute", "output": "a.png"}
    with CountingServer(lambda prompt, _: 502 if prompt == "text of mute" else 200) as server:
        codes = []
        for name, alt in (("a.png", False), ("a.png", True), ("b.png", True), ("b.png", True)):
            Path("m.jsonl").write_text(json.dumps({**row, "output": name, "alt": alt}))
            run = nb("batch", "m.jsonl", env=server.env)
            codes.append(run.code)
        assert codes == [0, 3, 3, 3]
        assert (run.code, "--retry unknown makes 1 again" in run.err) == (3, True)
        assert server.calls == {"mute": 1, "text of mute": 1}


def test_a_line_says_why(nb: Nb) -> None:
    with WireServer(REFUSED) as server:
        run(nb, server)
        line = json.loads(run(nb, server, "--json").out)
    assert (line["status"], line["path"], line["error"]["kind"]) == ("failed", None, "refused")
    assert "SAFETY" in line["error"]["message"]


@pytest.mark.parametrize("form_1", [False, True])
def test_ledgers_of_before_say_the_same(nb: Nb, form_1: bool) -> None:
    with WireServer(REFUSED, MADE) as server:
        run(nb, server)
        if form_1:
            as_form_1("m.ledger.jsonl", "fox")
        assert run(nb, server).code == 3
        assert len(server.requests) == 1
        assert run(nb, server, "--retry", "refused").code == 0


def test_a_kind_that_is_not_known(nb: Nb) -> None:
    Path("m.jsonl").write_text(json.dumps(ROW))
    said = nb("batch", "m.jsonl", "--retry", "refusd")
    assert (said.code, said.err.splitlines()[:2]) == (
        2,
        [
            "nb: --retry refusd is not known",
            "hint: did you mean refused? one of refused, bad-reply, unknown, all",
        ],
    )
    said = nb("batch", "m.jsonl", "--retry-unknown")
    assert (said.code, "hint: did you mean --retry unknown?" in said.err) == (2, True)


def test_what_is_recorded_as_made_costs_nothing_more(nb: Nb) -> None:
    """A call that was retried and then made is in no doubt any more."""
    with CountingServer(lambda _prompt, nth: 0 if nth == 1 else 200) as server:
        Path("m.jsonl").write_text(json.dumps(ROW))
        assert nb("batch", "m.jsonl", env=server.env).code == 3
        assert nb("batch", "m.jsonl", "--retry", "unknown", env=server.env).code == 0
        Path("fox.png").unlink()
        # The file is gone, and nothing is in doubt: it is made like any other.
        assert nb("batch", "m.jsonl", env=server.env).code == 0
        assert server.calls.total() == 3


@pytest.mark.parametrize("status", [429, 503])
def test_a_run_killed_while_it_waits_leaves_no_doubt(
    nb: Nb, nb_process: NbProcess, status: int
) -> None:
    Path("m.jsonl").write_text(json.dumps(ROW))
    ledger = Path("m.ledger.jsonl")
    busy = Answer(status, body=b"{}", headers=(("Retry-After", "60"),))
    with WireServer(busy, MADE) as server:
        env = {"NB_BASE_URL": server.url, **KEY}
        process = nb_process.start("batch", "m.jsonl", env=env)
        while not (ledger.exists() and b"dropped" in ledger.read_bytes()):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.communicate()
        again = nb("batch", "m.jsonl", env=env)
        assert (again.code, again.out) == (0, "fox.png\n"), again.err
        assert len(server.requests) == 2
    spent = nb("batch", "m.jsonl", "--status", "--json", env=env)
    assert json.loads(spent.out.splitlines()[0])["cost_usd"] == 0.058


def test_each_attempt_after_a_refusal_is_in_doubt_again(nb: Nb) -> None:
    with WireServer(Answer(503, body=b"{}"), Answer(502, body=b"{}"), MADE) as server:
        assert run(nb, server).code == 3
        again = run(nb, server)
        assert (again.code, again.out) == (3, "")
        assert "hint: --retry unknown makes 1 again for $0.058\n" in again.err
        assert len(server.requests) == 2
