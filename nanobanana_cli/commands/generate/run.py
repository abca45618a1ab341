"""What the commands that make images share: the last checks, the calls, and what is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import typer

from nanobanana_cli import catalog, files
from nanobanana_cli.api.client import Listener
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.errors import Interrupted, NbError, OutputExists, UsageError
from nanobanana_cli.generation.destinations import Destination, NamedFile
from nanobanana_cli.generation.session import Session
from nanobanana_cli.money import dollars
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest, Endpoint, Result
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.commands.results import TextWriter


class ResultWriter(msgspec.Struct, frozen=True):
    """How results are shown.

    Args:
        json: one JSON line for each.
        to_stderr: stdout holds an image, so the JSON line goes to stderr.
        texts: shows the texts, which then are the results, rather than the paths.
    """

    json: bool
    to_stderr: bool = False
    texts: TextWriter | None = None


class GenerateJob(msgspec.Struct, frozen=True):
    """A checked request, and everything that decides what becomes of it."""

    request: ContentRequest
    outputs: tuple[Destination, ...]
    settings: Settings
    skip_existing: bool
    report: ResultWriter
    delivery: TextDestination | None = None


def make(order: GenerateJob, terminal: Terminal) -> None:
    """Make what is missing, and show each result as it comes.

    Raises:
        NbError: a check before the call failed, or the only image did.
        typer.Exit: several were asked for, some failed, and their errors have been shown.
    """
    with ExitStack() as stack:
        try:
            missing = _missing(order, terminal)
            if not missing:
                return
            _check_texts(order, missing)
            cost.check(order.request, order.settings, len(missing))
            note_unknown_model(order.request.model, terminal)
            endpoint = stack.enter_context(connection.opened(order.settings, terminal.env))
        except NbError as error:
            _show_json(_failed(order, error), order, terminal)
            raise
        failures = _call(order, missing, endpoint, terminal)
    if failures and len(order.outputs) == 1:
        raise failures[0]
    if failures:
        for failure in {each.message: each for each in failures}.values():
            terminal.error(failure)
        # The gravest says most about money: 11 (unknown) before 5 (safe to run again).
        raise typer.Exit(max(each.code for each in failures))


def show(order: GenerateJob, terminal: Terminal, *, as_curl: bool) -> None:
    """Print the request on stdout and its price on stderr; send nothing.

    Raises:
        UsageError: there is no address for curl yet.
        NbError: a check failed that would stop the real call too.
    """
    missing = _missing(order, terminal)
    _check_texts(order, missing)
    cost.check(order.request, order.settings, len(missing))
    note_unknown_model(order.request.model, terminal)
    show_request(order.request, order.settings, terminal, as_curl=as_curl)
    price = cost.estimate(order.request, order.settings, len(missing))
    times = f"it would be sent {len(missing)} times; " if len(missing) > 1 else ""
    terminal.note(f"nothing was sent; {times}{price}")


def show_request(
    request: ContentRequest, settings: Settings, terminal: Terminal, *, as_curl: bool
) -> None:
    """Print a request on stdout, as JSON or as a curl command.

    Raises:
        UsageError: there is no address for curl yet.
    """
    from nanobanana_cli.api import request as wire

    body = wire.build(request, settings.provider)
    if as_curl and connection.is_embedded(settings):
        raise UsageError(
            "the embedded sandbox has no address that curl could use",
            hint="start `nb sandbox` and name its address with --base-url",
        )
    if as_curl:
        endpoint = Endpoint(settings.provider, settings.base_url)
        text = wire.as_curl(endpoint, request.model, body, settings.timeout)
    else:
        # The embedded sandbox takes a free port when it starts, so there is none to name yet.
        endpoint = Endpoint(settings.provider, settings.base_url or "http://127.0.0.1:0")
        text = wire.as_json(endpoint, request.model, body)
    for line in text.splitlines():
        terminal.result(line)


def _call(
    order: GenerateJob, missing: Sequence[Destination], endpoint: Endpoint, terminal: Terminal
) -> list[NbError]:
    """The calls themselves; shows each result and returns what failed."""
    settings = order.settings
    session = Session(
        endpoint,
        timeout=settings.timeout,
        retries=settings.retries,
        listener=Listener(trace=terminal.trace, note=terminal.note),
        digest=order.report.json,
    )
    label = f"{order.request.aspect} {order.request.size} from {endpoint.provider}"
    failures: list[NbError] = []
    try:
        with terminal.waiting(label, len(missing)) as spinner, session:
            for result in session.pictures(order.request, missing, _finish(order)):
                _show(result, order, terminal)
                spinner.advance()
                if result.error is not None:
                    failures.append(result.error)
    except Interrupted:
        for result in session.rest():
            if result.status == "written":
                _show(result, order, terminal)
        raise
    return failures


def _finish(order: GenerateJob) -> Callable[[Result], Result]:
    """What is to be done with each image that is saved."""
    if order.delivery is None:
        return lambda result: result
    from nanobanana_cli.captions import save

    delivery = order.delivery
    return lambda result: save.save_reply_text(result, delivery)


def _check_texts(order: GenerateJob, missing: Sequence[Destination]) -> None:
    if order.delivery is not None:
        from nanobanana_cli.captions import save

        save.preflight(missing, order.delivery)


def _missing(order: GenerateJob, terminal: Terminal) -> list[Destination]:
    """The outputs that are not there yet; those that are must have been asked to be left alone."""
    taken = [each for each in order.outputs if isinstance(each, NamedFile) and each.taken()]
    if taken and not order.skip_existing:
        raise OutputExists(f"{taken[0].path} exists already")
    for output in taken:
        path = str(output.path)
        result = _skipped(order, path)
        _show_json(result, order, terminal)
        terminal.note(f"{path} exists, left alone")
        if order.delivery is not None and result.alt_path is None:
            from shlex import quote

            terminal.warn(f"{path} has no alt text beside it: nb caption --write {quote(path)}")
    return [each for each in order.outputs if each not in taken]


def note_unknown_model(model: str, terminal: Terminal) -> None:
    """Say that nothing is known of a model, if so."""
    if model not in catalog.MODELS:
        terminal.warn(
            f"{model} is not a model that nb knows, so ratio, size and price "
            "go unchecked; see `nb models`"
        )


def _show(result: Result, order: GenerateJob, terminal: Terminal) -> None:
    if order.report.json:
        _show_json(result, order, terminal)
    elif result.status == "written" and result.path is not None:
        _show_written(result, result.path, order, terminal)
    for note in result.notes:
        terminal.warn(note)
    reply = result.reply
    if reply and reply.model_version and reply.model_version != result.request.model:
        terminal.trace(f"the service answered with {reply.model_version}")


def _show_written(result: Result, path: str, order: GenerateJob, terminal: Terminal) -> None:
    texts = order.report.texts
    if texts is not None or path == "-":
        where = "" if path == "-" else f"{path}  "
        terminal.note(where + details(result))
    else:
        terminal.summary(path, details(result))
    if texts is not None:
        texts.show(result)
    elif result.alt_path is not None:
        say = terminal.note if path == "-" else terminal.result
        say(result.alt_path)


def _show_json(result: Result, order: GenerateJob, terminal: Terminal) -> None:
    texts = order.report.texts
    if texts is not None and texts.as_json:
        texts.show(result)
    elif order.report.json:
        terminal.json(result.record(), to_stderr=order.report.to_stderr)


def details(result: Result) -> str:
    """Pixels, size of the file, seconds and price of a written image."""
    price = "free (sandbox)" if result.provider == "sandbox" else dollars(result.cost)
    shape = f"{result.width}×{result.height}"
    return f"{shape}  {file_size(result.size or 0)}  {result.seconds:.1f} s  {price}"


def file_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _failed(order: GenerateJob, error: NbError) -> Result:
    return Result("failed", order.request, order.settings.provider, error=error)


def _skipped(order: GenerateJob, path: str) -> Result:
    alt_path = None
    if order.delivery is not None and files.taken(order.delivery.text_path(path)):
        alt_path = str(order.delivery.text_path(path))
    provider = order.settings.provider
    return Result("skipped", order.request, provider, path=path, alt_path=alt_path)
