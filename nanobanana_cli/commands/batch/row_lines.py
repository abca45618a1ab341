"""Show each image of a run as it is done or left alone: its path, or a JSON line."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.batch import history
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.commands.batch.plan import BatchJob
from nanobanana_cli.commands.lines import RowLine
from nanobanana_cli.commands.results import details, step_summary, with_file
from nanobanana_cli.errors import BadReply, NbError, NoImage, OutcomeUnknown
from nanobanana_cli.generation.rescue import CUT_BEHIND, REPLY_KEPT
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result, Status
from nanobanana_cli.ui import github
from nanobanana_cli.ui.terminal import Terminal

_ERRORS: dict[str, type[NbError]] = {
    "refused": NoImage,
    "bad-reply": BadReply,
    "unknown": OutcomeUnknown,
}


class RowLines:
    """Show images one by one.

    Args:
        terminal: shows them.
        job: the manifest and options.
    """

    def __init__(self, terminal: Terminal, job: BatchJob) -> None:
        self._terminal = terminal
        self._job = job
        # For the summary of a step on GitHub: what went wrong comes first.
        self._wrong: list[tuple[str, str, str]] = []
        self._right: list[tuple[str, str, str]] = []

    def show(self, step: Step, result: Result) -> None:
        """Show an image that was made, failed, or was skipped."""
        terminal, path = self._terminal, self._job.path(step)
        if result.status == "unchanged":
            self.left_alone(step, "unchanged")
            return
        if self._job.chosen.streams.json:
            self._json(step, result)
        elif result.status == "written" and result.path is not None:
            if terminal.stderr.isatty():
                terminal.summary(result.path, details(result))
            else:
                terminal.result(result.path)
            if result.alt_path is not None:
                terminal.result(result.alt_path)
        if result.error is not None and result.status == "skipped":
            terminal.trace(f"{path}: {result.error.message}")
        elif result.error is not None:
            place = self._job.place(step) if terminal.github.is_on else None
            terminal.failure(f"{path}: {result.error.message}", place)
        for note in result.notes:
            # Many rows may say the same, but for what was paid for and is to be looked at.
            is_own = REPLY_KEPT in note or note == CUT_BEHIND
            (terminal.warn if is_own else terminal.trace)(f"{path}: {note}")
        self._add_to_summary(path, result)

    def _add_to_summary(self, path: str, result: Result) -> None:
        if not self._terminal.github.is_on:
            return
        error = result.error
        if error is None:
            path, what = result.path or path, details(result)
        elif result.status == "skipped":
            what = error.message
        else:
            what = f"{error.message} ({error.charged.sentence[:-1].lower()})"
        self._add_row(result.status, path, what, is_wrong=error is not None)

    def _add_row(self, status: Status, path: str, what: str, *, is_wrong: bool) -> None:
        rows = self._wrong if is_wrong else self._right
        if self._terminal.github.is_on and len(rows) <= github.SUMMARY_ROWS:
            rows.append((status, path, what))

    def write_summary(self, text: str) -> None:
        """Write a table of the images that were made, failed or skipped to a step's summary."""
        title, columns = f"nb batch {self._job.name}", ("Status", "Image", "Details")
        rows = [*self._wrong, *self._right]
        step_summary(self._terminal, title, text, columns, rows)

    def left_alone(self, step: Step, status: Status) -> None:
        """Show an image that is left as it is."""
        path = self._job.path(step)
        if step.state in _ERRORS:
            self._add_row(status, path, f"{step.reason} (left alone)", is_wrong=True)
        if self._job.chosen.streams.json:
            error = _ERRORS[step.state](step.reason) if step.state in _ERRORS else None
            if error is not None:
                error.hint = history.hint(error)
            written = None if error else path
            provider, request = self._job.settings.provider, step.item.request(())
            result = Result(status, request, provider, written, sha256=step.sha256, error=error)
            if written is not None:
                text = step.item.alt_file
                place = None if text is None else self._job.root / text
                result = with_file(result, Path(path), place)
            self._json(step, result)
        elif step.state in _ERRORS:
            again = dollars(step.price)
            self._terminal.note(f"{path}: {step.reason}; left alone, {again} to make it again")
        elif status != "unchanged":
            self._terminal.note(f"{path}: {step.reason}; left alone")

    def _json(self, step: Step, result: Result) -> None:
        if step.asks_text or step.text is not None:
            # What was asked of the service, if anything, was a text.
            result = replace(result, request=step.item.request(()))
        if result.path is not None and result.size is None:
            result = replace(with_file(result, Path(result.path), None), cost=result.cost)
        # A failed row has no path, so this identifies it.
        output = str(self._job.root / step.item.target)
        self._terminal.json(RowLine.of(result, output=output, **step.item.source))
