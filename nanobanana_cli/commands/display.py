"""Show the images of a command: draw them on the terminal, open them in the desktop's viewer."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from nanobanana_cli.errors import Interrupted, UsageError
from nanobanana_cli.settings import Settings
from nanobanana_cli.system import error_of
from nanobanana_cli.types import Data, Result
from nanobanana_cli.ui import preview
from nanobanana_cli.ui.animation import in_foreground
from nanobanana_cli.ui.terminal import Terminal
from nanobanana_cli.ui.viewer import DesktopViewer

if TYPE_CHECKING:
    from collections.abc import Callable


class ImageDisplay:
    """Show images as they come; a context manager, which at its end tells what was not opened.

    Nothing that goes wrong here ends the command: the images are saved.

    Args:
        settings: the settings in force; what they configure holds on a terminal of the user's.
        terminal: takes drawings and notes.
        output: the value of `-o`.

    Raises:
        UsageError: `--open` was typed, and the image goes to stdout.
    """

    def __init__(self, settings: Settings, terminal: Terminal, output: str | None) -> None:
        self._terminal = terminal
        in_ci = terminal.env.get("CI", "").lower() not in ("", "0", "false")
        is_attended = terminal.stderr.isatty() and not in_ci
        typed = {name: settings.origins[name] == f"--{name}" for name in ("open", "preview")}
        if settings.open and typed["open"] and output == "-":
            raise UsageError(
                "-o - leaves no file that --open could open", hint="name a file: -o fox.png"
            )
        opens = settings.open and output != "-" and (typed["open"] or is_attended)
        self._viewer = DesktopViewer(terminal.env) if opens else None
        draws = settings.preview and is_attended
        self._protocol = preview.protocol(terminal.env) if draws else None
        self._note = None
        if settings.preview and typed["preview"] and self._protocol is None:
            reason = "CI is set" if in_ci else "stderr is not a terminal"
            if is_attended:
                reason = "it needs kitty, Ghostty, iTerm2, WezTerm or Konsole, without tmux"
            self._note = f"--preview draws nothing: {reason}"

    def __enter__(self) -> Self:
        if self._note is not None:
            self._terminal.warn(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._viewer is None:
            return
        # Ctrl-C ends the wait for the viewer; what was asked for is there by then.
        with suppress(Interrupted):
            for problem in self._viewer.problems(patient=kind is None):
                self._terminal.warn(problem)

    def show(self, result: Result) -> None:
        """Draw and open the image of a result; one on stdout was drawn when it was written."""
        path = result.path if result.status in ("written", "skipped") else None
        # Unlike Path.is_file, this raises nothing.
        if path is None or path == "-" or not os.path.isfile(path):  # noqa: PTH113
            return
        self._draw(path, Path(path).read_bytes)
        if self._viewer is not None:
            self._viewer.open(path)

    def binary(self, data: Data) -> None:
        """Write an image to stdout, and draw it."""
        self._terminal.binary(data)
        self._draw("the image", lambda: data)

    def _draw(self, name: str, read: Callable[[], Data]) -> None:
        # A job in the background would draw over what the user types meanwhile.
        if (
            self._protocol is None
            or self._terminal.quiet
            or not in_foreground(self._terminal.stderr)
        ):
            return
        from nanobanana_cli.images.formats import DamagedImage

        try:
            from nanobanana_cli.images import resize

            data, longest = read(), preview.longest_side(self._terminal.stderr)
            small = resize.preview(data, longest)
            if len(small.data) > preview.MOST_BYTES:
                small = resize.preview(data, longest // 2)
            self._terminal.picture(preview.sequence(bytes(small.data), self._protocol))
        except Exception as exception:  # noqa: BLE001 - it is saved, which is what counts
            is_changed = isinstance(exception, DamagedImage)
            why = str(exception) if is_changed else error_of(exception).message
            self._terminal.warn(f"cannot draw {name}: {why}")
