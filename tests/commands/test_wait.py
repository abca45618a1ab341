"""How long `nb` tries again what is known to be free, and how to end it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support.counting_server import CountingServer
from support.replies import failed, made, picture, reply
from support.wire_server import Answer, WireServer

BUSY = failed(503, "The model is overloaded.", "UNAVAILABLE")


def _env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


def _later(seconds: int) -> Answer:
    return failed(429, "slow down", "RESOURCE_EXHAUSTED", Retry_After=str(seconds))


def test_wait_wins_over_retries(nb: Nb) -> None:
    with WireServer(BUSY, BUSY, made()) as server:
        argv = ("generate", "fox", "-o", "fox.png", "--retries", "0", "--wait", "2m")
        run = nb(*argv, env=_env(server))
        assert (run.code, len(server.requests)) == (0, 3)
    for note, number in zip(run.err.splitlines(), (2, 3), strict=False):
        assert re.search(rf"; attempt {number} in \d\.\d s, giving up in (2 min|1\d\d s)$", note)


def test_wait_for_a_description(nb: Nb) -> None:
    Path("fox.png").write_bytes(picture())
    answer = Answer(200, body=reply({"text": "A fox."}))
    with WireServer(BUSY, answer) as server:
        argv = ("caption", "fox.png", "--retries", "0", "--wait", "1m")
        assert nb(*argv, env=_env(server)).out == "A fox.\n"


def test_waiting_has_an_end(nb: Nb) -> None:
    began = time.monotonic()
    with WireServer(BUSY) as server:
        argv = ("generate", "fox", "-o", "fox.png", "--wait", "1s")
        run = nb(*argv, env=_env(server))
        calls = len(server.requests)
    assert 1 <= time.monotonic() - began < 10
    assert (run.code, calls >= 2) == (5, True)
    assert f"(after {calls} attempts)" in run.err
    assert run.err.endswith("Not charged.\n")


def test_a_longer_wait_than_is_left_is_not_begun(nb: Nb) -> None:
    with WireServer(_later(600)) as server:
        argv = ("generate", "fox", "-o", "fox.png", "--wait", "9m")
        run = nb(*argv, env=_env(server))
        assert (run.code, len(server.requests)) == (5, 1)
    assert "(the service asks to wait 600 s)" in run.err


def test_what_may_have_been_charged_is_not_sent_again(nb: Nb) -> None:
    with WireServer(Answer(200, body=b"{}", cut=20)) as server:
        argv = ("generate", "fox", "-o", "fox.png", "--wait", "1m")
        run = nb(*argv, env=_env(server))
        assert (run.code, len(server.requests)) == (11, 1)


def test_the_wait_is_counted_from_the_last_success(nb: Nb) -> None:
    prompts = ["a fox", "an owl", "a crow"]
    Path("m.txt").write_text("\n".join(prompts))
    began = time.monotonic()
    # Each row takes 3 to 4 seconds, and all of them more than the 6 that one may take.
    with CountingServer(lambda _, nth: 503 if nth == 1 else 200, latency=1.5) as server:
        argv = ("batch", "m.txt", "--concurrency", "1", "--retries", "0", "--wait", "6s")
        run = nb(*argv, env=server.env)
        assert (run.code, server.calls) == (0, dict.fromkeys(prompts, 2))
    assert time.monotonic() - began > 6


@pytest.mark.parametrize("options", [[], ["--wait", "1h"]])
@pytest.mark.parametrize("command", ["generate", "caption", "batch"])
def test_an_interrupt_while_waiting_costs_nothing(
    nb_process: NbProcess, command: str, options: list[str]
) -> None:
    Path("fox.png").write_bytes(picture())
    Path("m.txt").write_text("a fox")
    argv = {"generate": ["a fox", "-o", "x.png"], "caption": ["fox.png"], "batch": ["m.txt"]}
    with WireServer(_later(100)) as server:
        process = nb_process.start(command, *argv[command], *options, env=_env(server))
        err = _interrupted(process, server, 1)
    assert process.returncode == 130
    assert err.endswith("Not charged.\n")


def test_an_interrupt_while_one_of_several_is_in_flight_may_cost(nb_process: NbProcess) -> None:
    with WireServer(_later(100), Answer(200, stall=0)) as server:
        process = nb_process.start("generate", "a fox", "-n", "2", env=_env(server))
        err = _interrupted(process, server, 2)
    assert err.endswith("May have been charged.\n")


def _interrupted(process: subprocess.Popen[bytes], server: WireServer, requests: int) -> str:
    """Interrupt a process once so many requests came; return its stderr."""
    with process:
        while len(server.requests) < requests and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    return err.decode()


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ([], 120),
        (["-s", "4K"], 300),
        (["-m", "gemini-3-pro-image-preview"], 300),
        (["-s", "4K", "--timeout", "7"], 7),
    ],
)
def test_deadlines_by_size_and_model(nb: Nb, options: list[str], seconds: int) -> None:
    curl = nb("generate", "a fox", "--curl", *options).out
    assert f" --max-time {seconds} " in curl
    with WireServer(failed(400)) as server:
        run = nb("generate", "a fox", "-v", *options, env=_env(server))
    assert f" bytes, deadline {seconds} s)\n" in run.err


def test_each_row_of_a_batch_has_its_own_deadline(nb: Nb) -> None:
    rows = [{"prompt": "a fox"}, {"prompt": "an owl", "size": "4K"}]
    Path("m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", "-v", "--concurrency", "1", env=server.env)
    assert [
        line.partition("deadline ")[2] for line in run.err.splitlines() if "> POST" in line
    ] == [
        "120 s)",
        "300 s)",
    ]


def test_the_wait_is_a_setting(nb: Nb) -> None:
    assert nb("config", "set", "wait", "90m").code == 0
    assert nb("config", "get", "wait").out == "90m\n"
    listed = nb("config", "list", "--json").out.splitlines()
    assert {"name": "wait", "value": "90m"}.items() <= json.loads(listed[7]).items()
    with WireServer(BUSY, made()) as server:
        run = nb("generate", "fox", "-o", "fox.png", "--retries", "0", env=_env(server))
        assert (run.code, len(server.requests)) == (0, 2)
    run = nb("generate", "fox", "--wait", "soon")
    assert run.code == 2
    assert run.err.startswith("nb: --wait soon is not a duration\nhint: such as 90s, 30m or 2h")


def test_the_listed_deadline_is_that_of_the_listed_size(nb: Nb) -> None:
    listed = nb("config", "list", env={"NB_SIZE": "4K"}).out
    assert "timeout\t300\tdefault\n" in listed


def test_the_seconds_of_a_call_begin_when_it_is_sent(nb: Nb) -> None:
    Path("m.txt").write_text("a fox\nan owl\na hare")
    with CountingServer() as server:
        run = nb("batch", "m.txt", "--rpm", "40", "--json", env=server.env)
    seconds = sorted(json.loads(line)["seconds"] for line in run.out.splitlines())
    # From the start of the run, it would be 0, 1.5 and 3 s; a busy machine may stop for a while.
    assert seconds[1] < 1.4


def test_the_seconds_of_a_call_are_not_those_of_its_resends(nb: Nb) -> None:
    Path("m.txt").write_text("a fox\nan owl\na hare\na cat")
    busy = lambda _prompt, nth: 429 if nth == 1 else 200  # noqa: E731
    with CountingServer(busy, latency=0.2, retry_after="1") as server:
        run = nb("batch", "m.txt", "--concurrency", "2", "--json", env=server.env)
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [(line["attempts"], line["seconds"] >= 0.2) for line in lines] == [(2, True)] * 4
    # Each would be 1.4 s or more with both; a busy machine may stop for a while.
    assert sorted(line["seconds"] for line in lines)[1] < 1.3
