"""Every test is sealed off from the real home, keys, terminal and network, and runs in a folder
of its own."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support import schemas

# Under nohup, or in the background of a script, these are ignored, and `nb` leaves them so.
for _signal in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
    signal.signal(
        _signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL
    )

from nanobanana_cli.__main__ import main  # noqa: E402 - it reads how signals are handled

# A busy machine makes single examples slow, which says nothing about the code. What lands is
# decided by the same examples each time.
hypothesis.settings.register_profile(
    "nb",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("nb")
# By hand: `pytest tests/fuzz --hypothesis-profile long`.
hypothesis.settings.register_profile(
    "long",
    max_examples=20_000,
    deadline=None,
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)

_ROOT = Path(__file__).parents[1]
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "NB_REQUIRE_TOOLS", "NB_LITELLM")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long", action="store_true", help="run every scenario of tests/faults in every form"
    )


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home and folder; no variable of the real environment but the harmless ones."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(("PYTEST_", "COV_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.chdir(work)


@dataclass(frozen=True)
class Run:
    """What a run of `nb` left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def summary(self) -> str:
        """What sums up a batch, without how long it took: a busy machine may be slow."""
        [parts] = re.findall(r"^(\d+ made) in [\d:]*\d:\d\d( for .+)$", self.err, re.MULTILINE)
        return "".join(parts)


class Nb:
    """Runs `nb` through `main(argv)` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(
        self, *argv: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Run:
        streams = [
            io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (stdin, b"", b"")
        ]
        with self._monkeypatch.context() as patch:
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = main([str(argument) for argument in argv])
        out, err = (_content(stream) for stream in streams[1:])
        schemas.check_lines([*map(str, argv)], out, err.decode())
        schemas.check_manifest([*map(str, argv)], code)
        return Run(code, out, err.decode())


def _content(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


@pytest.fixture
def nb(monkeypatch: pytest.MonkeyPatch) -> Nb:
    return Nb(monkeypatch)


class NbProcess:
    """Runs `nb` as a process of its own."""

    def start(self, *argv: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        given = {**os.environ, "PYTHONPATH": str(_ROOT), **options.pop("env", {})}
        env = {name: value for name, value in given.items() if value is not None}
        # A suite started with `&` by a shell ignores SIGINT, and its children inherit that.
        options.setdefault("preexec_fn", lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        return subprocess.Popen(
            [sys.executable, "-m", "nanobanana_cli", *map(str, argv)], env=env, **options
        )

    def __call__(
        self, *argv: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Run:
        with self.start(*argv, stdin=subprocess.PIPE, env=env or {}) as process:
            out, err = process.communicate(stdin, timeout=60)
        if process.returncode >= 0:
            schemas.check_lines([*map(str, argv)], out, err.decode())
        return Run(process.returncode, out, err.decode())


@pytest.fixture
def nb_process() -> NbProcess:
    return NbProcess()
