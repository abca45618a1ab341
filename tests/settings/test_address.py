"""Which addresses are taken: the key goes wherever they point."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.settings import address
from nanobanana_cli.settings.validators import InvalidValue


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://wisgate.ai", "https://wisgate.ai"),
        ("https://wisgate.ai/", "https://wisgate.ai"),
        ("HTTPS://API.WisGate.AI:8443/Proxy/", "https://api.wisgate.ai:8443/Proxy"),
        ("https://wisgate.ai/v1beta", "https://wisgate.ai"),
        ("https://gate.example/gemini/v1beta/", "https://gate.example/gemini"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_address_is_brought_into_one_form(typed: str, url: str) -> None:
    assert address.base_url(typed) == url


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "is not an address"),
        ("wisgate.ai", "is not an http"),
        ("ftp://wisgate.ai", "is not an http"),
        ("https://", "is not an http"),
        ("https:///path", "is not an http"),
        ("https://a:0", "is not an http"),
        ("https://a:99999", "is not an http"),
        ("https://a:b", "is not an http"),
        ("https://[::1", "is not an http"),
        ("https://evil.example\\.wisgate.ai", "is not an http"),
        ("https://wisgate.ai\n.evil.example", "is not an address"),
        ("https://wisgate.ai /", "is not an address"),
        ("https://wisgäte.ai", "is not an address"),
        ("http://wisgate.ai", "would send the key unencrypted"),
        ("http://127.0.0.1.evil.example", "would send the key unencrypted"),
        ("http://localhost.evil.example", "would send the key unencrypted"),
        ("http://10.0.0.1", "would send the key unencrypted"),
        ("https://user:password@wisgate.ai", "holds a user name or password"),
        ("https://wisgate.ai?key=abc", "holds a query or fragment"),
        ("https://wisgate.ai#abc", "holds a query or fragment"),
    ],
)
def test_what_is_no_plain_address_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as wrong:
        address.base_url(typed)
    assert wrong.value.reason.startswith(reason)
    assert wrong.value.secret == reason.startswith("holds")


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://wisgate.ai", "wisgate"),
        ("https://api.wisgate.ai/x", "wisgate"),
        ("https://wisgate.ai./x", "wisgate"),
        ("https://generativelanguage.googleapis.com", "google"),
        ("https://notwisgate.ai", None),
        ("http://127.0.0.1:80", None),
    ],
)
def test_a_host_has_an_owner(url: str, provider: str | None) -> None:
    assert address.owner(url) == provider


@given(st.from_regex(r"https?://[ -~]{0,30}", fullmatch=True) | st.text())
def test_any_text_is_an_address_or_wrong(text: str) -> None:
    try:
        url = address.base_url(text)
    except InvalidValue:
        return
    assert address.base_url(url) == url
    assert url.startswith("https://") or address.is_loopback(address.host(url))
