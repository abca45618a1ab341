"""A link in a reply leads to public addresses and to the gateway itself, and nowhere else."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import support
from conftest import Nb, Run
from support.connect_proxy import Proxy
from support.replies import picture, reply
from support.wire_server import Answer, WireServer, silent

from nanobanana_cli.api import links
from nanobanana_cli.api.links import LinkFetcher, is_public
from nanobanana_cli.errors import BadReply, Charged

KEY = "sk-very-secret-key-123"
PICTURE = picture(1024, 1024)
SUPPORT = Path(support.__path__[0])
CDN = SUPPORT / "cdn.pem"
# In the certificate of CDN.
PUBLIC = "93.184.215.14"
Serve = Callable[..., WireServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a gateway with a script, and points `nb` at it."""
    with ExitStack() as stack:

        def start(*script: Answer | Callable[[str], Answer]) -> WireServer:
            server = stack.enter_context(WireServer())
            server._script = tuple(each(server.url) if callable(each) else each for each in script)
            monkeypatch.setenv("NB_BASE_URL", server.url)
            monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
            return server

        yield start


def linking(path: str = "/fox.png") -> Callable[[str], Answer]:
    """The reply with a link to the gateway itself."""
    return lambda url: Answer(body=reply({"text": f"Here: ![fox]({url}{path})"}))


def pointing(url: str) -> Answer:
    return Answer(body=reply({"fileData": {"mimeType": "image/png", "fileUri": url}}))


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status, (("Location", to),))


IMAGE = Answer(headers=(("Content-Type", "image/png"),), body=PICTURE)


def make(nb: Nb, *options: str) -> Run:
    return nb("generate", "fox", "-o", "fox.png", *options)


