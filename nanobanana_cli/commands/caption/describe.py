"""`nb caption IMAGE…`: describe existing images, several at once, in the order of the images."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from msgspec.structs import replace

from nanobanana_cli import settings
from nanobanana_cli.captions import prompts, source_image
from nanobanana_cli.captions.describe import Describer, shared_files
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.captions.targets import Images
from nanobanana_cli.commands import cost
from nanobanana_cli.commands.caption.command import CaptionOptions
from nanobanana_cli.commands.connection import LazySession
from nanobanana_cli.commands.generate import run as generate_run
from nanobanana_cli.commands.options import settings_of
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import ENDS_RUN, BatchIncomplete, Charged, Interrupted, NbError
from nanobanana_cli.generation import inputs
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.types import ContentRequest, Result
from nanobanana_cli.ui.progress import Spinner
from nanobanana_cli.ui.terminal import Terminal


def run(
    options: CaptionOptions,
    images: Images,
    destination: TextDestination,
    texts: TextWriter,
    terminal: Terminal,
) -> None:
    """Describe the images that lack a text, and write each text in the order of the images.

    Args:
        destination: where the texts go besides stdout.
        texts: writes the texts to stdout.

    Raises:
        NbError: a check before the calls failed, or the only image did.
        BatchIncomplete: some of several images failed.
    """
    in_force = settings.load(terminal.env, settings.current_folder(), settings_of(options))
    request = _request(options, in_force.model, destination)
    cost.check(request, in_force, len(images.paths))
    generate_run.note_unknown_model(request.model, terminal)
    read_stdin = cache(terminal.read)
    if options.cost.dry_run or options.cost.curl:
        for path in images.paths:
            reference = source_image.load(path, read_stdin).reference()
            whole = replace(request, references=(reference,))
            generate_run.show_request(whole, in_force, terminal, as_curl=options.cost.curl)
        price = cost.estimate(request, in_force, len(images.paths))
        terminal.note(f"nothing was sent; {price}")
        return
    session = LazySession(in_force, terminal)
    describer = Describer(
        Result("failed", request, in_force.provider),
        destination,
        session=session.get,
        read_stdin=read_stdin,
        shared=shared_files(images.paths, destination),
    )
    size = min(options.existing.concurrency, len(images.paths))
    pool = WorkerPool(describer.describe, images.paths, size, ordered=True)
    shown = _Shown(texts, terminal, is_single=images.is_single)
    label = f"{len(images.paths)} texts" if len(images.paths) > 1 else "a text"
    _show_all(
        pool,
        session,
        shown,
        terminal.spinner(f"{label} from {in_force.provider}", len(images.paths)),
    )
    if shown.failures:
        raise _verdict(shown, images)


def _request(options: CaptionOptions, model: str, destination: TextDestination) -> ContentRequest:
    """Return the request for every image, without the image."""
    return inputs.checked(
        ContentRequest(
            prompt="",
            framed=prompts.for_picture(destination.spec),
            model=model,
            modalities=("TEXT",),
            parameters=options.parameters,
        )
    )


def _show_all(
    pool: WorkerPool[str, Result],
    session: LazySession,
    shown: _Shown,
    waiting: AbstractContextManager[Spinner],
) -> None:
    try:
        # The session is left first: it cuts the calls that the pool would wait for.
        with waiting as spinner, pool, session:
            for result in pool:
                shown.show(result)
                spinner.advance()
    except Interrupted:
        for result in pool.rest():
            if result.alt is not None:
                shown.show(result)
        raise


class _Shown:
    """Shows results; keeps what failed, and whether a text was paid for."""

    def __init__(self, texts: TextWriter, terminal: Terminal, *, is_single: bool) -> None:
        self.failures: list[NbError] = []
        self.has_paid = False
        self._texts = texts
        self._terminal = terminal
        self._is_single = is_single

    def show(self, result: Result) -> None:
        self._texts.show(result)
        self.has_paid |= result.attempts > 0 and result.error is None
        for note in result.notes:
            self._terminal.warn(note)
        if result.status == "skipped" and result.alt is not None:
            self._terminal.trace(f"{result.path} has a text, left alone")
        elif result.alt_path is not None and result.status == "written":
            self._terminal.note(f"{result.alt_path} written")
        if result.error is not None:
            self.failures.append(result.error)
            if not self._is_single and not isinstance(result.error, ENDS_RUN):
                self._terminal.warn(_named(result.error.message, str(result.path)))


def _named(message: str, path: str) -> str:
    """Return the message, with the image that it is about."""
    return message if path in message else f"{path}: {message}"


def _verdict(shown: _Shown, images: Images) -> NbError:
    """Return one error for all that failed."""
    failures = shown.failures
    fatal = next((error for error in failures if isinstance(error, ENDS_RUN)), None)
    if images.is_single or fatal is not None:
        return fatal or failures[0]
    costs = {error.charged for error in failures}
    charged = Charged.NO if costs == {Charged.NO} and not shown.has_paid else Charged.MAYBE
    return BatchIncomplete(
        f"{len(failures)} of {len(images.paths)} images have no text",
        hint="with --write, the same command makes only what is missing",
        charged=charged,
    )
