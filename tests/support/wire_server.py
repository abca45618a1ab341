"""A local HTTP server that answers as a script says, byte by byte: real sockets, on a free port.

with WireServer(Answer(503), Answer(200, body=b"{}")) as server:
    ...                       # server.url, then server.requests
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self


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
    """A request that came. `headers` has lower-case names."""

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
        requests: what came, in order.
        connections: how many were accepted.
    """

    def __init__(
        self, *script: Answer, tls: ssl.SSLContext | None = None, mute: bool = False
    ) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
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
        seen = _read_request(connection)
        if seen is None:
            return
        with self._lock:
            answer = self._script[min(len(self.requests), len(self._script) - 1)]
            self.requests.append(seen)
        while len(self.requests) < answer.company and not self._stopped.wait(0.005):
            pass
        self._stopped.wait(answer.delay)
        self._send(connection, answer)
        if answer.stall is not None:
            self._hold(connection)
        if answer.reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _send(self, connection: socket.socket, answer: Answer) -> None:
        while answer.interim and not self._stopped.wait(answer.trickle):
            connection.sendall(answer.interim)
        whole = answer.head() + answer.body
        end = answer.stall if answer.stall is not None else answer.cut
        if answer.reset:
            end = answer.cut or 0
        whole = whole[:end]
        if not answer.trickle:
            connection.sendall(whole)
            return
        for number in range(len(whole)):
            if self._stopped.wait(answer.trickle):
                return
            connection.sendall(whole[number : number + 1])

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
        body = stream.read(int(headers.get("content-length", "0")))
    return Seen(first[0], first[1], headers, body)


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