class TestTheGatewaysOwn:
    @pytest.mark.parametrize(
        "answer",
        [
            linking(),
            lambda url: Answer(body=reply({"text": f"{url}/fox.png"})),
            lambda url: pointing(f"{url}/fox.png"),
        ],
    )
    def test_is_fetched_without_the_key(
        self, nb: Nb, serve: Serve, answer: Callable[[str], Answer]
    ) -> None:
        server = serve(answer, IMAGE)
        run = make(nb)
        assert (run.code, run.out) == (0, "fox.png\n")
        assert Path("fox.png").read_bytes() == PICTURE
        assert "note: the service sent a link; the image was fetched from 127.0.0.1\n" in run.err
        call, fetch = server.requests
        assert (fetch.method, fetch.path) == ("GET", "/fox.png")
        assert call.headers["x-goog-api-key"] == KEY
        assert KEY not in str(fetch)
        assert not fetch.headers.keys() & {"x-goog-api-key", "authorization", "cookie"}
        assert fetch.headers["host"] == f"127.0.0.1:{server.port}"

    def test_is_a_result_like_any_other(self, nb: Nb, serve: Serve) -> None:
        serve(linking(), IMAGE)
        record = json.loads(make(nb, "--json").out)
        assert (record["status"], record["cost_usd"], record["width"]) == ("written", 0.058, 1024)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_may_redirect(self, nb: Nb, serve: Serve, status: int) -> None:
        server = serve(linking(), redirect("/real.png", status), IMAGE)
        assert make(nb).code == 0
        assert server.requests[2].path == "/real.png"

    def test_sets_no_cookie(self, nb: Nb, serve: Serve) -> None:
        cookie = ("Set-Cookie", "a=b; Path=/")
        server = serve(linking(), Answer(302, (("Location", "/b"), cookie)), IMAGE)
        assert make(nb).code == 0
        assert "cookie" not in server.requests[2].headers

    def test_reads_no_netrc(self, nb: Nb, serve: Serve) -> None:
        netrc = Path("~/.netrc").expanduser()
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        netrc.chmod(0o600)
        server = serve(linking(), IMAGE)
        assert make(nb).code == 0
        assert "authorization" not in server.requests[1].headers

    def test_over_tls(self, nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SUPPORT / "localhost.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SUPPORT / "localhost.pem"))
        monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
        with WireServer(tls=context) as server:
            url = f"https://localhost:{server.port}"
            server._script = (linking()(url), IMAGE)
            monkeypatch.setenv("NB_BASE_URL", url)
            assert make(nb).code == 0
            assert Path("fox.png").read_bytes() == PICTURE


def refused(run: Run, url: str, why: str = "") -> None:
    """Nothing was saved, and the whole address is told."""
    assert run.code == 10
    assert url in run.err
    assert why in run.err
    assert run.err.endswith("May have been charged.\n")
    assert not Path("fox.png").exists()


class TestWhatIsNoImage:
    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            (Answer(404), "the server answered with 404"),
            (Answer(204), "it is empty"),
            (Answer(headers=(("Content-Type", "image/png"),), body=b"<html>"), "not an image"),
            (Answer(headers=(("Content-Type", "image/png"),), body=PICTURE[:-99]), "the PNG"),
            (Answer(body=PICTURE, cut=300), "cut short"),
            (Answer(reset=True), "the connection"),
            (Answer(302), "the server answered with 302"),
            (redirect("/again"), "redirects too often"),
            (Answer(headers=(("Content-Length", "200000000"),)), "larger than 100 MiB"),
        ],
    )
    def test_is_an_error_with_the_address(
        self, nb: Nb, serve: Serve, answer: Answer, why: str
    ) -> None:
        path = "/fox.png?X-Signature=" + "0123456789abcdef" * 40
        server = serve(linking(path), answer)
        run = make(nb)
        refused(run, server.url + path, why)
        assert len([each for each in server.requests if each.method == "POST"]) == 1

    def test_tells_the_address_in_json_too(self, nb: Nb, serve: Serve) -> None:
        server = serve(linking("/" + "x" * 900), Answer(404))
        error = json.loads(make(nb, "--json").out)["error"]
        assert f"{server.url}/{'x' * 900}" in error["message"]
        assert (error["code"], error["charged"]) == (10, "maybe")

    def test_keeps_the_reply(self, nb: Nb, serve: Serve) -> None:
        serve(linking(), Answer(404), IMAGE)
        run = make(nb)
        (kept,) = Path("~/.local/state/nanobanana-wisgate/replies").expanduser().iterdir()
        assert f"hint: the reply was kept: nb extract --fetch {kept}\n" in run.err
        found = nb("extract", "--fetch", kept)
        assert (found.code, found.out) == (0, "fox.png\n")

    def test_among_several_keeps_them_all(self, nb: Nb, serve: Serve) -> None:
        both = lambda url: Answer(body=reply({"text": f"![]({url}/1) ![]({url}/2)"}))  # noqa: E731
        serve(both, Answer(404))
        assert "nb extract --all --fetch " in make(nb).err

    def test_that_never_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(links, "LARGEST_IMAGE", 1 << 20)
        endless = Answer(
            headers=(("Transfer-Encoding", "chunked"),), body=b"10000\r\n" + bytes(65536) + b"\r\n"
        )
        endless = Answer(headers=endless.headers, body=endless.body * 64, stall=1 << 30)
        with WireServer(endless) as server, pytest.raises(BadReply, match="larger than 1 MiB"):
            LinkFetcher(server.url, timeout=1).fetch(f"{server.url}/x")

    def test_that_trickles_meets_the_deadline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(links, "_SHORTEST_TIMEOUT", 0.0)
        slow = Answer(body=bytes(5000), trickle=0.01)
        with WireServer(slow) as server:
            started = time.monotonic()
            with pytest.raises(BadReply, match=r"not complete within 1 s"):
                LinkFetcher(server.url, timeout=1).fetch(f"{server.url}/x")
            assert time.monotonic() - started < 10

    def test_ends_when_the_session_does(self) -> None:
        with WireServer(Answer(stall=0)) as server:
            fetcher = LinkFetcher(server.url, timeout=30)
            closer = threading.Timer(0.2, fetcher.close)
            closer.start()
            with pytest.raises(BadReply, match="stopped"):
                fetcher.fetch(f"{server.url}/x")
            closer.join()
            with pytest.raises(BadReply, match="stopped"):
                fetcher.fetch(f"{server.url}/x")

    def test_ends_while_the_name_is_looked_up(self) -> None:
        """Nothing ends `getaddrinfo` itself."""
        answered = threading.Event()

        def resolve(*_: object, flags: int = 0, **__: object) -> list[Any]:
            if not flags:
                answered.wait(20)
            raise OSError

        fetcher = LinkFetcher("https://gate.example", resolve=resolve)
        closer = threading.Timer(0.1, fetcher.close)
        closer.start()
        started = time.monotonic()
        with pytest.raises(BadReply, match="does not resolve"):
            fetcher.fetch("https://cdn.example/x.png")
        assert time.monotonic() - started < 10
        answered.set()
        closer.join()


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.9",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "nonsense",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address(address: str) -> None:
    assert is_public(address)


