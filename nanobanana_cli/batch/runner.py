"""Make many images at once: the intent of each call on disk before it, its outcome after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch.destination import AltFiles, RowDestination
from nanobanana_cli.batch.dispatcher import Dispatcher
from nanobanana_cli.batch.item import References
from nanobanana_cli.batch.ledger import Ledger, LedgerLine
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.records import intent_line, outcome_line, settled_line
from nanobanana_cli.batch.throttle import NotSent
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination, save_reply_text
from nanobanana_cli.errors import Charged, LocalFileError, NbError, OutcomeUnknown
from nanobanana_cli.generation import shape
from nanobanana_cli.generation.pool import WorkerPool
from nanobanana_cli.generation.save import save_image
from nanobanana_cli.generation.session import Session
from nanobanana_cli.types import Result

_SAVERS = 16
_GRACE = 5.0  # seconds that threads get to end after an abort


class Done(msgspec.Struct, frozen=True):
    """An image that was made or failed: its step and its result."""

    step: Step
    result: Result

    @property
    def charged(self) -> Charged:
        """True if its call was charged."""
        error = self.result.error
        return error.charged if error and self.result.status != "written" else Charged.YES


class Runner:
    """Make the images that a dispatcher hands out.

    Args:
        session: makes the calls.
        dispatcher: hands out the images.
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
        ledger: Ledger,
        references: References,
        alt_files: AltFiles,
        root: Path,
        concurrency: int,
    ) -> None:
        self._session = session
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._references = references
        self._alt_files = alt_files
        self._root = root
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
        """Make an image; return None when the run was stopped before it was sent."""
        try:
            result = self._made(step)
        except LocalFileError as unrecorded:
            # Nothing can be recorded any more, so nothing more may be paid for.
            self._dispatcher.stop(unrecorded)
            result = self._failed(step, unrecorded)
        done, error = Done(step, result), result.error
        is_sent = not isinstance(error, NotSent)
        self._dispatcher.settle(step, error if is_sent else None, done.charged, result.cost)
        return done if is_sent else None

    def _made(self, step: Step) -> Result:
        try:
            request = step.item.request(self._references.load(step.item.images))
        except NbError as error:
            return self._failed(step, error)
        call = intent_line(step, self._session.endpoint.provider)
        recorded: list[LedgerLine] = []

        def record() -> None:
            if not recorded:
                dropped = (settled_line("dropped", earlier) for earlier in step.unknown)
                self._ledger.extend([*dropped, call])
                recorded.append(call)

        with self._session.call(request, before=record) as called:
            result = save_image(called, RowDestination(self._root, step), self._session.rescue)
        result = replace(result, notes=(*shape.notes(request), *result.notes))
        result = self._with_text(step, result)
        if not recorded and isinstance(result.error, LocalFileError):
            result.error.charged = Charged.NO
            raise result.error
        if self.aborted and isinstance(result.error, OutcomeUnknown):
            return result
        if recorded:
            try:
                self._ledger.append(outcome_line(call, result, self._root))
            except LocalFileError as unrecorded:
                # It is made all the same, and the next run finds it; but no more may be paid for.
                self._dispatcher.stop(unrecorded)
        # Unknown is what needs `--retry-unknown`; this one is on record, and tried again.
        return replace(result, status="failed") if result.status == "unknown" else result

    def _with_text(self, step: Step, result: Result) -> Result:
        """Save the alt text beside an image, when the row asks for one."""
        if step.item.alt_file is None or result.status != "written":
            return result
        text_file = self._root / step.item.alt_file
        with suppress(OSError):
            text_file.parent.mkdir(parents=True, exist_ok=True)
        destination = TextDestination(
            TextSpec(),
            write=True,
            text_file=text_file,
            # Asked late: a call takes seconds, in which somebody may have edited the text.
            force=self._alt_files.may_be_replaced(step),
            is_generated=True,
        )
        return save_reply_text(result, destination)

    def _failed(self, step: Step, error: NbError) -> Result:
        provider = self._session.endpoint.provider
        return Result("failed", step.item.request(()), provider, error=error)
