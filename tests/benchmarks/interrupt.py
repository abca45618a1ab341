"""Interrupt runs of each command at random moments; check charge lines and what was kept.

    PYTHONPATH=tests python tests/benchmarks/interrupt.py [--moments 200] [--seed 1] [NAME …]

The suite does the same with fewer moments.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile

from conftest import NbProcess
from support import interrupts


def main() -> None:
    """Interrupt each command so many times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(interrupts.COMMANDS))
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for name in chosen.names:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            found = interrupts.interrupted_at_random(NbProcess(), name, chosen.moments, chosen.seed)
            figures = ", ".join(f"{number} {what}" for what, number in sorted(found.items()))
            print(f"{name}: {figures}", flush=True)


if __name__ == "__main__":
    main()
