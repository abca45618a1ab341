"""Make calls to one endpoint; each returns a result that holds the reply or the error.

All that reading a reply needs is imported here, and so before the first request is sent: nb may be
upgraded during a call.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Protocol, Self

from msgspec.structs import replace

from nanobanana_cli.api import refusals, retry  # noqa: F401
from nanobanana_cli.api import reply as replies
from nanobanana_cli.api import request as wire
from nanobanana_cli.api.links import LinkFetcher, host_of
from nanobanana_cli.api.memory import MemoryBudget
from nanobanana_cli.api.transport import Received, Transport
from nanobanana_cli.catalog import prices
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    NbError,
    NoImage,
    OutcomeUnknown,
    Unavailable,
    Unreachable,
)
from nanobanana_cli.generation.rescue import Rescue
from nanobanana_cli.log.store import CallLog
from nanobanana_cli.settings import default_timeout
from nanobanana_cli.settings.redaction import redact_error, redact_reply
from nanobanana_cli.settings.validators import host
from nanobanana_cli.slug import slug
from nanobanana_cli.system import error_of
from nanobanana_cli.types import ContentRequest, Endpoint, Reply, Result, Status, Tariff

# Seconds between two lines about waiting, where many calls wait.
_NEWS = 60.0


class Throttle(Protocol):
    """Pace requests. Each method is called from the thread that makes the call."""

    def run(self, send: Callable[[], Received]) -> Received:
        """Wait for a turn and call `send`; do so again while the service is busy.

        Raises:
            NbError: that of `send`, or no further request may be sent.
        """

    def pause(self, seconds: float) -> None:
        """Wait before a request is sent again; end early once none may be."""

    def stop(self) -> None:
        """Admit no further request, and end every pause."""


class Session:
    """Calls to one endpoint, from any number of threads; a context manager that ends them all.

    Args:
        endpoint: where calls go.
        timeout: seconds of wall-clock time for one attempt; None leaves it to `default_timeout`.
        tariff: whose prices hold; by default the provider's.
        retries: how often a failure that is known to be free is sent again.
        wait: seconds, counted from the last answer, to send it again in place of `retries`; 0 for
            no such limit.
        trace: takes each step of a request.
        note: takes a line that says why a resend waits, and for how long.
        throttle: paces requests; by default each goes at once.
        rescue: keeps replies that hold an image and cannot be used.
        memory: admits replies.
        log: takes a line for each paid call.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float | None,
        retries: int,
        wait: float = 0.0,
        tariff: Tariff | None = None,
        trace: Callable[[str], None] = lambda _: None,
        note: Callable[[str], None] = lambda _: None,
        throttle: Throttle | None = None,
        rescue: Rescue | None = None,
        memory: MemoryBudget | None = None,
        log: CallLog | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.rescue = rescue or Rescue()
        self.log = log or CallLog(None, endpoint, note)
        self._timeout = timeout
        self._retries = retries
        self._wait = wait
        self._trace = trace
        self._note = note
        self._throttle = throttle
        self._memory = memory or MemoryBudget()
        # Decoding and verifying take the processor: dozens of replies at once would keep the next
        # requests from leaving.
        self._processors = threading.Semaphore((os.cpu_count() or 1) + 2)
        self._transport = Transport(endpoint, trace=trace, memory=self._memory)
        self._tariff = tariff or Tariff(endpoint.provider)
        self._links = LinkFetcher(endpoint.base_url, timeout=timeout, memory=self._memory)
        # Google sends no links: what looks like one is a text.
        self._has_links = endpoint.provider != "google" and not host(endpoint.base_url).endswith(
            ".googleapis.com"
        )
        self._charges = self.rescue.charges
        # Since when the service has not answered; None while it does.
        self._silent_since: float | None = None
        self._told_at = -math.inf
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Abort the calls in flight."""
        self.close()

    def close(self) -> None:
        """Abort the calls in flight and send no more; from any thread."""
        self._closed.set()
        if self._throttle is not None:
            self._throttle.stop()
        self._memory.close()
        self._links.close()
        self._transport.close()

    @contextmanager
    def call(
        self,
        request: ContentRequest,
        about: Result | None = None,
        *,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
        every_link: bool = False,
    ) -> Iterator[Result]:
        """Make one call; the block uses its result and counts as one reply in memory.

        Args:
            request: what to ask.
            about: a result that describes the image in the request, to be completed.
            around: its block sends one attempt; an error that it raises ends the call.
            every_link: where images come as links, fetch them all rather than the last.

        Yields:
            The result: `unchanged` with the reply, else `failed` or `unknown` with the error.
        """
        try:
            answer, attempts, seconds = self._send(request, around)
            with self._processors:
                result = self._read(request, answer, about)
                result = replace(result, attempts=attempts, seconds=seconds)
                # As large as the image again; the result holds it as long as it is needed.
                del answer
            if result.reply is not None and result.reply.links:
                result = self._fetch(result, result.reply, every_link)
            with self._processors:
                yield result
        finally:
            # Of what nothing else is known, as of a reply without a valid image.
            self._charges.settle(Charged.MAYBE)
            self._charges.saved()
            self._memory.release()

    def _send(
        self, request: ContentRequest, around: Callable[[], AbstractContextManager[object]]
    ) -> tuple[Received | NbError, int, float]:
        """Return the reply's bytes or the error, how many attempts, and seconds of the last."""
        attempts = 0
        began = time.monotonic()
        timeout = self._timeout or default_timeout(request.model, request.size)

        def attempt() -> Received:
            nonlocal attempts, began
            if self._closed.is_set():
                raise Unreachable("stopped before the request was sent", resends=0)
            with around():
                attempts += 1
                # What a resend waits for, a free slot say, is not the call's own time.
                began = time.monotonic()
                with self._watched():
                    return self._transport.generate(request.model, body, timeout)

        answer: Received | NbError
        try:
            body = wire.build(request, self.endpoint.provider)
            answer = retry.call(
                attempt if self._throttle is None else partial(self._throttle.run, attempt),
                retries=self._retries,
                left=self._left if self._wait else None,
                on_wait=self._tell_wait,
                sleep=self._pause,
            )
        except Exception as exception:  # noqa: BLE001 - also limits of the system
            answer = error_of(exception).released()
        return answer, attempts, time.monotonic() - began

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note what becomes of the attempt in the block, and whether it is answered."""
        self._charges.sent()
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        try:
            yield
        except NbError as error:
            self._charges.settle(error.charged)
            if not isinstance(error, Unavailable | OutcomeUnknown):
                self._silent_since = None
            raise
        self._charges.received()
        self._silent_since = None

    def _left(self) -> float:
        """Return the seconds that are left for trying again."""
        now = time.monotonic()
        return self._wait - (now - (self._silent_since or now))

    def _read(
        self, request: ContentRequest, received: Received | NbError, about: Result | None
    ) -> Result:
        """Return the result of an answer."""
        result = about or Result("failed", request, self.endpoint.provider)
        if isinstance(received, NbError):
            self.rescue.keep_partial(received, slug(request.prompt))
            status: Status = "unknown" if isinstance(received, OutcomeUnknown) else "failed"
            return replace(result, status=status, error=received)
        answer = received.data
        secrets, room = self.endpoint.secrets, self._memory.largest - len(answer)
        try:
            parse = partial(replies.read, links=self._has_links, secrets=secrets, room=room)
            reply = self.rescue.patiently(lambda: parse(answer, request.modalities))
            if received.is_broken and reply.finish_reason is None:  # between events of a stream
                reply = replace(reply, is_partial=True)
        except Exception as exception:  # noqa: BLE001 - whatever it is, the reply was paid for
            # Its frames hold memory that keeping the reply takes.
            error = error_of(exception).released()
            if error.details:
                self._trace(error.details)
            is_unread = isinstance(error, BadReply | NoImage) and replies.may_hold_image(answer)
            if is_unread or error is not exception:
                self.rescue.keep(error, answer, slug(request.prompt))
            self._charges.settle(error.charged)
            status = "unknown" if isinstance(error, OutcomeUnknown) else "failed"
            return replace(result, status=status, error=error)
        if "IMAGE" not in request.modalities:
            self._charges.settle(Charged.YES)
        reply = redact_reply(reply, secrets)
        return replace(
            result,
            status="unchanged",
            reply=replace(reply, body=answer if "IMAGE" in request.modalities else None),
            cost=prices.cost(request, reply, self._tariff),
        )

    def _fetch(self, result: Result, reply: Reply, every_link: bool) -> Result:
        """Return the result with the images behind the links, or the error."""
        links = reply.links if every_link else reply.links[-1:]
        hosts = ", ".join(dict.fromkeys(map(host_of, links)))
        note = f"the service sent a link; the image was fetched from {hosts}"
        try:
            linked = tuple(map(self._links.fetch, links))
        except BadReply as error:
            redact_error(error, self.endpoint.secrets)
            options = ("--all", "--fetch") if len(reply.links) > 1 else ("--fetch",)
            self.rescue.keep(error, reply.body or b"", slug(result.request.prompt), *options)
            return replace(result, status="failed", reply=None, cost=None, error=error.released())
        reply = replace(reply, image=linked[-1], linked=linked)
        return replace(result, reply=reply, notes=(*result.notes, note))

    def _pause(self, seconds: float) -> None:
        (self._closed.wait if self._throttle is None else self._throttle.pause)(seconds)

    def _tell_wait(self, error: NbError, seconds: float, attempt: int) -> None:
        now = time.monotonic()
        # One line for each of 64 calls that wait for the same rate limit would say nothing.
        is_news = self._throttle is None or (self._wait and now - self._told_at > _NEWS)
        tell = self._note if is_news else self._trace
        message = error.message.rstrip(".")
        if not self._wait:
            tell(f"{message}; attempt {attempt + 1} of {self._retries + 1} in {seconds:.1f} s")
            return
        self._told_at = now if is_news else self._told_at
        left = max(0.0, self._left())
        rest = f"{left / 60:.0f} min" if left >= 120 else f"{left:.0f} s"
        tell(f"{message}; attempt {attempt + 1} in {seconds:.1f} s, giving up in {rest}")
