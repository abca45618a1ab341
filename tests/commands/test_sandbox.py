"""`nb sandbox` as a process of its own."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess


@contextmanager
def _serving(
    nb_process: NbProcess, *argv: str
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    with nb_process.start("sandbox", *argv) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_prints_its_address_and_serves(nb: Nb, nb_process: NbProcess, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _serving(nb_process, "--log", str(log)) as (_, line):
        assert line == {
            "url": f"http://127.0.0.1:{line['port']}",
            "port": line["port"],
            "provider": "sandbox",
        }
        run = nb(
            "generate", "a fox", "-o", "fox.png", "--provider", "sandbox", "--base-url", line["url"]
        )
    assert (run.code, run.out) == (0, "fox.png\n")
    assert json.loads(log.read_text())["paid"] is True


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("times", [1, 2])
def test_stops_by_a_signal(
    nb_process: NbProcess, signum: signal.Signals, code: int, times: int
) -> None:
    with _serving(nb_process, "--fault", "hang") as (process, _):
        for _ in range(times):
            process.send_signal(signum)
        out, err = process.communicate(timeout=10)
        assert process.returncode == code
    assert out == b""
    assert (err == b"") == (code == 0)
    assert b"Traceback" not in err


@pytest.mark.parametrize("quiet", [False, True])
def test_shows_each_request_on_stderr(nb: Nb, nb_process: NbProcess, quiet: bool) -> None:
    with _serving(nb_process, *["-q"] * quiet, "--fault", "429:1") as (process, line):
        env = {"NB_PROVIDER": "sandbox", "NB_BASE_URL": line["url"]}
        assert nb("generate", "a fox\x1b[31m", "-s", "2K", "-o", "fox.png", env=env).code == 0
        process.terminate()
        _, err = process.communicate(timeout=10)
    shown = err.decode().splitlines()
    assert len(shown) == (0 if quiet else 2)
    if not quiet:
        assert "  429  " in shown[0]
        assert "  fault 429  free  1:1  2K  a fox" in shown[0]
        assert shown[1].partition("  paid  ")[2] == r"1:1  2K  a fox\x1b[31m"


def test_a_reader_that_is_stuck_holds_up_no_reply(nb_process: NbProcess) -> None:
    with _serving(nb_process) as (process, line):
        connection = http.client.HTTPConnection("127.0.0.1", line["port"], timeout=20)
        for _ in range(2000):
            connection.request("GET", "/v1beta/models/none", headers={"x-goog-api-key": "any"})
            with connection.getresponse() as reply:
                assert reply.status == 404
                reply.read()
        connection.close()
        process.terminate()
        process.wait(timeout=10)
    assert process.returncode == 0


def test_nb_needs_no_key_of_its_user_for_a_sandbox_elsewhere(nb: Nb, nb_process: NbProcess) -> None:
    with _serving(nb_process) as (_, line):
        env = {"NB_BASE_URL": line["url"], "NB_PROVIDER": "sandbox"}
        assert nb("generate", "a fox", "-o", "a.png", env=env).code == 0
        assert nb("config", "check", env=env).code == 0
        shown = nb("generate", "a fox", "-o", "b.png", "--curl", env=env).out
        subprocess.run(shown, shell=True, check=True, stdout=subprocess.DEVNULL)


def test_a_port_in_use(nb: Nb, nb_process: NbProcess) -> None:
    with _serving(nb_process) as (_, line):
        run = nb("sandbox", "--port", str(line["port"]))
    assert run.code == 2
    assert f"nb: port {line['port']} cannot be used" in run.err
    assert "hint: --port 0 takes any free port" in run.err


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--fault", "safty"], 2, "hint: did you mean safety? `nb sandbox --help` lists"),
        (["--fault", "?"], 2, "nb: --fault: unknown fault '?'\nhint: `nb sandbox --help` lists"),
        (["--fault", "429:x"], 2, "nb: --fault: the fault '429:x' is malformed\nhint: write 429"),
        (
            ["--fault", "safety", "--fault", "429"],
            2,
            "faults after 'safety' would never apply",
        ),
        (["--port", "70000"], 2, "70000"),
        (["--latency", "-1"], 2, "--latency -1 is out of range"),
        (["--latency", "nan"], 2, "hint: a number from 0 to 86400"),
        (["--log", "none/log"], 6, "cannot write the log none/log"),
    ],
)
def test_bad_options(nb: Nb, argv: list[str], code: int, words: str) -> None:
    run = nb("sandbox", *argv)
    assert (run.code, run.out) == (code, "")
    assert words in run.err


def test_help_says_how_faults_are_written(nb: Nb) -> None:
    run = nb("sandbox", "--help")
    assert run.code == 0
    assert "[[fault:NAME]]" in run.out
    assert "nb sandbox --port 8123" in run.out
