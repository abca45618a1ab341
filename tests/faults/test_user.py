"""Signals, two runs at once, clocks, odd environments and odd keys."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import NbProcess
from faults import worlds
from faults.clock import clock, stepping
from faults.judge import check
from faults.lab import (
    CAPTION,
    FORMS,
    GENERATE,
    GOOD,
    IMAGE,
    KEY,
    REPLY,
    Bench,
    During,
    Row,
    Scenario,
    World,
)
from support import python
from support.replies import failed
from support.tools import obey_permissions, on_linux
from support.wire_server import Answer, Hold, Send, Steps, Wait, WireServer

# /proc and capabilities.
pytestmark = on_linux

_ALONE = (*GENERATE, "draw", *CAPTION)
_STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
_HALF = GOOD.head() + REPLY[: len(REPLY) // 2]


def _signals(*numbers: signal.Signals, after: float = 0.0, gap: float = 0.0) -> During:
    """Send signals, seconds after the start, or a moment after a request has come."""

    def during(bench: Bench, process: subprocess.Popen[bytes]) -> bool:
        if not after and not (bench.server and bench.server.requests):
            return False
        bench.noticed = bench.noticed or time.monotonic()
        if time.monotonic() < bench.noticed + (after or 0.1):
            return False
        for number in numbers:
            process.send_signal(number)
            time.sleep(gap)
        return True

    return during


def _stopped(name: str, *script: Answer | Steps, by: During, **more: Any) -> Scenario:
    more = {"exit": 130, "charged": "maybe", "forms": _ALONE, "kept": None, **more}
    return Scenario(name, script=script, during=by, says="stopped by", **more)


def _unsent(name: str, world: World, **more: Any) -> Scenario:
    return _stopped(name, world=world, charged="no", calls=0, **more)


def _fine(name: str, **more: Any) -> Scenario:
    return Scenario(name, 0, **more)


def _keyed(name: str, key: str, **more: Any) -> Scenario:
    """A key that cannot be one: nothing is sent."""
    return Scenario(name, 4, "no", calls=0, env={"WISDOM_GATE_KEY": key}, **more)


def _unsent_at(name: str, world: World, day: str, says: str) -> Scenario:
    options = clock(f"@{day} 00:00:00")
    return Scenario(f"TLS in {name}", 5, "no", world=world, calls=0, says=says, options=options)


def _home(mode: int) -> Callable[[Bench], object]:
    return lambda bench: bench.home.chmod(mode)


def _unprivileged(_: Bench) -> dict[str, Any]:
    return {"preexec_fn": obey_permissions}


_INT, _TERM = signal.SIGINT, signal.SIGTERM
_ONCE = _signals(_INT)
# A second later, by the service's own clock.
_LATER = failed(
    429, Retry_After="Wed, 21 Oct 2015 07:28:02 GMT", Date="Wed, 21 Oct 2015 07:28:01 GMT"
)
_IN_2020: Any = {"options": clock("@2020-01-05 00:00:00")}

ROWS = (
    Row(
        "signal",
        "Ctrl-C, SIGTERM or SIGHUP at any stage, once or twice",
        "ends at once, with a line that says what may have been charged; what came is kept",
        (
            *(
                _stopped(number.name, Steps(Hold()), by=_signals(number), exit=status)
                for number, status in _STATUS.items()
            ),
            _stopped("twice at once", Steps(Hold()), by=_signals(_INT, _INT)),
            _stopped("twice", Steps(Hold()), by=_signals(_INT, _INT, gap=0.2)),
            _stopped("in the headers", Steps(Send(GOOD.head()[:20]), Hold()), by=_ONCE),
            _stopped("in the body", Steps(Send(_HALF), Hold()), by=_ONCE),
            _stopped("in a trickle", Steps(Send(GOOD.head() + REPLY, 0.01)), by=_ONCE),
            _stopped(
                "while a resend waits",
                failed(429, Retry_After="60"),
                by=_ONCE,
                charged="no",
                argv=("--retries", "3"),
            ),
            _unsent("while it connects", worlds.black_hole, by=_signals(_INT, after=2)),
            _unsent("in TLS", worlds.mute_tls, by=_signals(_TERM, after=2), exit=143),
            _stopped(
                "in a batch, twice",
                Steps(Hold()),
                by=_signals(_INT, _INT, gap=1.3),
                forms=("batch",),
            ),
        ),
        elsewhere=(
            "commands/test_charges.py::test_signals_at_random_moments",
            "commands/test_charges.py::test_a_signal_while_an_image_is_converted_waits_for_it",
            "test_main.py::test_a_signal_at_the_start_is_told",
        ),
    ),
    Row(
        "killed",
        "it is killed, or the machine loses power",
        "no half file; the ledger knows each call; the next run names or removes what was left",
        elsewhere=(
            "commands/test_leftovers.py::test_runs_killed_at_random_leave_nothing",
            "commands/test_leftovers.py::test_a_whole_image_gets_a_name",
        ),
    ),
    Row(
        "two-runs",
        "two runs at once, for the same file or manifest",
        "neither overwrites the other; a batch pays once",
        elsewhere=(
            "faults/test_user.py::test_two_runs_at_once",
            "commands/batch/test_lock.py::test_two_manifests_with_the_same_outputs_pay_once",
        ),
    ),
    Row(
        "clock",
        "the clock is wrong, or steps during the call",
        "nothing ends early or late; waits and deadlines do not follow the clock; a certificate "
        "is judged by it",
        (
            _fine("in 1970", options=clock("@1970-01-02 00:00:00")),
            _fine("in 2042", options=clock("@2042-01-01 00:00:00")),
            _fine("in 2099", options=clock("@2099-01-01 00:00:00")),
            *(
                Scenario(
                    f"steps to {year}, and no reply",
                    11,
                    "maybe",
                    (Steps(Hold()),),
                    argv=("--timeout", "1"),
                    says="no complete reply within 1 s",
                    during=stepping(f"@{year}-01-02 00:00:00"),
                    options=clock("+0"),
                )
                for year in (1970, 2042)
            ),
            *(
                _fine(
                    f"steps to {year}",
                    script=(Steps(Wait(0.4), Send(GOOD.head() + REPLY)),),
                    during=stepping(f"@{year}-01-02 00:00:00"),
                    options=clock("+0"),
                )
                for year in (1970, 2042)
            ),
            *(
                _fine(
                    f"steps to {year} in a wait until a date",
                    script=(_LATER, GOOD),
                    calls=None,
                    argv=("--retries", "3"),
                    during=stepping(f"@{year}-01-02 00:00:00"),
                    options=clock("+0"),
                    seconds=3.0,
                )
                for year in (1970, 2042)
            ),
            _unsent_at("1970", worlds.tls(), "1970-01-02", "is not valid yet"),
            _unsent_at("2042", worlds.tls(years="past"), "2042-01-01", "has expired"),
            _fine("in 2020, as the certificate", world=worlds.tls(years="past"), **_IN_2020),
            _fine(
                "steps beyond the certificate",
                world=worlds.tls(years="past"),
                during=stepping("@2042-01-01 00:00:00"),
                # A further connection may come after the step.
                forms=tuple(name for name, form in FORMS.items() if form.calls == 1),
                **_IN_2020,
            ),
        ),
        elsewhere=("faults/test_user.py::test_a_ledger_of_another_time",),
    ),
    Row(
        "environment",
        "a C locale, 20 columns, `TERM=dumb`, no HOME, one that is missing, a file or read-only",
        "it works as ever",
        (
            _fine("C locale", env=python.ASCII),
            _fine("20 columns", env={"COLUMNS": "20"}),
            _fine("0 columns", env={"COLUMNS": "0"}),
            _fine("columns of letters", env={"COLUMNS": "wide", "LINES": "-5"}),
            _fine("dumb", env={"TERM": "dumb"}),
            _fine("no TERM", env={"TERM": None}),
            # Without HOME, the home is that of the user who runs the tests: leave it alone.
            _fine("no HOME", env={"HOME": None, "NB_LOG": "0"}),
            _fine("HOME is missing", env={"HOME": "/nonexistent/home"}),
            _fine("HOME is a file", env={"HOME": "/dev/null"}),
            _fine("HOME is relative", env={"HOME": "no/home", "NB_LOG": "0"}),
            _fine("read-only HOME", prepare=_home(0o500), options=_unprivileged),
            Scenario(
                "read-only HOME, a cut reply",
                11,
                "maybe",
                (Steps(Send(_HALF)),),
                kept=True,
                has_state=False,
                prepare=_home(0o500),
                options=_unprivileged,
            ),
        ),
    ),
    Row(
        "odd-key",
        "a key with white space, a line break, quotes, other alphabets, or none",
        "refused before a connection, without showing it; spaces around it do not count",
        (
            _keyed("none", ""),
            _keyed("quotes", f'"{KEY}"'),
            _keyed("apostrophes", f"'{KEY}'"),
            _keyed("a scheme", f"Bearer {KEY}"),
            _keyed("a byte order mark", f"\ufeff{KEY}"),
            _fine("white space around", env={"WISDOM_GATE_KEY": f" {KEY}\r\n"}),
            _keyed("a space inside", f"{KEY} {KEY}"),
            _keyed("a line break inside", f"{KEY}\nX-Evil: 1"),
            _keyed("a carriage return", f"{KEY[:9]}\r{KEY}"),
            _keyed("other alphabets", f"{KEY}ключ"),
            _keyed("a no-break space", f"\u00a0{KEY[:5]}\u00a0{KEY}"),
            _keyed("a control", f"{KEY}\x1b[31m"),
        ),
    ),
)


def test_user(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)


def test_two_runs_at_once(bench: Bench, nb_process: NbProcess) -> None:
    """Both are paid for, and both images are there."""
    with WireServer(Answer(body=REPLY, company=2)) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}
        command = ("generate", "a fox", "-o", "fox.png")
        runs = [nb_process.start(*command, env=env, cwd=bench.work) for _ in range(2)]
        told = [run.communicate(timeout=60)[1].decode() for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 6]
    assert sum("the image was saved as fox-2.png" in each for each in told) == 1
    for name in ("fox.png", "fox-2.png"):
        assert Path(bench.work, name).read_bytes() == IMAGE


def test_a_ledger_of_another_time(bench: Bench) -> None:
    """What was made in 2042 is up to date in 1970, and the other way round."""
    with WireServer(GOOD) as bench.server:
        for year in (2042, 1970, 2099):
            env = clock(f"@{year}-01-02 00:00:00")(bench)["env"]
            outcome = bench.run("batch", "m.txt", env={**env, "NB_BASE_URL": bench.server.url})
            assert (outcome.code, outcome.calls) == (0, 1), outcome.err
