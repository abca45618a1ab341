"""Fetch the image that a reply only points to, from where a reply may point to and no further.

Gateways send images as links. A reply is not trusted to choose where this machine connects to: only
https and public addresses are fetched, or the gateway's own scheme, host and port. Each redirect is
checked the same way, and the connection goes to the very address that was checked, so that the name
cannot change its meaning in between. No key, cookie or password is sent.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from nanobanana_cli import __version__
from nanobanana_cli.api import download
from nanobanana_cli.api.connecting import Address, Resolve, look_up
from nanobanana_cli.api.connection_errors import FAILURES, from_exception
from nanobanana_cli.api.deadline import SLACK, AbortReason, Adapter, Attempt, environment, no_auth
from nanobanana_cli.api.memory import MemoryBudget
from nanobanana_cli.errors import BadReply, NbError
from nanobanana_cli.types import Data

LARGEST_IMAGE = 100 << 20
# Seconds; an image of 20 MB takes that long on a slow line.
_SHORTEST_TIMEOUT = 30.0
_TIMEOUT = 120.0
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
# IPv6 addresses that stand for an IPv4 address: a translator's (RFC 6052) and compatible ones.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("::/96"))

_Origin = tuple[str, str, int]


class LinkFetcher:
    """Fetches images from links, from any number of threads.

    Args:
        base_url: the gateway's address, whose own links may be of any kind.
        timeout: seconds of wall-clock time for one image, 120 by default; at least 30 are given.
        memory: admits an image once it begins to arrive.
        resolve: looks up names, as `socket.getaddrinfo`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float | None = None,
        memory: MemoryBudget | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._own = _origin(base_url)
        self._timeout = max(timeout or _TIMEOUT, _SHORTEST_TIMEOUT)
        self._memory = memory or MemoryBudget()
        self._resolve = resolve
        # Re-entrant: a signal handler may call `close` while this thread holds it.
        self._lock = threading.RLock()
        self._attempts: set[Attempt] = set()
        self._closed = False

    def fetch(self, url: str) -> Data:
        """Return the bytes behind a link, whatever they are.

        Raises:
            BadReply: it may not be fetched, or cannot be; the message has the whole address.
        """
        try:
            return self.get(url)
        except NotFetchedError as error:
            raise unfetched(url, str(error)) from None

    def get(self, url: str) -> Data:
        """Return the bytes behind a link, for those who name a failure themselves.

        Raises:
            NotFetchedError: it may not be fetched, or cannot be.
        """
        end = time.monotonic() + self._timeout
        place = url.strip()
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._follow(place, end)
            if not isinstance(found, str):
                return found
            place = urljoin(place, found)
        raise NotFetchedError("it redirects too often")

    def close(self) -> None:
        """Abort the fetches in flight and refuse later ones; from any thread."""
        with self._lock:
            self._closed = True
            for attempt in tuple(self._attempts):
                attempt.abort(AbortReason.CLOSED)

    def _follow(self, url: str, end: float) -> Data | str:
        """Return the bytes behind an address, or the address that it redirects to."""
        try:
            prepared = requests.Request("GET", url, _HEADERS, auth=no_auth).prepare()
            # The address as it is sent, so that the check is about the same host.
            checked = str(prepared.url)
            origin = _origin(checked)
        except FAILURES:
            raise NotFetchedError("it is not a web address") from None
        scheme, host, port = origin
        if origin != self._own and scheme != "https":
            raise NotFetchedError("it is not an https address")
        if "@" in urlsplit(checked).netloc:
            raise NotFetchedError("it holds a user name")
        prepared.headers["Host"] = urlsplit(checked).netloc
        # The gateway's name is its user's choice, and may be known to a proxy alone.
        addresses = [] if origin == self._own else self._addresses(host, port, end)
        # Once, unless the first address takes the connection and fails then.
        for number in range(max(1, len(addresses))):
            pinned = addresses[number:]
            with self._registered(end - time.monotonic(), pinned) as attempt:
                try:
                    return self._get(prepared, pinned, attempt)
                except FAILURES as error:
                    if attempt.aborted is AbortReason.DEADLINE:
                        why = f"not complete within {self._timeout:g} s"
                        raise NotFetchedError(why, is_temporary=True) from None
                    if attempt.sent or len(pinned) <= 1:
                        why = from_exception(error, attempt, host).message
                        raise NotFetchedError(why, is_temporary=True) from None
        raise NotFetchedError("the host name does not resolve")

    def _addresses(self, host: str, port: int, end: float) -> Sequence[Address]:
        """Return the addresses of a host, each of them public."""

        def left() -> float:
            seconds = end - time.monotonic()
            if self._closed or seconds <= 0:
                raise TimeoutError
            return seconds

        try:
            found = look_up(host, port, left, self._resolve)
        except (OSError, ValueError):
            raise NotFetchedError(f"the host name {host} does not resolve") from None
        private = next((each for each in map(_ip, found) if not is_public(each)), None)
        if private is not None:
            where = host if host == private else f"{host} ({private})"
            raise NotFetchedError(f"{where} is not a public address")
        return found

    def _get(
        self, prepared: requests.PreparedRequest, pinned: Sequence[Address], attempt: Attempt
    ) -> Data | str:
        settings = environment(str(prepared.url))
        with (
            closing(
                _PinnedAdapter(attempt, _ip(pinned[0])) if pinned else Adapter(attempt)
            ) as adapter,
            closing(
                adapter.send(prepared, timeout=attempt.timeout + SLACK, **settings)
            ) as response,
        ):
            location = response.headers.get("Location")
            if response.status_code in _REDIRECTS and location:
                return location
            if not 200 <= response.status_code < 300:
                status = response.status_code
                is_temporary = status >= 500 or status in (408, 425, 429)
                raise NotFetchedError(
                    f"the server answered with {status}", is_temporary=is_temporary
                )

            try:
                image = download.read(response, self._memory, attempt.paused, limit=LARGEST_IMAGE)
            except NbError as error:
                raise NotFetchedError(error.message) from None
            if attempt.aborted is not None:
                # In the headers, that looks like a reply without a body.
                raise ConnectionAbortedError
            return image

    @contextmanager
    def _registered(self, seconds: float, pinned: Sequence[Address]) -> Iterator[Attempt]:
        def resolve(host: str, port: int, **options: Any) -> Sequence[Address]:
            # Another name is that of a proxy.
            is_pinned = bool(pinned) and host == _ip(pinned[0])
            return pinned if is_pinned else socket.getaddrinfo(host, port, **options)

        with Attempt(max(seconds, 0.0), resolve) as attempt:
            with self._lock:
                if self._closed:
                    raise NotFetchedError("stopped")
                self._attempts.add(attempt)
            try:
                yield attempt
            finally:
                with self._lock:
                    self._attempts.discard(attempt)