class TestWhatIsNotPublic:
    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("https://10.0.0.1/a.png", "10.0.0.1 is not a public address"),
            ("https://169.254.169.254/latest", "not a public address"),
            ("https://[::1]/a.png", "not a public address"),
            ("https://[::ffff:10.0.0.1]/a.png", "not a public address"),
            ("https://2130706433/a.png", "127.0.0.1"),
            ("https://127.1/a.png", "127.0.0.1"),
            ("https://0x7f.0.0.1/a.png", "127.0.0.1"),
            ("https://localhost/a.png", "localhost (127.0.0.1) is not a public address"),
            ("http://8.8.8.8/a.png", "not an https address"),
            ("gs://bucket/a.png", "not an https address"),
            ("file:///etc/passwd", "not an https address"),
            ("/v1beta/files/abc", "not a web address"),
            ("https://me:secret@8.8.8.8/a.png", "holds a user name"),
            ("https://cdn.invalid/a.png", "does not resolve"),
        ],
    )
    def test_is_not_connected_to(self, nb: Nb, serve: Serve, url: str, why: str) -> None:
        server = serve(pointing(url), IMAGE)
        refused(make(nb), url, why)
        assert len(server.requests) == 1

    def test_another_port_of_the_gateway(self, nb: Nb, serve: Serve) -> None:
        with WireServer(IMAGE) as other:
            serve(pointing(f"{other.url}/fox.png"))
            refused(make(nb), other.url, "not an https address")
            url = f"https://127.0.0.1:{other.port}/fox.png"
            serve(pointing(url))
            refused(make(nb), url, "127.0.0.1 is not a public address")
            assert other.connections == 0

    def test_where_a_redirect_leads(self, nb: Nb, serve: Serve) -> None:
        with WireServer(IMAGE) as other:
            server = serve(linking(), redirect(f"{other.url}/secret"))
            refused(make(nb), f"{server.url}/fox.png", "not an https address")
            serve(linking(), redirect(f"https://127.0.0.1:{other.port}/secret"))
            refused(make(nb), "/fox.png", "127.0.0.1 is not a public address")
            assert other.connections == 0


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CDN)
    return context


