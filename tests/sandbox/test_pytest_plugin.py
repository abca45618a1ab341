"""The fixture `nb_sandbox`, in real runs of pytest that find it by its entry point."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support import docs
from support.raw_calls import GENERATE, content

from nanobanana_cli.errors import UsageError
from nanobanana_cli.sandbox.pytest_plugin import NbSandbox

_EXAMPLES = [
    block.text
    for block in docs.blocks(docs.ROOT / "docs" / "testing.md")
    if "test file" in block.marks
]
_USES = "def test_one(nb_sandbox):\n    assert nb_sandbox.requests == []\n"
_USES_NOT = "def test_one():\n    pass\n"
# After a run, the modules that it has loaded.
_LISTING = """\
import json, sys

def pytest_unconfigure():
    print("LOADED", json.dumps(sorted(sys.modules)))
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment where `nb` is installed as the wheel would: its commands and entry points."""
    project = tomllib.loads((docs.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    info = tmp_path / "site" / "nanobanana_wisgate-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {module}\n")
    program = tmp_path / "bin" / "nb"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nanobanana_cli "$@"\n')
    program.chmod(0o755)
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "PYTHONPATH": os.pathsep.join([str(info.parent), str(docs.ROOT)]),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        # Whatever the code under test does, these are never sent.
        "WISDOM_GATE_KEY": "sk-real",
        "GEMINI_API_KEY": "AIza-real",
        "GOOGLE_API_KEY": "AIza-real",
    }


def _pytest(env: dict[str, str], test: str, *options: str) -> subprocess.CompletedProcess[str]:
    Path("test_it.py").write_text(test)
    options = ("-q", "-p", "no:cacheprovider", *options)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("options", [("-W", "error"), ("-n", "2")])
def test_the_examples_of_the_page_pass(env: dict[str, str], options: tuple[str, ...]) -> None:
    client, session = _EXAMPLES
    Path("test_session.py").write_text(session)
    run = _pytest(env, client, *options)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 passed" in run.stdout


def _loaded(run: subprocess.CompletedProcess[str]) -> set[str]:
    assert run.returncode == 0, run.stdout + run.stderr
    return set(json.loads(run.stdout.rpartition("LOADED ")[2].splitlines()[0]))


def test_pytest_loads_nothing_else_without_a_test_that_uses_it(env: dict[str, str]) -> None:
    Path("conftest.py").write_text(_LISTING)
    without = _loaded(_pytest(env, _USES_NOT, "-p", "no:nanobanana"))
    plugged = _loaded(_pytest(env, _USES_NOT))
    assert plugged - without == {
        "nanobanana_cli",
        "nanobanana_cli.sandbox",
        "nanobanana_cli.sandbox.pytest_plugin",
    }
    assert "nanobanana_cli.sandbox.server" in _loaded(_pytest(env, _USES))


def test_pytest_lists_the_fixture_with_what_it_does(env: dict[str, str]) -> None:
    run = _pytest(env, _USES, "--fixtures")
    assert "nb_sandbox" in run.stdout
    assert "Serve the protocol of Nano Banana 2 on this machine, free and offline" in run.stdout


@pytest.fixture
def sandbox() -> Iterator[NbSandbox]:
    with NbSandbox() as found:
        yield found


def _status(sandbox: NbSandbox, key: str | None = None) -> int:
    """The status of one call."""
    with closing(http.client.HTTPConnection(sandbox.url.removeprefix("http://"))) as connection:
        headers = {"x-goog-api-key": key or sandbox.key}
        connection.request("POST", GENERATE, json.dumps(content()), headers)
        with connection.getresponse() as response:
            response.read()
            return response.status


def test_it_demands_its_key_and_notes_what_comes(sandbox: NbSandbox) -> None:
    assert _status(sandbox, "another") == 400
    assert _status(sandbox) == 200
    refused, answered = sandbox.requests
    assert (refused.status, refused.prompt, refused.paid) == (400, None, False)
    assert (answered.status, answered.prompt, answered.paid) == (200, "a red fox", True)
    assert (answered.method, answered.modalities, answered.references) == ("POST", ["IMAGE"], 0)


def test_faults_replace_those_that_were_set(sandbox: NbSandbox) -> None:
    sandbox.set_faults("429:2", "503:1")
    assert _status(sandbox) == 429
    sandbox.set_faults("404:1", "400:1")
    assert [_status(sandbox) for _ in range(3)] == [404, 400, 200]
    sandbox.set_faults("429")
    sandbox.set_faults()
    assert _status(sandbox) == 200
    assert [request.fault for request in sandbox.requests] == ["429", "404", "400", None, None]


def test_a_fault_that_is_unknown_is_named_and_changes_nothing(sandbox: NbSandbox) -> None:
    sandbox.set_faults("429")
    with pytest.raises(UsageError, match="unknown fault 'safty'"):
        sandbox.set_faults("safty")
    assert _status(sandbox) == 429


def test_nothing_is_left_of_it() -> None:
    threads = threading.active_count()
    with NbSandbox() as sandbox:
        _status(sandbox)
        log = sandbox._log
        assert log.exists()
    # A connection's thread may still be on its way out.
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= threads
    assert not log.parent.exists()
    with pytest.raises(OSError, match="refused"):
        _status(sandbox)