def unfetched(url: str, reason: str) -> BadReply:
    """Return the error for a link behind which no image was found."""
    return BadReply(
        f"the image is a link that could not be fetched, {reason}: {url}",
        hint="open the address in a browser; running it again is a new, paid call",
    )


def is_public(address: str) -> bool:
    """Return True if an IP address is one of the public internet's, for one host."""
    try:
        found = ip_address(address)
    except ValueError:
        # With a scope, it is an address of the local link.
        return False
    if isinstance(found, IPv4Address):
        return _is_global(found)
    if found.ipv4_mapped is not None:
        return _is_global(found.ipv4_mapped)
    inner = _embedded(found)
    is_global = _is_global(found) and not found.is_site_local
    return is_global and (inner is None or _is_global(inner))


def host_of(url: str) -> str:
    """Return the host of a link, for messages."""
    with suppress(ValueError):
        return urlsplit(url.strip()).hostname or url
    return url


class NotFetchedError(Exception):
    """Nothing came from a link.

    Args:
        reason: a clause.
        is_temporary: trying again later may help.
    """

    def __init__(self, reason: str, *, is_temporary: bool = False) -> None:
        super().__init__(reason)
        self.is_temporary = is_temporary


class _PinnedAdapter(Adapter):
    """Connect to one IP address, and expect the certificate of the host that the URL names."""

    def __init__(self, attempt: Attempt, address: str) -> None:
        super().__init__(attempt)
        self._address = address

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        attributes: Any = super().build_connection_pool_key_attributes(request, verify, cert)
        host, pool = attributes
        if host["scheme"] == "https":
            pool["server_hostname"] = host["host"]
        host["host"] = self._address
        return host, pool


_HEADERS = {
    "User-Agent": f"nb/{__version__}",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def _ip(address: Address) -> str:
    return str(address[4][0])


def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or _PORTS.get(scheme, 0)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, if any."""
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or (address.teredo and address.teredo[1])
