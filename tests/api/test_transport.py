"""Each promise of the transport, against real sockets."""

from __future__ import annotations

import contextlib
import errno
import gzip
import random
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses
from support.wire_server import Answer, WireServer, blurting, silent

from nanobanana_cli import __version__
from nanobanana_cli.api import download
from nanobanana_cli.api.transport import Transport
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    KeyRejected,
    NbError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)
from nanobanana_cli.types import Endpoint

KEY = "sk-0123456789abcdef"
SOON = 1


def to(server: WireServer, *, timeout: float = 10, key: str | None = KEY) -> Transport:
    return Transport(Endpoint("wisgate", server.url, key, "WISDOM_GATE_KEY"), timeout=timeout)


def call(server: WireServer, *, timeout: float = 10) -> bytes:
    return bytes(to(server, timeout=timeout).generate("m", b"{}").data)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


class TestWhatIsSent:
    def test_exactly_this(self) -> None:
        with WireServer(Answer(body=b"{}")) as server:
            assert bytes(to(server).generate("a b", b'{"x":1}').data) == b"{}"
        (seen,) = server.requests
        assert (seen.method, seen.path) == ("POST", "/v1beta/models/a%20b:generateContent")
        assert seen.body == b'{"x":1}'
        assert seen.headers == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": f"nb/{__version__}",
            "accept": "application/json",
            "accept-encoding": "identity",
            "connection": "close",
            "content-type": "application/json",
            "content-length": "7",
            "x-goog-api-key": KEY,
        }

    def test_a_get_has_no_body(self) -> None:
        with WireServer(Answer(body=b"{}")) as server:
            assert bytes(to(server).get("/v1beta/models")) == b"{}"
        (seen,) = server.requests
        assert (seen.method, seen.path, seen.body) == ("GET", "/v1beta/models", b"")
        assert "content-type" not in seen.headers

    def test_no_key_when_there_is_none(self) -> None:
        with WireServer() as server:
            to(server, key=None).get("/")
        assert "x-goog-api-key" not in server.requests[0].headers

    def test_no_credentials_of_netrc_or_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        netrc = Path("netrc")
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc.absolute()))
        with WireServer() as server:
            Transport(
                Endpoint("wisgate", server.url.replace("://", "://user:word@"), KEY), timeout=10
            ).get("/")
        assert "authorization" not in server.requests[0].headers

    def test_the_path_prefix_of_the_address_is_kept(self) -> None:
        with WireServer() as server:
            Transport(Endpoint("wisgate", f"{server.url}/a/b", KEY), timeout=10).get("/v1beta")
        assert server.requests[0].path == "/a/b/v1beta"

    def test_each_attempt_has_a_connection_of_its_own(self) -> None:
        with WireServer() as server:
            one = to(server)
            one.get("/")
            one.get("/")
        assert server.connections == 2

    @pytest.mark.parametrize("key", ["", " ", "a b", "a\nb: c", "schlüssel", "a\x00", "k\t", "…"])
    def test_never_a_key_that_is_none(self, key: str) -> None:
        with (
            WireServer() as server,
            pytest.raises(KeyRejected, match="from WISDOM_GATE_KEY is empty or contains") as caught,
        ):
            to(server, key=key).get("/")
        assert server.connections == 0
        assert not key.strip() or key not in caught.value.message


class TestRedirects:
    @pytest.mark.parametrize("status", [300, 304])
    def test_to_nowhere_are_errors(self, status: int) -> None:
        with WireServer(Answer(status)) as server, pytest.raises(Rejected):
            call(server)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_are_not_followed(self, status: int) -> None:
        with WireServer() as other:
            there = Answer(status, headers=(("Location", f"{other.url}/x?secret"),))
            with WireServer(there) as server, pytest.raises(Rejected) as caught:
                call(server)
        assert other.connections == 0
        assert "redirects to 127.0.0.1" in caught.value.message
        assert "secret" not in caught.value.message


