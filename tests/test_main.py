"""The process itself: signals, closed streams, defects, and what start-up may load."""

from __future__ import annotations

import json
import marshal
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer
from conftest import Nb, NbProcess
from support.replies import made, picture
from support.tools import on_linux
from support.wire_server import Answer, WireServer

from nanobanana_cli import __version__
from nanobanana_cli.cli import _COMMANDS, _NEED_ALL

KEY = "sk-very-secret-key-123"


def _against(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}


def _wait_for_request(server: WireServer, count: int = 1) -> None:
    deadline = time.monotonic() + 30
    while len(server.requests) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.requests) >= count


@pytest.mark.parametrize(
    ("signum", "code", "name"),
    [
        (signal.SIGINT, 130, "Ctrl-C"),
        (signal.SIGTERM, 143, "SIGTERM"),
        (signal.SIGHUP, 129, "SIGHUP"),
    ],
)
def test_a_signal_during_the_call_stops_at_once(
    nb_process: NbProcess, signum: signal.Signals, code: int, name: str
) -> None:
    with WireServer(Answer(200, body=made().body, delay=30)) as server:
        process = nb_process.start("generate", "fox", "-o", "fox.png", env=_against(server))
        with process:
            _wait_for_request(server)
            started = time.monotonic()
            process.send_signal(signum)
            out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == code
    assert out == b""
    assert err.decode().splitlines() == [
        f"nb: stopped by {name}",
        "hint: check the account's usage before running it again",
        "May have been charged.",
    ]
    assert list(Path().iterdir()) == []


def test_a_signal_while_several_run_keeps_what_is_done(nb_process: NbProcess) -> None:
    slow = Answer(200, body=made().body, delay=30)
    with WireServer(made(), made(), slow) as server:
        process = nb_process.start(
            "generate", "fox", "-n", "3", "-o", "fox.png", env=_against(server)
        )
        with process:
            assert process.stdout is not None
            lines = [process.stdout.readline(), process.stdout.readline()]
            _wait_for_request(server, 3)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert process.returncode == 130
    assert sorted(path.name for path in Path().iterdir()) == sorted(
        line.decode().strip() for line in lines
    )


def test_a_signal_while_a_resend_waits(nb_process: NbProcess) -> None:
    busy = Answer(429, headers=(("Retry-After", "60"),))
    with WireServer(busy) as server:
        process = nb_process.start("generate", "fox", env=_against(server))
        with process:
            assert process.stderr is not None
            assert b"60.0 s" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
    assert process.returncode == 130
    assert len(server.requests) == 1


_NB = shlex.join([sys.executable, "-m", "nanobanana_cli"])


@pytest.mark.parametrize(
    ("command", "signum"),
    [
        (f"exec nohup {_NB} generate fox -o fox.png", signal.SIGHUP),
        (f"trap '' INT; exec {_NB} generate fox -o fox.png", signal.SIGINT),
        (f"trap '' TERM; exec {_NB} generate fox -n 2 -o fox.png", signal.SIGTERM),
        (f"trap '' INT; exec {_NB} caption 'a fox' --write -o fox.png", signal.SIGINT),
        (f"trap '' INT HUP; exec {_NB} batch rows.txt", signal.SIGINT),
        (f"exec nohup {_NB} batch rows.txt", signal.SIGHUP),
    ],
)
def test_a_signal_that_was_ignored_stays_so(
    command: str, signum: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.txt").write_text("fox\n")
    with WireServer(Answer(200, body=made().body, delay=0.5)) as server:
        for name, value in _against(server).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        with subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE) as process:
            _wait_for_request(server)
            for _ in range(3):
                process.send_signal(signum)
            _, err = process.communicate(timeout=30)
    assert b"stopped" not in err
    assert process.returncode in (0, 9)
    assert len(list(Path().glob("*.png"))) == len(server.requests)


# Sends itself a signal as one of the first modules is looked for.
_STOPPED_AT_ONCE = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, Finder())
from nanobanana_cli.process import start
start()
"""


@pytest.mark.parametrize("module", ["__main__", "system", "errors", "cli"])
@pytest.mark.parametrize(
    ("signum", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_at_the_start_is_told(module: str, signum: signal.Signals, name: str) -> None:
    script = _STOPPED_AT_ONCE.format(module=f"nanobanana_cli.{module}", signal=signum.name)
    run = subprocess.run(
        [sys.executable, "-c", script, "generate", "fox", "--provider", "sandbox"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 128 + signum
    assert run.stderr.decode().splitlines() == [f"nb: stopped by {name}", "Not charged."]
    assert list(Path().iterdir()) == []


# Sends itself Ctrl-C from within Python's import system, as a module is looked for.
_STOPPED_IN_AN_IMPORT = """
import os, signal, sys
from nanobanana_cli.__main__ import entry

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "nanobanana_cli.images.formats":
            # The one that is sent again must not come before this returns.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            try:
                signal.getsignal(signal.SIGINT)(signal.SIGINT, sys._getframe(1))
            except BaseException:
                os._exit(99)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])

