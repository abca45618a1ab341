"""The suite against a service that charges: what it costs is said first, and kept to.

Each test starts pytest in a process of its own, as a person does, with the service's address and
key in the usual variables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Nb
from contract.second_server import KEY, SecondServer
from support import cases
from support.pty_run import run_program

_ROOT = Path(__file__).parents[2]
_COMMAND = [sys.executable, "-m", "pytest", "tests/contract", "-p", "no:cacheprovider"]


def _run(
    *options: str | Path, env: Mapping[str, str] | None = None, server: SecondServer | None = None
) -> subprocess.CompletedProcess[str]:
    given = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY} if server else {}
    return subprocess.run(
        [*_COMMAND, "--tb=short", *map(str, options)],
        cwd=_ROOT,
        env={**os.environ, **given, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("--max-cost", "0.40")])
def test_too_small_a_budget_is_refused_before_anything_is_sent(options: tuple[str, ...]) -> None:
    with SecondServer() as server:
        run = _run("--live", "wisgate", *options, server=server)
        assert server.requests == 0
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "collected 40 items\nthis takes 8 paid calls, about $0.464;" in run.stdout
    assert "nothing is sent before that is allowed: --max-cost 0.47" in run.stdout
    assert "deselected" not in run.stdout
    told = " ".join(run.stderr.split())
    assert "8 paid calls, about $0.464" in told
    assert "Nothing was sent. Allow it with --max-cost 0.47" in told


@pytest.mark.parametrize(("typed", "paid"), [("y\n", 1), ("\n", 0), ("\x04", 0)])
def test_a_terminal_is_asked(typed: str, paid: int) -> None:
    with SecondServer() as server:
        env = {**os.environ, "NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}
        command = [*_COMMAND, "--live", "wisgate", "-k", "signature"]
        question = "Spend up to $0.116 at wisgate? [y/N]"
        code, screen = run_program(
            command, typed=typed, after=question, columns=200, seconds=60, env=env, cwd=_ROOT
        )
        assert server.paid == paid
    assert question in screen
    if paid:
        assert code == 0
        assert "2 facts: 2 hold" in screen
    else:
        assert code == pytest.ExitCode.USAGE_ERROR
        assert "Nothing was sent. Allow it with --max-cost 0.12" in screen


def test_a_service_is_judged_to_the_end_and_differences_are_listed() -> None:
    with SecondServer("makes 21:9 square") as server:
        run = _run("--live", "wisgate", "--max-cost", "0.50", server=server)
        assert server.paid == 8
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "this takes 8 paid calls, about $0.464; calls that must be refused are" in run.stdout
    lines = [line.split() for line in run.stdout.splitlines()]
    at = lines.index(["differs", "shape-21:9-1K"])
    assert " ".join(lines[at + 1]) == "expected 21:9 at 1K: about 1584 × 672 pixels"
    assert "1016 × 1032 pixels" in " ".join(lines[at + 2])
    assert "40 facts: 39 hold, 1 differ, 0 not answered" in run.stdout
    assert "at most $0.464 of $0.50 spent" in run.stdout
    assert KEY not in run.stdout + run.stderr


def test_nothing_is_asked_beyond_the_budget() -> None:
    # What should be refused is taken and made, so that less is left for the rest.
    with SecondServer("takes any ratio") as server:
        run = _run("--live", "wisgate", "--max-cost", "0.47", server=server)
        assert server.paid == 8
    assert "not asked: it costs $0.058, and $0.006 is left" in run.stdout
    assert "differs       ratio-unknown" in run.stdout
    assert "at most $0.464 of $0.47 spent" in run.stdout


def test_free_facts_need_no_budget() -> None:
    with SecondServer() as server:
        run = _run("--live", "wisgate", "-k", "key or model-unknown", server=server)
        assert server.paid == 0
    assert run.returncode == 0, run.stdout
    assert "5 facts: 5 hold" in run.stdout


def test_the_call_before_a_free_one_is_counted_in() -> None:
    with SecondServer() as server:
        options = ("--live", "wisgate", "-k", "signature", "--max-cost")
        refused = _run(*options, "0.06", server=server)
        assert server.requests == 0
        run = _run(*options, "0.12", server=server)
        assert (server.calls, server.paid) == (3, 1)
    assert "Allow it with --max-cost 0.12" in refused.stderr
    assert "2 facts: 2 hold, 0 differ, 0 not answered; at most $0.058 of $0.12" in run.stdout


def test_what_is_recorded_replays_and_holds_nothing_private(nb: Nb, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    chosen = "key-missing or ratio-unknown or shape-1 or text-and-image or refused"
    options = ("--live", "wisgate", "--max-cost", "0.50", "-k", chosen, "--record", folder)
    with SecondServer(echoes=True) as server:
        run = _run(*options, server=server)
        calls = server.calls
        assert run.returncode == 0, run.stdout
        assert KEY not in run.stdout + run.stderr
        again = _run(*options, server=server)
        assert server.calls == calls
    assert "replies.jsonl exists: choose another folder" in again.stderr
    kept = cases.load(str(folder / "replies.jsonl"))
    assert {case.name: (case.exit, case.charged, case.calls) for case in kept} == {
        "401-wisgate-key-missing": (4, "no", 1),
        "400-wisgate-ratio-unknown": (7, "no", 1),
        "200-wisgate-image": (0, "yes", 1),
        "200-wisgate-text-and-image": (0, "yes", 1),
        "200-wisgate-refused": (9, "maybe", 1),
    }
    for case in kept:
        found = cases.judge(case, lambda argv, env: nb(*argv, env=env))
        assert {check: what for check, what in found.items() if what} == {}
        Path("fox.png").unlink(missing_ok=True)
    images = {path.name for path in folder.iterdir()} - {"replies.jsonl"}
    assert images == {"200-wisgate-image.jpeg", "200-wisgate-text-and-image.jpeg"}
    written = b"".join(path.read_bytes() for path in folder.iterdir())
    for private in ("canary", "c2stY2FuYXJ5", "4711", "someone", "123456789012", "12.50", "203.0"):
        assert private.encode() not in written
    assert b"X-RateLimit-Remaining-Requests" in written


@pytest.mark.parametrize(
    ("options", "env", "words"),
    [
        (("--live", "google"), {}, "needs a key in GEMINI_API_KEY or GOOGLE_API_KEY"),
        (("--live", "google"), {"GOOGLE_API_KEY": "your-key"}, "the key from GOOGLE_API_KEY"),
        (
            ("--live", "wisgate", "--max-cost", "much"),
            {"WISDOM_GATE_KEY": KEY},
            "--max-cost much is not an amount",
        ),
        (("--live", "wisgate", "-n", "2"), {"WISDOM_GATE_KEY": KEY}, "leave out -n"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(
    options: tuple[str, ...], env: dict[str, str], words: str
) -> None:
    run = _run(*options, env=env)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert words in run.stderr
