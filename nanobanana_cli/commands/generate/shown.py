"""Write results as they come, and keep what went wrong."""

from __future__ import annotations

import msgspec

from nanobanana_cli.commands.results import ResultWriter
from nanobanana_cli.errors import LocalFileError, NbError, OutputClosed
from nanobanana_cli.types import Result
from nanobanana_cli.ui.terminal import Terminal


class ShownResults(msgspec.Struct):
    """Write results as they come; keep their failures, and the reason why stdout takes no more."""

    writer: ResultWriter
    terminal: Terminal
    failures: list[NbError] = []
    unwritten: NbError | None = None

    def add(self, result: Result, *, is_stopped: bool) -> None:
        """Write one result; what was paid for is told in any case.

        Args:
            is_stopped: a signal ends the run, so that what is missing is no news.
        """
        if result.error is not None:
            self.failures.append(result.error)
        if result.status == "written" or not is_stopped:
            writer = self.writer
            if is_stopped:
                # Who wants to stop does not want to look at images first.
                writer = msgspec.structs.replace(writer, display=None)
            try:
                writer.show(result)
            except (OutputClosed, LocalFileError) as error:
                self.unwritten = self.unwritten or error
        if self.unwritten is not None and result.status == "written":
            self.terminal.note(f"{result.path} is saved")
        elif (self.unwritten or is_stopped) and result.error and result.error.is_kept:
            hints = (result.error.hint or "").splitlines()
            self.terminal.problem("; ".join((result.error.message, *hints)))
