"""Faults before anything is sent: no call is paid for, and the line says so."""

from __future__ import annotations

from faults import worlds
from faults.judge import check
from faults.lab import Bench, Row, Scenario
from support.connect_proxy import SocksProxy
from support.tools import obey_permissions

_SOON = ("--timeout", "1")


def _unsent(name: str, world: object, says: str, **more: object) -> Scenario:
    """Exit 5, free, and nothing arrives."""
    return Scenario(name, 5, "no", world=world, calls=0, says=says, **more)  # type: ignore[arg-type]


def _refused_address(name: str, url: str, says: str = "NB_BASE_URL") -> Scenario:
    return Scenario(name, 2, world=worlds.at(url), calls=0, says=says)


ROWS = (
    Row(
        "name",
        "the host's name is not found",
        "not charged; safe to run again",
        (_unsent("unknown", worlds.at("https://nowhere.invalid"), "does not resolve"),),
    ),
    Row(
        "connect",
        "the connection is refused, or never comes about",
        "not charged; ends at `--timeout`",
        (
            _unsent("refused", worlds.refused, "connection refused"),
            _unsent("black hole", worlds.black_hole, "no connection within 1 s", argv=_SOON),
        ),
    ),
    Row(
        "tls",
        "the certificate is untrusted, for another host, expired or not yet valid",
        "not charged; the key is not sent; the line says which of these it is",
        (
            _unsent("untrusted", worlds.tls(trusted=False), "not trusted"),
            _unsent("other host", worlds.tls("other.example"), "for another host"),
            _unsent("expired", worlds.tls(years="past"), "has expired"),
            _unsent("not yet valid", worlds.tls(years="future"), "is not valid yet"),
        ),
    ),
    Row(
        "handshake",
        "TLS stalls, breaks, or is not spoken there",
        "not charged; the key is not sent",
        (
            _unsent("stalls", worlds.mute_tls, "no connection within 1 s", argv=_SOON),
            _unsent("closed", worlds.no_tls(b""), "cannot reach 127.0.0.1"),
            _unsent("plain HTTP", worlds.no_tls(b"HTTP/1.1 400 No\r\n\r\n"), "TLS failed"),
            _unsent("alert", worlds.no_tls(b"\x15\x03\x03\x00\x02\x02\x28"), "TLS failed"),
        ),
    ),
    Row(
        "proxy",
        "the proxy is down, malformed, refuses (407), hangs or answers with something else",
        "not charged; the proxy is never bypassed and does not see the key",
        (
            _unsent("down", worlds.proxy(gone=True), "the proxy does not work: connection refused"),
            _unsent(
                "malformed",
                worlds.tls(),
                "the proxy's address is not valid",
                env={"HTTPS_PROXY": "http://:0:0:x"},
            ),
            _unsent(
                "of another kind",
                worlds.tls(),
                "the proxy's address is not valid",
                env={"HTTPS_PROXY": "nonsense://x"},
            ),
            _unsent("407", worlds.proxy(refuse=407), "the proxy refused to connect (407)"),
            _unsent("hangs", worlds.proxy(stall=True), "no connection within 1 s", argv=_SOON),
            _unsent(
                "garbage",
                worlds.proxy(answer=b"\0 no HTTP\r\n\r\n"),
                "the proxy does not work: the reply is not HTTP",
            ),
            _unsent("closes", worlds.proxy(answer=b""), "the proxy does not work"),
            _unsent(
                "resets",
                worlds.proxy(reset=True),
                "the proxy does not work: the connection was reset",
            ),
            _unsent(
                "closes its tunnel",
                worlds.proxy(answer=b"HTTP/1.1 200 OK\r\n\r\n"),
                "the connection was closed",
            ),
            _unsent("before an untrusted host", worlds.proxy(trusted=False), "is not trusted"),
        ),
    ),
    Row(
        "socks",
        "a SOCKS proxy is down or refuses, or its package is not installed",
        "not charged; the hint names what to install",
        (
            _unsent("down", worlds.proxy(SocksProxy, gone=True), "proxy does not work"),
            _unsent("refuses", worlds.proxy(SocksProxy, refuse=5), "the SOCKS proxy does not work"),
            _unsent("no package", worlds.socks_without_its_package, "needs PySocks"),
        ),
    ),
    Row(
        "bundle",
        "the bundle of certificates is missing, unreadable, or holds none",
        "not charged; the line names the variable that names it",
        (
            _unsent("missing", worlds.bundle(None), "named by REQUESTS_CA_BUNDLE does not exist"),
            _unsent("empty", worlds.bundle(b""), "holds no certificates"),
            _unsent("junk", worlds.bundle(b"\x00\xff" * 99), "holds no certificates"),
            _unsent(
                "unreadable",
                worlds.bundle(b"x", mode=0),
                "cannot be read: permission denied",
                options=lambda _: {"preexec_fn": obey_permissions},
            ),
        ),
    ),
    Row(
        "plain-http",
        "the address is `http://` and not on this machine",
        "refused before a connection, so that the key never travels unencrypted",
        tuple(
            _refused_address(url, f"http://{url}", "would send the key unencrypted")
            for url in (
                "example.com",
                "10.0.0.1",
                "127.0.0.1.example.com",
                "localhost.example.com",
                "0.0.0.0",
                "[::ffff:8.8.8.8]",
            )
        ),
    ),
    Row(
        "address",
        "the address is malformed",
        "one line that says what is right; nothing is sent",
        tuple(
            _refused_address(name, url)
            for name, url in (
                ("no scheme", "wisgate.ai"),
                ("other scheme", "ftp://wisgate.ai"),
                ("no host", "https://"),
                ("bracket", "https://[::"),
                ("port of letters", "https://wisgate.ai:abc"),
                ("port too large", "https://wisgate.ai:99999"),
                ("space", "https://wis gate.ai"),
                ("line break", "https://wisgate.ai\r\nX-Evil: 1"),
                ("control", "https://wisgate.ai/\x1b[31m"),
                ("backslash", "https://wisgate.ai\\@evil.example"),
                ("dots", "https://a..b"),
                ("no IP address", "https://[:::]"),
                ("fragment", "http://8.8.8.8#127.0.0.1"),
                ("query", "https://wisgate.ai/?a=b"),
                ("user", "https://me:word@wisgate.ai"),
            )
        ),
    ),
)


def test_before_sending(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)
