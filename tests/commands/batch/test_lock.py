"""Runs that would make the same images wait for each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support.counting_server import CountingServer
from support.crash import write
from support.replies import made
from support.wire_server import Answer, WireServer

ROOT = Path(__file__).parents[3]


def _wait_for_calls(server: CountingServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while not server.calls:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "root"),
    [("other.jsonl", "."), ("below/other.jsonl", "."), ("other.jsonl", "below")],
    ids=["beside", "another folder of manifests", "another root"],
)
def test_two_manifests_with_the_same_outputs_pay_once(
    nb_process: NbProcess, name: str, root: str
) -> None:
    prompts = write(8)
    Path("below").mkdir()
    rows = Path("m.jsonl").read_text()
    if root == "below":
        rows = rows.replace('"output": "', '"output": "below/')
        Path("m.jsonl").write_text(rows)
        rows = rows.replace("below/", "")
    Path(name).write_text(rows)
    with CountingServer(latency=1.5) as server:
        first = nb_process.start("batch", "m.jsonl", "--concurrency", "4", env=server.env)
        _wait_for_calls(server, first)
        second = nb_process.start(*("batch", name, "-o", root, "--skip-existing"), env=server.env)
        _, err = second.communicate(timeout=60)
        first.communicate(timeout=60)
        assert (first.returncode, second.returncode) == (0, 0), err
        assert server.calls == dict.fromkeys(prompts, 1)
    where = "below" if root == "below" else "this folder"
    told = f"another run of m.jsonl is at work in {where} (process {first.pid}); waiting"
    assert err.decode().count(told) == 1
    assert not list(Path().rglob("*.lock"))


def test_folders_that_have_nothing_in_common_run_at_once(nb_process: NbProcess) -> None:
    for name in ("a", "b"):
        Path(f"{name}.jsonl").write_text(f'{{"prompt": "fox", "output": "{name}/1/fox.png"}}')
        Path(name, "1").mkdir(parents=True)
    answer = made()
    with WireServer(Answer(200, body=answer.body, company=2)) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}
        runs = [nb_process.start("batch", f"{name}.jsonl", env=env) for name in ("a", "b")]
        for run in runs:
            _, err = run.communicate(timeout=30)
            assert (run.returncode, b"waiting" in err) == (0, False), err


def test_a_run_that_was_killed_is_not_waited_for(nb: Nb, nb_process: NbProcess) -> None:
    write(4)
    with CountingServer(latency=3) as server:
        process = nb_process.start("batch", "m.jsonl", env=server.env)
        _wait_for_calls(server, process)
        process.kill()
        process.communicate()
        assert Path(".nb.lock").exists()
        server.latency = 0
        run = nb("batch", "m.jsonl", "--retry", "all", env=server.env)
    assert (run.code, "waiting" in run.err) == (0, False)
    assert not list(Path().glob(".*lock"))


def test_the_wait_for_another_run_can_be_interrupted(nb_process: NbProcess) -> None:
    write(4)
    with CountingServer(latency=5) as server:
        first = nb_process.start("batch", "m.jsonl", env=server.env)
        _wait_for_calls(server, first)
        second = nb_process.start("batch", "m.jsonl", env=server.env)
        assert second.stderr
        assert second.stderr.readline().endswith(b"waiting for it to end\n")
        second.send_signal(signal.SIGINT)
        _, err = second.communicate(timeout=20)
        assert second.returncode == 130
        assert err.endswith(b"Not charged.\n")
        first.communicate(timeout=20)
        assert (first.returncode, server.calls.total()) == (0, 4)


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL"])
def test_a_lock_that_the_file_system_cannot_give_is_an_error(error: str) -> None:
    write(4)
    script = f"""
import errno, os, sys
from nanobanana_cli.__main__ import main

def refuse(event, arguments):
    if event == "fcntl.flock":
        raise OSError(errno.{error}, os.strerror(errno.{error}))

sys.addaudithook(refuse)
sys.exit(main(["batch", "m.jsonl"]))
"""
    with CountingServer() as server:
        run = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT), **server.env},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert (run.returncode, server.calls.total()) == (6, 0), run.stderr
    assert "nb: cannot lock .m.ledger.lock: " in run.stderr
    assert run.stderr.endswith("Not charged.\n")


def test_a_lock_file_that_cannot_be_made_is_named(nb: Nb) -> None:
    write(1)
    Path(".nb.lock").mkdir()
    with CountingServer() as server:
        run = nb("batch", "m.jsonl", env=server.env)
        assert (run.code, server.calls.total()) == (6, 0)
    assert f"nb: cannot lock {Path().absolute() / '.nb.lock'}: Is a directory\n" in run.err
