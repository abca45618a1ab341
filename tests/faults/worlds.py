"""What stands between `nb` and the service: certificates, proxies, other hosts."""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import trustme
from faults.lab import GOOD, Bench, World
from support.connect_proxy import Proxy, SocksProxy
from support.python import ROOT
from support.wire_server import Answer, Send, Steps, WireServer, silent

_Env = Mapping[str, str | None]
_LONG_AGO, _FAR_AWAY = datetime(2020, 1, 1, tzinfo=UTC), datetime(2095, 1, 1, tzinfo=UTC)


def at(url: str, **env: str | None) -> World:
    """An address, with nobody of ours behind it."""

    @contextmanager
    def world(_: Bench) -> Iterator[_Env]:
        yield {"NB_BASE_URL": url, **env}

    return world


@contextmanager
def refused(_: Bench) -> Iterator[_Env]:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield {"NB_BASE_URL": f"http://127.0.0.1:{taken.getsockname()[1]}"}


@contextmanager
def black_hole(_: Bench) -> Iterator[_Env]:
    """A port where connecting hangs."""
    with silent() as address:
        yield {"NB_BASE_URL": f"http://{address}"}


def tls(
    host: str = "127.0.0.1", *, years: str = "", trusted: bool = True, answer: Answer = GOOD
) -> World:
    """A service whose certificate is for a host, and of the past or the future.

    Args:
        host: for which it is; the service is at 127.0.0.1.
        years: "past" or "future".
        trusted: its issuer is in the user's bundle.
        answer: what it answers.
    """

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        begin = {"past": _LONG_AGO, "future": _FAR_AWAY}.get(years)
        end = begin + timedelta(9) if begin else None
        issuer = trustme.CA()
        known = issuer if trusted else trustme.CA()
        known.cert_pem.write_to_path(str(bench.folder / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(host, not_before=begin, not_after=end).configure_cert(context)
        with WireServer(answer, tls=context) as bench.server:
            yield {
                "NB_BASE_URL": bench.server.url,
                "REQUESTS_CA_BUNDLE": str(bench.folder / "ca.pem"),
            }

    return world


@contextmanager
def mute_tls(bench: Bench) -> Iterator[_Env]:
    """A server that accepts connections and never answers the handshake."""
    with WireServer(mute=True) as bench.server:
        yield {"NB_BASE_URL": bench.server.url.replace("http:", "https:")}


def no_tls(data: bytes) -> World:
    """A server that sends bytes where TLS is expected, and closes."""

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        steps = Steps(Send(data), early=True)
        with WireServer(steps) as bench.server:
            yield {"NB_BASE_URL": bench.server.url.replace("http:", "https:")}

    return world


def bundle(content: bytes | None, mode: int = 0o644) -> World:
    """A service behind TLS, and a bundle of certificates that holds these bytes, or is missing."""

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        path = bench.folder / "bundle.pem"
        if content is not None:
            path.write_bytes(content)
            path.chmod(mode)
        with tls()(bench) as env:
            yield {**env, "REQUESTS_CA_BUNDLE": str(path)}

    return world


def proxy(
    make: type[Proxy] = Proxy, *, gone: bool = False, trusted: bool = True, **options: object
) -> World:
    """A service behind a proxy, which does what the options say."""

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        with ExitStack() as stack:
            between = make(**options)  # type: ignore[arg-type]
            if gone:
                with between:
                    pass
            else:
                stack.enter_context(between)
            env = stack.enter_context(tls(trusted=trusted)(bench))
            bench.proxy = between
            yield {**env, "HTTPS_PROXY": between.url}

    return world


@contextmanager
def socks_without_its_package(bench: Bench) -> Iterator[_Env]:
    """A SOCKS proxy, where PySocks is not installed."""
    (bench.folder / "missing").mkdir()
    (bench.folder / "missing" / "socks.py").write_text("raise ImportError")
    with proxy(SocksProxy)(bench) as env:
        yield {**env, "PYTHONPATH": f"{bench.folder / 'missing'}:{ROOT}"}


def bomb(encoding: str) -> World:
    """A service whose reply unpacks to 600 MiB of zeros; it says that it has this encoding."""

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        packer = zlib.compressobj(1, wbits=31)
        packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush()
        answer = Answer(headers=(("Content-Encoding", encoding),), body=packed)
        with WireServer(answer) as bench.server:
            yield {"NB_BASE_URL": bench.server.url}

    return world


def redirect(status: int, *, location: str = "http://localhost:{port}/x") -> World:
    """A service that redirects to another host, which must see nothing."""

    @contextmanager
    def world(bench: Bench) -> Iterator[_Env]:
        with WireServer(GOOD) as other:
            bench.others.append(other)
            place = location.format(port=other.port)
            answer = Answer(status, headers=(("Location", place),), body=b"moved")
            with WireServer(answer) as bench.server:
                yield {"NB_BASE_URL": bench.server.url}

    return world
