"""Describe existing images: several calls at once, texts in the order of the images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import prompts, source_image
from nanobanana_cli.captions.describe import Describer, shared_files
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.captions.targets import Images
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.results import TextWriter, recover, show_request
from nanobanana_cli.errors import (
    ENDS_RUN,
    BatchIncomplete,
    Interrupted,
    LocalFileError,
    NbError,
    OutputClosed,
)
from nanobanana_cli.generation import inputs
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.settings import Settings
from nanobanana_cli.system import StopSignals
from nanobanana_cli.types import ContentRequest, Reference, Result
from nanobanana_cli.ui.terminal import Terminal


def run(
    options: CaptionOptions,
    images: Images,
    destination: TextDestination,
    writer: TextWriter,
    terminal: Terminal,
) -> None:
    """Describe each image that has no text yet, and write the texts in the order of the images.

    Args:
        destination, writer: where the texts go.

    Raises:
        NbError: a check before the calls failed, or the only image did.
        BatchIncomplete: some of several images failed.
    """
    # Stdin holds one image, however often it is asked for.
    read_stdin = cache(terminal.read)
    settings = connection.settings_in_force(options, terminal)
    request = _request(options, settings.caption_model, destination)
    connection.note_model(request.model, settings.provider, terminal)
    session = connection.LazySession(settings, terminal)
    describer = Describer(
        Result("failed", request, settings.provider),
        destination,
        open_session=session.get,
        read_stdin=read_stdin,
        shared=shared_files(images.paths, destination),
    )
    # Only what lacks a text costs anything. The images are read to find that out.
    due = [path for path in images.paths if describer.needs_call(path)]
    sample = _sample(request, destination, due)
    cost.check(sample, settings, len(due))
    if options.cost.dry_run or options.cost.curl:
        for image in (source_image.load(path, read_stdin) for path in due):
            show_request(describer.request(image), settings, terminal, as_curl=options.cost.curl)
        terminal.note(f"nothing was sent; {cost.estimate(sample, settings, len(due))}")
        return
    cost.confirm(sample, settings, len(due), terminal, yes=options.cost.yes)
    if destination.write or destination.embed:
        recover((Path(path).parent for path in images.paths), terminal)
    if len(due) > 1 and settings.provider != "sandbox":
        session.note = cost.estimate(sample, settings, len(due))
    report = _Report(images, writer, terminal)
    try:
        _describe(describer, session, options.existing.concurrency, report)
    finally:
        report.note_cost(settings)
    report.raise_failures()


def _request(options: CaptionOptions, model: str, destination: TextDestination) -> ContentRequest:
    """Return the request for a text, without the image."""
    return inputs.checked(
        ContentRequest(
            prompt="",
            framed=prompts.for_picture(destination.spec),
            model=model,
            modalities=("TEXT",),
            parameters=options.parameters,
        )
    )


def _sample(
    request: ContentRequest, destination: TextDestination, due: Sequence[str]
) -> ContentRequest:
    """Return a request with an image, whose price is that of each call at most."""
    # The part of a page around an image, and so the price, differs from image to image.
    texts = (prompts.for_picture(destination.spec, path) for path in due[:100])
    framed = max(texts, key=len, default=request.framed)
    return replace(request, framed=framed, references=(Reference("", "image/png", b""),))


def _describe(
    describer: Describer, session: connection.LazySession, concurrency: int, report: _Report
) -> None:
    """Make the calls, and report each result in the order of the images.

    Raises:
        Interrupted: a signal ended the calls.
        OutputClosed, LocalFileError: stdout takes no texts.
    """
    paths, provider = report.images.paths, describer.provider
    pool = WorkerPool(describer.describe, paths, min(concurrency, len(paths)), ordered=True)
    texts = f"{len(paths)} texts" if len(paths) > 1 else "a text"
    terminal = report.terminal
    with (
        StopSignals(is_busy=terminal.charges.are_unsaved) as signals,
        # Left in this order: the calls are cut, which the pool then waits for.
        terminal.spinner(f"{texts} from {provider}", len(paths)) as advance,
        pool,
        session,
    ):
        for result in pool.until_stopped(signals, session.close):
            if result.alt is not None or not signals.count:
                report.add(result)
            if report.unwritten is not None:
                # The calls in flight may end: they are paid for.
                pool.stop()
            advance()
    if signals.last:
        raise Interrupted(signals.last)
    if report.unwritten is not None:
        raise report.unwritten


class _Report(msgspec.Struct):
    """Write results; keep the failures, and the reason why stdout takes no more."""

    images: Images
    writer: TextWriter
    terminal: Terminal
    costs: list[int | None] = []
    failures: list[NbError] = []
    unwritten: NbError | None = None

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
            self.failures.append(result.error)
            if not self.images.is_single and not isinstance(result.error, ENDS_RUN):
                message, path = result.error.message, str(result.path)
                self.terminal.warn(message if path in message else f"{path}: {message}")

    def note_cost(self, settings: Settings) -> None:
        """Say what the answers have cost; the charge line does that for the only failure."""
        spent = cost.spent(self.costs, settings)
        if spent is not None and not (self.images.is_single and self.failures):
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
        if self.images.is_single or ending is not None:
            raise ending or failures[0]
        raise BatchIncomplete(
            f"{len(failures)} of {len(self.images.paths)} images have no text",
            hint="with --write, the same command makes only what is missing",
        )
