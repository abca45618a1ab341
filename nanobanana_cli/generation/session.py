"""The use cases: what happens between a checked request and a file. No Typer, no rich, no print.

The way of a request: `calls` → `arrival` → the output. It never turns back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from nanobanana_cli import catalog
from nanobanana_cli.api import client
from nanobanana_cli.api.client import Client, Listener
from nanobanana_cli.api.throttle import NoThrottle, Throttle
from nanobanana_cli.errors import (
    Charged,
    Interrupted,
    KeyRejected,
    LocalFileError,
    NbError,
    OutcomeUnknown,
    OutOfCredit,
    Rejected,
    Unreachable,
)
from nanobanana_cli.generation import review, save
from nanobanana_cli.generation.destinations import Destination
from nanobanana_cli.types import ContentRequest, Data, Endpoint, Reply, Result, Status

# The service takes its time, so more at once is faster; beyond this only its rate limit is met.
_AT_ONCE = 16

# What one call met, every further one with the same request and key would meet.
_FATAL = (KeyRejected, OutOfCredit, Rejected, Unreachable)


def _as_is(result: Result) -> Result:
    return result


class Session:
    """Makes calls to one endpoint; a context manager that leaves no call behind.

    Args:
        endpoint: where calls go.
        timeout: seconds of wall-clock time for one attempt.
        retries: how often a failure that is known to be uncharged is sent again.
        listener: who is told.
        digest: whether results have a SHA-256; it takes 0.1 s for what a 4K picture may weigh.
        traffic: who says when; by default nobody has to wait.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        retries: int,
        listener: Listener,
        digest: bool,
        traffic: Throttle | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._digest = digest
        self._stopped = threading.Event()
        self._traffic = traffic or NoThrottle(self._stopped)
        self._caller = Client(
            endpoint, timeout=timeout, retries=retries, listener=listener, traffic=self._traffic
        )
        self._fatal: NbError | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._unseen: set[Future[Result]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cut what is in flight; an image that has arrived is saved before this returns."""
        if self._caller.begun and isinstance(error, Interrupted | LocalFileError):
            # A stdout that cannot be written to was reached with a result that is paid for.
            is_stopped = isinstance(error, Interrupted)
            error.charged = Charged.MAYBE if is_stopped else Charged.YES
        self.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """Cut the calls in flight and send no more; from any thread."""
        self._stopped.set()
        self._caller.close()

    def picture(
        self,
        request: ContentRequest,
        output: Destination,
        finish: Callable[[Result], Result] = _as_is,
        *,
        before: Callable[[], object] = lambda: None,
    ) -> Result:
        """One image, from the call to the file.

        Args:
            request: what is asked.
            output: where the image goes.
            finish: what is to be done once the image is there, such as writing its text.
            before: called before each attempt; what it raises ends the call.

        Returns:
            The result; a failure is a result too.
        """
        result = Result("failed", request, self.endpoint.provider)
        return self._paid(
            request, result, lambda made, reply: finish(self._saved(made, reply, output)), before
        )

    def text(self, request: ContentRequest, result: Result) -> Result:
        """One text, which is in the result's reply.

        Args:
            request: what is asked.
            result: what is known of the picture that the text is about.

        Returns:
            The result; a failure is a result too.
        """
        return self._paid(request, result, lambda made, _: replace(made, status="unchanged"))

    def _paid(
        self,
        request: ContentRequest,
        result: Result,
        use: Callable[[Result, Reply], Result],
        before: Callable[[], object] = lambda: None,
    ) -> Result:
        attempts = 0

        def count() -> None:
            nonlocal attempts
            before()
            attempts += 1

        started = time.monotonic()
        try:
            reply = self._caller.ask(request, count)
            result = replace(
                result,
                attempts=attempts,
                seconds=_since(started),
                cost=catalog.price(self.endpoint.provider, request.model, request.size or ""),
                reply=replace(reply, image=None),
            )
            with self._traffic.work():
                return use(result, reply)
        except NbError as error:
            status: Status = "unknown" if isinstance(error, OutcomeUnknown) else "failed"
            return replace(
                result,
                status=status,
                error=error.released(),
                attempts=attempts,
                seconds=_since(started),
            )

    def pictures(
        self,
        request: ContentRequest,
        outputs: Sequence[Destination],
        finish: Callable[[Result], Result] = _as_is,
    ) -> Iterator[Result]:
        """One image for each output, several at once, in the order in which they get done.

        A failure that every further call would meet too stops what has not been sent.

        Args:
            request, finish: as for `picture`.
        """
        self._caller.begin()
        self._pool = pool = ThreadPoolExecutor(min(len(outputs), _AT_ONCE))
        futures = [pool.submit(self._unless_fatal, request, output, finish) for output in outputs]
        self._unseen.update(futures)
        client.load_reader()
        for future in as_completed(futures):
            yield future.result()
            # Only when the taker comes back: nothing is lost if a signal stops it.
            self._unseen.discard(future)

    def rest(self) -> Iterator[Result]:
        """After the end of the block: results of `pictures` that were not taken."""
        for future in self._unseen:
            if future.done() and not future.cancelled():
                yield future.result()

    def _unless_fatal(
        self, request: ContentRequest, output: Destination, finish: Callable[[Result], Result]
    ) -> Result:
        if self._fatal is not None:
            return Result("failed", request, self.endpoint.provider, error=self._fatal)
        result = self.picture(request, output, finish)
        if isinstance(result.error, _FATAL):
            self._fatal = result.error
        return result

    def _saved(self, result: Result, reply: Reply, output: Destination) -> Result:
        path, picture, loss = save.save_image(reply.image or b"", output, result.request)
        return replace(
            result,
            status="written",
            path=path,
            mime_type=picture.mime_type,
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            sha256=_sha256(picture.data) if self._digest else None,
            notes=(*review.differences(result.request, picture, reply), *loss),
        )


def _since(started: float) -> float:
    return time.monotonic() - started


def _sha256(data: Data) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
