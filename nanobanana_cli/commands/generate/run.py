"""Make the images of a checked request, or show what would be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from nanobanana_cli import files
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.commands.generate.shown import ShownResults
from nanobanana_cli.commands.results import ResultWriter, recover
from nanobanana_cli.commands.shown_request import show_request
from nanobanana_cli.errors import (
    ENDS_RUN,
    Charged,
    Interrupted,
    NbError,
    OutputExists,
    Rejected,
)
from nanobanana_cli.generation import shape
from nanobanana_cli.generation.cutout import taken_original
from nanobanana_cli.generation.destinations import Destination, NamedFile, chat_file, folders
from nanobanana_cli.log.line import absolute
from nanobanana_cli.settings import Settings
from nanobanana_cli.system import StopSignals, error_of
from nanobanana_cli.types import ContentRequest, Result
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.generation.session import Session

# The service takes its time, so more at once is faster; beyond this only its rate limit is met.
_AT_ONCE = 16


class Generation(msgspec.Struct, frozen=True):
    """The images of one request: finds those that are missing, and makes or shows them.

    Args:
        request: checked.
        calls: the destinations of each call's image: one, or several that edit it differently.
        settings: the settings in force.
        terminal: takes notes, and the errors of several images.
        writer: writes the results.
        skip_existing: leave existing files alone.
        text: where the text of each image goes, if one is asked for.
        every: save every finished image of a reply, not the last alone.
        chat: the option that asks for the conversation beside each image, if one does.
    """

    request: ContentRequest
    calls: Sequence[Sequence[Destination]]
    settings: Settings
    terminal: Terminal
    writer: ResultWriter
    skip_existing: bool
    text: TextDestination | None
    every: bool = False
    chat: str | None = None

    def make(self, *, yes: bool) -> None:
        """Make the images that are missing, and write each result as it comes.

        Args:
            yes: do not ask before they cost much.

        Raises:
            NbError: a check before the call failed, or the only image did.
            typer.Exit: several were asked for, some failed, and their errors have been shown.
        """
        with ExitStack() as stack:
            try:
                missing = self._missing()
                if not missing:
                    return
                self._check(missing)
                cost.confirm(self.request, self.settings, len(missing), self.terminal, yes=yes)
                recover(self._folders(), self.terminal)
                session = stack.enter_context(connection.session(self.settings, self.terminal))
                session.rescue.check()
            except Exception as exception:  # noqa: BLE001 - it is raised again
                error = error_of(exception, Charged.NO)
                self.writer.json(self._failed(error))
                raise error from error.__cause__
            failures = self._call(session, missing)
        if len(failures) == len(self._destinations) == 1:
            raise failures[0]
        if failures:
            for failure in _told_once(failures):
                self.terminal.error(failure)
            # The highest says most about money: 11 (unknown) before 5 (safe to run again).
            raise typer.Exit(max(each.code for each in failures))

    def show(self, *, as_curl: bool) -> None:
        """Print the request on stdout and its price on stderr; send nothing.

        Args:
            as_curl: print a curl command rather than JSON.

        Raises:
            UsageError: the embedded sandbox has no address for curl.
            NbError: a check failed that would stop the real call too.
        """
        missing = self._missing(write_skipped=False)
        self._check(missing)
        show_request(
            *(self.request, self.settings, self.terminal),
            as_curl=as_curl,
            as_line=self.writer.as_json,
        )
        if like := shape.described(self.request):
            self.terminal.note(like)
        price = cost.estimate(self.request, self.settings, len(missing))
        times = f"the request would be sent {len(missing)} times; " if len(missing) > 1 else ""
        self.terminal.note(f"nothing was sent; {times}{price}")

    @property
    def _destinations(self) -> list[Destination]:
        return [*chain.from_iterable(self.calls)]

    def _missing(self, *, write_skipped: bool = True) -> list[list[Destination]]:
        """Return the destinations that are free, by call; others must be left alone on request."""
        places = self._destinations
        taken = [each for each in places if isinstance(each, NamedFile) and each.taken()]
        if taken and not self.skip_existing:
            raise OutputExists(f"{taken[0].found()} exists already")
        original = next(filter(None, map(taken_original, places)), None)
        if original is not None and not self.skip_existing:
            raise OutputExists(f"{original} exists already", hint="--force replaces it")
        for path in [str(each.intact()) for each in taken]:
            self._skip(path, write=write_skipped)
        left = ([each for each in call if each not in taken] for call in self.calls)
        return [call for call in left if call]

    def _skip(self, path: str, *, write: bool) -> None:
        text_path = None if self.text is None else self.text.text_path(path)
        alt_path = str(text_path) if text_path is not None and files.taken(text_path) else None
        skipped = Result("skipped", self.request, self.settings.provider, path, alt_path=alt_path)
        if self.chat is not None and files.taken(chat_path := chat_file(path)):
            skipped = msgspec.structs.replace(skipped, chat_path=str(chat_path))
        elif self.chat is not None:
            self.terminal.warn(f"{path} has no conversation beside it; --force makes both anew")
        if write:
            self.writer.skipped(skipped)
        self.terminal.note(f"{path} exists, left alone")
        if self.text is not None and alt_path is None:
            from shlex import quote

            command = f"nb caption --write {quote(path)}"
            self.terminal.warn(f"{path} has no alt text beside it: {command}")

    def _check(self, missing: Sequence[Sequence[Destination]]) -> None:
        """Check what can be checked before a call is paid."""
        if self.text is not None:
            from nanobanana_cli.captions.save import preflight

            preflight([*chain.from_iterable(missing)], self.text)
        if self.chat is not None:
            from nanobanana_cli.generation import save_conversation

            save_conversation.preflight(chain.from_iterable(missing), self.chat)
        if self.settings.max_cost is not None:
            cost.check(self.request, self.settings, len(missing))
        connection.note_model(self.request.model, self.settings.provider, self.terminal)
        configured, is_fitted = self.settings.configured_aspect, bool(self.calls[0][0].edits.box)
        for note in shape.notes(self.request, configured, is_fitted=is_fitted):
            self.terminal.warn(note)

    def _folders(self) -> list[Path]:
        text_file = None if self.text is None else self.text.text_file
        beside = [] if text_file is None else [text_file.parent]
        return [*folders(self._destinations), *beside]

    def _call(self, session: Session, missing: Sequence[Sequence[Destination]]) -> list[NbError]:
        """Make the calls, several at once; write each result and return the failures.

        Raises:
            Interrupted: a signal ended the calls; what was paid for is saved, and has been told.
            OutputClosed, LocalFileError: stdout takes no results; they are saved and told as well.
        """
        from nanobanana_cli.generation.pool import WorkerPool

        ended_by: list[NbError] = []

        def make_one(places: Sequence[Destination]) -> list[Result]:
            if ended_by:
                return [self._failed(ended_by[0])]
            try:
                results = self._images(session, places)
            except Exception as exception:  # noqa: BLE001 - it must not end the other calls
                results = [self._failed(error_of(exception))]
            # Each call asks the same, so what rejects one rejects all.
            if isinstance(error := results[0].error, (*ENDS_RUN, Rejected)):
                ended_by.append(error)
            return results

        at_once = min(len(missing), self.settings.concurrency or _AT_ONCE)
        pool = WorkerPool(make_one, missing, at_once, refuse=lambda _, why: [self._failed(why)])
        shown = ShownResults(self.writer, self.terminal)
        with (
            StopSignals(is_busy=self.terminal.charges.are_unsaved) as signals,
            # Left in this order: the calls are aborted, which the pool then waits for.
            self._spinner(len(missing), at_once) as advance,
            pool,
            closing(session),
        ):
            for results in pool.until_stopped(signals, session.close):
                for result in results:
                    shown.add(result, is_stopped=signals.count > 0)
                if shown.unwritten is not None:
                    # The calls in flight may end: they are paid for.
                    pool.stop()
                advance()
        if signals.last:
            raise Interrupted(signals.last)
        if shown.unwritten is not None:
            raise shown.unwritten
        return shown.failures

    def _failed(self, error: NbError) -> Result:
        return Result("failed", self.request, self.settings.provider, error=error)

    def _spinner(self, count: int, at_once: int) -> AbstractContextManager[Callable[[], None]]:
        """Show what is made: `count` images, `at_once` of them in parallel."""
        usual = partial(
            connection.usual_seconds,
            *(self.settings, self.terminal.env, self.request, count, at_once),
        )
        shape = f"{self.request.aspect} {self.request.size}"
        return self.terminal.spinner(self.request.prompt, count, shape=shape, usual=usual)

    def _images(self, session: Session, places: Sequence[Destination]) -> list[Result]:
        """Make one call, and save its images and text; a failure is a result too."""
        from nanobanana_cli.generation.crops import save_everywhere, with_cost
        from nanobanana_cli.generation.edit import load_converter
        from nanobanana_cli.generation.save import save_every_image

        load_converter(places[0].format, places[0].edits)
        chat = None
        if self.chat is not None:
            from nanobanana_cli.generation.save_conversation import ConversationKeeper

            chat = ConversationKeeper.beside(places[0], session.endpoint)
        with session.call(self.request, every_link=self.every) as called:
            rescue = session.rescue
            hashed = session.log.is_kept or chat is not None
            parts = chat.parts_of(called) if chat else None
            if self.every:
                results = [*save_every_image(called, places[0], rescue, hashed)]
            else:
                results = [*save_everywhere(called, places, rescue, hashed)]
            results = with_cost(results)
            # Of several images the last one is the result proper, which text and conversation are
            # about; crops are all the same image.
            for at in [-1] if self.every else range(len(results)):
                results[at] = self._with_text(results[at])
                if chat is not None:
                    results[at] = chat.save(results[at], parts or [], rescue)
            rescue.keep_unread(results[-1], called, parts)
            session.log.add(results, self._log_settings())
        return results

    def _with_text(self, result: Result) -> Result:
        if self.text is None:
            return result
        from nanobanana_cli.captions.save import save_reply_text

        return save_reply_text(result, self.text)

    def _log_settings(self) -> dict[str, object]:
        found: dict[str, object] = {}
        if self.request.conversation is not None:
            found["continue"] = absolute(self.request.conversation.name)
        elif self.chat is not None:
            found["chat"] = True
        if self.text is None:
            return found
        return found | ({"alt": True} if self.writer.texts is None else self.text.options)


def _told_once(failures: Sequence[NbError]) -> list[NbError]:
    """Return like failures once, and as one those whose hint leads to what the same call kept."""
    found: dict[object, NbError] = {}
    for failure in failures:
        key = failure.hint if failure.is_kept else (failure.message, failure.hint)
        first = found.setdefault(key, failure)
        if failure.message not in first.message:
            first.message += f"; {failure.message}"
    return [*found.values()]
