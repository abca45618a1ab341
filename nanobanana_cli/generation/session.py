"""Make calls to one endpoint; each returns a result that holds the reply or the error.

All that reading a reply needs is imported here, and so before the first request is sent.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, Self

from msgspec.structs import replace

from nanobanana_cli import catalog
from nanobanana_cli.api import reply as replies
from nanobanana_cli.api import request as wire
from nanobanana_cli.api import retry
from nanobanana_cli.api.download import MemoryBudget
from nanobanana_cli.api.transport import Transport
from nanobanana_cli.errors import (
    Charged,
    Interrupted,
    LocalFileError,
    NbError,
    OutcomeUnknown,
    Unreachable,
)
from nanobanana_cli.settings.credentials import redact_error, redact_reply
from nanobanana_cli.types import ContentRequest, Data, Endpoint, Result, Status


class Throttle(Protocol):
    """Pace requests. Each method is called from the thread that makes the call."""

    def attempt(self) -> AbstractContextManager[None]:
        """Wait for a turn; the block sends one request and reads its reply.

        Raises:
            NbError: no further request may be sent.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; end early once none may be."""

    def stop(self) -> None:
        """Admit no further request, and end every pause."""


def _ignored(_: str) -> None:
    pass


class Session:
    """Calls to one endpoint, from any number of threads; a context manager that ends them all.

    Args:
        endpoint: where calls go.
        timeout: seconds of wall-clock time for one attempt.
        retries: how often a failure that is known to be free is sent again.
        trace: takes each step of a request.
        note: takes a line that says why a resend waits, and for how long.
        throttle: paces requests; by default each goes at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        retries: int,
        trace: Callable[[str], None] = _ignored,
        note: Callable[[str], None] = _ignored,
        throttle: Throttle | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._retries = retries
        self._note = note
        self._throttle = throttle
        self._memory = MemoryBudget()
        # Decoding and verifying take the processor: dozens of replies at once would keep the next
        # requests from leaving.
        self._processors = threading.Semaphore((os.cpu_count() or 1) + 2)
        self._transport = Transport(endpoint, timeout=timeout, trace=trace, memory=self._memory)
        self._has_called = False
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Abort the calls in flight; make an error of the block say whether calls were paid."""
        if self._has_called and isinstance(error, Interrupted | LocalFileError):
            # Only a result that was paid for can fail to be written to stdout.
            is_stopped = isinstance(error, Interrupted)
            error.charged = Charged.MAYBE if is_stopped else Charged.YES
        self.close()

    def close(self) -> None:
        """Abort the calls in flight and send no more; from any thread."""
        self._closed.set()
        if self._throttle is not None:
            self._throttle.stop()
        self._memory.close()
        self._transport.close()

    @contextmanager
    def call(
        self,
        request: ContentRequest,
        about: Result | None = None,
        *,
        before: Callable[[], object] = lambda: None,
    ) -> Iterator[Result]:
        """Make one call; the block uses its result and counts as one reply in memory.

        Args:
            request: what to ask.
            about: a result that describes the image in the request, to be completed.
            before: called before each attempt is sent; an error that it raises ends the call.

        Yields:
            The result: `unchanged` with the reply, else `failed` or `unknown` with the error.
        """
        try:
            answer, attempts, seconds = self._send(request, before)
            with self._processors:
                result = replace(
                    self._read(request, answer, about), attempts=attempts, seconds=seconds
                )
                # As large as the image again, and needed no more.
                del answer
                yield result
        finally:
            self._memory.release()

    def _send(
        self, request: ContentRequest, before: Callable[[], object]
    ) -> tuple[Data | NbError, int, float]:
        """Return the reply's bytes or the error, the number of attempts, and the seconds."""
        attempts = 0

        def attempt() -> Data:
            nonlocal attempts
            with self._throttle.attempt() if self._throttle else nullcontext():
                if self._closed.is_set():
                    raise Unreachable("stopped before the request was sent", resends=0)
                before()
                attempts += 1
                self._has_called = True
                return self._transport.generate(request.model, body)

        answer: Data | NbError
        started = time.monotonic()
        try:
            body = wire.build(request, self.endpoint.provider)
            answer = retry.call(
                attempt, retries=self._retries, on_wait=self._tell_wait, sleep=self._pause
            )
        except NbError as error:
            answer = error.released()
        return answer, attempts, time.monotonic() - started

    def _read(
        self, request: ContentRequest, answer: Data | NbError, about: Result | None
    ) -> Result:
        """Return the result of an answer."""
        result = about or Result("failed", request, self.endpoint.provider)
        if isinstance(answer, NbError):
            status: Status = "unknown" if isinstance(answer, OutcomeUnknown) else "failed"
            return replace(result, status=status, error=answer)
        try:
            reply = replies.read(answer, want=request.modalities)
        except NbError as error:
            redact_error(error, self.endpoint.key)
            return replace(result, status="failed", error=error.released())
        return replace(
            result,
            status="unchanged",
            reply=redact_reply(reply, self.endpoint.key),
            cost=catalog.price(self.endpoint.provider, request.model, request.size or ""),
        )

    def _pause(self, seconds: float) -> None:
        if self._throttle is None:
            self._closed.wait(seconds)
        else:
            self._throttle.pause(seconds)

    def _tell_wait(self, error: NbError, seconds: float, attempt: int) -> None:
        self._note(
            f"{error.message}; attempt {attempt + 1} of {self._retries + 1} in {seconds:.1f} s"
        )
