"""Kill runs with SIGKILL at 200 random moments; check ledgers and temporary files afterwards.

    PYTHONPATH=tests python tests/benchmarks/crash.py [--kills 200]

The suite does the same with fewer kills.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile

from conftest import NbProcess
from support import crash

_KILLS_A_ROUND = 10


def main() -> None:
    """Kill, resume and check, in rounds of ten kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    chosen = parser.parse_args()
    for number in range(chosen.kills // _KILLS_A_ROUND):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            print(crash.killed_at_random(NbProcess(), _KILLS_A_ROUND, seed=number), flush=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        print(crash.killed_while_writing(NbProcess(), chosen.kills, seed=1), flush=True)


if __name__ == "__main__":
    main()