class TestTheAnswer:
    @pytest.mark.parametrize("status", [200, 201, 206, 299])
    def test_is_any_2xx(self, status: int) -> None:
        with WireServer(Answer(status, body=b"ok")) as server:
            assert call(server) == b"ok"

    @pytest.mark.parametrize("size", [1, 8191, 2 << 20, (4 << 20) - 1, 4 << 20, 5 << 20])
    def test_may_be_large(self, size: int) -> None:
        download = random.Random(size).randbytes(size)
        with WireServer(Answer(body=download)) as server:
            assert call(server) == download

    def test_may_not_be_cut_however_large(self) -> None:
        short = Answer(headers=(("Content-Length", str(5 << 20)),), body=bytes(9 << 19))
        with WireServer(short) as server, pytest.raises(OutcomeUnknown, match="broke"):
            call(server)

    def test_may_be_chunked(self) -> None:
        download = b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
        chunked = Answer(headers=(("Transfer-Encoding", "chunked"),), body=download)
        with WireServer(chunked) as server:
            assert call(server) == b"abcdefg"

    def test_may_end_with_the_connection(self) -> None:
        with WireServer(Answer(framed=False, body=b"abc")) as server:
            assert call(server) == b"abc"

    def test_may_be_compressed_without_having_been_asked_to(self) -> None:
        packed = Answer(headers=(("Content-Encoding", "gzip"),), body=gzip.compress(b"abc" * 999))
        with WireServer(packed) as server:
            assert call(server) == b"abc" * 999

    def test_may_not_be_badly_compressed(self) -> None:
        damaged = gzip.compress(b"abc" * 999)[:20] + b"no compression at all"
        packed = Answer(headers=(("Content-Encoding", "gzip"),), body=damaged)
        with WireServer(packed) as server, pytest.raises(BadReply, match="compression"):
            call(server)

    @pytest.mark.parametrize("is_framed", [True, False])
    @pytest.mark.parametrize(
        ("encoding", "sent"),
        [
            ("gzip", b"abc" * 999_999),
            ("br", b"abc" * 999_999),
            ("gzip", gzip.compress(b"abc" * 999_999)),
            ("deflate", zlib.compress(b"abc" * 999_999)),
            ("br", gzip.compress(b"abc" * 999_999)),
        ],
    )
    def test_may_be_said_to_be_compressed(
        self, encoding: str, sent: bytes, is_framed: bool
    ) -> None:
        """Gateways pass on the header of what they have unpacked."""
        answer = Answer(headers=(("Content-Encoding", encoding),), body=sent, framed=is_framed)
        with WireServer(answer) as server:
            assert call(server) == b"abc" * 999_999

    def test_may_come_after_100_continue(self) -> None:
        answer = Answer(body=b"ok")
        early = b"HTTP/1.1 100 Continue\r\n\r\n" + answer.head() + answer.body
        with blurting(early) as address:
            transport = Transport(Endpoint("wisgate", f"http://{address}"), timeout=10)
            assert bytes(transport.get("/")) == b"ok"


class TestTooLarge:
    @pytest.fixture(autouse=True)
    def a_smaller_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(download, "LARGEST_REPLY", 2 << 20)

    def test_as_declared(self) -> None:
        huge = Answer(headers=(("Content-Length", str(3 << 20)),), body=b"x", stall=200)
        with WireServer(huge) as server, within(10), pytest.raises(BadReply, match="than 2 MiB"):
            call(server)

    def test_as_it_turns_out(self) -> None:
        with (
            WireServer(Answer(framed=False, body=b"x" * (3 << 20))) as server,
            pytest.raises(BadReply, match="than 2 MiB"),
        ):
            call(server)

    def test_once_unpacked(self) -> None:
        bomb = Answer(headers=(("Content-Encoding", "gzip"),), body=gzip.compress(bytes(50 << 20)))
        with WireServer(bomb) as server, pytest.raises(BadReply, match="than 2 MiB"):
            call(server)

    def test_an_error_is_not_read_to_its_end(self) -> None:
        endless = Answer(429, framed=False, body=b"x" * (3 << 19), stall=3 << 19)
        with WireServer(endless) as server, within(10), pytest.raises(RateLimited):
            call(server, timeout=30)

    def test_an_error_is_still_that_error(self) -> None:
        with (
            WireServer(Answer(429, framed=False, body=b"x" * (3 << 20))) as server,
            pytest.raises(RateLimited),
        ):
            call(server)


STALLS = {
    "before the answer": Answer(stall=0),
    "in the status line": Answer(stall=5),
    "in the headers": Answer(headers=(("A", "b"),), stall=25),
    "before the length": Answer(body=b"x", stall=len("HTTP/1.1 200 OK\r\nContent-Length: ")),
    "in the body": Answer(body=b"x" * 100, stall=100),
    "in a chunk": Answer(
        headers=(("Transfer-Encoding", "chunked"),), body=b"64\r\n" + b"x" * 100, stall=70
    ),
    "in a body without an end": Answer(framed=False, body=b"x" * 100, stall=50),
    "headers trickle": Answer(headers=(("A", "b" * 999),), trickle=0.01),
    "body trickles": Answer(body=b"x" * 999, trickle=0.005),
    "endless 1xx": Answer(interim=b"HTTP/1.1 100 Continue\r\n\r\n", trickle=0.005),
    "late": Answer(body=b"x", delay=5),
}


