"""Limits that the system sets a process: on files, descriptors, memory, processes and time."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from ctypes import CDLL
from typing import Any

from faults.judge import check
from faults.lab import BATCH, CAPTION, Bench, Row, Scenario
from support.tools import on_linux

pytestmark = on_linux


def _limits(**values: int) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run under limits, such as `NOFILE=16`."""

    def limit() -> None:
        for name, value in values.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return lambda _: {"preexec_fn": limit}


def _alone(_: Bench) -> dict[str, Any]:
    """Return options for a run that may start neither threads nor processes.

    That limit does not hold for root, nor for who may exceed limits: root becomes another user who
    keeps its rights on files.
    """

    def limit() -> None:
        if os.geteuid() == 0:
            drop, admin, exceed = 24, 21, 24  # PR_CAPBSET_DROP, CAP_SYS_ADMIN, CAP_SYS_RESOURCE
            for capability in (admin, exceed):
                CDLL(None).prctl(drop, capability, 0, 0, 0)
            os.setreuid(54321, 0)
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    return {"preexec_fn": limit}


# With Pillow, or with the threads of captions, it may not fit into 200 MB; nothing is sent then.
_SMALL = ("file", "folder", "stdout", "json", "count", "count-json", "stdin", "verbose")
# Texts are short.
_TEXT = {form: {"exit": 0, "charged": "", "calls": 1, "says": ""} for form in CAPTION}
_UNSENT: Any = {"charged": "no", "calls": 0}

ROWS = (
    Row(
        "size",
        "no file may be large (`ulimit -f`)",
        "refused before the call: nothing could take the paid image",
        tuple(
            Scenario(
                f"{most} bytes",
                6,
                says=f"the system allows no file above {most} bytes",
                options=_limits(FSIZE=most),
                differs=_TEXT,
                **_UNSENT,
            )
            for most in (1000, 1 << 20)
        ),
    ),
    Row(
        "descriptors",
        "few files may be open (`ulimit -n`)",
        "fewer calls at once; none is paid for that could not be recorded",
        (
            Scenario("16", 0, options=_limits(NOFILE=16)),
            Scenario("8", 0, options=_limits(NOFILE=8)),
            Scenario(
                "5, of a batch",
                6,
                says="oo many open files",
                options=_limits(NOFILE=5),
                forms=BATCH,
                **_UNSENT,
            ),
        ),
        elsewhere=("generation/test_limits.py::test_every_image_is_made",),
    ),
    Row(
        "memory",
        "little memory, a small stack, none that may be locked (`ulimit -v`, `-s`, `-l`)",
        "it works as ever, with fewer calls at once",
        (
            Scenario("300 MB", 0, options=_limits(AS=300 << 20)),
            Scenario("200 MB", 0, options=_limits(AS=200 << 20), forms=_SMALL),
            Scenario("a small stack", 0, options=_limits(STACK=512 << 10)),
            Scenario("nothing locked", 0, options=_limits(MEMLOCK=0)),
        ),
        elsewhere=("generation/test_limits.py::test_every_image_is_made",),
    ),
    Row(
        "threads",
        "no further thread or process may be started (`ulimit -u`)",
        "refused before the call; a few threads do",
        (
            Scenario(
                "none",
                5,
                always=("file", "json"),
                says="the system starts no more threads",
                options=_alone,
                **_UNSENT,
            ),
        ),
        elsewhere=("generation/test_limits.py::test_fewer_threads_than_asked_for_do",),
    ),
    Row(
        "time",
        "the processor's time is used up (`ulimit -t`) while the service draws",
        "it is killed; a batch knows of the call, and makes it again only if asked to",
        elsewhere=("commands/test_leftovers.py::test_runs_killed_at_random_leave_nothing",),
    ),
)


def test_limits(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)
