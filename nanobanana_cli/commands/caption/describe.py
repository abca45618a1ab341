"""`nb caption IMAGE…`: existing images, several calls at once, texts in the order of the images."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
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
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest, Result
from nanobanana_cli.ui.terminal import Terminal


class DescribeJob(msgspec.Struct, frozen=True):
    """Existing images, and everything that decides what becomes of their texts.

    Args:
        images: what is to be described.
        delivery: where the texts go.
        options: the command's options.
        read_stdin: the image's bytes for `-`.
    """

    images: Images
    delivery: TextDestination
    options: CaptionOptions
    read_stdin: Callable[[], bytes]


def run(order: DescribeJob, texts: TextWriter, terminal: Terminal) -> None:
    """Describe what lacks a text, and show each text in the order of the images.

    Raises:
        NbError: a check before the calls failed, or the only image did.
        BatchIncomplete: some of several images failed.
    """
    in_force = settings.load(terminal.env, settings.current_folder(), settings_of(order.options))
    request = _request(order, in_force)
    cost.check(request, in_force, len(order.images.paths))
    generate_run.note_unknown_model(request.model, terminal)
    if order.options.cost.dry_run or order.options.cost.curl:
        _show_calls(order, request, in_force, terminal)
        return
    shown = _describe(order, request, in_force, texts, terminal)
    if shown.failures:
        raise _verdict(shown, order.images)


def _request(order: DescribeJob, in_force: Settings) -> ContentRequest:
    return inputs.checked(
        ContentRequest(
            prompt="",
            framed=prompts.for_picture(order.delivery.spec),
            model=in_force.model,
            modalities=("TEXT",),
            parameters=order.options.parameters,
        )
    )


def _describe(
    order: DescribeJob,
    request: ContentRequest,
    in_force: Settings,
    texts: TextWriter,
    terminal: Terminal,
) -> _Shown:
    paths = order.images.paths
    session = LazySession(in_force, terminal)
    describer = Describer(
        Result("failed", request, in_force.provider),
        order.delivery,
        session=session.get,
        read_stdin=order.read_stdin,
        shared=shared_files(paths, order.delivery),
    )
    size = min(order.options.existing.concurrency, len(paths))
    pool = WorkerPool(describer.describe, paths, size, ordered=True)
    shown = _Shown(texts, terminal, order)
    label = f"{len(paths)} texts" if len(paths) > 1 else "a text"
    try:
        with (
            terminal.spinner(f"{label} from {in_force.provider}", len(paths)) as spinner,
            pool,
            # Left before the pool: it cuts the calls that the pool would wait for.
            session,
        ):
            for result in pool:
                shown.show(result)
                spinner.advance()
    except Interrupted:
        for result in pool.rest():
            if result.alt is not None:
                shown.show(result)
        raise
    return shown


class _Shown:
    """Shows results; keeps what failed, and whether any text was paid for."""

    def __init__(self, texts: TextWriter, terminal: Terminal, order: DescribeJob) -> None:
        self.failures: list[NbError] = []
        self.has_paid = False
        self._texts = texts
        self._terminal = terminal
        self._order = order

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
            if not self._order.images.is_single and not isinstance(result.error, ENDS_RUN):
                self._terminal.warn(_named(result.error.message, str(result.path)))


def _named(message: str, path: str) -> str:
    """The message with the image that it is about."""
    return message if path in message else f"{path}: {message}"


def _verdict(shown: _Shown, images: Images) -> NbError:
    """One error for all that failed."""
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


def _show_calls(
    order: DescribeJob, request: ContentRequest, in_force: Settings, terminal: Terminal
) -> None:
    for path in order.images.paths:
        image = source_image.load(path, order.read_stdin)
        whole = replace(request, references=(image.reference(),))
        generate_run.show_request(whole, in_force, terminal, as_curl=order.options.cost.curl)
    count = len(order.images.paths)
    terminal.note(f"nothing was sent; {cost.estimate(request, in_force, count)}")
