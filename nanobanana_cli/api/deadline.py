"""One attempt's connection, which another thread can cut.

The timeouts of requests and urllib3 hold per read: a server that sends a byte now and then is never
late. So a thread shuts the socket down when the attempt's time is over, whatever it is doing.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

# A socket's own timeout is later than the deadline by these seconds, for the case that the watch
# cannot wake it.
SLACK = 1.0


class Cut(Enum):
    """Why an attempt was cut."""

    DEADLINE = "deadline"
    CLOSED = "closed"


class Watchdog:
    """Cuts lines whose time is over: one thread for all of them, which ends with the last."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[Attempt, float] = {}
        self._wakes = 0.0
        self._thread: threading.Thread | None = None

    def add(self, line: Attempt, end: float) -> None:
        """Cut a line at this time, as `time.monotonic` has it."""
        with self._changed:
            self._ends[line] = end
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            elif end < self._wakes:
                self._changed.notify_all()

    def remove(self, line: Attempt) -> None:
        """Leave a line alone."""
        with self._changed:
            self._ends.pop(line, None)
            if self._ends or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        # A thread that is still there when the interpreter ends can bring it down.
        thread.join()

    def _run(self) -> None:
        with self._changed:
            while self._thread is threading.current_thread():
                now = time.monotonic()
                for line in [line for line, end in self._ends.items() if end <= now]:
                    del self._ends[line]
                    line.cut(Cut.DEADLINE)
                self._wakes = min(self._ends.values(), default=now + threading.TIMEOUT_MAX)
                self._changed.wait(min(self._wakes - now, threading.TIMEOUT_MAX))


class Attempt:
    """A context manager around one attempt: a deadline, and a handle on its socket.

    Args:
        timeout: seconds of wall-clock time for the attempt.
        watch: cuts it when they are over.

    Attributes:
        sent: whether any byte of the request may have left; a proxy's CONNECT is no part of it.
        cut_by: why it was cut; None while it was not.
    """

    def __init__(self, timeout: float, watch: Watchdog) -> None:
        self.sent = False
        self.cut_by: Cut | None = None
        self._lock = threading.RLock()
        self._handle: socket.socket | None = None
        self._end = time.monotonic() + timeout
        self._watch = watch

    def __enter__(self) -> Self:
        self._watch.add(self, self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watch.remove(self)
        self._release()

    def cut(self, reason: Cut) -> None:
        """End the attempt now; from any thread. What waits for the socket wakes up."""
        with self._lock:
            self.cut_by = self.cut_by or reason
            _shut_down(self._handle)

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """The deadline is put off by as long as the block takes."""
        self._watch.remove(self)
        began = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - began
            self._watch.add(self, self._end)

    def dial(self, host: str, port: int) -> socket.socket:
        """A connected socket, within the time that is left for all of the host's addresses.

        Raises:
            OSError: none of them answers.
        """
        failure: OSError = ConnectionAbortedError()
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM
        ):
            try:
                return self._connected(socket.socket(family, kind, protocol), address)
            except OSError as error:
                failure = error
        raise failure

    def sending(self) -> None:
        """Note that the request is about to leave.

        Raises:
            OSError: the attempt was cut before that.
        """
        with self._lock:
            self._check()
            self.sent = True

    def _connected(self, sock: socket.socket, address: Any) -> socket.socket:
        try:
            self._hold(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(max(0.0, self._end - time.monotonic()) + SLACK)
            sock.connect(address)
            self._check()
        except BaseException:
            sock.close()
            raise
        return sock

    def _hold(self, sock: socket.socket) -> None:
        with self._lock:
            self._check()
            self._release()
            # A duplicate: TLS takes the socket itself over, and a closed one's number is reused.
            self._handle = sock.dup()

    def _check(self) -> None:
        if self.cut_by is not None:
            raise ConnectionAbortedError

    def _release(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = None


def _shut_down(handle: socket.socket | None) -> None:
    if handle is not None:
        try:
            handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was not connected, or no longer


class _Connection(HTTPConnection):
    def __init__(self, line: Attempt, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line
        self._ready = False

    def _new_conn(self) -> socket.socket:
        try:
            return self._line.dial(self.host, self.port or self.default_port)
        except OSError as error:
            # As urllib3 does it: of a plain OSError it might think that the answer can be read.
            raise NewConnectionError(self, "not connected") from error

    def connect(self) -> None:
        super().connect()
        self._ready = True

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if self._ready:
            self._line.sending()
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


def pools(line: Attempt) -> dict[str, Any]:
    """What urllib3's pool managers take as `pool_classes_by_scheme`, to connect through `line`."""
    return {
        "http": partial(_pool, HTTPConnectionPool, partial(_Connection, line)),
        "https": partial(_pool, HTTPSConnectionPool, partial(_TlsConnection, line)),
    }


def _pool(
    kind: type[HTTPConnectionPool], connection: Any, *args: Any, **kwargs: Any
) -> HTTPConnectionPool:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = connection
    return pool
