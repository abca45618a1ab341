"""Runs: budgets that hold exactly, signals, kills, two at once, and trouble of all kinds."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess
from support import crash
from support.counting_server import CountingServer
from support.crash import ledger, write
from support.pty_run import run_in_pty
from support.tools import limit_files, on_linux
from support.wire_server import Answer, WireServer

from nanobanana_cli.sandbox.server import Sandbox

PRICE = 58_000
ROOT = Path(__file__).parents[2]


def limited(share: int) -> Any:
    """Every so manieth first call with a prompt meets the rate limit."""
    return lambda prompt, nth: 429 if nth == 1 and int(prompt.split()[1]) % share == 0 else 200


@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize("option", ["--max-cost", "--max-images", "--max-total-cost"])
def test_a_budget_holds_exactly(nb: Nb, concurrency: int, option: str) -> None:
    write(40)
    limit = "17" if option == "--max-images" else str(PRICE * 17 / 1e6)
    with CountingServer(limited(8), latency=0.01) as server:
        run = nb(
            *("batch", "m.jsonl", option, limit, "--concurrency", str(concurrency)),
            *("--retries", str(concurrency // 32), "--quiet"),
            env=server.env,
        )
        assert run.code == 8, run.err
        assert run.err.endswith("\nCharged.\n")
        assert server.charged.total() == 17
        assert max(server.charged.values()) == 1
        assert server.most <= concurrency
        assert len(run.out.splitlines()) == 17
        spent = sum(line["cost_usd"] for line in ledger() if line["event"] == "written")
        assert round(spent * 1e6) == 17 * PRICE


def test_a_budget_that_suffices_is_no_error(nb: Nb) -> None:
    write(3)
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", "--max-cost", "0.174", env=server.env).code == 0
        assert server.charged.total() == 3


def test_what_nobody_knows_the_price_of_is_not_called_free(nb: Nb) -> None:
    write(3)
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 1" else 200) as server:
        run = nb("batch", "m.jsonl", "--model", "brand-new", env=server.env)
        assert run.code == 3
        assert run.summary == "2 made for an unknown price, 1 failed"
        assert run.err.endswith("\nCharged.\n")
        run = nb("batch", "m.jsonl", "--model", "brand-new", "--dry-run", env=server.env)
    assert "the ledger records an unknown price" in run.err


def test_what_may_have_been_charged_counts(nb: Nb) -> None:
    write(10)
    with CountingServer(lambda prompt, _: 0 if prompt in ("fox 1", "fox 3") else 200) as server:
        run = nb("batch", "m.jsonl", "--max-images", "5", "--concurrency", "4", env=server.env)
        assert server.calls.total() == 5
        assert run.code == 8
    kinds = Counter(line["event"] for line in ledger())
    assert kinds == {"intent": 5, "received": 3, "written": 3, "failed": 2}


def test_all_that_the_ledger_records_counts(nb: Nb) -> None:
    write(10)
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", "--limit", "4", env=server.env).code == 0
        run = nb("batch", "m.jsonl", "--max-total-cost", "0.35", env=server.env)
        assert run.code == 8
        assert server.charged.total() == 6


CREDIT = {"error": {"message": "该令牌额度已用尽", "type": "new_api_error", "code": ""}}
CAP = {"error": {"code": 429, "message": "You exceeded your monthly spending cap."}}


@pytest.mark.parametrize(
    ("status", "body"),
    [(402, {}), (401, CREDIT), (429, CAP), (200, {"success": False, "message": "余额不足"})],
)
def test_the_first_lack_of_credit_stops_the_run(nb: Nb, status: int, body: object) -> None:
    write(100)
    with WireServer(Answer(status, body=json.dumps(body).encode())) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k" * 20}
        run = nb("batch", "m.jsonl", "--concurrency", "2", env=env)
        assert run.code == 8
        # One is in flight beside it.
        assert len(server.requests) <= 2
    assert run.err.endswith("\nNot charged.\n")
    assert {line["cost_usd"] for line in ledger() if line["event"] == "failed"} == {0}


GATEWAYS_500 = {"error": {"message": "unexpected end of JSON", "code": "bad_response_body"}}


def test_a_gateways_500_may_have_been_charged(nb: Nb) -> None:
    write(1)
    with WireServer(Answer(500, body=json.dumps(GATEWAYS_500).encode())) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k" * 20}
        run = nb("batch", "m.jsonl", env=env)
        assert (run.code, len(server.requests)) == (3, 1)
    assert run.err.endswith("\nMay have been charged.\n")
    intent, outcome = ledger()
    assert outcome["error"]["kind"] == "outcome_unknown"
    assert outcome["error"]["charged"] == "maybe"
    assert outcome["cost_usd"] == intent["cost_usd"] > 0


def test_the_sandbox_in_all_its_moods(nb: Nb) -> None:
    prompts = write(40)
    rows = [{"prompt": prompt, "output": f"{prompt}.png", "size": "0.5K"} for prompt in prompts]
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    env = {"WISDOM_GATE_KEY": "k" * 20}
    with Sandbox(faults=["mix"]) as sandbox:
        run = nb("batch", "m.jsonl", "--concurrency", "16", "--base-url", sandbox.url, env=env)
        assert run.code == 3
    made = run.out.splitlines()
    with Sandbox(log=Path("calls.jsonl")) as sandbox:
        options = ("--base-url", sandbox.url, "--retry", "all")
        run = nb("batch", "m.jsonl", *options, env=env)
        assert run.code == 0
    assert len(made) + len(Path("calls.jsonl").read_text().splitlines()) == 40


def test_one_failure_does_not_stop_the_others(nb: Nb) -> None:
    write(20)
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 2" else 200) as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert (run.code, server.charged.total()) == (3, 19)
        assert "status 400" in run.err
        assert "1 of 20 images are missing" in run.err


def test_fail_fast(nb: Nb) -> None:
    write(50)
    with CountingServer(lambda prompt, _: 400 if prompt == "fox 2" else 200) as server:
        run = nb("batch", "m.jsonl", "--fail-fast", "--concurrency", "1", env=server.env)
        assert run.code == 3
        assert server.calls.total() == 3
    assert run.summary == "2 made for $0.116, 1 failed, 47 not made"
    assert "48 of 50 images are missing" in run.err


def test_rpm(nb: Nb) -> None:
    write(6)
    with CountingServer() as server:
        began = time.monotonic()
        assert nb("batch", "m.jsonl", "--rpm", "1200", env=server.env).code == 0
        assert time.monotonic() - began >= 5 * 0.05


def test_mixed_trouble_then_peace(nb: Nb) -> None:
    prompts = write(50)
    troubles = {0: 429, 1: 503, 2: 400, 3: 0, 4: 500}

    def answer(prompt: str, nth: int) -> int:
        number = int(prompt.split()[1])
        return troubles.get(number % 10, 200) if nth == 1 else 200

    with CountingServer(answer) as server:
        run = nb("batch", "m.jsonl", "--concurrency", "32", "--json", env=server.env)
        assert run.code == 3
        lines = [json.loads(line) for line in run.out.splitlines()]
        assert len(lines) == 50
        made = {line["prompt"] for line in lines if line["status"] == "written"}
        server.calls.clear()
        server.answer = lambda _prompt, _nth: 200
        # What was cut off, or met a gateway's 500, may have been paid for.
        assert nb("batch", "m.jsonl", env=server.env).code == 3
        doubtful = {prompt for prompt in prompts if int(prompt.split()[1]) % 10 in (3, 4)}
        assert set(server.calls) == set(prompts) - made - doubtful
        assert nb("batch", "m.jsonl", "--retry", "unknown", env=server.env).code == 0
        assert set(server.calls) == set(prompts) - made
        assert server.calls.total() == len(server.calls)


def wait_for(condition: Any, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_drains(nb_process: NbProcess, signum: int, code: int) -> None:
    write(40)
    with CountingServer(latency=0.5) as server:
        process = nb_process.start("batch", "m.jsonl", "--concurrency", "4", env=server.env)
        wait_for(lambda: server.calls.total() >= 4, process)
        process.send_signal(signum)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code
        assert server.calls.total() == 4
        assert len(set(out.decode().split())) == 4
    assert "no new calls; waiting for those in flight" in err.decode()
    assert Counter(line["event"] for line in ledger()) == dict.fromkeys(
        ("intent", "received", "written"), 4
    )


def test_a_signal_before_the_first_call_lets_none_out() -> None:
    write(4)
    # The ledger is opened after signals are caught, and before the pool starts.
    script = """
