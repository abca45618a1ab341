"""One call: `api.request` → `api.transport` (under `api.retry`) → `api.reply`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from nanobanana_cli.api.throttle import Throttle
from nanobanana_cli.errors import NbError, Unreachable
from nanobanana_cli.types import ContentRequest, Endpoint, Reply

if TYPE_CHECKING:
    from nanobanana_cli.api.transport import Transport


class Listener(msgspec.Struct, frozen=True):
    """Who is told of a call's course.

    Args:
        trace: takes a step of the request's course.
        note: takes a line that says why and how long a resend waits.
    """

    trace: Callable[[str], None]
    note: Callable[[str], None]


class Client:
    """Asks one endpoint, from any number of threads.

    Args:
        endpoint: where calls go.
        timeout: seconds of wall-clock time for one attempt.
        retries: how often a failure that is known to be uncharged is sent again.
        listener: who is told.
        traffic: who says when.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        retries: int,
        listener: Listener,
        traffic: Throttle,
    ) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._retries = retries
        self._listener = listener
        self._traffic = traffic
        self._lock = threading.Lock()
        self._closed = False
        self._transport: Transport | None = None

    @property
    def begun(self) -> bool:
        """Whether anything may have been sent."""
        return self._transport is not None

    def begin(self) -> Transport:
        """Make ready to send; what that takes is loaded here rather than at start-up.

        Raises:
            Unreachable: it has been closed.
        """
        with self._lock:
            if self._closed:
                raise Unreachable("stopped before the request was sent", resends=0)
            if self._transport is None:
                from nanobanana_cli.api.transport import Transport

                self._transport = Transport(
                    self._endpoint,
                    timeout=self._timeout,
                    trace=self._listener.trace,
                    make_room=self._traffic.make_room,
                )
            return self._transport

    def close(self) -> None:
        """Cut the calls in flight and send no more; from any thread."""
        with self._lock:
            self._closed = True
            if self._transport is not None:
                self._transport.close()

    def ask(self, request: ContentRequest, sent: Callable[[], object]) -> Reply:
        """One call, sent again where that is known to cost nothing.

        Args:
            request: what to ask.
            sent: told of each attempt.

        Raises:
            NbError: as `api.transport`, `api.fault` and `api.reply` say.
        """
        from nanobanana_cli.api import request as wire
        from nanobanana_cli.api import retry

        body = wire.build(request, self._endpoint.provider)
        transport = self.begin()

        def attempt() -> memoryview:
            with self._traffic.attempt():
                sent()
                return transport.generate(request.model, body)

        raw = retry.call(
            attempt,
            retries=self._retries,
            on_wait=self._tell_wait,
            sleep=self._traffic.pause,
        )
        # Not before the call: it may have been loaded meanwhile.
        from nanobanana_cli.api import redact, reply

        with self._traffic.work():
            try:
                found = reply.read(raw, want=request.modalities)
            except NbError as error:
                redact.error(error, self._endpoint.key)
                raise
            return redact.reply(found, self._endpoint.key)

    def _tell_wait(self, error: NbError, seconds: float, attempt: int) -> None:
        self._listener.note(
            f"{error.message}; attempt {attempt + 1} of {self._retries + 1} in {seconds:.1f} s"
        )


def load_reader() -> None:
    """Load what reads a reply: best while the service draws."""
    from nanobanana_cli.api import reply  # noqa: F401
    from nanobanana_cli.images import inspect  # noqa: F401
