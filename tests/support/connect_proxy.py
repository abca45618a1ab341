"""A CONNECT proxy on loopback, for one connection at a time."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self


class Proxy:
    """Tunnels to wherever it is asked.

    Args:
        ports: host → the port on this machine that stands for it.
        refuse: answer each CONNECT with this status.
        stall: never answer it.
        answer: answer with these bytes, and close.
        reset: reset the connection once it has asked.

    Attributes:
        heads: the requests that came, with their headers.
    """

    def __init__(
        self,
        *,
        ports: Mapping[str, int] | None = None,
        refuse: int | None = None,
        stall: bool = False,
        answer: bytes | None = None,
        reset: bool = False,
    ) -> None:
        self._reset = reset
        self.heads: list[bytes] = []
        self._ports = ports or {}
        if refuse is not None:
            answer = b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % refuse
        self._refuse = refuse
        self._answer = answer
        self._stall = stall
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    self._tunnel(client)

    def _tunnel(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        self.heads.append(head)
        if self._stall:
            self._stopped.wait()
            return
        if self._reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if self._answer is not None:
            client.sendall(self._answer)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        here = self._ports.get(host)
        with socket.create_connection(("127.0.0.1", here) if here else (host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            self._relay(client, server)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while not self._stopped.is_set():
            for ready in select.select([client, server], [], [], 0.02)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)


class SocksProxy(Proxy):
    """A SOCKS5 proxy (RFC 1928), without a password.

    Args:
        refuse: answer each request with this code, such as 5, connection refused.

    Attributes:
        heads: the addresses that were asked for: a type, and a name with its length or 4 bytes.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        self.url = self.url.replace("http", "socks5h")
        return self

    def _tunnel(self, client: socket.socket) -> None:
        _, methods = _exactly(client, 2)
        _exactly(client, methods)
        client.sendall(b"\5\0")
        *_, kind = _exactly(client, 4)
        length = _exactly(client, 1) if kind == 3 else b""
        host = _exactly(client, length[0] if length else 4)
        self.heads.append(bytes([kind]) + length + host)
        port = int.from_bytes(_exactly(client, 2))
        if self._refuse is not None:
            client.sendall(bytes([5, self._refuse, 0, 1, 0, 0, 0, 0, 0, 0]))
            return
        # Whatever the name, it is on this machine.
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(bytes([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
            self._relay(client, server)


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (more := client.recv(size - len(data))):
            raise ConnectionResetError
        data += more
    return data
