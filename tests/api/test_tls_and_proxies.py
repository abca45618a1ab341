"""TLS and proxies: they work as everyone knows them, under the same deadline."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import support
import trustme
from conftest import NbProcess
from support.connect_proxy import Proxy, SocksProxy
from support.wire_server import Answer, WireServer, blurting

from nanobanana_cli.api.transport import Transport
from nanobanana_cli.errors import Charged, OutcomeUnknown, Unreachable
from nanobanana_cli.types import Endpoint

KEY = "sk-0123456789abcdef"
PEM = Path(support.__path__[0]) / "localhost.pem"
SOON = 1


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(PEM))


def to(url: str, *, timeout: float = 10) -> Transport:
    return Transport(Endpoint("wisgate", url, KEY), timeout=timeout)


def through(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)


@pytest.mark.usefixtures("trusted")
class TestTls:
    def test_with_a_bundle_of_ones_own(self, tls: ssl.SSLContext) -> None:
        with WireServer(Answer(body=b"ok"), tls=tls) as server:
            assert bytes(to(server.url).generate("m", b"{}").data) == b"ok"
        assert server.requests[0].headers["x-goog-api-key"] == KEY

    @pytest.mark.parametrize("stall", [0, 50, 100])
    def test_a_stall_meets_the_deadline(self, tls: ssl.SSLContext, stall: int) -> None:
        with WireServer(Answer(body=b"x" * 99, stall=stall), tls=tls) as server:
            started = time.monotonic()
            with pytest.raises(OutcomeUnknown, match=r"within 1 s"):
                to(server.url, timeout=SOON).generate("m", b"{}")
            assert time.monotonic() - started < 10

    def test_a_cut_is_noticed(self, tls: ssl.SSLContext) -> None:
        with (
            WireServer(Answer(body=b"x" * 99, cut=80), tls=tls) as server,
            pytest.raises(OutcomeUnknown),
        ):
            to(server.url).generate("m", b"{}")

    def test_close_wakes_what_waits(self, tls: ssl.SSLContext) -> None:
        with WireServer(Answer(stall=0), tls=tls) as server:
            one = to(server.url)
            closer = threading.Timer(SOON, one.close)
            closer.start()
            with pytest.raises(OutcomeUnknown, match="stopped"):
                one.generate("m", b"{}")
            closer.join()


class TestBeforeTheRequest:
    def test_an_unknown_certificate(self, tls: ssl.SSLContext) -> None:
        with WireServer(tls=tls) as server, pytest.raises(Unreachable) as caught:
            to(server.url).generate("m", b"{}")
        error = caught.value
        assert error.message.startswith("cannot reach 127.0.0.1: its certificate is not trusted (")
        assert "REQUESTS_CA_BUNDLE" in (error.hint or "")
        assert error.charged is Charged.NO
        assert error.resends == 0
        assert server.requests == []

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "does not exist"),
            (b"", "holds no certificates"),
            (b"junk", "holds no certificates"),
            (b"-----BEGIN CERTIFICATE-----\njunk\n", "holds no certificates"),
            (b"\x00\xff" * 99, "holds no certificates"),
        ],
    )
    def test_a_bundle_that_is_none(
        self,
        tls: ssl.SSLContext,
        variable: str,
        content: bytes | None,
        problem: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if content is not None:
            Path("ca.pem").write_bytes(content)
        monkeypatch.setenv(variable, "ca.pem")
        with WireServer(tls=tls) as server, pytest.raises(Unreachable) as caught:
            to(server.url).get("/")
        assert caught.value.message == (
            f"cannot reach 127.0.0.1: the file named by {variable} {problem}"
        )
        assert (caught.value.hint or "").startswith(f"set {variable} to a PEM file with")
        assert caught.value.resends == 0
        assert server.requests == []

    @pytest.mark.usefixtures("trusted")
    def test_a_bundle_that_is_good_is_not_blamed(self) -> None:
        with (
            blurting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address,
            pytest.raises(Unreachable, match=r"TLS failed \(wrong version number\)"),
        ):
            to(f"https://{address}").get("/")

    @pytest.mark.usefixtures("trusted")
    def test_a_handshake_that_hangs(self) -> None:
        with WireServer(mute=True) as server:
            started = time.monotonic()
            with pytest.raises(Unreachable, match=r"no connection within 1 s"):
                to(server.url.replace("http:", "https:"), timeout=SOON).get("/")
            assert time.monotonic() - started < 10

    def test_a_server_without_tls(self) -> None:
        with (
            blurting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address,
            pytest.raises(Unreachable, match=r"TLS failed \(wrong version number\)"),
        ):
            to(f"https://{address}").get("/")


class TestACertificate:
    """What is wrong with it is said, with what to do about that."""

    @pytest.fixture
    def issuer(self, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
        found = trustme.CA()
        found.cert_pem.write_to_path("ca.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "ca.pem")
        return found

    @staticmethod
    def failure(certificate: trustme.LeafCert, host: str = "127.0.0.1") -> Unreachable:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        with WireServer(tls=context) as server:
            with pytest.raises(Unreachable) as caught:
                to(f"https://{host}:{server.port}").generate("m", b"{}")
            assert server.requests == []
        error = caught.value
        assert (error.charged, error.resends) == (Charged.NO, 0)
        assert error.message.startswith(f"cannot reach {host}: its certificate ")
        return error

    def test_that_has_expired(self, issuer: trustme.CA) -> None:
        then = datetime(2020, 1, 1, tzinfo=UTC)
        past = issuer.issue_cert("127.0.0.1", not_before=then, not_after=then + timedelta(9))
        error = self.failure(past)
        assert error.message.endswith("its certificate has expired")
        today = datetime.now().astimezone().date()
        assert f"check the clock of this machine, which says {today}" in (error.hint or "")

    def test_that_is_not_valid_yet(self, issuer: trustme.CA) -> None:
        then = datetime(2095, 1, 1, tzinfo=UTC)
        future = issuer.issue_cert("127.0.0.1", not_before=then, not_after=then + timedelta(9))
        error = self.failure(future)
        assert error.message.endswith("its certificate is not valid yet")
        assert (error.hint or "").startswith("set the clock of this machine, which says 2")

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_of_another_host(self, issuer: trustme.CA, host: str) -> None:
        error = self.failure(issuer.issue_cert("other.example"), host)
        assert error.message.endswith("its certificate is for another host")
        assert (error.hint or "").startswith("check the address: `nb config get base-url`")

    @pytest.mark.usefixtures("issuer")
    def test_of_an_unknown_issuer(self) -> None:
        error = self.failure(trustme.CA().issue_cert("127.0.0.1"))
        assert "not trusted (" in error.message
        assert error.hint == (
            "add the certificate of its issuer to the file that REQUESTS_CA_BUNDLE names"
        )

    def test_of_an_unknown_issuer_without_a_file(self) -> None:
        error = self.failure(trustme.CA().issue_cert("127.0.0.1"))
        assert "not trusted (" in error.message
        assert error.hint == "set REQUESTS_CA_BUNDLE to a file with the certificates to trust"

    def test_that_signed_itself(self, tls: ssl.SSLContext) -> None:
        with WireServer(tls=tls) as server, pytest.raises(Unreachable) as caught:
            to(server.url).get("/")
        assert "not trusted (self-signed certificate)" in caught.value.message
        assert (caught.value.hint or "").startswith("if it is your own, set REQUESTS_CA_BUNDLE")


class TestAProxy:
    @pytest.mark.usefixtures("trusted")
    def test_tunnels_and_does_not_see_the_key(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(body=b"ok"), tls=tls) as server, Proxy() as proxy:
            through(proxy, monkeypatch)
            assert bytes(to(server.url).generate("m", b"{}").data) == b"ok"
        assert proxy.heads[0].startswith(b"CONNECT 127.0.0.1:%d " % server.port)
        assert KEY.encode() not in proxy.heads[0]

    @pytest.mark.usefixtures("trusted")
    def test_does_not_loosen_the_deadline(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(stall=0), tls=tls) as server, Proxy() as proxy:
            through(proxy, monkeypatch)
            started = time.monotonic()
            with pytest.raises(OutcomeUnknown, match=r"within 1 s"):
                to(server.url, timeout=SOON).generate("m", b"{}")
            assert time.monotonic() - started < 10

    @pytest.mark.usefixtures("trusted")
    def test_is_left_out_for_no_proxy(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(body=b"ok"), tls=tls) as server, Proxy(refuse=403) as proxy:
            through(proxy, monkeypatch)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert bytes(to(server.url).get("/")) == b"ok"
        assert proxy.heads == []

    @pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
    def test_never_sees_what_is_plain_and_for_this_machine(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(body=b"ok")) as server, Proxy() as proxy:
            monkeypatch.setenv(variable, proxy.url)
            assert bytes(to(server.url).get("/")) == b"ok"
        assert proxy.heads == []

    @pytest.mark.parametrize("status", [403, 407, 502])
    def test_that_refuses(self, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
        with Proxy(refuse=status) as proxy:
            through(proxy, monkeypatch)
            with pytest.raises(Unreachable) as caught:
                to("https://service.invalid").generate("m", b"{}")
        assert f"the proxy refused to connect ({status})" in caught.value.message
        assert "HTTPS_PROXY" in (caught.value.hint or "")
        assert caught.value.resends == 0

    def test_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Proxy(stall=True) as proxy:
            through(proxy, monkeypatch)
            with pytest.raises(Unreachable, match=r"no connection within 1 s"):
                to("https://service.invalid", timeout=SOON).generate("m", b"{}")

    def test_that_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Proxy() as proxy:
            through(proxy, monkeypatch)
        with pytest.raises(Unreachable) as caught:
            to("https://service.invalid").generate("m", b"{}")
        assert "the proxy does not work: connection refused" in caught.value.message

    def test_of_another_kind_is_never_bypassed(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "nonsense://x")
        with WireServer(tls=tls) as server, pytest.raises(Unreachable, match="the proxy's address"):
            to(server.url).get("/")
        assert server.connections == 0


@pytest.mark.usefixtures("trusted")
class TestASocksProxy:
    @pytest.mark.parametrize(
        ("scheme", "asked"), [("socks5h", b"\3\x09localhost"), ("socks5", b"\1\x7f\0\0\1")]
    )
    def test_is_used(
        self, scheme: str, asked: bytes, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(body=b"ok"), tls=tls) as server, SocksProxy() as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.url.replace("socks5h", scheme))
            address = f"https://localhost:{server.port}"
            assert bytes(to(address).generate("m", b"{}").data) == b"ok"
        assert proxy.heads == [asked]
        assert server.requests[0].headers["x-goog-api-key"] == KEY

    def test_that_stalls_meets_the_deadline(
        self, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with WireServer(Answer(stall=0), tls=tls) as server, SocksProxy() as proxy:
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            started = time.monotonic()
            with pytest.raises(OutcomeUnknown, match=r"within 1 s"):
                to(f"https://localhost:{server.port}", timeout=SOON).generate("m", b"{}")
            assert time.monotonic() - started < 10

    def test_that_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with SocksProxy(refuse=5) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(Unreachable, match="the SOCKS proxy does not work") as caught:
                to("https://service.invalid").generate("m", b"{}")
        assert "HTTPS_PROXY" in (caught.value.hint or "")

    def test_that_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with SocksProxy() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Unreachable, match="proxy does not work: connection refused"):
            to("https://service.invalid").generate("m", b"{}")

    def test_needs_pysocks(self, nb_process: NbProcess, tmp_path: Path) -> None:
        (tmp_path / "missing").mkdir()
        (tmp_path / "missing" / "socks.py").write_text("raise ImportError")
        env = {
            "PYTHONPATH": f"{tmp_path / 'missing'}:{Path(support.__path__[0]).parents[1]}",
            "HTTPS_PROXY": "socks5h://127.0.0.1:9",
            "WISDOM_GATE_KEY": KEY,
        }
        run = nb_process("generate", "fox", "--base-url", "https://service.invalid", env=env)
        assert run.code == 5
        assert "needs PySocks" in run.err
        assert "hint: install PySocks beside nb: pip install 'nanobanana-wisgate[socks]'" in run.err
        assert run.err.endswith("\nNot charged.\n")