sys.meta_path.insert(0, Finder())
entry()
"""


def test_a_signal_in_an_import_waits_until_it_is_done() -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    argv = ["generate", "fox [[fault:hang]]", "--provider", "sandbox"]
    run = subprocess.run(
        [sys.executable, "-c", _STOPPED_IN_AN_IMPORT, *argv],
        env=env,
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 130
    assert run.stderr.decode().splitlines()[0] == "nb: stopped by Ctrl-C"


# Sends itself Ctrl-C whenever something is told.
_STOPPED_WHILE_TELLING = """
import io, signal, sys
from nanobanana_cli.__main__ import entry

class Stderr(io.TextIOWrapper):
    def write(self, text):
        signal.raise_signal(signal.SIGINT)

sys.stderr = Stderr(sys.stderr.buffer)
entry()
"""


def test_a_signal_while_another_is_told() -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run(
        [sys.executable, "-c", _STOPPED_WHILE_TELLING, "generate", ""],
        env=env,
        capture_output=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (130, b"")


def test_a_reader_that_goes_away(nb_process: NbProcess) -> None:
    with WireServer(made()) as server:
        reader, writer = os.pipe()
        os.close(reader)
        process = nb_process.start(
            "generate", "fox", "-o", "-", env=_against(server), stdout=writer
        )
        os.close(writer)
        with process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 141
    (rescued,) = Path("~/.local/state/nanobanana-wisgate/images").expanduser().iterdir()
    assert err == f"note: the image was saved as {rescued}\n".encode()
    assert rescued.read_bytes().startswith(b"\x89PNG")


@on_linux
def test_stdout_on_a_full_device(nb_process: NbProcess) -> None:
    with WireServer(made()) as server, Path("/dev/full").open("wb") as full:
        process = nb_process.start(
            "generate", "fox", "-o", "fox.png", env=_against(server), stdout=full
        )
        with process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 6
    assert b"cannot write to stdout: No space left" in err
    assert err.endswith(b"\nCharged.\n")
    assert Path("fox.png").exists()


@pytest.mark.parametrize(
    ("closed", "argv", "code"),
    [
        ("<&-", ["generate", "-"], 2),
        (">&-", ["models"], 6),
        ("2>&-", ["generate", ""], 2),
        ("<&- >&- 2>&-", ["models"], 6),
    ],
)
def test_a_stream_that_the_parent_closed(
    closed: str, argv: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    command = shlex.join([sys.executable, "-m", "nanobanana_cli", *argv])
    run = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, timeout=60)
    assert run.returncode == code
    assert b"Traceback" not in run.stderr
    assert run.stdout == b""


@on_linux
@pytest.mark.parametrize(
    ("argv", "charge"),
    [
        (["models"], b"hint: check the path, its permissions, and the free disk space"),
        (["generate", "fox", "-o", "-"], b"Charged."),
    ],
)
def test_what_a_full_stdout_costs(nb_process: NbProcess, argv: list[str], charge: bytes) -> None:
    with WireServer(made()) as server, Path("/dev/full").open("wb") as full:
        process = nb_process.start(*argv, env=_against(server), stdout=full)
        with process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 6
    assert err.endswith(b"\n" + charge + b"\n")


def test_a_defect_is_told_without_a_traceback(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nanobanana_cli.cli.command_tree", lambda _: None)
    run = nb("models")
    assert run.code == 1
    assert re.fullmatch(
        "nb: a defect in nb: AttributeError\n"
        "hint: please report it, with what `nb version` prints and the place: "
        r"__main__\.py, line \d+\n",
        run.err,
    )


def test_an_end_of_file_is_a_defect_and_no_ctrl_c(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer()

    @app.command()
    def models() -> None:
        marshal.loads(b"i")

    command = typer.main.get_command(app)
    monkeypatch.setattr("nanobanana_cli.cli.command_tree", lambda _: command)
    run = nb("--")
    assert run.code == 1
    assert "nb: a defect in nb: EOFError\n" in run.err


def test_debug_shows_the_traceback_and_keeps_the_status(nb_process: NbProcess) -> None:
    run = nb_process("generate", "", env={"NB_DEBUG": "1"})
    assert run.code == 2
    assert "nb: the prompt is empty" in run.err
    assert "Traceback" in run.err


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_help_is_shown_when_asked_for_or_when_nothing_is(nb: Nb, argv: list[str]) -> None:
    run = nb(*argv)
    assert (run.code, run.err) == (0, "")
    assert "Usage: nb" in run.out


@pytest.mark.parametrize("rest", [[], ["generate", "fox"]])
def test_the_version(nb: Nb, rest: list[str]) -> None:
    assert nb("--version", *rest).out == f"nb {__version__}\n"


def test_an_unknown_command_names_the_nearest(nb: Nb) -> None:
    run = nb("generat", "fox")
    assert run.code == 2
    assert "generat" in run.err
    assert "generate" in run.err


_LISTED = """
import sys, json, io, threading
behind = set()
def note(event, arguments):
    if event == "import" and isinstance(threading.current_thread(), threading.Timer):
        behind.add(arguments[0])
