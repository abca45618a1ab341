"""Ctrl-C in the middle of a folder keeps what is done, and the next run makes the rest."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import NbProcess
from support.replies import image_part, picture, reply
from support.texts import against, save, told
from support.wire_server import Answer, Hold, Send, Steps, WireServer

_TOLD = (
    "nb: stopped by Ctrl-C\n"
    "hint: check the account's usage before running it again\n"
    "May have been charged.\n"
)


def _wait_for(server: WireServer, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(server.requests) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(server.requests) >= count


def _stopped(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    return out.decode(), err.decode()


def test_what_is_done_is_kept_and_a_second_run_makes_the_rest(nb_process: NbProcess) -> None:
    save(*(f"i/{n}.png" for n in range(9)))
    slow = told("slow", delay=30)
    with WireServer(told("done"), told("done"), told("done"), slow) as server:
        with nb_process.start(
            *("caption", "-r", "i", "--write", "--concurrency", "2"), env=against(server)
        ) as process:
            _wait_for(server, 5)
            out, err = _stopped(process)
        kept = {path.name for path in Path("i").glob("*.alt.txt")}
        assert len(kept) == 3
        assert out.count("\tdone\n") == 3
        assert err.endswith(_TOLD)
        assert len(server.requests) == 5
    assert not [path for path in Path("i").iterdir() if path.name.startswith(".")]
    with WireServer(told("later")) as server:
        again = nb_process("caption", "-r", "i", "--write", env=against(server))
        assert (again.code, len(server.requests)) == (0, 6)
    assert len(list(Path("i").glob("*.alt.txt"))) == 9
    assert again.out.count("\tdone\n") == 3


def test_texts_that_waited_for_their_turn_are_shown(nb_process: NbProcess) -> None:
    """The first image is slow: the others' texts are done, and were held back for the order."""
    save(*(f"i/{n}.png" for n in range(6)))
    with (
        WireServer(told("slow", delay=30), told("done")) as server,
        nb_process.start(
            *("caption", "-r", "i", "--concurrency", "2", "-v"), env=against(server)
        ) as process,
    ):
        _wait_for(server, 6)
        time.sleep(0.5)
        out, _ = _stopped(process)
    assert out.count("\tdone\n") == 5
    assert "slow" not in out


@pytest.mark.parametrize("options", [[], ["--write"], ["--embed"]])
def test_two_signals_within_a_millisecond_neither_hang_nor_hide_a_charge(
    nb_process: NbProcess, options: list[str]
) -> None:
    save(*(f"i/{n}.png" for n in range(9)))
    slow = told("slow", delay=30)
    with (
        WireServer(slow) as server,
        nb_process.start("caption", "-r", "i", *options, env=against(server)) as process,
    ):
        _wait_for(server, 8)
        process.send_signal(signal.SIGINT)
        time.sleep(0.0005)
        _, err = _stopped(process)
    assert err.endswith(_TOLD)
    assert {path.suffix for path in Path("i").iterdir()} == {".png"}


@pytest.mark.parametrize("images", [["a.png"], ["a.png", "b.png"]])
@pytest.mark.parametrize("is_stopped", [True, False])
def test_what_came_of_a_cut_reply_is_kept_and_told(
    nb_process: NbProcess, images: list[str], is_stopped: bool
) -> None:
    save(*images)
    answer = Answer(body=reply(image_part(picture(64, 64))))
    half = Send(answer.head() + answer.body[:-200])
    with (
        WireServer(Steps(half, *[Hold()] * is_stopped)) as server,
        nb_process.start("caption", *images, "-q", env=against(server)) as process,
    ):
        _wait_for(server, len(images))
        # The bytes come at once; the signal after them.
        time.sleep(0.5)
        err = _stopped(process)[1] if is_stopped else process.communicate(timeout=20)[1].decode()
    kept = re.findall(r"what came of the reply is kept as (\S+?\.json)", err)
    assert len(set(kept)) == len(images)
    assert all(Path(path).is_file() for path in kept)
    assert err.endswith("May have been charged.\n")