class TestTheDeadline:
    @pytest.mark.parametrize("answer", STALLS.values(), ids=STALLS)
    def test_holds_when_it_stalls(self, answer: Answer) -> None:
        with WireServer(answer) as server, within(10), pytest.raises(OutcomeUnknown) as caught:
            call(server, timeout=SOON)
        assert caught.value.message == "no complete reply within 1 s"
        assert "--timeout" in (caught.value.hint or "")

    def test_holds_while_the_request_is_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with within(10), pytest.raises(OutcomeUnknown):
                Transport(Endpoint("wisgate", url), timeout=SOON).generate("m", bytes(32 << 20))

    def test_holds_while_connecting_and_nothing_was_charged(self) -> None:
        with silent() as address, within(10), pytest.raises(Unreachable) as caught:
            Transport(Endpoint("wisgate", f"http://{address}"), timeout=SOON).get("/")
        assert caught.value.message == "cannot reach 127.0.0.1: no connection within 1 s"
        assert caught.value.charged is Charged.NO

    def test_does_not_hide_the_status_of_an_error(self) -> None:
        stalled = Answer(503, body=b"x" * 99, stall=70)
        with (
            WireServer(stalled) as server,
            within(10),
            pytest.raises(Unavailable, match="overload"),
        ):
            call(server, timeout=SOON)


BREAKS = {
    "closed at once": Answer(cut=0),
    "reset at once": Answer(reset=True),
    "cut in the status line": Answer(cut=5),
    "cut in the headers": Answer(headers=(("A", "b" * 99),), cut=40),
    "cut in the body": Answer(body=b"x" * 100, cut=100),
    "reset in the body": Answer(body=b"x" * 100, cut=100, reset=True),
    "cut in a chunk": Answer(
        headers=(("Transfer-Encoding", "chunked"),), body=b"64\r\n" + b"x" * 100, cut=90
    ),
}


