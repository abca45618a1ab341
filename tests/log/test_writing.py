"""Write the log from many processes, under signals, and where it cannot be written."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from support.replies import made
from support.tools import limit_files, on_linux
from support.wire_server import Answer, Send, Steps, Wait, WireServer

from nanobanana_cli.log import store
from nanobanana_cli.types import ContentRequest, Endpoint, Result

_WRITER = """
import sys
from pathlib import Path
from nanobanana_cli.log.store import CallLog
from nanobanana_cli.types import ContentRequest, Endpoint, Result

endpoint = Endpoint("wisgate", "https://wisgate.ai")
sys.stdin.readline()
with CallLog(Path(sys.argv[1]), endpoint, print) as log:
    for number in range(int(sys.argv[3])):
        request = ContentRequest(f"{sys.argv[2]} {number}", "m", aspect="1:1", size="1K")
        log.add([Result("written", request, "wisgate", "fox.png", attempts=1, cost=1)])
"""


@pytest.fixture
def log() -> Path:
    return Path("~/.local/state/nanobanana-wisgate/log.sqlite").expanduser()


def env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k"}


def prompts(path: Path) -> list[str]:
    with closing(store.connect(path)) as connection:
        rows = connection.execute("SELECT line FROM calls").fetchall()
    return [json.loads(text)["prompt"] for (text,) in rows]


def test_twenty_processes_lose_no_line(log: Path) -> None:
    count, each = 20, 5
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(log), str(number), str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for number in range(count)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        said, _ = writer.communicate(timeout=100)
        assert (writer.returncode, said) == (0, b"")
    wanted = {f"{number} {line}" for number in range(count) for line in range(each)}
    assert sorted(prompts(log)) == sorted(wanted)


def test_many_threads_lose_no_line(nb: Nb, log: Path) -> None:
    rows = [{"prompt": f"fox {number}", "output": f"{number}.png"} for number in range(60)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with WireServer(made()) as server:
        run = nb("batch", "rows.jsonl", "--concurrency", "32", env=env(server))
    assert run.code == 0, run.err
    assert sorted(prompts(log)) == sorted(row["prompt"] for row in rows)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_loses_no_line(
    nb_process: NbProcess, log: Path, stop: signal.Signals
) -> None:
    slow = Answer(200, body=made().body, delay=20)
    with WireServer(made(), slow) as server:
        process = nb_process.start(
            *("generate", "a fox", "-n", "2", "-o", "fox.png"), env=env(server)
        )
        with process:
            while not {*Path().glob("fox-*.png")} or len(server.requests) < 2:
                time.sleep(0.001)
            process.send_signal(stop)
            process.communicate(timeout=30)
    assert process.returncode == 128 + stop
    with closing(store.connect(log)) as connection:
        rows = connection.execute("SELECT line FROM calls").fetchall()
    found = sorted((json.loads(text) for (text,) in rows), key=lambda each: str(each["status"]))
    assert [(each["status"], each["charged"]) for each in found] == [
        ("unknown", "maybe"),
        ("written", "yes"),
    ]
    assert found[1]["path"] == str(next(Path().glob("fox-*.png")).absolute())


class TestOneThatCannotBeWritten:
    """A note, and all else as ever."""

    def note(self, nb: Nb, log: Path) -> str:
        with WireServer(made()) as server:
            run = nb("generate", "a fox", "-o", "fox.png", "--force", env=env(server))
        assert (run.code, run.out) == (0, "fox.png\n")
        (note,) = (line for line in run.err.splitlines() if line.startswith("note: "))
        start = "note: 1 line could not be written to the log: "
        assert note.startswith(start)
        assert note.endswith(f"; see {log}")
        return note.removeprefix(start).removesuffix(f"; see {log}")

    def test_is_no_database(self, nb: Nb, log: Path) -> None:
        log.parent.mkdir(parents=True)
        log.write_bytes(b"my own notes, which are not a database" * 100)
        assert self.note(nb, log) == "it is not a SQLite file"
        assert log.read_bytes() == b"my own notes, which are not a database" * 100
        for words in ((), ("fox.png",), ("--sum", "day"), ("--forget", "--all", "--yes")):
            run = nb("log", *words)
            assert run.code == 6
            assert run.err == (
                f"nb: the log {log} cannot be used: it is not a SQLite file\n"
                "hint: move the file away: the next paid call begins a new one\n"
            )

    def test_is_damaged(self, nb: Nb, log: Path) -> None:
        with WireServer(made()) as server:
            assert nb("generate", "a fox", "-o", "fox.png", env=env(server)).code == 0
        data = bytearray(log.read_bytes())
        data[4096:] = b"\xff" * (len(data) - 4096)
        log.write_bytes(data)
        assert self.note(nb, log) == "it is damaged"
        assert nb("log").code == 6

    @pytest.mark.parametrize("column", ["is_call", "cost", "model"])
    def test_has_values_of_other_types(self, nb: Nb, log: Path, column: str) -> None:
        with WireServer(made()) as server:
            assert nb("generate", "a fox", "-o", "fox.png", env=env(server)).code == 0
        with closing(sqlite3.connect(log)) as connection:
            connection.execute(f"UPDATE calls SET {column} = x'ff'")
            connection.commit()
        run = nb("log", "--sum", "model")
        assert run.code == 6
        assert run.err.splitlines()[0] == f"nb: the log {log} cannot be used: it is damaged"

    def test_is_of_a_newer_nb(self, nb: Nb, log: Path) -> None:
        store.create(log)
        with closing(sqlite3.connect(log)) as connection:
            connection.execute("PRAGMA user_version = 2")
            connection.commit()
        assert self.note(nb, log) == "a newer nb wrote it"
        run = nb("log")
        assert (run.code, run.err.splitlines()[1]) == (6, "hint: upgrade nb")

    def test_has_no_folder(self, nb: Nb, log: Path) -> None:
        log.parent.parent.mkdir(parents=True)
        log.parent.write_text("a file")
        assert "not a folder" in self.note(nb, log) or "exists" in self.note(nb, log)

    def test_is_a_folder(self, nb: Nb, log: Path) -> None:
        log.mkdir(parents=True)
        assert self.note(nb, log) == "it cannot be opened"
        run = nb("log")
        assert run.code == 6
        assert "hint: check the permissions of the file and of its folder" in run.err

    def test_is_locked_for_good(self, log: Path) -> None:
        store.create(log)
        notes: list[str] = []
        request = ContentRequest("a fox", "m")
        result = Result("written", request, "wisgate", "fox.png", attempts=1)
        endpoint = Endpoint("wisgate", "https://wisgate.ai")
        with closing(sqlite3.connect(log, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with store.CallLog(log, endpoint, notes.append, (0.05, 0.1)) as kept:
                kept.add([result, result])
                kept.add([result])
            other.execute("COMMIT")
        why = "3 lines could not be written to the log: another process keeps it locked"
        assert notes == [f"{why}; see {log}"]

    @on_linux
    def test_is_full(self, nb: Nb, nb_process: NbProcess, log: Path) -> None:
        with WireServer(made()) as server:
            for number in range(3):
                nb("generate", "x" * 3000, "-o", f"{number}.png", env=env(server))
        answer = made()
        with WireServer(Steps(Wait(gate=True), Send(answer.head() + answer.body))) as server:
            argv = ("generate", "x" * 9000, "-o", "last.png")
            with nb_process.start(*argv, env=env(server)) as process:
                while process.poll() is None and not server.requests:
                    time.sleep(0.01)
                # With such a limit, it would not have asked for an image.
                most = log.stat().st_size
                limit_files(process.pid, most)
                server.gate.set()
                out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert b"could not be written to the log" in err
        assert out == b"last.png\n"
        assert len(prompts(log)) == 3


def test_one_that_was_locked_for_a_while_gets_all_lines(nb: Nb, log: Path) -> None:
    store.create(log)
    with closing(sqlite3.connect(log, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        timer = threading.Timer(0.7, other.execute, ("COMMIT",))
        timer.start()
        with WireServer(made()) as server:
            run = nb("generate", "a fox", "-o", "fox.png", env=env(server))
        timer.join()
    assert (run.code, run.err.count("note")) == (0, 0)
    assert prompts(log) == ["a fox"]
