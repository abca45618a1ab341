"""A clock that is wrong, or steps, for all of a process: libfaketime."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
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
        shown = subprocess.run(
            [require("faketime"), "-m", "-f", "+0", "env"], capture_output=True, check=True
        ).stdout.decode()
        library = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        site = bench.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(_SITE)
        _set(bench, now)
        env = {
            "LD_PRELOAD": library["LD_PRELOAD"],
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