sys.addaudithook(note)
from nanobanana_cli.__main__ import main
out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO())
main(sys.argv[1:])
out.write(json.dumps(list(set(sys.modules) - behind)))
"""


def _loaded(*argv: str, **variables: str) -> set[str]:
    """The modules that a run of `nb` loads, except in the background."""
    root = Path(__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(root), **variables}
    run = subprocess.run(
        [sys.executable, "-c", _LISTED, *argv], env=env, check=True, capture_output=True
    )
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    "argv", [["--help"], ["generate", "--help"], ["help", "generate"], ["--version"], ["-V"]]
)
def test_start_up_loads_nothing_that_it_does_not_need(argv: list[str]) -> None:
    heavy = {"requests", "urllib3", "PIL", "rich", "tomlkit", "tomllib", "platformdirs"}
    heavy |= {"http.server", "http.client", "asyncio", "logging", "email", "sqlite3"}
    if argv in (["--version"], ["-V"]):
        heavy |= {"typer", "msgspec", "nanobanana_cli.cli"}
    assert _loaded(*argv) & heavy == set()


@pytest.mark.parametrize("name", [name for name in _COMMANDS if name not in _NEED_ALL])
def test_a_command_loads_no_other(name: str) -> None:
    others = {f"nanobanana_cli.commands.{_COMMANDS[each]}" for each in _COMMANDS if each != name}
    loaded = _loaded(name, "--help")
    assert loaded & others == set()
    assert f"nanobanana_cli.commands.{_COMMANDS[name]}" in loaded


# For calls, converting, the terminal, editing, serving, and packages that no command needs whole.
_FOR_SOME = {"requests", "urllib3", "ssl", "http.client", "PIL", "rich", "tomlkit", "http.server"}
_FOR_SOME |= {"sqlite3", "asyncio", "platformdirs", "nanobanana_cli.batch.runner"}
_FOR_SOME |= {"nanobanana_cli.sandbox.server", "nanobanana_cli.commands.config.check"}


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("version", set()),
        ("config path", set()),
        ("config list", set()),
        ("config get aspect", set()),
        ("config set aspect 16:9", {"tomlkit"}),
        ("models", set()),
        ("completion bash", set()),
        ("generate fox --dry-run", set()),
        ("generate fox --curl", set()),
        ("generate fox -i fox.png -a 1:1 --dry-run", {"PIL"}),
        ("batch --init new.toml", set()),
        ("batch foxes.txt --dry-run", set()),
        ("batch foxes.txt --status", set()),
        ("batch foxes.txt --check", set()),
        ("batch foxes.txt --prune", set()),
        ("caption --check fox.png", set()),
        ("caption --read fox.png", set()),
        ("caption fox.png --dry-run", set()),
        ("extract reply.json", set()),
    ],
)
def test_a_run_loads_what_it_uses(line: str, used: set[str]) -> None:
    Path("fox.png").write_bytes(picture())
    Path("foxes.txt").write_text("a red fox\n")
    Path("reply.json").write_bytes(made().body)
    assert _loaded(*line.split()) & _FOR_SOME == used


def test_a_call_in_a_pipe_loads_no_rich_and_needs_no_pillow_for_a_png() -> None:
    with WireServer(Answer(200, body=made().body, delay=1)) as server:
        loaded = _loaded("generate", "fox", "-o", "fox.png", **_against(server))
    assert Path("fox.png").exists()
    assert "requests" in loaded
    # Some are loaded in the background, as the service draws.
    assert loaded & {"rich", "PIL", "sqlite3", "tomlkit", "tomllib"} == set()
    display = {"commands.display", "ui.preview", "ui.viewer", "images.resize"}
    assert loaded & {f"nanobanana_cli.{module}" for module in display} == set()


def test_no_thread_outlives_a_run(nb: Nb) -> None:
    before = threading.active_count()
    with WireServer(made()) as server:
        assert nb("generate", "fox", "-n", "3", env=_against(server)).code == 0
    assert threading.active_count() == before
