"""The workflow that runs the tests on other systems."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_WORKFLOW = _ROOT / ".github" / "workflows" / "test.yml"


def test_the_workflow_follows_githubs_schema() -> None:
    arguments = ["--builtin-schema", "vendor.github-workflows", str(_WORKFLOW)]
    command = [sys.executable, "-m", "check_jsonschema", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_workflow_runs_the_readmes_test_command() -> None:
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"<!-- test -->\n```sh\n(.*)\n```", readme)
    assert command
    assert f"- run: {command[1]}\n" in _WORKFLOW.read_text(encoding="utf-8")
