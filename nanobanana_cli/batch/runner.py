"""Many calls at once: each with its intent on the disk before it and its outcome after it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch import records
from nanobanana_cli.batch.destination import RowDestination
from nanobanana_cli.batch.direction import Direction
from nanobanana_cli.batch.dispatcher import Dispatcher
from nanobanana_cli.batch.ledger import Ledger, LedgerLine
from nanobanana_cli.batch.manifest.references import References
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.texts import AltFiles
from nanobanana_cli.batch.throttle import NotSent
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination, save_reply_text
from nanobanana_cli.errors import Charged, LocalFileError, NbError, OutcomeUnknown
from nanobanana_cli.generation.session import Session
from nanobanana_cli.types import Result

_SAVERS = 16
_LAST_WORDS = 5.0  # seconds that threads get to end after the calls were cut


class RunContext(msgspec.Struct, frozen=True):
    """What a run works with.

    Args:
        session: makes the calls; directed by `direction`.
        direction: pace, and room for replies.
        dispatcher: says which image is next.
        ledger: records what is paid for.
        references: the reference images.
        texts: the texts beside images that are there.
        root: the output folder.
        concurrency: how many calls at once, at most.
    """

    session: Session
    direction: Direction
    dispatcher: Dispatcher
    ledger: Ledger
    references: References
    texts: AltFiles
    root: Path
    concurrency: int


class Done(msgspec.Struct, frozen=True):
    """An image that was made, or not: its step and what came of it."""

    step: Step
    result: Result

    @property
    def charged(self) -> Charged:
        """Whether it has cost what its call costs."""
        error = self.result.error
        return error.charged if error and self.result.status != "written" else Charged.YES


class Runner:
    """Makes images with a pool of threads.

    Args:
        crew: what it works with.
    """

    def __init__(self, crew: RunContext) -> None:
        self._crew = crew
        self._finished: queue.SimpleQueue[Done | BaseException] = queue.SimpleQueue()
        self._cut = threading.Event()
        self._cut_at = 0.0
        self._draining = False
        self._threads: list[threading.Thread] = []

    def run(self, tick: float) -> Iterator[Done | None]:
        """Make the images, in the order in which they get done.

        Args:
            tick: seconds after which None is yielded when nothing got done.

        Raises:
            BaseException: a defect in a thread.
        """
        crew = self._crew
        # While one thread saves an image, another can be on the line in its place; unless what
        # comes of the one says whether there is another.
        savers = 0 if crew.dispatcher.fail_fast else min(crew.concurrency, _SAVERS)
        for _ in range(min(crew.concurrency + savers, crew.dispatcher.left)):
            thread = threading.Thread(target=self._work, daemon=True)
            thread.start()
            self._threads.append(thread)
        while True:
            # Asked before the queue: what a thread puts there is there before it ends.
            working = self.working
            try:
                done = self._finished.get(timeout=tick if working else 0)
            except queue.Empty:
                if not working:
                    return
                yield None
                continue
            if isinstance(done, BaseException):
                raise done
            yield done

    @property
    def working(self) -> bool:
        """Whether threads are at work; those that do not end although they were cut are not
        waited for."""
        late = self.cut and time.monotonic() - self._cut_at > _LAST_WORDS
        return not late and any(thread.is_alive() for thread in self._threads)

    @property
    def draining(self) -> bool:
        """Whether no further call is started."""
        return self._draining

    @property
    def cut(self) -> bool:
        """Whether the calls in flight were cut."""
        return self._cut.is_set()

    def drain(self) -> None:
        """Start no further call, send none again, and let those in flight come in."""
        self._draining = True
        self._crew.dispatcher.stop()

    def stop_now(self) -> None:
        """Cut the calls in flight; what came of them stays unknown."""
        self._cut_at = time.monotonic()
        self._cut.set()
        self._crew.dispatcher.stop()
        self._crew.direction.room.open()
        self._crew.session.close()

    def wait(self, seconds: float) -> None:
        """Wait for the threads to end, so long at most."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)
                return

    # In the threads.

    def _work(self) -> None:
        try:
            while (step := self._crew.dispatcher.take()) is not None:
                if (done := self._done(step)) is not None:
                    self._finished.put(done)
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            self._finished.put(error)

    def _done(self, step: Step) -> Done | None:
        """Make an image; None when the run was stopped before it was sent."""
        try:
            result = self._made(step)
        except LocalFileError as unrecorded:
            # Nothing can be recorded any more, so nothing more may be paid for.
            self._crew.dispatcher.stop(unrecorded)
            result = self._failed(step, unrecorded)
        done, error = Done(step, result), result.error
        is_sent = not isinstance(error, NotSent)
        self._crew.dispatcher.settle(step, error if is_sent else None, done.charged)
        return done if is_sent else None

    def _made(self, step: Step) -> Result:
        crew, item = self._crew, step.item
        try:
            request = item.request(crew.references.load(item.images))
        except NbError as error:
            return self._failed(step, error)
        call = records.intent(step, crew.session.endpoint.provider)

        def record() -> None:
            if not recorded:
                crew.ledger.extend([*map(records.dropped, step.unknown), call])
                recorded.append(call)

        recorded: list[LedgerLine] = []
        try:
            result = crew.session.picture(
                request, RowDestination(crew.root, step), _text_delivery(crew, step), before=record
            )
        finally:
            crew.direction.room.leave()
        if not recorded and isinstance(result.error, LocalFileError):
            result.error.charged = Charged.NO
            raise result.error
        if self.cut and isinstance(result.error, OutcomeUnknown):
            return result
        if recorded:
            crew.ledger.append(records.outcome(call, result, crew.root))
        # Unknown is what needs `--retry-unknown`; this one is on record, and tried again.
        return replace(result, status="failed") if result.status == "unknown" else result

    def _failed(self, step: Step, error: NbError) -> Result:
        provider = self._crew.session.endpoint.provider
        return Result("failed", step.item.request(()), provider, error=error)


def _text_delivery(crew: RunContext, step: Step) -> Callable[[Result], Result]:
    """What puts the alt text beside an image, when the row asks for one."""
    if step.item.alt_file is None:
        return lambda result: result
    delivery = TextDestination(
        TextSpec(), write=True, text_file=crew.root / step.item.alt_file, is_generated=True
    )

    def deliver(result: Result) -> Result:
        # Asked late: a call takes seconds, in which somebody may have mended the text.
        force = crew.texts.may_be_replaced(step)
        return save_reply_text(result, replace(delivery, force=force))

    return deliver