class TestABrokenConnection:
    @pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS)
    def test_after_sending_leaves_the_outcome_unknown(self, answer: Answer) -> None:
        with WireServer(answer) as server, pytest.raises(OutcomeUnknown) as caught:
            call(server)
        assert caught.value.charged is Charged.MAYBE
        assert caught.value.message.startswith("the connection broke after the request was sent: ")

    @pytest.mark.parametrize(
        "garbage",
        [b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70000, b"HTTP/1.1 200\r\nA: b\r\n"],
        ids=["another protocol", "no status", "a long line", "endless headers"],
    )
    def test_is_what_no_http_is(self, garbage: bytes) -> None:
        answer = Answer(interim=garbage, trickle=0.001)
        with WireServer(answer) as server, within(10), pytest.raises(OutcomeUnknown):
            call(server)

    def test_in_the_text_of_an_error_leaves_the_error(self) -> None:
        answer = Answer(429, headers=(("Retry-After", "7"),), body=b"x" * 99, cut=100)
        with WireServer(answer) as server, pytest.raises(RateLimited) as caught:
            call(server)
        assert caught.value.retry_after == 7

    def test_before_sending_is_unreachable(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            url = f"http://127.0.0.1:{gone.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            Transport(Endpoint("wisgate", url), timeout=10).get("/")
        assert caught.value.message == "cannot reach 127.0.0.1: connection refused"
        assert caught.value.resends is None

    def test_by_name_is_unreachable(self) -> None:
        with pytest.raises(Unreachable) as caught:
            Transport(Endpoint("wisgate", "http://nowhere.invalid"), timeout=10).get("/")
        assert (
            caught.value.message == "cannot reach nowhere.invalid: the host name does not resolve"
        )

    @pytest.mark.parametrize(
        "url", ["", "nonsense", "http://", "http://[::", "ftp://x", "http://a..b", "http://.x"]
    )
    def test_by_a_bad_address_is_unreachable(self, url: str) -> None:
        with pytest.raises(Unreachable) as caught:
            Transport(Endpoint("wisgate", url, KEY), timeout=10).get("/")
        assert "the address is not valid" in caught.value.message
        assert caught.value.resends == 0


class TestSecrecy:
    @pytest.mark.parametrize(
        "answer",
        [
            Answer(400, body=b"x" * 225 + KEY.encode() + b" is bad"),
            Answer(401, body=b'{"error": {"message": "no such key: ' + KEY.encode() + b'"}}'),
            Answer(302, headers=(("Location", f"https://{KEY}.example/"),)),
            Answer(body=b"x", cut=3),
        ],
    )
    def test_the_key_is_in_no_error_and_no_trace(self, answer: Answer) -> None:
        lines: list[str] = []
        with WireServer(answer) as server:
            endpoint = Endpoint("wisgate", f"{server.url}/{KEY}", KEY)
            one = Transport(endpoint, timeout=10, trace=lines.append)
            with pytest.raises(NbError) as caught:
                one.generate("m", b"{}")
        error = caught.value
        shown = f"{error!r} {error} {error.message} {error.hint} {one!r} {endpoint!r} {lines}"
        assert KEY not in shown.replace(endpoint.base_url, "")
        assert KEY[:12] not in error.message

    def test_the_key_that_a_reply_sends_back_is_struck_out(self) -> None:
        with WireServer(Answer(body=b'{"text": "' + KEY.encode() + b'"}')) as server:
            assert call(server) == b'{"text": "[key]"}'

    def test_the_trace_tells_the_course(self) -> None:
        lines: list[str] = []
        with WireServer(Answer(body=b"12345")) as server:
            endpoint = Endpoint("wisgate", server.url, KEY)
            Transport(endpoint, timeout=10, trace=lines.append).generate("m", b"{}")
        assert lines == [
            f"> POST {server.url}/v1beta/models/m:generateContent (2 bytes, deadline 10 s)",
            "< 200 after 0.0 s",
            "< 5 bytes after 0.0 s",
        ]


class TestClose:
    def test_cuts_the_calls_in_flight_from_another_thread(self) -> None:
        caught: list[NbError] = []
        with WireServer(Answer(stall=0)) as server:
            one = to(server)

            def attempt() -> None:
                try:
                    one.generate("m", b"{}")
                except NbError as error:
                    caught.append(error)

            threads = [threading.Thread(target=attempt) for _ in range(5)]
            for thread in threads:
                thread.start()
            while len(server.requests) < 5:
                time.sleep(0.005)
            with within(10):
                one.close()
                for thread in threads:
                    thread.join()
        assert [type(error) for error in caught] == [OutcomeUnknown] * 5
        assert caught[0].message == "stopped while waiting for the reply"

    def test_ends_a_connecting_that_hangs(self) -> None:
        with silent() as address:
            one = Transport(Endpoint("wisgate", f"http://{address}"), timeout=10)
            closer = threading.Timer(SOON, one.close)
            closer.start()
            with within(10), pytest.raises(Unreachable, match="stopped before") as caught:
                one.get("/")
            closer.join()
        assert caught.value.resends == 0

    def test_refuses_later_calls_for_good(self) -> None:
        with WireServer() as server:
            one = to(server)
            one.close()
            one.close()
            with pytest.raises(Unreachable, match="stopped before") as caught:
                one.get("/")
        assert server.connections == 0
        assert caught.value.resends == 0


LIBRARY_ERRORS = [
    requests.exceptions.InvalidHeader(KEY),
    requests.exceptions.ChunkedEncodingError(KEY),
    requests.exceptions.TooManyRedirects(KEY),
    requests.exceptions.ConnectTimeout(KEY),
    requests.exceptions.ContentDecodingError(KEY),
    OSError(KEY),
    ValueError(KEY),
    UnicodeError(KEY),
]


@pytest.mark.parametrize("error", LIBRARY_ERRORS, ids=lambda error: type(error).__name__)
@responses.activate
def test_no_error_of_a_library_escapes_or_is_quoted(error: Exception) -> None:
    sent = responses.get("http://127.0.0.1/", body=error)
    with pytest.raises(Unreachable) as caught:
        Transport(Endpoint("wisgate", "http://127.0.0.1", "other-key"), timeout=1).get("/")
    assert sent.call_count == 1
    assert KEY not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("timed out"), "no connection within 1 s"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "the connection timed out"),
    ],
    ids=["the deadline's", "the system's"],
)
@responses.activate
def test_the_systems_own_timeout_is_not_the_deadline(error: TimeoutError, reason: str) -> None:
    responses.get("http://127.0.0.1/", body=requests.exceptions.ConnectionError(error))
    with pytest.raises(Unreachable) as caught:
        Transport(Endpoint("wisgate", "http://127.0.0.1"), timeout=1).get("/")
    assert caught.value.message == f"cannot reach 127.0.0.1: {reason}"


@responses.activate
def test_a_reply_that_comes_from_no_socket() -> None:
    responses.get("https://api.example/v1beta/models", body=b"{}", content_type="application/json")
    reply = Transport(Endpoint("wisgate", "https://api.example"), timeout=1).get("/v1beta/models")
    assert bytes(reply) == b"{}"
