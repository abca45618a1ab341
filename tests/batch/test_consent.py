"""A run that could cost much needs consent, and the question has the plan."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Nb
from support.counting_server import CountingServer
from support.crash import write
from support.pty_run import run_in_pty

PRICE = 58_000


@pytest.fixture(autouse=True)
def _limit(nb: Nb) -> None:
    assert nb("config", "set", "confirm-above", "0.15").code == 0


def test_nobody_can_be_asked(nb: Nb) -> None:
    write(3)
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert (run.code, server.calls.total(), run.out) == (2, 0, "")
        could = "nb: 3 images could cost $0.174 (3 make), more than $0.15, and nobody can be asked"
        assert run.err.startswith(could)
        assert not Path("m.ledger.jsonl").exists()
        # Less than that needs no consent, nor does what is shown only.
        for options in (("--limit", "2"), ("--max-images", "1"), ("--dry-run",)):
            assert nb("batch", "m.jsonl", *options, env=server.env).code == 0
        assert server.calls.total() == 3


@pytest.mark.parametrize("options", [("--yes",), ("--max-cost", "5"), ("--max-total-cost", "0.12")])
def test_consent_in_words(nb: Nb, options: tuple[str, ...]) -> None:
    write(3)
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", *options, env=server.env)
        assert (run.code, server.calls.total()) == ((8, 2) if "0.12" in options else (0, 3))


def test_the_plan_is_in_the_question(nb: Nb) -> None:
    with CountingServer() as server:
        write(2)
        assert nb("batch", "m.jsonl", env=server.env).code == 0
        rows = [{"prompt": f"fox {n}", "output": f"{n}.png", "size": "2K"} for n in range(2)]
        rows += [{"prompt": f"fox {n}", "output": f"{n}.png"} for n in range(2, 4)]
        Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
        run = nb("batch", "m.jsonl", env=server.env)
        assert "4 images could cost $0.232 (2 changed, 2 make), more than" in run.err
        assert server.calls.total() == 2


@pytest.mark.parametrize(("answer", "code", "calls"), [("y\n", 0, 3), ("\n", 2, 0)])
def test_a_terminal_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: str, code: int, calls: int
) -> None:
    write(3)
    with CountingServer() as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        found, screen = run_in_pty("batch", "m.jsonl", typed=answer, after="[y/N]", columns=120)
        assert (found, server.calls.total()) == (code, calls), screen
    assert "3 images could cost $0.174 (3 make); go on? [y/N]" in screen
    assert ("declined" in screen) == (code == 2)


def test_an_estimate_of_a_dollar_or_more_says_about_and_whole_cents(nb: Nb) -> None:
    write(40)
    env = {"NB_PROVIDER": "google", "GEMINI_API_KEY": "AIza-of-a-test-0123456789"}
    run = nb("batch", "m.jsonl", env=env)
    assert (run.code, run.out) == (2, "")
    could = r"nb: 40 images could cost about \$[1-9]\d*\.\d\d \(40 make\), more than \$0\.15,"
    assert re.match(could, run.err), run.err
    plan = nb("batch", "m.jsonl", "--dry-run", env=env)
    assert run.err.split(" (40")[0].rpartition(" ")[2] in plan.err
