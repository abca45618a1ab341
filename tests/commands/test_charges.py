"""The last line says what all calls of the run were charged, whatever ends it and when."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import Nb, NbProcess
from support import interrupts
from support.counting_server import CountingServer
from support.replies import failed, made, picture
from support.texts import told
from support.tools import limit_files, on_linux
from support.wire_server import Answer, WireServer

from nanobanana_cli.images.formats import verify


def _env(server: WireServer) -> dict[str, str]:
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-of-a-test-0123456789"}


def _wait_for(server: WireServer, requests: int) -> None:
    deadline = time.monotonic() + 30
    while len(server.requests) < requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.requests) >= requests


def _last(err: bytes | str) -> str:
    text = err.decode() if isinstance(err, bytes) else err
    return text.splitlines()[-1]


def test_a_rejected_key_after_a_text_that_was_paid_for(nb: Nb) -> None:
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(picture())
    with WireServer(told("A fox."), failed(401, "no key")) as server:
        run = nb("caption", "a.png", "b.png", "--concurrency", "1", env=_env(server))
    assert (run.code, run.out) == (4, "a.png\tA fox.\n")
    assert _last(run.err) == "Charged."


def test_a_rejected_key_after_an_image_that_was_paid_for(nb: Nb) -> None:
    with WireServer(made(), failed(401, "no key")) as server:
        run = nb("generate", "fox", "-n", "2", "-o", "fox.png", env=_env(server))
    assert run.code == 4
    assert len(run.out.split()) == 1
    assert _last(run.err) == "Charged."


def test_a_rejected_key_alone(nb: Nb) -> None:
    with WireServer(failed(401, "no key")) as server:
        run = nb("generate", "fox", "-n", "2", env=_env(server))
    assert run.code == 4
    assert _last(run.err) == "Not charged."


def test_one_call_with_an_unknown_outcome_makes_all_unsure(nb: Nb) -> None:
    with WireServer(made(), Answer(reset=True)) as server:
        run = nb("generate", "fox", "-n", "2", env=_env(server))
    assert run.code == 11
    assert _last(run.err) == "May have been charged."


@on_linux
def test_a_ledger_that_breaks_after_the_calls(nb_process: NbProcess) -> None:
    """The disk takes the lines that precede the calls, and the images, and not much more."""
    Path("m.txt").write_text("a fox\nan owl\n")
    with CountingServer(latency=0.3) as server:
        process = nb_process.start(
            *("batch", "m.txt", "--json"),
            # A module compiled anew would be cut off as well.
            env={**server.env, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        with process:
            while process.poll() is None and not server.calls:
                time.sleep(0.01)
            # With such a limit, it would not have begun.
            limit_files(process.pid, 1200)
            out, err = process.communicate(timeout=30)
        assert server.charged.total() == 2
    assert process.returncode == 6
    assert _last(err) == "Charged."
    assert "Not charged." not in err.decode()
    assert [json.loads(line)["cost_usd"] for line in out.splitlines()] == [0.058] * 2
    state = Path("~/.local/state/nanobanana-wisgate/images").expanduser()
    images = [*Path().glob("*.png"), *state.glob("*.png")]
    assert len(images) == 2
    for path in images:
        verify(path.read_bytes())
        assert str(path) in out.decode() + err.decode()


@pytest.mark.parametrize("gap", [0.0, 0.001, 0.3])
@pytest.mark.parametrize("command", ["generate", "caption"])
def test_a_second_signal_within_a_second(nb_process: NbProcess, command: str, gap: float) -> None:
    Path("fox.png").write_bytes(picture())
    argv = {"generate": ["a fox", "-n", "3"], "caption": ["fox.png"]}[command]
    with WireServer(Answer(200, stall=0)) as server:
        process = nb_process.start(command, *argv, env=_env(server))
        with process:
            _wait_for(server, 3 if command == "generate" else 1)
            process.send_signal(signal.SIGINT)
            time.sleep(gap)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert err.decode() == (
        "nb: stopped by Ctrl-C\n"
        "hint: check the account's usage before running it again\n"
        "May have been charged.\n"
    )


def test_a_signal_after_a_result_was_shown(nb_process: NbProcess) -> None:
    with WireServer(made(), Answer(200, stall=0)) as server:
        process = nb_process.start("generate", "fox", "-n", "2", env=_env(server))
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"fox.png\n"
            _wait_for(server, 2)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert _last(err) == "May have been charged."


def test_a_signal_while_all_that_was_sent_is_known_to_be_free(nb_process: NbProcess) -> None:
    with WireServer(failed(429, Retry_After="60")) as server:
        process = nb_process.start("generate", "fox", "-n", "2", env=_env(server))
        with process:
            assert process.stderr is not None
            lines = [process.stderr.readline(), process.stderr.readline()]
            assert all(b"60.0 s" in line for line in lines)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
    assert (process.returncode, _last(err)) == (130, "Not charged.")


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_while_an_image_is_converted_waits_for_it(
    nb_process: NbProcess, signals: int
) -> None:
    with WireServer(made(picture(3000, 3000))) as server:
        process = nb_process.start("generate", "fox", "-o", "fox.webp", env=_env(server))
        with process:
            _wait_for(server, 1)
            time.sleep(0.1)
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"fox.webp\n")
    verify(Path("fox.webp").read_bytes())
    assert re.search(r"nb: stopped by Ctrl-C\nCharged\.\n$", err.decode())


# Its stderr takes nothing any more, so that telling what happened hangs.
def test_a_third_signal_ends_what_cannot_be_told(nb_process: NbProcess) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 65536)
    except BlockingIOError:
        os.set_blocking(writer, True)
    with WireServer(Answer(200, stall=0)) as server:
        process = nb_process.start("generate", "fox", env=_env(server), stderr=writer)
        with process:
            _wait_for(server, 1)
            process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.2)
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("rest", [[], ["--json"]])
def test_a_reader_that_goes_away_after_the_first_line(
    nb_process: NbProcess, rest: list[str]
) -> None:
    slow = Answer(200, body=made().body, delay=0.5)
    with WireServer(made(), slow) as server:
        process = nb_process.start("generate", "fox", "-n", "4", *rest, env=_env(server))
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr is not None
            err = process.stderr.read().decode()
            process.wait(20)
    assert process.returncode == 141
    assert len(server.requests) == 4
    names = {path.name for path in Path().iterdir()}
    assert names == {"fox.png", "fox-2.png", "fox-3.png", "fox-4.png"}
    for name in names - {"fox.png"}:
        assert name in err


@on_linux
def test_a_stdout_that_is_full_costs_no_file(nb_process: NbProcess) -> None:
    with WireServer(made()) as server, Path("/dev/full").open("wb") as full:
        process = nb_process.start("generate", "fox", "-n", "4", env=_env(server), stdout=full)
        with process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 6
    assert len(list(Path().iterdir())) == 4
    assert _last(err) == "Charged."


def test_texts_that_stdout_no_longer_takes_are_told(nb_process: NbProcess) -> None:
    for name in "abcd":
        Path(f"{name}.png").write_bytes(picture())
    # Not before a third request, which comes once stdout is closed.
    late = Answer(200, body=told("A late fox.").body, company=3)
    with WireServer(told("A fox."), late) as server:
        process = nb_process.start(
            *("caption", "a.png", "b.png", "c.png", "d.png", "--concurrency", "1"),
            env=_env(server),
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            urlopen(server.url, timeout=20).close()
            assert process.stderr is not None
            err = process.stderr.read().decode()
            process.wait(20)
    assert process.returncode == 141
    assert err.count(" fox.\n") == len(server.requests) - 2


@pytest.mark.parametrize("name", interrupts.COMMANDS)
def test_signals_at_random_moments(nb_process: NbProcess, name: str) -> None:
    found = interrupts.interrupted_at_random(nb_process, name, moments=4, seed=1)
    assert (found["untrue"], found["lost"]) == (0, 0), found
    assert not any("silent" in what for what in found), found
