"""End an attempt at a wall-clock deadline, whatever its connection is doing.

The timeouts of requests and urllib3 hold per read: a server that sends a byte now and then never
times out. So a timer shuts the socket down when the attempt's time is over.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

# A socket's own timeout is this many seconds later than the deadline, in case the timer cannot
# wake it.
SLACK = 1.0


class AbortReason(Enum):
    """The reason for aborting an attempt."""

    DEADLINE = "deadline"
    CLOSED = "closed"


class Attempt:
    """One attempt's deadline and socket, as a context manager; other threads may abort it.

    Args:
        timeout: seconds of wall-clock time for the attempt.

    Attributes:
        timeout: as given.
        sent: True once a byte of the request may have left; a proxy's CONNECT does not count.
        aborted: why the attempt was aborted; None if it was not.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
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
        if socks_proxy is not None:
            return self._connect_to((host.strip("[]"), port), _socks_socket(socks_proxy))
        failure: OSError = ConnectionAbortedError()
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM
        ):
            try:
                return self._connect_to(address, socket.socket(family, kind, protocol))
            except OSError as error:
                failure = error
        raise failure

    def mark_sent(self) -> None:
        """Note that the request is about to leave.

        Raises:
            OSError: the attempt was aborted before.
        """
        with self._lock:
            self._check()
            self.sent = True

    def _connect_to(self, address: Any, sock: socket.socket) -> socket.socket:
        try:
            with self._lock:
                self._check()
                self._close_handle()
                # A duplicate: TLS takes the socket itself over, and a closed one's number is
                # reused.
                self._handle = sock.dup()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(self._left() + SLACK)
            sock.connect(address)
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

    def _start_timer(self) -> None:
        self._timer = threading.Timer(self._left(), self.abort, (AbortReason.DEADLINE,))
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            # A thread that still runs when the interpreter ends can bring it down.
            self._timer.join()


def _socks_socket(proxy: dict[str, Any]) -> socket.socket:
    """Return a socket that connects through a SOCKS proxy."""
    import socks  # type: ignore[import-untyped, import-not-found, unused-ignore]

    host, port = proxy["proxy_host"], int(proxy["proxy_port"] or 1080)
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    sock: socket.socket = socks.socksocket(family)
    sock.set_proxy(  # type: ignore[attr-defined]
        proxy["socks_version"],
        host,
        port,
        rdns=proxy["rdns"],
        username=proxy["username"],
        password=proxy["password"],
    )
    return sock


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


class _Connection(HTTPConnection):
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
