"""End an attempt at a wall-clock deadline, whatever its connection is doing.

The timeouts of requests and urllib3 hold per read: a server that sends a byte now and then never
times out. So a timer shuts the socket down when the attempt's time is over.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from nanobanana_cli.api import connecting
from nanobanana_cli.api.connecting import Resolve

# A socket's own timeout is this many seconds later than the deadline, in case the timer cannot
# wake it.
SLACK = 1.0
# A timer that comes so many seconds late ran in a process that was stopped (Ctrl-Z).
_STOPPED = 2.0


class AbortReason(Enum):
    """The reason for aborting an attempt."""

    DEADLINE = "deadline"
    CLOSED = "closed"


class Attempt:
    """One attempt's deadline and socket, as a context manager; other threads may abort it.

    Args:
        timeout: seconds of wall-clock time for the attempt.
        resolve: looks up names, as `socket.getaddrinfo`, which is the default.

    Attributes:
        timeout: as given.
        sent: True once a byte of the request may have left; a proxy's CONNECT does not count.
        aborted: why the attempt was aborted; None if it was not.
    """

    def __init__(self, timeout: float, resolve: Resolve | None = None) -> None:
        self.timeout = timeout
        self._resolve = resolve
        self.sent = False
        self.aborted: AbortReason | None = None
        # Re-entrant: a signal handler may call `abort` while its thread holds the lock.
        self._lock = threading.RLock()
        self._handle: socket.socket | None = None
        self._end = time.monotonic() + timeout
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._start_timer()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_timer()
        self._close_handle()

    def abort(self, reason: AbortReason) -> None:
        """End the attempt now, from any thread; wake up whatever waits for its socket."""
        with self._lock:
            self.aborted = self.aborted or reason
            if self._handle is not None:
                with suppress(OSError):  # not connected, or no longer
                    self._handle.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Put the deadline off by as long as the block takes."""
        self._stop_timer()
        began = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - began
            self._start_timer()

    def shorten(self, seconds: float) -> None:
        """Leave no more than so many seconds."""
        self._stop_timer()
        self._end = min(self._end, time.monotonic() + seconds)
        self._start_timer()

    def connect(
        self, host: str, port: int, socks_proxy: dict[str, Any] | None = None
    ) -> socket.socket:
        """Return a connected socket, within the time that is left for all of the host's addresses.

        Args:
            host, port: where to connect to.
            socks_proxy: the SOCKS proxy to connect through, as urllib3 describes it.

        Raises:
            OSError: none of the addresses answers, or the attempt was aborted.
        """
        host = host.strip("[]")
        if socks_proxy is not None:
            sock, place = connecting.socks_socket(socks_proxy, host, port, self._wait)
            return self._registered(sock, lambda: sock.connect(place))
        addresses = connecting.look_up(host, port, self._wait, self._resolve)
        return self._registered(connecting.connect(addresses, self._wait))

    def mark_sent(self) -> None:
        """Note that the request is about to leave.

        Raises:
            OSError: the attempt was aborted before.
        """
        with self._lock:
            self._check()
            self.sent = True

    def _registered(
        self, sock: socket.socket, connect: Callable[[], object] = lambda: None
    ) -> socket.socket:
        """Return the socket after calling `connect`; `abort` wakes it from now on."""
        try:
            with self._lock:
                self._check()
                self._close_handle()
                # A duplicate: TLS takes the socket itself over, and a closed one's number is
                # reused.
                self._handle = sock.dup()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self._left() + SLACK)
            connect()
            self._check()
        except BaseException:
            sock.close()
            raise
        return sock

    def _check(self) -> None:
        if self.aborted is not None:
            raise ConnectionAbortedError

    def _close_handle(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = None

    def _left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def _wait(self) -> float:
        """Return the seconds that are left.

        Raises:
            OSError: none are left, or the attempt was aborted.
        """
        left = self._left()
        if not left:
            self.abort(AbortReason.DEADLINE)
        self._check()
        return left

    def _start_timer(self) -> None:
        timer = threading.Timer(self._left(), self._expire)
        timer.daemon = True
        # Where no further thread can be started, the socket's own timeout must do.
        with suppress(RuntimeError):
            timer.start()
            self._timer = timer

    def _expire(self) -> None:
        """Abort, on the timer's thread; if the process was stopped, only after the whole time anew.

        The reply may be here by then, and nobody has had the time to read it.
        """
        timer = threading.current_thread()
        was_stopped = time.monotonic() - self._end > _STOPPED
        if was_stopped and isinstance(timer, threading.Timer):
            self._end = time.monotonic() + self.timeout
            if timer.finished.wait(self.timeout):
                return
        self.abort(AbortReason.DEADLINE)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            # A thread that still runs when the interpreter ends can bring it down.
            self._timer.join()
            self._timer = None


class Adapter(HTTPAdapter):
    """Connect through `attempt`, to proxies too."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._attempt = attempt

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections belong to the attempt."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = _TlsConnection if pool.scheme == "https" else _Connection
        pool.ConnectionCls = partial(kind, self._attempt)
        return pool

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Refuse proxies of unknown kinds, which `Attempt.connect` would bypass."""
        if not proxy.lower().startswith(("http", "socks")):
            raise requests.exceptions.InvalidProxyURL
        return super().proxy_manager_for(proxy, **kwargs)


class _FinalResponse(http.client.HTTPResponse):
    """A response; interim ones before it are skipped, of which `http.client` knows only 100."""

    def begin(self) -> None:
        super().begin()
        # 101 ends HTTP and was not asked for (RFC 9110, 15.2).
        while 100 <= self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # Otherwise it reads nothing more.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()


class _Connection(HTTPConnection):
    response_class = _FinalResponse

    def __init__(
        self,
        attempt: Attempt,
        *args: Any,
        _socks_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._attempt = attempt
        self._socks_proxy = _socks_options
        self._is_ready = False

    def _new_conn(self) -> socket.socket:
        try:
            port = self.port or self.default_port
            return self._attempt.connect(self.host, port, self._socks_proxy)
        except OSError as error:
            # As urllib3 does it: after a plain OSError it might try to read a reply.
            raise NewConnectionError(self, "not connected") from error

    def connect(self) -> None:
        super().connect()
        self._is_ready = True

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if self._is_ready:
            self._attempt.mark_sent()
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


def environment(url: str) -> dict[str, Any]:
    """Return proxies and CA bundle, as `Adapter.send` takes them and requests finds them.

    Plain http is for this machine alone and uses no proxy, which could read the key.
    """
    with requests.Session() as session:
        found = session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003
    return {**found, "proxies": {} if url.startswith("http://") else found["proxies"]}


def no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials; without this, requests takes them from the address or a netrc file."""
    return prepared
