"""`--status`: what is there, what failed, why, when, and what it cost; nothing is sent."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess
from support.counting_server import CountingServer
from support.crash import write


def answer(prompt: str, _nth: int) -> int:
    return {"fox 1": 400, "fox 2": 0}.get(prompt, 200)


@pytest.fixture
def after_a_run(nb: Nb) -> None:
    write(4)
    with CountingServer(answer) as server:
        run = nb("batch", "m.jsonl", "--only", "[0-2].png", env=server.env)
    assert run.code == 3


def lines(nb: Nb, *options: str) -> list[dict[str, Any]]:
    run = nb("batch", "m.jsonl", "--status", "--json", *options)
    assert run.code == 0, run.err
    return [json.loads(line) for line in run.out.splitlines()]


@pytest.mark.usefixtures("after_a_run")
def test_it_says_what_is_there_and_what_failed(nb: Nb) -> None:
    run = nb("batch", "m.jsonl", "--status")
    assert run.code == 0
    rows = [line.split("\t") for line in run.out.splitlines()]
    assert [row[:2] for row in rows] == [
        ["there", "0.png"],
        ["failed", "1.png"],
        ["failed", "2.png"],
        ["missing", "3.png"],
    ]
    assert [row[3] for row in rows] == ["$0.058", "not charged", "at most $0.058", ""]
    today = time.strftime("%Y-%m-%d")
    assert [row[2].startswith(today) for row in rows] == [True, True, True, False]
    assert "status 400" in rows[1][4]
    assert rows[2][4]
    assert run.err == (
        "2 failed, 1 there, 1 missing, the ledger records $0.116, nothing was sent\n"
    )


def test_what_failed_in_the_sandbox_is_free(nb: Nb) -> None:
    Path("m.jsonl").write_text('{"prompt": "[[fault:safety]]", "output": "0.png"}')
    assert nb("batch", "m.jsonl", "--provider", "sandbox").code == 3
    run = nb("batch", "m.jsonl", "--status", "--provider", "sandbox")
    assert run.out.split("\t")[3] == "free"


@pytest.mark.usefixtures("after_a_run")
def test_it_is_told_in_json(nb: Nb) -> None:
    there, rejected, cut, missing = lines(nb)
    assert (
        there.items()
        >= {
            "path": "0.png",
            "status": "there",
            "cost_usd": 0.058,
            "prompt": "fox 0",
            "width": 8,
            "mime_type": "image/png",
            "bytes": Path("0.png").stat().st_size,
            "error": None,
            "output": "0.png",
            "row": 1,
        }.items()
    )
    assert there["time"].endswith("Z")
    assert (rejected["path"], rejected["status"], rejected["cost_usd"]) == (None, "failed", 0)
    assert rejected["error"]["kind"] == "rejected"
    assert rejected["error"]["charged"] == "no"
    assert "status 400" in rejected["error"]["message"]
    assert (cut["status"], cut["cost_usd"], cut["error"]["charged"]) == ("failed", 0.058, "maybe")
    assert (missing["status"], missing["time"], missing["cost_usd"]) == ("missing", None, None)
    assert [line["output"] for line in lines(nb, "--only", "3*")] == ["3.png"]


@pytest.mark.usefixtures("after_a_run")
def test_a_file_that_changed(nb: Nb) -> None:
    Path("0.png").write_bytes(b"mine")
    Path("3.png").write_bytes(b"mine too")
    assert [line["status"] for line in lines(nb)] == ["changed", "failed", "failed", "exists"]


def test_an_image_without_its_text_is_there(nb: Nb) -> None:
    Path("m.jsonl").write_text('{"prompt": "mute", "output": "fox.png", "alt": true}')
    with CountingServer() as server:
        assert nb("batch", "m.jsonl", env=server.env).code == 3
    line = lines(nb)[0]
    assert (line["path"], line["status"], line["alt"]) == ("fox.png", "there", None)
    assert "text" in line["details"]


def test_a_call_that_was_killed(nb: Nb, nb_process: NbProcess) -> None:
    write(1)
    with CountingServer(latency=3) as server:
        process = nb_process.start("batch", "m.jsonl", env=server.env)
        while not server.calls:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    line = lines(nb)[0]
    assert (line["status"], line["cost_usd"], line["path"]) == ("unknown", 0.058, None)
    assert line["details"] == "a call was sent, but its outcome was not recorded"
    assert line["time"].endswith("Z")
    assert line["error"]["kind"] == "outcome_unknown"


def test_a_manifest_that_was_never_run(nb: Nb) -> None:
    write(2)
    Path().chmod(0o500)
    try:
        assert [line["status"] for line in lines(nb)] == ["missing", "missing"]
    finally:
        Path().chmod(0o700)
