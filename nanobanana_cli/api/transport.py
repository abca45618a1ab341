"""One HTTP call with a deadline; the only room that imports requests.

Each attempt has a connection of its own: one that was kept open may be dead, and then nobody could
say whether the paid call went through.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from nanobanana_cli import __version__
from nanobanana_cli.api import download as payload
from nanobanana_cli.api import redact, request
from nanobanana_cli.api.connection_errors import FAILURES, explain
from nanobanana_cli.api.deadline import SLACK, Attempt, Cut, Watchdog, pools
from nanobanana_cli.api.throttle import Paused
from nanobanana_cli.errors import KeyRejected, NbError, OutcomeUnknown, Unreachable
from nanobanana_cli.types import Endpoint

_LARGEST_ERROR = 1 << 20
_CHUNK = 1 << 18
# What is longer holds a picture; its words are scrubbed once they have been read.
_SCRUBBED = 1 << 16


class Transport:
    """Calls to one endpoint, from any number of threads.

    Args:
        endpoint: where they go, and the key that goes along, as `x-goog-api-key` and to this host
            alone. Proxies and CA bundles are taken from the environment, as requests does it;
            netrc files are not read.
        timeout: seconds of wall-clock time for one attempt, from the look-up of the name to the
            last byte. Only a look-up that hangs can take longer.
        trace: takes a few lines about each attempt's course; the key is in none of them.
        make_room: called once the body of a reply begins to come, and reading goes on when it
            returns; the deadline can be made to stand still meanwhile.

    Each attempt raises:
        KeyRejected: the key cannot be sent, or was refused.
        Unreachable: no byte of the request has left.
        OutcomeUnknown: the connection broke or the time was over after that.
        BadReply: the reply is larger than 512 MiB, or its compression is damaged.
        NbError: what a status other than 2xx stands for, see `fault.from_status`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        trace: Callable[[str], None] | None = None,
        make_room: Callable[[int | None, Paused], None] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._trace = trace
        self._make_room = make_room
        self._host = _host(endpoint.base_url)
        # Re-entrant: a signal handler may call `close` while this thread holds it.
        self._lock = threading.RLock()
        self._lines: set[Attempt] = set()
        self._watch = Watchdog()
        self._surroundings: dict[str, Any] | None = None
        self._closed = False

    def generate(self, model: str, body: bytes) -> memoryview:
        """One attempt at `generateContent`: the reply's bytes."""
        return self._attempt("POST", request.path(model), body)

    def get(self, path: str) -> memoryview:
        """One attempt at a GET below the base address: the reply's bytes."""
        return self._attempt("GET", path, None)

    def close(self) -> None:
        """Cut the attempts in flight and refuse later ones; from any thread."""
        with self._lock:
            self._closed = True
            for line in tuple(self._lines):
                line.cut(Cut.CLOSED)

    def _attempt(self, method: str, path: str, body: bytes | None) -> memoryview:
        headers = self._headers(body)
        started = time.monotonic()
        self._tell(f"> {method} {self._endpoint.base_url}{path} ({len(body or b''):,} bytes)")
        try:
            with (
                self._registered() as line,
                closing(_Adapter(line)) as adapter,
                closing(self._open(adapter, line, method, path, headers, body)) as response,
            ):
                self._tell(f"< {response.status_code} after {time.monotonic() - started:.1f} s")
                reply = self._read_body(line, response)
        except NbError as error:
            redact.error(error, self._endpoint.key)
            self._tell(f"< {error.kind} after {time.monotonic() - started:.1f} s")
            raise
        self._tell(f"< {len(reply):,} bytes after {time.monotonic() - started:.1f} s")
        return reply

    def _open(
        self,
        adapter: HTTPAdapter,
        line: Attempt,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes | None,
    ) -> requests.Response:
        """The answer, with its headers read and its body not."""
        url = self._endpoint.base_url + path
        try:
            # Without a session, nothing follows a redirect, which would take the key along; and
            # nothing looks for credentials in a netrc file.
            prepared = requests.Request(method, url, headers, data=body, auth=_no_auth).prepare()
            return adapter.send(prepared, timeout=self._timeout + SLACK, **self._environment(url))
        except FAILURES as error:
            raise self._broken(line, error) from error

    def _environment(self, url: str) -> dict[str, Any]:
        """Proxies and CA bundle, as requests takes them from the environment: looked up once,
        since that takes longer than all the rest of a call.

        Plain http is for this machine alone, so it takes no proxy: that would get the key to read.
        """
        with self._lock:
            if self._surroundings is None:
                with requests.Session() as session:
                    found = session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003
                proxies = {} if url.startswith("http://") else found["proxies"]
                self._surroundings = {**found, "proxies": proxies}
            return self._surroundings

    def _read_body(self, line: Attempt, response: requests.Response) -> memoryview:
        if not 200 <= response.status_code < 300:
            raise self._error(response)

        def begun(length: int | None) -> None:
            if self._make_room is not None:
                self._make_room(length, line.standstill)

        try:
            reply = payload.read(response, begun)
        except FAILURES as error:
            raise self._broken(line, error) from error
        if not _framed(response) and (line.cut_by is not None or not reply):
            # It was cut, in the body or in the headers, and looks like one that ended by itself.
            raise self._broken(line, http.client.RemoteDisconnected(""))
        if len(reply) <= _SCRUBBED:
            words = redact.text(str(reply, "latin-1"), self._endpoint.key)
            return memoryview(words.encode("latin-1"))
        return reply

    def _error(self, response: requests.Response) -> NbError:
        from nanobanana_cli.api import status_errors

        text = bytearray()
        try:
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                text += chunk
                if len(text) > _LARGEST_ERROR:
                    break
        except FAILURES:
            # What came will do: the status says the most.
            self._tell("< the error's text was cut short")
        scrubbed = redact.text(text.decode("utf-8", "replace"), self._endpoint.key)
        return status_errors.from_status(
            response.status_code,
            response.headers,
            scrubbed.encode("utf-8", "replace"),
            provider=self._endpoint.provider,
        )

    def _broken(self, line: Attempt, error: BaseException) -> NbError:
        problem = explain(error)
        if line.sent:
            return self._unknown(line, problem.words)
        if line.cut_by is Cut.CLOSED:
            return Unreachable("stopped before the request was sent", resends=0)
        words = problem.words
        if line.cut_by is Cut.DEADLINE:
            words = f"no connection within {self._timeout:g} s"
        return Unreachable(
            f"cannot reach {self._host}: {words}",
            hint=problem.hint,
            resends=0 if problem.lasting else None,
        )

    def _unknown(self, line: Attempt, words: str) -> OutcomeUnknown:
        if line.cut_by is Cut.CLOSED:
            return OutcomeUnknown("stopped while waiting for the answer")
        if line.cut_by is Cut.DEADLINE:
            return OutcomeUnknown(
                f"no whole answer within {self._timeout:g} s",
                hint="check the account's usage before running it again, with a longer --timeout",
            )
        return OutcomeUnknown(f"the connection broke after the request was sent: {words}")

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {
            "User-Agent": f"nb/{__version__}",
            "Accept": "application/json",
            # Base64 hardly shrinks, and what is not compressed needs no bounds.
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        key = self._endpoint.key
        if key is None:
            return headers
        if not re.fullmatch(r"[!-~]+", key):
            origin = f" from {self._endpoint.key_origin}" if self._endpoint.key_origin else ""
            raise KeyRejected(
                f"the key{origin} is empty, or holds a space, a line break or the like",
                hint="copy it again, without anything around it",
            )
        return headers | {"x-goog-api-key": key}

    @contextmanager
    def _registered(self) -> Iterator[Attempt]:
        with Attempt(self._timeout, self._watch) as line:
            with self._lock:
                if self._closed:
                    raise Unreachable("stopped before the request was sent", resends=0)
                self._lines.add(line)
            try:
                yield line
            finally:
                with self._lock:
                    self._lines.discard(line)

    def _tell(self, what: str) -> None:
        if self._trace is not None:
            self._trace(redact.text(what, self._endpoint.key))


class _Adapter(HTTPAdapter):
    """Connects through a line, also to proxies."""

    def __init__(self, line: Attempt) -> None:
        self._pools = pools(line)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if not proxy.lower().startswith("http"):
            # Through a line, a SOCKS proxy would be bypassed.
            raise requests.exceptions.InvalidProxyURL
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # Else requests looks for credentials in the address.
    return prepared


def _framed(response: requests.Response) -> bool:
    """Whether urllib3 itself notices that the body is cut."""
    return response.raw.chunked or "Content-Length" in response.headers


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
