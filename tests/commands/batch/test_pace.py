"""How a batch goes on while the service is busy, and when it gives up."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Nb
from support.counting_server import CountingServer
from support.crash import ledger, write
from support.replies import failed, made
from support.wire_server import Answer, WireServer

Answers = Callable[[str, int], int]
BUSY = failed(503, "The model is overloaded.", "UNAVAILABLE")


def _env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


def _room(server: CountingServer) -> Answers:
    """Room for 4 calls at once."""
    return lambda _prompt, _nth: 200 if server.now <= 4 else 503


def _rate(_: CountingServer, window: float) -> Answers:
    """10 calls in so many seconds."""
    starts: deque[float] = deque()

    def answer(_prompt: str, _nth: int) -> int:
        now = time.monotonic()
        while starts and now - starts[0] >= window:
            starts.popleft()
        if len(starts) == 10:
            return 429
        starts.append(now)
        return 200

    return answer


# Both as fast as 10 and 16 times slower services; `tests/batch/test_pace.py` has the real times.
@pytest.mark.parametrize(
    ("limit", "latency", "ideal"),
    [
        (_room, 10 / 10, 100 / 10),
        (lambda server: _rate(server, 60 / 16), 10 / 16, 190 / 16),
    ],
    ids=["room for 4 calls", "10 calls a minute"],
)
def test_the_pace_settles(
    nb: Nb,
    limit: Callable[[CountingServer], Answers],
    latency: float,
    ideal: float,
) -> None:
    write(40)
    with CountingServer(latency=latency, refuses_at_once=True) as server:
        limited = limit(server)
        times: list[float] = []

        def answer(prompt: str, nth: int) -> int:
            times.append(time.monotonic())
            return limited(prompt, nth)

        server.answer = answer
        run = nb("batch", "m.jsonl", "--concurrency", "8", env=server.env)
        seconds = times[-1] - times[0] + latency
        assert run.code == 0, run.err
        assert server.charged.total() == 40
        # Every row would be refused more than once without a pace. How few are refused, and how
        # near it comes to the ideal, is measured there, where no other process takes any time.
        assert server.calls.total() <= 40 + 40
    assert seconds <= 3 * ideal
    assert {line["attempts"] for line in ledger() if line["event"] == "written"} >= {1, 2}


def test_an_outage_fails_no_row(nb: Nb) -> None:
    write(100)
    with CountingServer(latency=0.02, refuses_at_once=True) as server:
        end = time.monotonic() + 2
        server.answer = lambda _prompt, _nth: 200 if time.monotonic() > end else 503
        run = nb("batch", "m.jsonl", "--retries", "0", env=server.env)
        assert (run.code, server.charged.total()) == (0, 100)
        assert server.calls.total() <= 100 + 8 + 4


def test_the_service_may_be_busy_for_as_long_as_wait_says(nb: Nb) -> None:
    write(30)
    with CountingServer(lambda _prompt, _nth: 503) as server:
        began = time.monotonic()
        run = nb("batch", "m.jsonl", "--wait", "2s", "--json", env=server.env)
        assert 2 <= time.monotonic() - began < 10
        assert server.calls.total() <= 8 + 5
    assert (run.code, run.out) == (5, "")
    assert re.search(r"^0 made in 0:0[2-7] for \$0, 30 not made$", run.err, re.MULTILINE)
    assert "nb: the service is overloaded (503): status 503 (for 2 s on end)\n" in run.err
    assert "\nhint: run the same command again later, or with a --wait longer than 2 s\n" in run.err
    assert run.err.endswith("Not charged.\n")
    assert {line["cost_usd"] for line in ledger() if line["event"] == "failed"} == {0}
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", env=server.env).code == 0
        assert server.charged.total() == 30


@pytest.mark.parametrize(("options", "seconds"), [((), 601), (("--wait", "9m"), 541)])
def test_a_longer_wait_than_anybody_waits_ends_the_run(
    nb: Nb, options: tuple[str, ...], seconds: int
) -> None:
    write(30)
    with CountingServer(lambda _prompt, _nth: 429, retry_after=str(seconds)) as server:
        run = nb("batch", "m.jsonl", "--concurrency", "2", *options, env=server.env)
        assert server.calls.total() <= 2
    assert run.code == 5
    assert f"(the service asks to wait {seconds} s)" in run.err
    assert "30 not made" in run.err
    assert run.err.endswith("Not charged.\n")


def test_a_long_wait_is_told_once_and_kept(nb: Nb) -> None:
    write(16)
    later = failed(429, "slow down", "RESOURCE_EXHAUSTED", Retry_After="6")
    with WireServer(later, made()) as server:
        began = time.monotonic()
        run = nb("batch", "m.jsonl", "--concurrency", "1", env=_env(server))
        assert (run.code, len(server.requests)) == (0, 17)
        assert time.monotonic() - began >= 6
    told = re.findall(
        r"rate limited \(429\): slow down; all calls wait (\d) s, giving up in", run.err
    )
    assert told == ["6"]


def test_zero_waits_for_nothing_but_counts_retries(nb: Nb) -> None:
    write(1)
    with WireServer(BUSY, BUSY, made()) as server:
        argv = ("batch", "m.jsonl", "--wait", "0", "--retries")
        run = nb(*argv, "0", env=_env(server))
        assert (run.code, len(server.requests)) == (3, 1)
        assert nb(*argv, "1", env=_env(server)).code == 0


REFUSED = Answer(
    200, body=b'{"promptFeedback": {"blockReason": "SAFETY"}, "candidates": []}', delay=0.05
)
CUT = Answer(200, body=b"{}", cut=20, delay=0.05)


@pytest.mark.parametrize("answer", [REFUSED, CUT], ids=["refused", "cut"])
@pytest.mark.parametrize(("options", "number"), [((), 10), (("--max-failures", "3"), 3)])
def test_so_many_failures_in_a_row_end_the_run(
    nb: Nb, answer: Answer, options: tuple[str, ...], number: int
) -> None:
    write(150)
    with WireServer(answer) as server:
        run = nb("batch", "m.jsonl", *options, env=_env(server))
        # Those in flight when the first one failed are one more round at most.
        assert number <= len(server.requests) <= max(number, 8) + 8
    assert run.code == 3
    assert f"nb: {number} images failed in a row, the last of them: " in run.err
    assert f"--max-failures allows more than {number} in a row\n" in run.err
    assert run.err.endswith("May have been charged.\n")


def test_one_failure_too_many_is_not_risked(nb: Nb) -> None:
    write(150)
    with WireServer(REFUSED) as server:
        run = nb("batch", "m.jsonl", "--concurrency", "4", env=_env(server))
        assert len(server.requests) == 10
    assert "10 failed, 140 not made" in run.err


def test_calls_that_wait_for_the_service_do_not_keep_others_from_failing(nb: Nb) -> None:
    """So many are refused and wait that they and the failures are as many as may fail in a row."""
    prompts = write(60)

    def answer(prompt: str, nth: int) -> int:
        number = int(prompt.split()[1])
        return {0: 429, 1: 503, 2: 0}.get(number % 5, 200) if nth == 1 else 200

    for _ in range(3):
        for path in Path().glob("*m.ledger*"):
            path.unlink()
        with CountingServer(answer) as server:
            argv = ("batch", "m.jsonl", "--concurrency", "32", "--force", "--max-failures", "30")
            run = nb(*argv, env=server.env)
        assert "48 made in" in run.err
        assert set(server.calls) == set(prompts)


def test_a_success_in_between_starts_the_count_again(nb: Nb) -> None:
    write(39)
    # One fewer than may fail: an image is being saved while the next call is under way, so that
    # the last failure before it may be counted after it.
    with WireServer(*[*[REFUSED] * 2, made()] * 13) as server:
        argv = ("batch", "m.jsonl", "--concurrency", "1", "--max-failures", "4")
        run = nb(*argv, env=_env(server))
        assert len(server.requests) == 39, run.err
    assert "13 made in" in run.err
    assert "26 of 39 images are missing" in run.err


def test_failures_that_are_free_do_not_count(nb: Nb) -> None:
    write(40)
    with CountingServer(lambda _prompt, _nth: 400) as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert server.calls.total() == 40
    assert "40 of 40 images are missing" in run.err


GONE = failed(404, "models/x is not found for API version v1beta", "NOT_FOUND")
BLOCKED = Answer(403, body=b"<html><title>Attention Required!</title></html>")


@pytest.mark.parametrize(
    ("answer", "code"), [(failed(401), 4), (GONE, 7), (BLOCKED, 5)], ids=["key", "model", "blocked"]
)
def test_what_every_call_would_meet_ends_the_run_at_once(nb: Nb, answer: Answer, code: int) -> None:
    write(100)
    with WireServer(made(), answer) as server:
        run = nb("batch", "m.jsonl", "--concurrency", "1", env=_env(server))
        assert (run.code, len(server.requests)) == (code, 2)
    assert run.summary == "1 made for $0.058, 99 not made"
    assert run.err.endswith("\nCharged.\n")


def test_an_image_that_cannot_be_saved_ends_the_run(nb: Nb) -> None:
    rows = [f'{{"prompt": "fox {n}", "output": "out/{n}.png"}}\n' for n in range(30)]
    Path("m.jsonl").write_text("".join(rows))
    with CountingServer() as server:

        def answer(prompt: str, _nth: int) -> int:
            if prompt == "fox 3":
                Path("out").rename("elsewhere")
                Path("out").touch()
            return 200

        server.answer = answer
        run = nb("batch", "m.jsonl", "--concurrency", "1", env=server.env)
        assert server.charged.total() <= 5
    assert run.code == 6
    assert "hint: the image was saved as " in run.err
