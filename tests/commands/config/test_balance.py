"""`nb config check --balance`: the one request with the key as Bearer, to one host alone.

The addresses are WisGate's real ones: a proxy on loopback leads them to a local server, whose
certificate is for these names. So nothing in `nb` needs to know of the test.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import support
from support.connect_proxy import Proxy
from support.wire_server import Answer, WireServer

from nanobanana_cli.api.transport import Transport
from nanobanana_cli.types import Endpoint

if TYPE_CHECKING:
    from conftest import Nb

KEY = "secret-key-123"
PEM = Path(support.__path__[0]) / "wisgate.pem"
NO_LIST = Answer(404, body=b"{}")
BALANCE = {
    "available_balance": 12.345,
    "package_balance": 10,
    "cash_balance": 2.345,
    "token_balance": 0,
    "is_token_unlimited_quota": True,
}


def _answer(balance: object) -> Answer:
    return Answer(200, body=json.dumps(balance).encode())


@contextmanager
def wisgate(
    monkeypatch: pytest.MonkeyPatch, balance: Answer, models: Answer = NO_LIST
) -> Iterator[tuple[WireServer, WireServer]]:
    """`wisgate.ai` and `api.wisgate.ai`, as far as this process can tell."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(PEM)
    with (
        WireServer(models, tls=tls) as service,
        WireServer(balance, tls=tls) as account,
        Proxy(ports={"wisgate.ai": service.port, "api.wisgate.ai": account.port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(PEM))
        monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
        yield service, account


def _lines(nb: Nb, *argv: str) -> list[str]:
    run = nb("config", "check", *argv)
    assert run.code == 0
    assert KEY not in run.out + run.err
    return run.out.splitlines()


def test_the_balance_is_asked_for_at_its_own_address(
    nb: Nb, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wisgate(monkeypatch, _answer(BALANCE)) as (service, account):
        lines = _lines(nb, "--balance")
    assert lines[-1] == (
        "ok       balance      key accepted, balance $12.35; a model may still be refused"
    )
    assert not any(line.startswith("warning") for line in lines)
    (asked,) = account.requests
    assert (asked.method, asked.path) == ("GET", "/v1/users/me/balance")
    assert asked.headers["host"] == "api.wisgate.ai"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert "x-goog-api-key" not in asked.headers
    (listed,) = service.requests
    assert listed.headers["x-goog-api-key"] == KEY
    assert "authorization" not in listed.headers


def test_a_gateways_headers_stay_at_its_address(
    nb: Nb, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "user.toml"
    path.write_text('[wisgate.headers]\nx-mine = "a-secret-value"\n')
    path.chmod(0o600)
    monkeypatch.setenv("NB_CONFIG", str(path))
    with wisgate(monkeypatch, _answer(BALANCE)) as (service, account):
        _lines(nb, "--balance")
    assert [each.headers.get("x-mine") for each in service.requests] == ["a-secret-value"]
    assert [each.headers.get("x-mine") for each in account.requests] == [None]


def test_it_is_not_asked_for_unless_named(nb: Nb, monkeypatch: pytest.MonkeyPatch) -> None:
    with wisgate(monkeypatch, _answer(BALANCE)) as (_, account):
        lines = _lines(nb)
    assert account.requests == []
    assert lines[-1].startswith("warning  key          not verified: ")
    assert lines[-1].endswith("; `nb config check --balance` asks the balance")


@pytest.mark.parametrize(
    ("balance", "said"),
    [
        ({"data": BALANCE}, "balance $12.35;"),
        ({"available_balance": "7.5"}, "balance $7.50;"),
        (
            {**BALANCE, "token_balance": 1.5, "is_token_unlimited_quota": False},
            "balance $12.35, $1.50 of it for this key;",
        ),
    ],
)
def test_its_shapes(nb: Nb, monkeypatch: pytest.MonkeyPatch, balance: object, said: str) -> None:
    with wisgate(monkeypatch, _answer(balance)):
        line = _lines(nb, "--balance")[-1]
    assert line.startswith("ok ")
    assert said in line


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, body=b'{"error": {"message": "no"}}'),
        Answer(404, body=b"{}"),
        Answer(308, headers=(("Location", "https://elsewhere.example/"),)),
        Answer(200, body=b"<html>hello</html>"),
        Answer(200, body=b"[]"),
        Answer(200, body=b'{"data": {"available_balance": null}}'),
        Answer(200, body=b'{"available_balance": "NaN"}'),
        Answer(cut=0),
    ],
)
def test_a_failure_is_a_warning(nb: Nb, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    with wisgate(monkeypatch, answer):
        line = _lines(nb, "--balance")[-1]
    assert line.startswith("warning  balance      wisgate did not tell it: ")


@pytest.mark.parametrize("path", ["", "/wisgate", "/api.wisgate.ai"])
def test_no_other_address_sees_a_bearer(nb: Nb, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with wisgate(monkeypatch, _answer(BALANCE)) as (_, account), WireServer(NO_LIST) as own:
        lines = _lines(nb, "--balance", "--base-url", own.url + path)
    assert lines[-1].startswith("warning  balance      only https://wisgate.ai tells one")
    assert account.requests == []
    assert [seen.headers.get("authorization") for seen in own.requests] == [None]


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("wisgate", "https://wisgate.ai"),
        ("wisgate", "http://127.0.0.1:1"),
        ("wisgate", "https://api.wisgate.ai.example"),
        ("google", "https://api.wisgate.ai"),
        ("sandbox", ""),
    ],
)
def test_the_transport_itself_refuses_any_other_host(provider: str, url: str) -> None:
    with pytest.raises(ValueError, match=f"^{url}$"):
        Transport(Endpoint(provider, url, KEY), timeout=1).get_account("/")