class TestAPublicAddress:
    """Reached through a proxy that leads every address to a server on this machine."""

    @pytest.fixture
    def trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CDN))

    @pytest.mark.usefixtures("trusted")
    def test_is_fetched(self, nb: Nb, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        url = f"https://{PUBLIC}/fox.png"
        with WireServer(IMAGE, tls=_tls()) as cdn, Proxy(ports={PUBLIC: cdn.port}) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            serve(pointing(url))
            run = make(nb)
            assert run.code == 0
            assert f"fetched from {PUBLIC}\n" in run.err
            (request,) = cdn.requests
        assert request.headers["host"] == PUBLIC
        assert KEY not in str(request) + str(proxy.heads)

    @pytest.mark.usefixtures("trusted")
    def test_is_the_one_that_was_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = [PUBLIC, "127.0.0.1"]

        def rebinding(_host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

        with WireServer(IMAGE, tls=_tls()) as cdn, Proxy(ports={PUBLIC: cdn.port}) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            fetcher = LinkFetcher("https://wisgate.ai", timeout=30, resolve=rebinding)
            assert fetcher.fetch("https://cdn.example.com/fox.png") == PICTURE
            assert cdn.requests[0].headers["host"] == "cdn.example.com"
        assert proxy.heads[0].startswith(f"CONNECT {PUBLIC}:443 ".encode())
        assert answers == ["127.0.0.1"]

    @pytest.mark.usefixtures("trusted")
    def test_needs_the_certificate_of_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def resolve(_host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, port))]

        with WireServer(IMAGE, tls=_tls()) as cdn, Proxy(ports={PUBLIC: cdn.port}) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            fetcher = LinkFetcher("https://wisgate.ai", timeout=30, resolve=resolve)
            with pytest.raises(BadReply, match=r"cannot reach other\.example\.com"):
                fetcher.fetch("https://other.example.com/fox.png")
            assert cdn.requests == []

    @pytest.mark.usefixtures("trusted")
    def test_that_goes_nowhere_leaves_time_for_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The image behind the link was paid for."""

        class Local(socket.socket):
            """Two public addresses, both in this machine."""

            def connect(self, address: Any) -> None:
                super().connect(("127.0.0.1", ports[address[0]]))

        def resolve(_host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ports]

        with silent() as nowhere, WireServer(IMAGE, tls=_tls()) as cdn:
            ports = {PUBLIC: int(nowhere.rpartition(":")[2]), "8.8.4.4": cdn.port}
            monkeypatch.setattr(socket, "socket", Local)
            fetcher = LinkFetcher("https://wisgate.ai", timeout=30, resolve=resolve)
            started = time.monotonic()
            assert fetcher.fetch("https://cdn.example.com/fox.png") == PICTURE
            assert time.monotonic() - started < 10
            assert len(cdn.requests) == 1

    def test_among_private_ones_is_refused(self) -> None:
        def resolve(_host: str, port: int, **_: Any) -> list[Any]:
            return [(0, 0, 0, "", (each, port)) for each in (PUBLIC, "10.0.0.1")]

        fetcher = LinkFetcher("https://wisgate.ai", timeout=30, resolve=resolve)
        with pytest.raises(BadReply, match=r"\(10\.0\.0\.1\) is not a public address"):
            fetcher.fetch("https://cdn.example.com/fox.png")


class TestIsNotFetched:
    def test_at_google(self, nb: Nb, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        server = serve(linking(), IMAGE)
        run = make(nb, "--provider", "google")
        assert run.code == 9
        server = serve(lambda url: pointing(f"{url}/fox.png"), IMAGE)
        refused(make(nb, "--provider", "google"), f"{server.url}/fox.png")
        assert len(server.requests) == 1

    def test_beside_an_image(self, nb: Nb, serve: Serve) -> None:
        body = json.loads(linking()("https://8.8.8.8").body)
        part = json.loads(reply_with_image())["candidates"][0]["content"]["parts"][0]
        body["candidates"][0]["content"]["parts"].append(part)
        server = serve(Answer(body=json.dumps(body).encode()))
        assert make(nb).code == 0
        assert len(server.requests) == 1

    def test_where_a_text_was_asked_for(self, nb: Nb, serve: Serve) -> None:
        Path("a.png").write_bytes(PICTURE)
        server = serve(linking(), IMAGE)
        run = nb("caption", "a.png")
        assert run.code == 0
        assert len(server.requests) == 1


def reply_with_image() -> bytes:
    from support.replies import image_part

    return reply(image_part(PICTURE))


def test_an_error_is_never_charged_less_than_maybe() -> None:
    error = links.unfetched("https://a", "no")
    assert error.charged is Charged.MAYBE
