"""A Python process of its own, which imports the same package as the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nanobanana_cli

# A locale whose file names and streams hold ASCII alone: the least that there is everywhere.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ROOT = Path(nanobanana_cli.__file__).parents[1]


def start(code: str, *argv: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    """Starts `python -c code argv…`; options as for `Popen`."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, argv)], env=env, **options)


def status(code: str, *argv: str | Path, stdin: bytes = b"") -> int:
    """The exit status of `python -c code argv…`."""
    with start(code, *argv, stdin=subprocess.PIPE) as process:
        process.communicate(stdin, timeout=60)
    return process.returncode
