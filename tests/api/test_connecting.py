"""Looking up and connecting: every address has its chance, within the deadline."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb
from hypothesis import given
from hypothesis import strategies as st
from support.replies import made, picture
from support.wire_server import Answer, WireServer, blurting, silent

from nanobanana_cli.api import connecting

KEY = "sk-0123456789abcdef"
V4, V6 = socket.AF_INET, socket.AF_INET6


def address(place: str) -> tuple[Any, ...]:
    host, _, port = place.removeprefix("http://").rpartition(":")
    return (V4, socket.SOCK_STREAM, 6, "", (host, int(port)))


def make(nb: Nb, url: str, *options: str) -> Any:
    env = {"NB_BASE_URL": url, "WISDOM_GATE_KEY": KEY}
    return nb("generate", "fox", "-o", "fox.png", "--retries", "0", *options, env=env)


@pytest.fixture
def refused() -> Iterator[str]:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


class TestAnAddressThatGoesNowhere:
    def test_leaves_time_for_the_next(self, nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
        with silent() as nowhere, WireServer(made()) as server:
            found = [address(nowhere), address(server.url)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            started = time.monotonic()
            run = make(nb, "http://localhost", "--timeout", "30")
            seconds = time.monotonic() - started
        assert run.code == 0, run.err
        assert 0.2 < seconds < 10
        assert len(server.requests) == server.connections == 1

    def test_is_given_up_at_the_deadline(self, nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
        with silent() as nowhere, silent() as another:
            found = [address(nowhere), address(another)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            started = time.monotonic()
            run = make(nb, "http://localhost", "--timeout", "1")
            assert time.monotonic() - started < 10
        assert run.code == 5
        assert "cannot reach localhost: no connection within 1 s" in run.err
        assert run.err.endswith("Not charged.\n")

    def test_that_refuses_costs_no_time(
        self, nb: Nb, refused: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(made()) as server:
            found = [address(refused)] * 64 + [address(server.url)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            started = time.monotonic()
            assert make(nb, "http://localhost", "--timeout", "30").code == 0
            assert time.monotonic() - started < 10


class TestALookup:
    def test_that_hangs_meets_the_deadline(self, nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
        released = threading.Event()

        def hang(*_: Any, **options: Any) -> Any:
            if options.get("flags") != socket.AI_NUMERICHOST:
                released.wait(30)
            raise socket.gaierror

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        started = time.monotonic()
        run = make(nb, "https://service.invalid", "--timeout", "1")
        seconds = time.monotonic() - started
        released.set()
        assert seconds < 10
        assert run.code == 5
        assert "cannot reach service.invalid: no connection within 1 s" in run.err
        assert run.err.endswith("Not charged.\n")

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "192.0.2.1", "fe80::1%1"])
    def test_of_what_needs_none_takes_no_thread(
        self, host: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads: list[threading.Thread] = []
        ask = socket.getaddrinfo

        def seen(*args: Any, **options: Any) -> Any:
            threads.append(threading.current_thread())
            return ask(*args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", seen)
        assert connecting.look_up(host, 80, lambda: 1.0)
        assert set(threads) == {threading.current_thread()}

    def test_goes_without_a_thread_where_none_can_be_started(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def start(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", start)
        found = connecting.look_up("service.invalid", 80, lambda: 1.0, self.once_named)
        assert found == [address("192.0.2.1:80")]

    @staticmethod
    def once_named(_host: str, _port: int, **options: Any) -> Any:
        if "flags" in options:
            raise socket.gaierror
        return [address("192.0.2.1:80")]


@given(st.lists(st.sampled_from([V4, V6]), max_size=9))
def test_families_take_turns(families: list[int]) -> None:
    addresses = [(family, 1, 6, "", (number,)) for number, family in enumerate(families)]
    found = connecting._in_turn(addresses)
    assert sorted(found) == sorted(addresses)
    assert found[:1] == addresses[:1]
    for family in (V4, V6):
        assert [each for each in found if each[0] == family] == [
            each for each in addresses if each[0] == family
        ]
    fewer = min(families.count(V4), families.count(V6))
    changes = [one[0] != two[0] for one, two in pairwise(found)]
    assert all(changes[: max(0, 2 * fewer - 1)])


class TestInterimResponses:
    HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nContent-Length: 9\r\n\r\n"
    PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"

    @pytest.mark.parametrize(
        "early",
        [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            PROCESSING,
            HINTS,
            b"HTTP/1.1 104 Upload Resumption Supported\r\n\r\n",
            PROCESSING * 2000 + HINTS + b"HTTP/1.1 100 Continue\r\n\r\n",
        ],
        ids=["100", "102", "103", "unknown", "many"],
    )
    def test_come_before_the_answer(self, nb: Nb, early: bytes) -> None:
        answer = made()
        with blurting(early + answer.head() + answer.body) as address:
            run = make(nb, f"http://{address}")
        assert run.code == 0, run.err
        assert Path("fox.png").read_bytes() == picture(1024, 1024)

    @pytest.mark.parametrize("interim", [PROCESSING, HINTS])
    def test_without_end_meet_the_deadline(self, nb: Nb, interim: bytes) -> None:
        with WireServer(Answer(interim=interim, trickle=0.005)) as server:
            started = time.monotonic()
            run = make(nb, server.url, "--timeout", "1")
            assert time.monotonic() - started < 10
        assert run.code == 11
        assert "no complete reply within 1 s" in run.err

    def test_do_not_hide_a_cut(self, nb: Nb) -> None:
        with WireServer(Answer(102, framed=False)) as server:
            run = make(nb, server.url)
        assert (run.code, len(server.requests)) == (11, 1)
        assert "the connection was closed without a reply" in run.err
        assert run.err.endswith("May have been charged.\n")

    def test_switch_no_protocol(self, nb: Nb) -> None:
        with WireServer(Answer(101, framed=False)) as server:
            run = make(nb, server.url)
        assert run.code == 11
        assert "101" in run.err


def test_a_call_makes_do_where_no_thread_can_be_started(
    nb: Nb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket's own timeout takes the place of the timer."""

    def start(_: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", start)
    with WireServer(made(), Answer(stall=20)) as server:
        assert make(nb, server.url).code == 0
        started = time.monotonic()
        run = make(nb, server.url, "--force", "--timeout", "1")
        assert time.monotonic() - started < 10
    assert run.code == 11
    assert "no complete reply within 1 s" in run.err
    assert "with a longer --timeout" in run.err


def test_a_socks_proxy_listens_at_1080_unless_its_address_says_otherwise() -> None:
    """The port of RFC 1928."""
    proxy = {"socks_version": 2, "proxy_host": "127.0.0.1", "proxy_port": None, "rdns": True}
    proxy |= {"username": None, "password": None}
    sock, place = connecting.socks_socket(proxy, "gate.example", 443, lambda: 1.0)
    with sock:
        assert sock.proxy[:3] == (2, "127.0.0.1", 1080)  # type: ignore[attr-defined]
    assert place == ("gate.example", 443)