import os, signal, sys
from nanobanana_cli.__main__ import main

def interrupt(event, arguments):
    if event == "open" and "m.ledger.jsonl" in str(arguments[0]) and arguments[2] & os.O_APPEND:
        signal.raise_signal(signal.SIGINT)

sys.addaudithook(interrupt)
sys.exit(main(["batch", "m.jsonl"]))
"""
    with CountingServer() as server:
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT), **server.env},
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (run.returncode, server.calls.total()) == (130, 0), run.stderr
    assert not ledger()


def test_a_retry_that_a_signal_prevents_is_no_defect(nb_process: NbProcess) -> None:
    write(1)
    with CountingServer(lambda _prompt, _nth: 429, retry_after="20") as server:
        process = nb_process.start("batch", "m.jsonl", env=server.env)
        assert process.stderr is not None
        while b"429" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
        assert (process.returncode, server.calls.total()) == (130, 1)
    failed = ledger()[-1]
    assert (failed["event"], failed["cost_usd"]) == ("failed", 0)
    assert failed["error"]["kind"] == "not_sent"


def test_the_second_signal_stops_now(nb: Nb, nb_process: NbProcess) -> None:
    prompts = write(10)
    with CountingServer(latency=10) as server:
        options = ("--concurrency", "4", "--json")
        process = nb_process.start("batch", "m.jsonl", *options, env=server.env)
        wait_for(lambda: server.calls.total() >= 4, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while b"no new calls" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 130
        told = [json.loads(line) for line in out.splitlines()]
        assert [(line["status"], line["path"]) for line in told] == [("unknown", None)] * 4
        assert b"0 made in" in err
        assert b"4 unknown, 6 not made" in err
        assert b"--retry unknown makes 4 again for $0.232" in err
        run = nb("batch", "m.jsonl", "--check", "--only", "0.png", env=server.env)
        assert (run.code, "hint: --retry unknown makes 1 again for $0.058" in run.err) == (3, True)
        assert Counter(line["event"] for line in ledger()) == {"intent": 4}
        server.latency = 0
        assert not list(Path().glob("*.png"))
        run = nb("batch", "m.jsonl", env=server.env)
        assert run.code == 3
        assert "hint: --retry unknown makes 4 again for $0.232" in run.err
        assert server.calls == dict.fromkeys(prompts, 1)
        run = nb("batch", "m.jsonl", "--retry", "unknown", "--json", env=server.env)
        assert run.code == 0
        assert server.calls.total() == 14
        assert nb("batch", "m.jsonl", "--check", env=server.env).code == 0


def test_unknown_calls_count_against_the_total(nb: Nb, nb_process: NbProcess) -> None:
    write(10)
    with CountingServer(latency=3) as server:
        process = nb_process.start("batch", "m.jsonl", "--concurrency", "3", env=server.env)
        wait_for(lambda: server.calls.total() >= 3, process)
        process.kill()
        process.communicate()
        server.latency = 0
        run = nb("batch", "m.jsonl", "--max-total-cost", str(5 * PRICE / 1e6), env=server.env)
        assert run.code == 8
        assert server.calls.total() == 5


def test_an_image_saved_just_before_a_kill_is_not_paid_for_again(nb: Nb) -> None:
    write(1)
    with CountingServer() as server:
        nb("batch", "m.jsonl", env=server.env)
        lines = Path("m.ledger.jsonl").read_text().splitlines(keepends=True)
        Path("m.ledger.jsonl").write_text("".join(lines[:2]))
        for _ in range(2):
            assert nb("batch", "m.jsonl", env=server.env).code == 0
        assert server.calls.total() == 1
    assert [line["event"] for line in ledger()] == ["intent", "received", "written"]


def test_two_runs_at_once_pay_once(nb_process: NbProcess) -> None:
    prompts = write(60)
    with CountingServer(latency=0.2) as server:
        runs = [nb_process.start("batch", "m.jsonl", env=server.env) for _ in range(3)]
        ends = [(run.communicate(timeout=60), run.returncode) for run in runs]
        assert [code for _, code in ends] == [0, 0, 0]
        assert server.calls == dict.fromkeys(prompts, 1)
    assert sum(b"waiting for it to end" in err for (_, err), _ in ends) == 2


def test_shards_run_at_once_and_the_whole_waits(nb_process: NbProcess) -> None:
    prompts = write(60)
    with CountingServer(latency=0.1) as server:
        options = [("--shard", "1/2"), ("--shard", "2/2"), ()]
        runs = [nb_process.start("batch", "m.jsonl", *more, env=server.env) for more in options]
        ends = [(run.communicate(timeout=60), run.returncode) for run in runs]
        assert [code for _, code in ends] == [0, 0, 0]
        assert server.calls == dict.fromkeys(prompts, 1)


def test_a_total_holds_for_shards_that_are_started_at_once(nb_process: NbProcess) -> None:
    # So many that every shard has more than the one row that can be paid for.
    write(100)
    limit = ("--max-total-cost", "0.058")
    with CountingServer(latency=0.1) as server:
        shards = [("--shard", f"{part}/4") for part in range(1, 5)]
        runs = [nb_process.start("batch", "m.jsonl", *k, *limit, env=server.env) for k in shards]
        for run in runs:
            run.communicate(timeout=60)
        assert server.calls.total() == 1
        assert {run.returncode for run in runs} == {8}


def test_kills_at_random_moments(nb_process: NbProcess) -> None:
    crash.killed_at_random(nb_process, kills=8, seed=1)


def test_no_room_for_the_ledger_stops_before_paying(nb: Nb) -> None:
    write(3)
    Path("m.ledger.jsonl").mkdir()
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert run.code == 6
        assert not server.calls


@on_linux
def test_a_full_disk_under_the_ledger_stops_the_run(nb_process: NbProcess) -> None:
    write(200)
    with CountingServer(latency=0.05) as server:
        # Python would write what it compiles as cut short as the ledger, for later runs to find.
        env = {**server.env, "PYTHONDONTWRITEBYTECODE": "1"}
        process = nb_process.start("batch", "m.jsonl", "--concurrency", "2", "--yes", env=env)
        while process.poll() is None and not server.calls:
            time.sleep(0.01)
        # With such a limit, it would not have begun.
        limit_files(process.pid, 4000)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 6
        assert b"m.ledger.jsonl: File too large" in err
        assert server.calls.total() < 20
        intents = Path("m.ledger.jsonl").read_text().count('"event":"intent"')
        assert server.calls.total() <= intents


def test_a_plan_needs_no_write_access(nb: Nb) -> None:
    write(2)
    Path().chmod(0o500)
    try:
        assert nb("batch", "m.jsonl", "--check").code == 3
        assert nb("batch", "m.jsonl", "--dry-run").code == 0
    finally:
        Path().chmod(0o700)
    assert not list(Path().glob(".*"))


def test_a_closed_pipe_keeps_what_is_paid_for(nb_process: NbProcess) -> None:
    write(30)
    with CountingServer(latency=0.05) as server:
        process = nb_process.start("batch", "m.jsonl", "--concurrency", "4", env=server.env)
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        process.wait(20)
        assert process.stderr
        process.stderr.close()
        assert process.returncode == 141
        assert len(list(Path().glob("*.png"))) == server.calls.total() < 30
    assert not [line for line in ledger() if line["event"] == "failed"]


def test_progress_in_a_pipe_is_quiet_and_the_sum_is_told(nb: Nb) -> None:
    write(2)
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
    assert run.out.split() == ["0.png", "1.png"] or run.out.split() == ["1.png", "0.png"]
    assert run.summary == "2 made for $0.116"


def test_a_narrow_terminal_shows_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    write(2)
    with CountingServer(latency=0.8) as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        options = ("--max-cost", "1", "--concurrency", "1", "--no-color")
        code, screen = run_in_pty("batch", "m.jsonl", *options, columns=40)
    assert code == 0, screen
    shown = re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", screen)
    assert "1/2" in shown
    assert re.search(r"1 done, 1 in flight, \S+/min,\s+0:0\d\s+left,\s+\$0.058 of \$1.00", shown), (
        shown
    )


def test_a_service_that_cannot_be_reached_ends_the_run(nb: Nb) -> None:
    rows = "".join(f'{{"prompt": "fox", "output": "{n}.png"}}\n' for n in range(20))
    Path("m.jsonl").write_text(rows)
    argv = ("m.jsonl", "--concurrency", "1", "--retries", "0", "--base-url", "http://127.0.0.1:9")
    run = nb("batch", *argv, env={"WISDOM_GATE_KEY": "a-key"})
    assert run.code == 5
    assert run.summary == "0 made for $0, 20 not made"
    assert "nb: cannot reach 127.0.0.1" in run.err
    assert run.err.endswith("Not charged.\n")
