"""A local HTTP server that answers as a script says, byte by byte: real sockets, on a free port.

with WireServer(Answer(503), Answer(200, body=b"{}")) as server:
    ...                       # server.url, then server.requests
with WireServer(Steps(Send(b"HTTP/1.1 2"), Wait(1), Reset())) as server:
    ...
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Send:
    """Send bytes: at once, or one by one, so many seconds apart; `endless`, again and again."""

    data: bytes
    every: float = 0.0
    endless: bool = False


@dataclass(frozen=True)
class Wait:
    """Wait until so many requests have come, for `WireServer.gate` to be set, and for seconds."""

    seconds: float = 0.0
    requests: int = 0
    gate: bool = False


@dataclass(frozen=True)
class Hold:
    """Keep the connection open until the client closes it."""


@dataclass(frozen=True)
class Reset:
    """Close the connection with RST instead of FIN."""


Step = Send | Wait | Hold | Reset


class Steps:
    """An answer that is a list of steps; the connection is closed after the last one.

    Args:
        steps: in order.
        early: take them before the request is read, which then does not arrive.
    """

    def __init__(self, *steps: Step, early: bool = False) -> None:
        self.steps = steps
        self.early = early


@dataclass(frozen=True)
class Answer:
    """One scripted answer.

    Args:
        status, headers, body: as sent; Content-Length is added unless `headers` has one, or
            Transfer-Encoding, or `framed` is False.
        framed: whether the answer says how long it is; if not, the connection's end is its end.
        delay: seconds before the first byte.
        company: how many requests must have come before the first byte.
        stall: after that many bytes of the whole answer (head and body), send no more and hold the
            connection open.
        trickle: seconds between the answer's bytes, which then go out one by one.
        interim: bytes sent again and again, each `trickle` seconds, and nothing after them.
        cut: after that many bytes of the whole answer, close.
        reset: close with RST instead of FIN, after `cut` bytes (0 when not given).
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    framed: bool = True
    delay: float = 0.0
    company: int = 0
    stall: int | None = None
    trickle: float = 0.0
    interim: bytes = b""
    cut: int | None = None
    reset: bool = False
    early = False

    @property
    def steps(self) -> Iterator[Step]:
        """The answer as steps."""
        yield Wait(self.delay, self.company)
        if self.interim:
            yield Send(self.interim, self.trickle, endless=True)
        end = self.stall if self.stall is not None else self.cut
        yield Send(
            (self.head() + self.body)[: (self.cut or 0) if self.reset else end], self.trickle
        )
        if self.stall is not None:
            yield Hold()
        if self.reset:
            yield Reset()

    def head(self) -> bytes:
        """The status line and the headers, with the empty line after them."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        named = {name.lower() for name, _ in self.headers}
        if self.framed and not named & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Seen:
    """A request that came whole. `headers` has lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WireServer:
    """Answers the n-th request with the n-th answer of the script, and the rest with its last.

    Args:
        script: the answers; none is one empty 200.
        tls: serve HTTPS with this context.
        mute: accept connections and send nothing ever, not even in a TLS handshake.

    Attributes:
        requests: what came whole, in order.
        connections: how many were accepted.
        gate: lets answers go on that wait for it.
    """

    def __init__(
        self, *script: Answer | Steps, tls: ssl.SSLContext | None = None, mute: bool = False
    ) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.gate = threading.Event()
        self._script = script or (Answer(),)
        self._tls = tls
        self._mute = mute
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._mute:
                self._stopped.wait()
                return
            with contextlib.suppress(OSError):
                if self._tls:
                    connection.settimeout(5)
                    connection = self._tls.wrap_socket(connection, server_side=True)
                    stack.callback(connection.close)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with self._lock:
            answer = self._script[min(len(self.requests), len(self._script) - 1)]
        if not answer.early:
            seen = _read_request(connection)
            if seen is None:
                return
            with self._lock:
                answer = self._script[min(len(self.requests), len(self._script) - 1)]
                self.requests.append(seen)
        for step in answer.steps:
            match step:
                case Send():
                    self._send(step, connection)
                case Wait():
                    self._wait(step)
                case Hold():
                    self._hold(connection)
                case Reset():
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _send(self, step: Send, connection: socket.socket) -> None:
        if step.endless:
            while not self._stopped.wait(step.every):
                connection.sendall(step.data)
        if not step.every:
            connection.sendall(step.data)
            return
        for number in range(len(step.data)):
            if self._stopped.wait(step.every):
                return
            connection.sendall(step.data[number : number + 1])

    def _wait(self, step: Wait) -> None:
        while not self._stopped.is_set():
            if len(self.requests) >= step.requests and (self.gate.is_set() or not step.gate):
                break
            time.sleep(0.005)
        self._stopped.wait(step.seconds)

    def _hold(self, connection: socket.socket) -> None:
        """Wait until the client or the server is done."""
        while not self._stopped.is_set():
            if select.select([connection], [], [], 0.02)[0] and not connection.recv(1024):
                return


def _read_request(connection: socket.socket) -> Seen | None:
    with connection.makefile("rb") as stream:
        first = stream.readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        headers = dict(_headers(iter(stream.readline, b"")))
        length = int(headers.get("content-length", "0"))
        body = stream.read(length)
    return Seen(first[0], first[1], headers, body) if len(body) == length else None


def _headers(lines: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if not line.strip():
            return
        name, _, value = line.decode("latin-1").partition(":")
        yield name.strip().lower(), value.strip()


@contextlib.contextmanager
def blurting(data: bytes) -> Iterator[str]:
    """Sends `data` to its one client at once, without reading; gives host and port."""

    def serve() -> None:
        with listener.accept()[0] as connection, contextlib.suppress(OSError):
            connection.sendall(data)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """A port where connecting hangs, since its backlog is full; gives host and port."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
