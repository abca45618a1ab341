"""Serve on the loopback interface: threads, keep-alive, and replies that break off."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Self

from nanobanana_cli.errors import LocalFileError, UsageError
from nanobanana_cli.sandbox import LONGEST_LATENCY, http_body
from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.faults import FaultQueue
from nanobanana_cli.sandbox.handler import Exchange, Handler, HttpRequest, error_reply
from nanobanana_cli.sandbox.replies import HttpReply

HOST = "127.0.0.1"
_SENDABLE = re.compile(r"[!-~]+")
_PIECES = 50
# So many lines about requests may wait to be taken; further ones are dropped.
_WAITING_LINES = 1000


class Sandbox:
    """A server on 127.0.0.1 that speaks the service's protocol; it serves until closed.

    Args:
        port: 0 takes any free port.
        latency: least seconds from a request to its image or text.
        key: demanded of every request; None demands any.
        log: file to append one JSON line a request to.
        faults: as after `--fault`.
        has_lines: collect a line about each request, for `lines`.

    Attributes:
        faults: what is to come of them; may be set anew.

    Raises:
        UsageError: the port is taken, the latency is out of range, no header could carry the key,
            or a fault is unknown.
        LocalFileError: the log cannot be written.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        key: str | None = None,
        log: Path | None = None,
        faults: Sequence[str] = (),
        has_lines: bool = False,
    ) -> None:
        if not 0 <= latency <= LONGEST_LATENCY:
            raise UsageError(
                f"a latency of {latency:g} seconds is out of range",
                hint=f"use 0 to {LONGEST_LATENCY}",
            )
        if key is not None and not _SENDABLE.fullmatch(key):
            raise UsageError(
                "the key cannot be sent in a header", hint="use printable ASCII without spaces"
            )
        self.faults = FaultQueue(faults)
        handler = Handler(key=key, faults=self.faults)
        self._log = _Log(log)
        try:
            self._server = _Server(port, handler, latency, self._log, has_lines=has_lines)
        except OSError as error:
            self._log.close()
            raise UsageError(
                f"port {port} cannot be used: {error.strerror}", hint="--port 0 takes any free port"
            ) from error
        self._thread = threading.Thread(target=self._server.run, daemon=True, name="sandbox")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:43127`."""
        return f"http://{HOST}:{self.port}"

    def lines(self) -> Iterator[str]:
        """Yield a line about each request until it is closed; skip some if taken too slowly."""
        yield from iter(self._server.lines.get, None)

    def close(self) -> None:
        """Cut all connections and free the port. May be called twice."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()
        self._server.server_close()
        self._server.lines.put(None)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Log:
    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        try:
            # Unbuffered: what a full disk refused is not tried again when the file is closed.
            self._file = path.open("ab", buffering=0) if path else None
        except OSError as error:
            raise LocalFileError(f"cannot write the log {path}: {error.strerror}") from error

    def write(self, record: dict[str, Any]) -> None:
        with self._lock:
            if self._file and not self._file.closed:
                self._file.write(json.dumps(record).encode() + b"\n")

    def close(self) -> None:
        with self._lock:
            if self._file:
                self._file.close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512

    def __init__(
        self, port: int, handler: Handler, latency: float, log: _Log, *, has_lines: bool
    ) -> None:
        self.handler = handler
        self.latency = latency
        self.log = log
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._has_lines = has_lines
        self._live: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = False
        super().__init__((HOST, port), _HttpHandler)

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for this host's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def add_line(self, exchange: Exchange, seconds: float) -> None:
        """Leave a line about a request, whose reply took so long to make."""
        # A reader that is stuck, such as a full pipe, must not hold up the replies.
        if self._has_lines and self.lines.qsize() < _WAITING_LINES:
            self.lines.put(exchange.line(seconds))

    def run(self) -> None:
        """Serve until `stop`."""
        # Not serve_forever, which checks for a stop only twice a second.
        while not self._stopping:
            self.handle_request()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self.server_port), timeout=1).close()

    def server_close(self) -> None:
        """Free the port, cut what is in flight, and wait for its threads."""
        super().server_close()
        with self._lock:
            live = list(self._live.items())
        for connection, _ in live:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in live:
            thread.join()

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        # The connection that wakes a stopping server is not a client.
        return not self._stopping

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._live[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._live.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client may go away.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "nb-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write nothing: requests go to the log file, if any."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the base class's errors (a bad request line, another method) in Google's shape."""
        self.close_connection = True
        self._send(error_reply(ApiError(code, message or explain or "Bad request")))

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = http_body.read(headers, self.rfile)
        except ApiError as error:
            self.close_connection = True
            request = HttpRequest(self.command, self.path, {})
            self._reply(Exchange(request, error_reply(error)), 0.0)
        else:
            received = time.monotonic()
            request = HttpRequest(self.command, self.path, headers, body)
            exchange = self.server.handler.handle(request)
            self._reply(exchange, time.monotonic() - received)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

    def _reply(self, exchange: Exchange, spent: float) -> None:
        """Send the reply, which took `spent` seconds to make."""
        reply = exchange.reply
        if reply.paid:
            self._pause(max(0.0, self.server.latency - spent))
        if reply.mode == "whole":
            self._pause(reply.seconds)
        # Before sending, so that a client that has the reply finds the line.
        self.server.add_line(exchange, spent)
        try:
            self.server.log.write(exchange.record())
        except OSError as error:
            reply = error_reply(
                ApiError(500, f"The sandbox cannot write its log: {error.strerror}")
            )
        if reply.mode == "hang":
            self._pause(None)
            self.close_connection = True
        elif reply.mode == "reset":
            self._reset()
        else:
            self._send(reply)

    def _send(self, reply: HttpReply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if reply.mode == "cut":
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif reply.mode == "trickle":
            step = -(-len(reply.body) // _PIECES)
            for start in range(0, len(reply.body), step):
                self.wfile.write(reply.body[start : start + step])
                self._pause(reply.seconds / _PIECES)
        else:
            self.wfile.write(reply.body)

    def _pause(self, seconds: float | None) -> None:
        """Wait (forever with None), but no longer than the client does."""
        if seconds == 0:
            return
        self.connection.settimeout(seconds)
        try:
            self.connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            pass
        finally:
            self.connection.settimeout(None)

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())
        self.close_connection = True
