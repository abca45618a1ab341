"""What differs between POSIX and Windows; the latter's branches run here under its name."""

from __future__ import annotations

import errno
import os
import signal
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


def test_a_terminal_that_goes_away_asks_a_program_to_stop() -> None:
    assert system.STOP_SIGNALS == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
