"""Make many images at once: the intent of each call on disk before it, its outcome after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch import at_hand, history
from nanobanana_cli.batch.destination import AltFiles, RowDestination
from nanobanana_cli.batch.dispatcher import Dispatcher
from nanobanana_cli.batch.item import References
from nanobanana_cli.batch.ledger import Ledger
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.planner import Planner
from nanobanana_cli.batch.records import CallRecord, OutputFolder, intent_line, outcome_line
from nanobanana_cli.batch.throttle import NotSent, ends_run
from nanobanana_cli.captions import source_image
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination, save_reply_text
from nanobanana_cli.errors import Charged, LocalFileError, NbError, OutcomeUnknown
from nanobanana_cli.generation import shape
from nanobanana_cli.generation.edit import load_converter
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.generation.save import save_image
from nanobanana_cli.generation.save_conversation import ConversationKeeper
from nanobanana_cli.generation.session import Session
from nanobanana_cli.log.line import absolute
from nanobanana_cli.system import error_of
from nanobanana_cli.types import Result

_SAVERS = 16
_GRACE = 5.0  # seconds that threads get to end after an abort


class Done(msgspec.Struct, frozen=True):
    """An image that was made or failed.

    Args:
        step: what was to be done.
        result: what became of it.
        dropped: the images that cannot be made without it.
    """

    step: Step
    result: Result
    dropped: tuple[Step, ...] = ()

    @property
    def charged(self) -> Charged:
        """True if its call was charged."""
        result = self.result
        if result.error is not None and result.status != "written":
            return result.error.charged
        return Charged.YES if result.attempts else Charged.NO


class Runner:
    """Make the images that a dispatcher hands out.

    Args:
        session: makes the calls.
        dispatcher: hands out the images.
        planner: knows what is asked for once the images are there that another is made from.
        ledger: records the calls.
        references: the reference images.
        alt_files: the text files beside images.
        root: the output folder.
        concurrency: the most calls at once.
    """

    def __init__(
        self,
        session: Session,
        dispatcher: Dispatcher,
        planner: Planner,
        ledger: Ledger,
        references: References,
        alt_files: AltFiles,
        root: Path,
        concurrency: int,
    ) -> None:
        self._session = session
        self._dispatcher = dispatcher
        self._planner = planner
        self._ledger = ledger
        self._references = references
        self._alt_files = alt_files
        self._root = root
        self._folder = OutputFolder.of(root, ledger.path.parent)
        self._aborted_at: float | None = None
        self._draining = False
        # While one thread saves an image, another can make its call; unless the outcome of the one
        # says whether there is another.
        savers = 0 if dispatcher.fail_fast else min(concurrency, _SAVERS)
        size = min(concurrency + savers, dispatcher.left)
        self._pool = WorkerPool(self._make, iter(dispatcher.take, None), size)

    def run(self, tick: float) -> Iterator[Done | None]:
        """Make the images, in the order in which they get done.

        Args:
            tick: seconds after which None is yielded if no image got done.

        Raises:
            BaseException: a defect in a thread.
        """
        for done in self._pool.results(tick):
            yield done
            if self._is_late:
                return

    @property
    def working(self) -> bool:
        """True while threads work; False soon after an abort, even if some do not end."""
        return not self._is_late and self._pool.is_working

    @property
    def draining(self) -> bool:
        """True if no further calls are started."""
        return self._draining

    @property
    def aborted(self) -> bool:
        """True if the calls in flight were aborted."""
        return self._aborted_at is not None

    def drain(self) -> None:
        """Start no further calls, resend none, and let those in flight finish."""
        self._draining = True
        self._dispatcher.stop()

    def abort(self) -> None:
        """Abort the calls in flight; their outcome stays unknown."""
        self._aborted_at = time.monotonic()
        self._dispatcher.stop()
        self._session.close()

    def wait(self, seconds: float) -> None:
        """Wait for the threads to end, for so many seconds at most."""
        self._pool.join(seconds)

    @property
    def _is_late(self) -> bool:
        if self._aborted_at is None or self._session.rescue.charges.are_unsaved():
            return False
        return time.monotonic() - self._aborted_at > _GRACE

    # In the threads.

    def _make(self, step: Step) -> Done | None:
        """Make an image; return None if the run ends first."""
        planned = step
        step, result = self._ready(step)
        try:
            if result is None:
                result = self._made(step) if step.needs_call else self._without_call(step)
        except LocalFileError as unrecorded:
            # Nothing can be recorded any more, so nothing more may be paid for.
            self._dispatcher.stop(unrecorded)
            result = self._failed(step, unrecorded)
        except Exception as exception:  # noqa: BLE001 - it must not end the other calls
            result = self._failed(step, error_of(exception))
        done, error = Done(step, result), result.error
        if error is not None:
            error.hint = history.hint(error)
        if result.status in ("written", "unchanged") and result.path:
            self._planner.made(step, self._folder.relative(result.path), result.sha256)
        dropped = self._dispatcher.settle(planned, result, done.charged)
        done = replace(done, dropped=tuple(dropped))
        if error is None or error.charged is not Charged.NO or result.status == "skipped":
            return done
        # Free, and nothing that this row did: it stays as it was.
        is_pending = isinstance(error, NotSent) or (result.attempts > 0 and ends_run(error))
        return None if is_pending else done

    def _ready(self, step: Step) -> tuple[Step, Result | None]:
        """Return the step now that its references are there, or the result if they are not."""
        try:
            return self._planner.again(step), None
        except NotSent as error:
            return step, replace(self._failed(step, error), status="skipped")
        except NbError as error:
            return step, self._failed(step, error)

    def _without_call(self, step: Step) -> Result:
        """Return the result of an image that takes no call after all."""
        provider = self._session.endpoint.provider
        if step.found or step.text:
            return at_hand.put(step, self._folder, self._ledger, provider)
        path = str(self._root / (step.path or ""))
        return Result("unchanged", step.item.request(()), provider, path, sha256=step.sha256)

    def _made(self, step: Step) -> Result:
        item = step.item
        try:
            if text := step.asks_text:
                image = source_image.load(str(self._root / (step.path or "")), _no_stdin)
                request = replace(text, references=(image.reference(),))
            else:
                turns = self._references.conversation(item)
                request = item.request(self._references.load(item.references), turns)
        except NbError as error:
            return self._failed(step, error)
        call = CallRecord(step, intent_line(step, self._session.endpoint.provider), self._ledger)
        place = RowDestination(self._root, step, call.receive)
        keeper = self._keeper(step)
        load_converter(place.format, place.edits)
        with self._session.call(request, around=call.attempt) as called:
            if text:
                result = self._text_alone(step, called)
            else:
                parts = keeper.parts_of(called) if keeper else None
                result = save_image(called, place, self._session.rescue)
                is_fitted = place.edits.box is not None
                notes = shape.notes(request, is_fitted=is_fitted)
                result = replace(result, notes=(*notes, *result.notes))
                result = self._with_text(step, result)
                if keeper is not None:
                    result = keeper.save(result, parts or [], self._session.rescue)
                self._session.rescue.keep_unread(result, called, parts)
            self._log(step, result, call)
        if not call.is_recorded and isinstance(result.error, LocalFileError):
            result.error.charged = Charged.NO
            raise result.error
        if self.aborted and isinstance(result.error, OutcomeUnknown):
            return result
        if call.is_recorded:
            try:
                line = outcome_line(step, call.intent, result, self._folder, call.content)
                self._ledger.append(line)
            except LocalFileError as unrecorded:
                # It is made all the same, and the next run finds it; but no more may be paid for.
                self._dispatcher.stop(unrecorded)
        # Unknown is what has no outcome; this one is on record.
        return replace(result, status="failed") if result.status == "unknown" else result

    def _keeper(self, step: Step) -> ConversationKeeper | None:
        """Return what keeps the conversation of an image, if it is asked for."""
        if not step.item.chat or step.asks_text:
            return None
        # An image that is made anew is kept, and so is its conversation.
        old = None if step.state == "remake" else step.sha256
        return ConversationKeeper(self._session.endpoint, moves=True, replaces=old)

    def _log(self, step: Step, result: Result, call: CallRecord) -> None:
        item = step.item
        hashes = None if step.asks_text else [each for _, each in item.identities[item.continues :]]
        shown = call.content.shown if call.content else None
        settings: dict[str, object] = {}
        if not step.asks_text:
            settings = {"alt": item.alt_file is not None, "chat": item.chat and not item.continues}
        if result.request.conversation is not None:
            settings["continue"] = absolute(result.request.conversation.name)
        self._session.log.add([result], settings, shown=shown, hashes=hashes)

    def _text_alone(self, step: Step, called: Result) -> Result:
        """Save the text of an image that is there."""
        if called.error is not None:
            return called
        path = str(self._root / (step.path or ""))
        result = replace(called, path=path, sha256=step.sha256)
        result = save_reply_text(result, self._text_destination(step))
        return replace(result, status="failed" if result.error else "written")

    def _with_text(self, step: Step, result: Result) -> Result:
        """Save the alt text beside an image, when the row asks for one."""
        if step.item.alt_file is None:
            return result
        return save_reply_text(result, self._text_destination(step))

    def _text_destination(self, step: Step) -> TextDestination:
        text_file = self._root / (step.item.alt_file or "")
        with suppress(OSError):
            text_file.parent.mkdir(parents=True, exist_ok=True)
        return TextDestination(
            TextSpec(),
            write=True,
            text_file=text_file,
            # Asked late: a call takes seconds, in which somebody may have edited the text.
            force=self._alt_files.may_be_replaced(step),
            is_generated=True,
        )

    def _failed(self, step: Step, error: NbError) -> Result:
        provider = self._session.endpoint.provider
        return Result("failed", step.item.request(()), provider, error=error)


def _no_stdin() -> bytes:
    raise AssertionError("an image of a batch is a file")
