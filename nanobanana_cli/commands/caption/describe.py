"""Describe existing images: several calls at once, texts in the order of the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import prompts
from nanobanana_cli.captions.describe import Describer
from nanobanana_cli.captions.jobs import Job
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.results import TextWriter, recover
from nanobanana_cli.commands.shown_request import show_request
from nanobanana_cli.errors import (
    ENDS_RUN,
    BatchIncomplete,
    Interrupted,
    LocalFileError,
    NbError,
    OutputClosed,
    OutputExists,
)
from nanobanana_cli.generation import inputs
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.settings import Settings
from nanobanana_cli.system import StopSignals, error_of
from nanobanana_cli.types import ContentRequest, Reference, Result
from nanobanana_cli.ui.terminal import Terminal

# Calls at once by default.
_AT_ONCE = 8


def run(
    options: CaptionOptions,
    jobs: Sequence[Job],
    unsearched: Sequence[NbError],
    writer: TextWriter,
    terminal: Terminal,
) -> None:
    """Ask for each text that is missing, save all, and write them in the order of the images.

    Args:
        options: those of the command.
        jobs: the texts.
        unsearched: why folders could not be searched.
        writer: where they go on stdout.
        terminal: notes, progress and consent.

    Raises:
        NbError: a check before the calls failed, or the only text did.
        BatchIncomplete: some of several texts failed.
    """
    settings = connection.settings_in_force(options, terminal)
    request = _request(options, settings.caption_model, jobs[0])
    connection.note_model(request.model, settings.provider, terminal)
    session = connection.LazySession(settings, terminal)
    blank = Result("failed", request, settings.provider)
    # Stdin holds one image, however often it is asked for.
    describer = Describer(blank, open_session=session.get, read_stdin=cache(terminal.read))
    # Only what lacks a text costs anything. The images are read to find that out.
    due = describer.due(jobs)
    sample = _sample(request, due)
    cost.check(sample, settings, len(due))
    report = _Report(len(jobs), unsearched, writer, terminal)
    if options.cost.dry_run or options.cost.curl:
        _show_requests(describer, jobs, settings, report, as_curl=options.cost.curl)
        price = cost.estimate(sample, settings, len(due)) if due else "no text needs a call"
        terminal.note(f"nothing was sent; {price}")
        report.raise_failures()
        return
    cost.confirm(sample, settings, len(due), terminal, yes=options.cost.yes)
    if options.text_output.write or options.text_output.embed:
        recover((Path(job.path).parent for job in jobs), terminal)
    if len(due) > 1 and settings.provider != "sandbox":
        session.note = cost.estimate(sample, settings, len(due))
    at_once = settings.concurrency or _AT_ONCE
    usual = partial(connection.usual_seconds, settings, terminal.env, request, len(due), at_once)
    try:
        _describe(describer, session, jobs, at_once, report, usual)
    finally:
        report.note_cost(settings)
    report.raise_failures()


def _request(options: CaptionOptions, model: str, job: Job) -> ContentRequest:
    """Return the request for a text, without the image."""
    return inputs.checked(
        ContentRequest(
            prompt="",
            framed=prompts.for_picture(job.destination.spec),
            model=model,
            modalities=("TEXT",),
            parameters=options.parameters,
        )
    )


def _sample(request: ContentRequest, due: Sequence[Job]) -> ContentRequest:
    """Return a request with an image, whose price is that of each call at most."""
    # The part of a page around an image, and so the price, differs from image to image.
    texts = (prompts.for_picture(job.destination.spec, job.path) for job in due[:100])
    framed = max(texts, key=len, default=request.framed)
    return replace(request, framed=framed, references=(Reference("", "image/png", b""),))


def _show_requests(
    describer: Describer,
    jobs: Sequence[Job],
    settings: Settings,
    report: _Report,
    *,
    as_curl: bool,
) -> None:
    """Print the request of each call that would be made; keep what would fail before its call."""
    shown: set[object] = set()
    for job in jobs:
        try:
            pending = None if job.subject in shown else describer.pending(job)
        except Exception as exception:  # noqa: BLE001 - it must not end the others
            report.fail(job.path, error_of(exception))
            continue
        if pending is not None:
            shown.add(job.subject)
            show_request(
                *(pending, settings, report.terminal),
                as_curl=as_curl,
                as_line=report.writer.as_json,
            )


def _describe(
    describer: Describer,
    session: connection.LazySession,
    jobs: Sequence[Job],
    concurrency: int,
    report: _Report,
    usual: Callable[[], float | None],
) -> None:
    """Make the calls, and report each result in the order of the images.

    Raises:
        Interrupted: a signal ended the calls.
        OutputClosed, LocalFileError: stdout takes no texts.
    """
    at_once = min(concurrency, len(jobs))
    pool = WorkerPool(describer.describe, jobs, at_once, refuse=describer.refuse, ordered=True)
    path = "stdin" if jobs[0].path == "-" else jobs[0].path
    texts = f"{len(jobs)} texts" if len(jobs) > 1 else f"a text for {path}"
    terminal = report.terminal
    with (
        StopSignals(is_busy=terminal.charges.are_unsaved) as signals,
        # Left in this order: the calls are cut, which the pool then waits for.
        terminal.spinner(texts, len(jobs), usual=usual) as advance,
        pool,
        session,
    ):
        for result in pool.until_stopped(signals, session.close):
            if result.alt is not None or not signals.count:
                report.add(result)
            elif result.error is not None and result.error.is_kept:
                report.tell_kept(str(result.path), result.error)
            if report.unwritten is not None:
                # The calls in flight may end: they are paid for.
                pool.stop()
            advance()
    report.close()
    if signals.last:
        raise Interrupted(signals.last)
    if report.unwritten is not None:
        raise report.unwritten


class _Report(msgspec.Struct):
    """Write the results of `count` texts; keep the failures, and why stdout takes no more.

    The errors for folders that could not be searched are failures, too.
    """

    count: int
    unsearched: Sequence[NbError]
    writer: TextWriter
    terminal: Terminal
    costs: list[int | None] = []
    failures: list[NbError] = []
    unwritten: NbError | None = None

    def __post_init__(self) -> None:
        for error in self.unsearched:
            self.fail("", error)

    def add(self, result: Result) -> None:
        """Write one result, its notes, and its failure if it is one of several."""
        try:
            self.writer.show(result)
        except (OutputClosed, LocalFileError) as error:
            self.unwritten = self.unwritten or error
        if self.unwritten is not None and result.attempts and result.alt is not None:
            # Paid for, and perhaps nowhere else.
            self.terminal.problem(f"{result.path}: {result.alt}")
        if result.reply is not None:
            self.costs.append(result.cost)
        for note in result.notes:
            self.terminal.warn(note)
        if result.status == "skipped" and result.alt is not None:
            self.terminal.trace(f"{result.path} has a text, left alone")
        elif result.alt_path is not None and result.status == "written":
            self.terminal.note(f"{result.alt_path} written")
        if result.error is not None:
            self.fail(str(result.path), result.error)

    def close(self) -> None:
        """End the output, unless it takes no more."""
        if self.unwritten is None:
            try:
                self.writer.close()
            except (OutputClosed, LocalFileError) as error:
                self.unwritten = error

    def fail(self, path: str, error: NbError) -> None:
        """Keep a failure, and tell it if it is one of several."""
        self.failures.append(error)
        if not self.writer.is_single and error.is_kept:
            self.tell_kept(path, error)
        elif not self.writer.is_single and not isinstance(error, ENDS_RUN):
            message = error.message
            self.terminal.warn(message if path in message else f"{path}: {message}")

    def tell_kept(self, path: str, error: NbError) -> None:
        """Tell a failure and where what was paid for is, whatever ends the run."""
        hints = (error.hint or "").splitlines()
        self.terminal.problem("; ".join((f"{path}: {error.message}", *hints)))

    def note_cost(self, settings: Settings) -> None:
        """Say what the answers have cost; the charge line does that for the only failure."""
        spent = cost.spent(self.costs, settings)
        if spent is not None and not (self.writer.is_single and self.failures):
            self.terminal.note(spent)

    def raise_failures(self) -> None:
        """Raise one error for all failures, if there are any.

        Raises:
            NbError: the only image's, or the one that ended the run.
            BatchIncomplete: some of several images failed.
        """
        failures = self.failures
        if not failures:
            return
        ending = next((error for error in failures if isinstance(error, ENDS_RUN)), None)
        if self.writer.is_single or ending is not None:
            raise ending or failures[0]
        hint: str | None = "with --write, the same command makes only what is missing"
        what = "texts are missing" if self.writer.has_languages else "images have no text"
        if any(isinstance(error, OutputExists) for error in failures):
            what = "texts were left as they are"
            hint = next(each.hint for each in failures if isinstance(each, OutputExists))
        parts = []
        folders = len(self.unsearched)
        if count := len(failures) - folders:
            parts.append(f"{count} of {self.count} {what}")
        if folders:
            parts.append(f"{folders} folder{'s' * (folders > 1)} not searched")
        raise BatchIncomplete(", ".join(parts), hint=hint)
