"""Make one HTTP call to the service, under a deadline.

Each attempt opens a connection of its own: one that was kept open may be dead, and then nobody
could say whether the paid call went through.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import unquote

import msgspec
import requests

from nanobanana_cli import __version__
from nanobanana_cli.api import download, error_body, plain_json, request, schema, status_errors
from nanobanana_cli.api import reply as replies
from nanobanana_cli.api.connection_errors import FAILURES, from_exception
from nanobanana_cli.api.deadline import SLACK, AbortReason, Adapter, Attempt, environment, no_auth
from nanobanana_cli.api.links import host_of
from nanobanana_cli.api.memory import MemoryBudget
from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import BadReply, KeyRejected, NbError, Unreachable
from nanobanana_cli.settings.redaction import redact, redact_body, redact_error
from nanobanana_cli.types import Data, Endpoint

_LARGEST_ERROR = 1 << 20
_CHUNK = 1 << 18
# The key is taken out of shorter replies here; longer ones hold an image, and the session takes it
# out of their text once that is parsed.
_LARGEST_REDACTED = 1 << 16
_SPACE = re.compile(rb"\s*")
_FOR_THE_REST = 5.0  # seconds, for what comes beyond the stated length


class Received(msgspec.Struct, frozen=True):
    """The bytes of a reply, and whether the connection broke before all of them were there."""

    data: Data
    is_broken: bool = False


class Transport:
    """HTTP calls to one endpoint, from any number of threads.

    Args:
        endpoint: the address, and the key, which is sent as `x-goog-api-key` and to this host
            alone. Proxies and CA bundles come from the environment, as requests reads it; netrc
            files are not read.
        timeout: seconds of wall-clock time for one attempt, from the name's lookup to the last
            byte, unless a call names its own.
        trace: takes a few lines about each attempt, without the key.
        memory: admits the body of a reply once it begins to arrive; the deadline is paused
            meanwhile. The calling thread holds the memory until it releases it.

    Each attempt raises:
        KeyRejected: the key cannot be sent, or was refused.
        Unreachable: the attempt failed before any byte of the request was sent.
        OutcomeUnknown: the connection broke or the deadline passed after that.
        BadReply: the reply is larger than 512 MiB, or its compression is damaged.
        NbError: the status is not 2xx, see `status_errors.from_status`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float = 120.0,
        trace: Callable[[str], None] | None = None,
        memory: MemoryBudget | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._trace = trace
        self._memory = memory or MemoryBudget()
        self._host = host_of(endpoint.base_url)
        # Re-entrant: a signal handler may call `close` while this thread holds it.
        self._lock = threading.RLock()
        self._attempts: set[Attempt] = set()
        self._environment: dict[str, Any] | None = None
        self._closed = False

    def generate(self, model: str, body: bytes, timeout: float | None = None) -> Received:
        """Call `generateContent` once and return the reply, unless it is an error."""
        path = request.path(model, self._endpoint.base_url)
        return self._call("POST", path, body, timeout or self._timeout)

    def get(self, path: str) -> Data:
        """Send one GET to a path below the base address and return the reply's bytes."""
        return self._call("GET", path, None, self._timeout).data

    def get_account(self, path: str) -> Data:
        """Send one GET with the key as `Authorization: Bearer`, and return the reply's bytes.

        Raises:
            ValueError: the endpoint is not the one address whose documentation wants the key so.
        """
        where = self._endpoint
        if not where.base_url or where.base_url != PROVIDERS[where.provider].account_url:
            raise ValueError(where.base_url)
        how = {"header": "Authorization", "prefix": "Bearer "}
        return self._call("GET", path, None, self._timeout, **how).data

    def close(self) -> None:
        """Abort the attempts in flight and refuse later ones; from any thread."""
        with self._lock:
            self._closed = True
            for attempt in tuple(self._attempts):
                attempt.abort(AbortReason.CLOSED)

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        timeout: float,
        *,
        header: str = "x-goog-api-key",
        prefix: str = "",
    ) -> Received:
        headers = self._headers(body, header, prefix)
        started = time.monotonic()
        size = f"{len(body or b''):,} bytes, deadline {timeout:g} s"
        self._log(f"> {method} {self._endpoint.base_url}{path} ({size})")
        try:
            with (
                self._registered(timeout) as attempt,
                closing(Adapter(attempt)) as adapter,
                closing(self._open(attempt, adapter, method, path, headers, body)) as response,
            ):
                self._log(f"< {response.status_code} after {time.monotonic() - started:.1f} s")
                reply = self._read_body(attempt, response)
        except NbError as error:
            redact_error(error, self._endpoint.secrets)
            if error.details:
                self._log(f"< {error.details}")
            self._log(f"< {error.kind} after {time.monotonic() - started:.1f} s")
            raise
        self._log(f"< {len(reply.data):,} bytes after {time.monotonic() - started:.1f} s")
        return reply

    def _open(
        self,
        attempt: Attempt,
        adapter: Adapter,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None,
    ) -> requests.Response:
        """Send the request, read the reply's status and headers, and leave its body to be read."""
        url = self._endpoint.base_url + path
        try:
            # Without a session, requests neither follows redirects, which would send the key along,
            # nor looks for credentials in a netrc file.
            prepared = requests.Request(method, url, headers, data=body, auth=no_auth).prepare()
            return adapter.send(prepared, timeout=attempt.timeout + SLACK, **self._settings(url))
        except FAILURES as error:
            raise from_exception(error, attempt, self._host) from error

    def _settings(self, url: str) -> dict[str, Any]:
        """Return proxies and CA bundle, looked up once: that takes longer than all else here."""
        with self._lock:
            if self._environment is None:
                self._environment = environment(url)
            return self._environment

    def _read_body(self, attempt: Attempt, response: requests.Response) -> Received:
        if not 200 <= response.status_code < 300:
            return Received(self._despite_error(attempt, response))
        partial: Data | None = None
        is_broken = False

        def is_usable(body: Data) -> bool:
            nonlocal partial, is_broken
            is_broken = True
            if not body or not replies.is_usable(body):
                partial = body
                return False
            self._log("< the connection broke, but nothing is missing")
            return True

        def goes_on(body: Data) -> bool:
            # Such as a length in characters, of which some take several bytes.
            is_cut = plain_json.is_cut(body)
            if is_cut:
                attempt.shorten(_FOR_THE_REST)
            return is_cut

        try:
            reply = download.read(
                response, self._memory, attempt.paused, is_usable=is_usable, goes_on=goes_on
            )
        except FAILURES as error:
            raise from_exception(error, attempt, self._host, partial) from error
        except BadReply as error:
            error.partial = error.partial or partial
            raise
        # With a length or chunks, urllib3 itself notices that the body is cut; but the length's
        # digits may be cut, too.
        length = response.headers.get("Content-Length", "").strip()
        has_end = response.raw.chunked or length.isdigit() or (bool(reply) and not attempt.aborted)
        if not has_end and not is_usable(reply):
            # Cut in the body or in the headers, which looks the same as a complete reply.
            raise from_exception(http.client.RemoteDisconnected(""), attempt, self._host, partial)
        if size := plain_json.unpacked_size(reply):
            self._memory.acquire(size, attempt.paused)
        return Received(self._checked(plain_json.plain(reply), _model(response.url)), is_broken)

    def _checked(self, reply: Data, model: str) -> Data:
        """Return the reply of a 200, a short one without the key; raise the error that it holds."""
        padding = _SPACE.match(reply)
        if len(reply) - (padding.end() if padding else 0) > _LARGEST_REDACTED:
            return reply
        short = bytes(redact_body(reply, self._endpoint.secrets))
        if error_body.is_error(short):
            raise status_errors.from_200(short, self._endpoint, model)
        return short

    def _despite_error(self, attempt: Attempt, response: requests.Response) -> Data:
        """Return the reply beside an error's status if it holds an image, else raise the error."""
        text, is_large = bytearray(), False
        try:
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                text += chunk
                if len(text) > download.LARGEST_REPLY:
                    break
                if len(text) > _LARGEST_ERROR and not is_large:
                    if not replies.may_hold_image(text):
                        break
                    is_large = True
                    self._memory.acquire(response.raw.length_remaining, attempt.paused)
        except FAILURES:
            # What has arrived is enough: the status says the most.
            self._log("< the error's body was cut short")
        if schema.holds_image(text):
            self._log("< an image came with the error")
            return text
        redacted = redact(text.decode("utf-8", "replace"), self._endpoint.secrets)
        raise status_errors.from_status(
            response.status_code,
            response.headers,
            redacted.encode("utf-8", "replace"),
            endpoint=self._endpoint,
            model=_model(response.url),
        )

    def _headers(self, body: bytes | None, header: str, prefix: str) -> dict[str, str]:
        """Return the headers of a request, with the key in one of them."""
        headers = {
            "User-Agent": f"nb/{__version__}",
            "Accept": "application/json",
            # Base64 hardly shrinks, and an uncompressed reply cannot be a decompression bomb.
            "Accept-Encoding": "identity",
            "Connection": "close",
            **self._endpoint.headers,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        key = self._endpoint.key
        if key is None and not PROVIDERS[self._endpoint.provider].needs_key:
            key = request.ANY_KEY
        if key is None:
            return headers
        if not re.fullmatch(r"[!-~]+", key):
            origin = f" from {self._endpoint.key_origin}" if self._endpoint.key_origin else ""
            raise KeyRejected(
                f"the key{origin} is empty or contains a space, a line break or the like",
                hint="copy the key again, without spaces or quotes around it",
            )
        return headers | {header: prefix + key}

    @contextmanager
    def _registered(self, timeout: float) -> Iterator[Attempt]:
        with Attempt(timeout) as attempt:
            with self._lock:
                if self._closed:
                    raise Unreachable("stopped before the request was sent", resends=0)
                self._attempts.add(attempt)
            try:
                yield attempt
            finally:
                with self._lock:
                    self._attempts.discard(attempt)

    def _log(self, line: str) -> None:
        if self._trace is not None:
            self._trace(redact(line, self._endpoint.secrets))


def _model(url: str) -> str:
    """Return the id of the model that a call's address names, "" if it names none."""
    found = re.search(r"/models/([^/:?]+)", unquote(url))
    return found[1] if found else ""
