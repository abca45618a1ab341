"""`nb sandbox` as a process of its own."""

from __future__ import annotations

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
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_stops_by_a_signal(nb_process: NbProcess, signum: signal.Signals, code: int) -> None:
    with _serving(nb_process, "--fault", "hang") as (process, _):
        process.send_signal(signum)
        out, err = process.communicate(timeout=10)
        assert process.returncode == code
    assert out == b""
    assert b"Traceback" not in err


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
        (
            ["--fault", "safety", "--fault", "429"],
            2,
            "faults after 'safety' would never apply",
        ),
        (["--port", "70000"], 2, "70000"),
        (["--latency", "-1"], 2, "a latency of -1 seconds is out of range"),
        (["--latency", "nan"], 2, "hint: use 0 to 86400"),
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
