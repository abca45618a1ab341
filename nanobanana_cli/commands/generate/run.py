"""Make the images of a checked request, or show what would be sent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import typer

from nanobanana_cli import files
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.commands.results import ResultWriter, show_request
from nanobanana_cli.errors import (
    ENDS_RUN,
    Interrupted,
    NbError,
    OutputExists,
    Rejected,
)
from nanobanana_cli.generation.destinations import Destination, NamedFile
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest, Result
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.generation.session import Session

# The service takes its time, so more at once is faster; beyond this only its rate limit is met.
_AT_ONCE = 16


def make(
    request: ContentRequest,
    destinations: Sequence[Destination],
    settings: Settings,
    terminal: Terminal,
    *,
    writer: ResultWriter,
    skip_existing: bool = False,
    text: TextDestination | None = None,
) -> None:
    """Make the images that are missing, and write each result as it comes.

    Args:
        request: checked.
        destinations: one for each image.
        settings: the settings in force.
        terminal: takes notes, and the errors of several images.
        writer: writes the results.
        skip_existing: leave files alone that exist.
        text: where the text of each image goes, if one is asked for.

    Raises:
        NbError: a check before the call failed, or the only image did.
        typer.Exit: several were asked for, some failed, and their errors have been shown.
    """
    with ExitStack() as stack:
        try:
            missing = _missing(
                request, destinations, settings, terminal, writer, skip_existing, text
            )
            if not missing:
                return
            _check(request, missing, settings, terminal, text)
            session = stack.enter_context(connection.session(settings, terminal))
        except NbError as error:
            writer.json(Result("failed", request, settings.provider, error=error))
            raise
        failures = _call(session, request, missing, writer, text, terminal)
    if failures and len(destinations) == 1:
        raise failures[0]
    if failures:
        for failure in {each.message: each for each in failures}.values():
            terminal.error(failure)
        # The gravest says most about money: 11 (unknown) before 5 (safe to run again).
        raise typer.Exit(max(each.code for each in failures))


def show(
    request: ContentRequest,
    destinations: Sequence[Destination],
    settings: Settings,
    terminal: Terminal,
    *,
    writer: ResultWriter,
    skip_existing: bool = False,
    text: TextDestination | None = None,
    as_curl: bool,
) -> None:
    """Print the request on stdout and its price on stderr; send nothing.

    Args:
        as_curl: print a curl command rather than JSON.
        request, destinations, settings, terminal, writer, skip_existing, text: as for `make`.

    Raises:
        UsageError: the embedded sandbox has no address for curl.
        NbError: a check failed that would stop the real call too.
    """
    missing = _missing(request, destinations, settings, terminal, writer, skip_existing, text)
    _check(request, missing, settings, terminal, text)
    show_request(request, settings, terminal, as_curl=as_curl)
    price = cost.estimate(request, settings, len(missing))
    times = f"it would be sent {len(missing)} times; " if len(missing) > 1 else ""
    terminal.note(f"nothing was sent; {times}{price}")


def _call(
    session: Session,
    request: ContentRequest,
    missing: Sequence[Destination],
    writer: ResultWriter,
    text: TextDestination | None,
    terminal: Terminal,
) -> list[NbError]:
    """Make the calls, several at once; write each result and return what failed."""
    from nanobanana_cli.generation.pool import WorkerPool

    failures: list[NbError] = []
    ended_by: list[NbError] = []

    def make_one(destination: Destination) -> Result:
        if ended_by:
            return Result("failed", request, session.endpoint.provider, error=ended_by[0])
        result = _image(session, request, destination, text)
        # Each call asks the same, so what rejects one rejects all.
        if isinstance(result.error, (*ENDS_RUN, Rejected)):
            ended_by.append(result.error)
        return result

    label = f"{request.aspect} {request.size} from {session.endpoint.provider}"
    pool = WorkerPool(make_one, missing, min(len(missing), _AT_ONCE))
    try:
        # Left in this order: the calls are cut, which the pool then waits for.
        with terminal.spinner(label, len(missing)) as advance, pool, closing(session):
            for result in pool:
                writer.show(result)
                advance()
                if result.error is not None:
                    failures.append(result.error)
    except Interrupted:
        for result in pool.rest():
            if result.status == "written":
                writer.show(result)
        raise
    return failures


def _image(
    session: Session,
    request: ContentRequest,
    destination: Destination,
    text: TextDestination | None,
) -> Result:
    """Make one image, from the call to its files; a failure is a result too."""
    from nanobanana_cli.generation.save import save_image

    with session.call(request) as called:
        result = save_image(called, destination)
    if text is None or result.status != "written":
        return result
    from nanobanana_cli.captions.save import save_reply_text

    return save_reply_text(result, text)


def _missing(
    request: ContentRequest,
    destinations: Sequence[Destination],
    settings: Settings,
    terminal: Terminal,
    writer: ResultWriter,
    skip_existing: bool,
    text: TextDestination | None,
) -> list[Destination]:
    """Return the destinations that are free; the others must be left alone on request."""
    taken = [each for each in destinations if isinstance(each, NamedFile) and each.taken()]
    if taken and not skip_existing:
        raise OutputExists(f"{taken[0].path} exists already")
    for destination in taken:
        path = str(destination.path)
        text_path = None if text is None else text.text_path(path)
        alt_path = str(text_path) if text_path is not None and files.taken(text_path) else None
        writer.json(Result("skipped", request, settings.provider, path=path, alt_path=alt_path))
        terminal.note(f"{path} exists, left alone")
        if text is not None and alt_path is None:
            from shlex import quote

            terminal.warn(f"{path} has no alt text beside it: nb caption --write {quote(path)}")
    return [each for each in destinations if each not in taken]


def _check(
    request: ContentRequest,
    missing: Sequence[Destination],
    settings: Settings,
    terminal: Terminal,
    text: TextDestination | None,
) -> None:
    """Check what can be checked before a call is paid."""
    if text is not None:
        from nanobanana_cli.captions.save import preflight

        preflight(missing, text)
    if settings.max_cost is not None:
        cost.check(request, settings, len(missing))
    connection.note_unknown_model(request.model, terminal)
