"""A CONNECT proxy on loopback, for one connection at a time."""

from __future__ import annotations

import contextlib
import select
import socket
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

    Attributes:
        heads: the requests that came, with their headers.
    """

    def __init__(
        self,
        *,
        ports: Mapping[str, int] | None = None,
        refuse: int | None = None,
        stall: bool = False,
    ) -> None:
        self.heads: list[bytes] = []
        self._ports = ports or {}
        self._refuse = refuse
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
        if self._refuse is not None:
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self._refuse)
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
