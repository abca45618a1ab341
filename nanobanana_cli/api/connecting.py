"""Look up a name and connect to the first of its addresses that answers, in a bounded time."""

from __future__ import annotations

import os
import queue
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any

from nanobanana_cli.settings.validators import is_loopback

# Seconds before the next address is tried beside those that have not answered yet (RFC 8305, 5).
_STAGGER = 0.25

# As `socket.getaddrinfo` returns them, and takes them.
Address = tuple[Any, ...]
Resolve = Callable[..., Sequence[Address]]


def look_up(
    host: str,
    port: int,
    left: Callable[[], float],
    resolve: Resolve | None = None,
) -> Sequence[Address]:
    """Return the addresses of a host, as `socket.getaddrinfo` does, but within a time.

    Args:
        host, port: where to connect to.
        left: returns the seconds that are left; raises once nobody wants the answer any more.
        resolve: as `socket.getaddrinfo`, which nothing can end.

    Raises:
        OSError: the name does not resolve, or whatever `left` raises.
    """
    resolve = resolve or socket.getaddrinfo
    if is_loopback(host):
        return resolve(host, port, type=socket.SOCK_STREAM)
    with suppress(OSError):
        return resolve(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    answers: queue.SimpleQueue[Sequence[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            answers.put(error)

    thread = threading.Thread(target=ask, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # No further thread can be started: better late than never.
        return resolve(host, port, type=socket.SOCK_STREAM)
    while True:
        with suppress(queue.Empty):
            answer = answers.get(timeout=min(left(), _STAGGER))
            break
    thread.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def connect(addresses: Sequence[Address], left: Callable[[], float]) -> socket.socket:
    """Return a non-blocking socket, connected to the first address that answers.

    As "Happy Eyeballs" (RFC 8305): the families of addresses take turns, the next one joins when
    one fails or takes long, and all but the first to answer are closed.

    Args:
        addresses: as `look_up` returns them.
        left: returns the seconds that are left; raises once nobody wants the socket any more.

    Raises:
        OSError: none of the addresses answers, or whatever `left` raises.
    """
    failure: OSError = ConnectionAbortedError()
    waiting = _in_turn(addresses)
    opened: list[socket.socket] = []
    try:
        with selectors.DefaultSelector() as pending:
            while waiting or pending.get_map():
                left()
                if waiting:
                    family, kind, protocol, _, address = waiting.pop(0)
                    try:
                        sock = socket.socket(family, kind, protocol)
                        opened.append(sock)
                        sock.settimeout(0)
                        with suppress(BlockingIOError):
                            sock.connect(address)
                    except OSError as error:
                        failure = error
                        continue
                    pending.register(sock, selectors.EVENT_WRITE, sock)
                for key, _ in pending.select(min(left(), _STAGGER)):
                    pending.unregister(key.fileobj)
                    code = key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        opened.remove(key.data)
                        return key.data  # type: ignore[no-any-return]
                    # By its number, an OSError becomes one of the right subclass.
                    failure = OSError(code, os.strerror(code))
    finally:
        for sock in opened:
            sock.close()
    raise failure


def socks_socket(
    proxy: dict[str, Any], host: str, port: int, left: Callable[[], float]
) -> tuple[socket.socket, tuple[str, int]]:
    """Return a socket that connects through a SOCKS proxy, and the place to connect it to.

    Names are looked up here, but for the host's where the proxy is to do it: the socket itself
    would do so without a limit.

    Args:
        proxy: as urllib3 describes it.
        host, port: where to connect to.
        left: as for `look_up`.
    """
    import socks  # type: ignore[import-untyped, import-not-found, unused-ignore]

    family, *_, (address, proxy_port, *_) = look_up(
        proxy["proxy_host"], int(proxy["proxy_port"] or 1080), left
    )[0]
    if not proxy["rdns"]:
        found = look_up(host, port, left)
        host = next((each for each in found if each[0] == socket.AF_INET), found[0])[4][0]
    sock: socket.socket = socks.socksocket(family)
    sock.set_proxy(  # type: ignore[attr-defined]
        proxy["socks_version"],
        address,
        proxy_port,
        rdns=proxy["rdns"],
        username=proxy["username"],
        password=proxy["password"],
    )
    return sock, (host, port)


def _in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses with their families in turn, the first address first."""
    preferred = [each for each in addresses if each[0] == addresses[0][0]]
    others = [each for each in addresses if each[0] != addresses[0][0]]
    return [each for each in chain(*zip_longest(preferred, others)) if each is not None]
