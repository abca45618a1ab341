"""What differs between POSIX and Windows; the latter's branches run here under its name."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nanobanana_cli import system


@pytest.fixture(params=[sys.platform, "win32"])
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "platform", request.param)
    monkeypatch.setattr(os, "O_BINARY", 0, raising=False)
    return str(request.param)


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,), (signal.SIGINT, signal.SIGTERM)])
def test_what_asks_a_program_to_stop(ignored: tuple[signal.Signals, ...]) -> None:
    """A terminal that goes away does; what the parent ignores does not."""
    every = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def inherit() -> None:
        for number in every:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    script = "from nanobanana_cli import system; print(*map(int, system.STOP_SIGNALS))"
    root = str(Path(__file__).parents[1])
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": root},
        preexec_fn=inherit,
        check=True,
        capture_output=True,
    ).stdout
    assert [int(number) for number in told.split()] == [n for n in every if n not in ignored]


@pytest.mark.usefixtures("platform")
def test_a_signal_reaches_the_main_thread() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    try:
        system.signal_main_thread(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while not caught and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught == [signal.SIGTERM]


@pytest.mark.usefixtures("platform")
def test_a_link_is_not_opened(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link") as caught:
        system.open_no_follow(link, os.O_WRONLY | os.O_CREAT)
    assert caught.value.errno == errno.ELOOP
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.usefixtures("platform")
def test_a_file_is_opened(tmp_path: Path) -> None:
    with open(tmp_path / "file", "ab", opener=system.open_no_follow) as file:
        file.write(b"one\n")
    assert (tmp_path / "file").read_bytes() == b"one\n"
