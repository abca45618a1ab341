"""axe-core, which judges whether a page can be used by everybody."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import tools

_VERSION = "4"


def library() -> Path:
    """axe-core's script, fetched by npm once for a machine."""
    npm = tools.require("npm")
    folder = Path(tempfile.gettempdir()) / f"nb-tests-axe-core-{_VERSION}-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            command = [npm, "install", "--no-audit", "--no-fund", f"axe-core@{_VERSION}"]
            env = {**os.environ, "HOME": str(folder)}
            if subprocess.run(command, cwd=folder, env=env, capture_output=True).returncode:
                _missing()
    return script


def _missing() -> None:
    if os.environ.get("NB_REQUIRE_TOOLS") == "1":
        pytest.fail("npm cannot fetch axe-core")
    pytest.skip("npm cannot fetch axe-core")
