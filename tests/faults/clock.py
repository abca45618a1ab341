"""A clock that is wrong, or steps, for all of a process: libfaketime."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.lab import Bench, During
from support.python import ROOT
from support.tools import require

# libfaketime leaves the monotonic clock alone, as a system does whose clock is set; but it takes
# what `clock_nanosleep` waits for on that clock for a time of the other, and it fails.
_SITE = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
"""


def clock(now: str) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run at a time, such as `@2099-01-01 00:00:00` or `+10y`."""

    def options(bench: Bench) -> dict[str, Any]:
        # Beside the program, which would share its clock with all that it starts, by the number of
        # its process: now and then somebody else has it.
        libraries = Path(require("faketime")).parents[1].glob("lib/*/faketime/libfaketimeMT.so.1")
        site = bench.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(_SITE)
        _set(bench, now)
        env = {
            "LD_PRELOAD": str(next(libraries)),
            "FAKETIME_DISABLE_SHM": "1",
            "FAKETIME_TIMESTAMP_FILE": str(bench.folder / "clock"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": f"{site}:{ROOT}",
        }
        return {"env": env}

    return options


def stepping(now: str) -> During:
    """Set the clock once a request has come."""

    def during(bench: Bench, _: subprocess.Popen[bytes]) -> bool:
        if bench.server is None or not bench.server.requests:
            return False
        _set(bench, now)
        return True

    return during


def _set(bench: Bench, now: str) -> None:
    """Whole at once: libfaketime reads it at each look at the clock."""
    new = bench.folder / "clock.new"
    new.write_text(f"{now}\n")
    new.rename(bench.folder / "clock")
