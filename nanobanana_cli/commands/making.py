"""What the commands that make images share: the last checks, the calls, and what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import typer

from nanobanana_cli import catalog
from nanobanana_cli.commands import service
from nanobanana_cli.errors import NbError, OutputExists, OverBudget, UsageError
from nanobanana_cli.models import ContentRequest, Endpoint, Result, dollars
from nanobanana_cli.outputs import NamedFile, Output
from nanobanana_cli.settings import Settings
from nanobanana_cli.studio import Listener, Studio
from nanobanana_cli.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Report:
    """How results are shown.

    Args:
        json: one JSON line for each.
        to_stderr: stdout holds an image, so the JSON line goes to stderr.
    """

    json: bool
    to_stderr: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A checked request, and everything that decides what becomes of it."""

    request: ContentRequest
    outputs: tuple[Output, ...]
    settings: Settings
    skip_existing: bool
    report: Report


def make(order: Order, terminal: Terminal) -> None:
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
            _check_budget(order, len(missing))
            _note_unknown_model(order, terminal)
            endpoint = stack.enter_context(service.opened(order.settings, terminal.env))
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


def show(order: Order, terminal: Terminal, *, as_curl: bool) -> None:
    """Print the request on stdout and its price on stderr; send nothing.

    Raises:
        UsageError: there is no address for curl yet.
        NbError: a check failed that would stop the real call too.
    """
    from nanobanana_cli.api import preview, request

    missing = _missing(order, terminal)
    _check_budget(order, len(missing))
    _note_unknown_model(order, terminal)
    settings, model = order.settings, order.request.model
    body = request.build(order.request, settings.provider)
    if as_curl and service.is_embedded(settings):
        raise UsageError(
            "the embedded sandbox has no address that curl could use",
            hint="start `nb sandbox` and name its address with --base-url",
        )
    if as_curl:
        endpoint = Endpoint(settings.provider, settings.base_url)
        text = preview.as_curl(endpoint, model, body, settings.timeout)
    else:
        # The embedded sandbox takes a free port when it starts, so there is none to name yet.
        endpoint = Endpoint(settings.provider, settings.base_url or "http://127.0.0.1:0")
        text = preview.as_json(endpoint, model, body)
    for line in text.splitlines():
        terminal.result(line)
    terminal.note(f"nothing was sent; {_estimate(order, len(missing))}")


def _call(
    order: Order, missing: Sequence[Output], endpoint: Endpoint, terminal: Terminal
) -> list[NbError]:
    """The calls themselves; shows each result and returns what failed."""
    settings = order.settings
    studio = Studio(
        endpoint,
        timeout=settings.timeout,
        retries=settings.retries,
        listener=Listener(trace=terminal.trace, note=terminal.note),
    )
    label = f"{order.request.aspect} {order.request.size} from {endpoint.provider}"
    failures: list[NbError] = []
    with terminal.waiting(label, len(missing)) as spinner, studio:
        for result in studio.pictures(order.request, missing):
            _show(result, order, terminal)
            spinner.advance()
            if result.error is not None:
                failures.append(result.error)
    return failures


def _missing(order: Order, terminal: Terminal) -> list[Output]:
    """The outputs that are not there yet; those that are must have been asked to be left alone."""
    taken = [each for each in order.outputs if isinstance(each, NamedFile) and each.taken()]
    if taken and not order.skip_existing:
        raise OutputExists(f"{taken[0].path} exists already")
    for output in taken:
        path = str(output.path)
        _show_json(_skipped(order, path), order, terminal)
        terminal.note(f"{path} exists, left alone")
    return [each for each in order.outputs if each not in taken]


def _check_budget(order: Order, count: int) -> None:
    limit = order.settings.max_cost
    if limit is None:
        return
    each = _price(order)
    if each is None:
        raise OverBudget(
            f"the price of {order.request.model} at {order.settings.provider} is unknown, "
            "so --max-cost cannot be kept",
            hint="leave --max-cost out, or take a model whose price `nb models` shows",
        )
    if each * count > limit:
        raise OverBudget(
            f"{_estimate(order, count)}, and --max-cost is {_amount(limit)}",
            hint="ask for fewer images, or raise --max-cost",
        )


def _note_unknown_model(order: Order, terminal: Terminal) -> None:
    if order.request.model not in catalog.MODELS:
        terminal.warn(
            f"{order.request.model} is not a model that nb knows, so ratio, size and price "
            "go unchecked; see `nb models`"
        )


def _price(order: Order) -> int | None:
    request = order.request
    return catalog.price(order.settings.provider, request.model, request.size or "")


def _estimate(order: Order, count: int) -> str:
    each = _price(order)
    calls = "1 image" if count == 1 else f"{count} images"
    if each is None:
        return f"the price of {calls} is unknown"
    return f"{calls} would cost {_amount(each * count)}"


def _amount(micro: int) -> str:
    return dollars(micro) if micro else "nothing"


def _show(result: Result, order: Order, terminal: Terminal) -> None:
    if order.report.json:
        _show_json(result, order, terminal)
    elif result.status == "written" and result.path == "-":
        terminal.note(_details(result))
    elif result.status == "written" and result.path is not None:
        terminal.summary(result.path, _details(result))
    for note in result.notes:
        terminal.warn(note)
    reply = result.reply
    if reply and reply.model_version and reply.model_version != result.request.model:
        terminal.trace(f"the service answered with {reply.model_version}")


def _show_json(result: Result, order: Order, terminal: Terminal) -> None:
    if order.report.json:
        terminal.json(result.record(), to_stderr=order.report.to_stderr)


def _details(result: Result) -> str:
    price = "free (sandbox)" if result.provider == "sandbox" else dollars(result.cost)
    shape = f"{result.width}×{result.height}"
    return f"{shape}  {_file_size(result.size or 0)}  {result.seconds:.1f} s  {price}"


def _file_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _failed(order: Order, error: NbError) -> Result:
    return Result("failed", order.request, order.settings.provider, error=error)


def _skipped(order: Order, path: str) -> Result:
    return Result("skipped", order.request, order.settings.provider, path=path)
