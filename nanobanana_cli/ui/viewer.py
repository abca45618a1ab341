"""Open images in the desktop's viewer."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nanobanana_cli.system import error_of

if TYPE_CHECKING:
    import subprocess

_OPENER = "open" if sys.platform == "darwin" else "xdg-open"
# One of them is set where there is a desktop: X11, Wayland, Windows below WSL, Android.
_DESKTOPS = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "TERMUX_VERSION")
# More windows than this are nobody's wish.
_MOST = 10
# Seconds in which an opener that finds no viewer says so.
_PATIENCE = 1.0


class DesktopViewer:
    """Open images with the program that the desktop has for them, which then runs on by itself.

    Args:
        env: the environment.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._count = 0
        # The first reason why an image could not be opened.
        self._why: str | None = None

    def open(self, path: str) -> None:
        """Open an image, and return at once."""
        self._count += 1
        if self._count > _MOST or self._why is not None:
            return
        try:
            # Absolute, so that it begins like no option; a path, not an address, so that each
            # character stands for itself.
            absolute = str(Path(path).absolute())
            if sys.platform == "win32":
                os.startfile(absolute)  # noqa: S606 - an image that has just been verified
            else:
                self._start(path, absolute)
        except Exception as exception:  # noqa: BLE001 - the image is saved, which is what counts
            self._why = f"cannot open {path}: {error_of(exception).message}"

    def problems(self, *, patient: bool = True) -> Iterator[str]:
        """Yield what could not be opened, and why.

        Args:
            patient: wait a second for openers that have not ended.
        """
        end = time.monotonic() + _PATIENCE
        for path, process in self._started:
            while patient and process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            if process.poll() and self._why is None:
                self._why = f"cannot open {path}: {_OPENER} ended with status {process.returncode}"
        if self._why is not None:
            yield self._why
        elif self._count > _MOST:
            yield f"opened the first {_MOST} of {self._count} images"

    def _start(self, path: str, absolute: str) -> None:
        """Start the opener in a session of its own, without a terminal to write to or read from."""
        import shutil
        import subprocess

        if sys.platform != "darwin" and not any(map(self._env.get, _DESKTOPS)):
            # There, xdg-open would look for a browser that runs in a terminal.
            self._why = f"cannot open {path}: there is no desktop here"
        elif (opener := shutil.which(_OPENER, path=self._env.get("PATH"))) is None:
            self._why = f"cannot open {path}: {_OPENER} is not installed"
        else:
            process = subprocess.Popen(  # noqa: S603 - the desktop's own program
                [opener, absolute],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._started.append((path, process))
