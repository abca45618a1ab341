"""Each line of the table of errors, in each shape that services give it."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from conftest import Nb
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from support.wire_server import Answer, WireServer

from nanobanana_cli.api.error_body import read
from nanobanana_cli.api.status_errors import from_200, from_status
from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    KeyRejected,
    NbError,
    NotFound,
    OutcomeUnknown,
    OutOfCredit,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)
from nanobanana_cli.types import Endpoint


def google(code: int, message: str, status: str, *details: object) -> dict[str, Any]:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return {"error": error}


def gateway(message: str, code: object = "", kind: str = "new_api_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


def fault(status: int, body: object = b"", provider: str = "wisgate", **headers: str) -> NbError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    known = PROVIDERS.get(provider)
    endpoint = Endpoint(provider, known.base_url if known else "https://gate.example:8443/x")
    return from_status(status, CaseInsensitiveDict(named), raw, endpoint=endpoint, model="m")


BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

TABLE: list[tuple[int, object, type[NbError]]] = [
    (400, google(400, "aspectRatio: invalid", "INVALID_ARGUMENT"), Rejected),
    (400, [google(400, "aspectRatio: invalid", "INVALID_ARGUMENT")], Rejected),
    (400, google(400, "bad", "INVALID_ARGUMENT", BAD_KEY), KeyRejected),
    (400, google(400, "API key not valid. Please pass a valid API key.", "X"), KeyRejected),
    (400, gateway("API key expired. Please renew the API key.", 400), KeyRejected),
    (400, google(400, "User location is not supported", "FAILED_PRECONDITION"), Rejected),
    (401, gateway("无效的令牌"), KeyRejected),
    (403, google(403, "denied", "PERMISSION_DENIED"), KeyRejected),
    (403, b"<html><title>Forbidden</title>", Unreachable),
    (400, google(429, "slow", "RESOURCE_EXHAUSTED"), RateLimited),
    (402, b"", OutOfCredit),
    (403, gateway("用户额度不足, 剩余额度: 0", "insufficient_user_quota"), OutOfCredit),
    (403, gateway("no", "insufficient_user_quota"), OutOfCredit),
    (403, gateway("余额不足"), OutOfCredit),
    (429, gateway("You exceeded your current quota", "insufficient_quota"), OutOfCredit),
    (429, google(429, "Your prepayment credits are depleted.", "X"), OutOfCredit),
    (429, google(429, "You exceeded your current quota, check billing", "X"), RateLimited),
    (429, b"", RateLimited),
    (404, google(404, "models/x is not found", "NOT_FOUND"), NotFound),
    (404, b"<!DOCTYPE html><title>404</title>", NotFound),
    (503, gateway("无可用渠道", "model_not_found"), NotFound),
    (503, google(503, "The model is overloaded.", "UNAVAILABLE"), Unavailable),
    (500, google(500, "internal", "INTERNAL"), Unavailable),
    (405, b"", Rejected),
    (413, b"<html><h1>Request Entity Too Large</h1>", Rejected),
    (408, b"", OutcomeUnknown),
    (499, b"", OutcomeUnknown),
    (502, b"<html><title>502 Bad Gateway</title>", OutcomeUnknown),
    (502, google(503, "upstream gone", "UNAVAILABLE"), OutcomeUnknown),
    (502, {"error": {"code": 429, "message": "slow down"}}, OutcomeUnknown),
    (504, gateway(json.dumps(google(503, "overloaded", "UNAVAILABLE"))), OutcomeUnknown),
    (524, gateway(json.dumps(google(429, "slow", "RESOURCE_EXHAUSTED"))), OutcomeUnknown),
    (504, google(504, "deadline", "DEADLINE_EXCEEDED"), OutcomeUnknown),
    (520, b"", OutcomeUnknown),
    (524, b"error code: 524", OutcomeUnknown),
    (599, b"", OutcomeUnknown),
    (102, b"", OutcomeUnknown),
    (301, b"", Rejected),
]


@pytest.mark.parametrize(("status", "body", "kind"), TABLE)
def test_the_table(status: int, body: object, kind: type[NbError]) -> None:
    error = fault(status, body)
    assert type(error) is kind
    assert str(status) in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (google(400, "bad ratio\n  7:3", "INVALID_ARGUMENT"), "bad ratio 7:3"),
        ([google(400, "bad ratio", "INVALID_ARGUMENT")], "bad ratio"),
        (gateway("参数错误"), "参数错误"),
        ({"error": "bad"}, "bad"),
        ({"message": "bad"}, "bad"),
        ({"detail": "bad"}, "bad"),
        ({"error": {"code": 1}, "msg": "bad"}, "bad"),
        (b"<html><head><title>Bad &amp; worse</title>", "an HTML page, Bad & worse"),
        (b"<!doctype html>", "an HTML page"),
        (b"plain\nwords", "plain words"),
        (b"[]", "[]"),
        (b"\xff\xfe", "��"),
        (gateway("\ud800"), "?"),
    ],
)
def test_the_words_of_the_service_are_one_line_of_the_message(body: object, words: str) -> None:
    assert fault(400, body).message == f"the service rejected the request (400): {words}"


@pytest.mark.parametrize("body", [b"", b" \n", {}, {"error": None}, {"error": {}}])
def test_no_words_leave_nothing_dangling(body: object) -> None:
    assert not fault(400, body).message.endswith((":", " "))


def test_long_words_are_shortened() -> None:
    message = fault(400, gateway("x" * 5000)).message
    assert len(message) < 300
    assert message.endswith("x…")


@pytest.mark.parametrize(
    ("provider", "named"),
    [
        ("wisgate", ("WISDOM_GATE_KEY", "https://wisgate.ai/hall/tokens")),
        ("google", ("GEMINI_API_KEY or GOOGLE_API_KEY", "https://aistudio.google.com/apikey")),
        ("sandbox", ("nb config check",)),
        ("another", ("nb config check",)),
    ],
)
def test_a_rejected_key_names_its_variable_and_page(provider: str, named: tuple[str, ...]) -> None:
    hint = fault(401, provider=provider).hint or ""
    assert all(name in hint for name in named)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"", "the model may be retired: see `nb models`"),
        (503, gateway("", "model_not_found"), "the model may be retired: see `nb models`"),
        (413, b"", "reference images"),
        (407, b"", "HTTPS_PROXY"),
        (400, b"", "nb models"),
        (400, google(400, "", "FAILED_PRECONDITION"), "region"),
        (409, b"", "--dry-run"),
    ],
)
def test_hints(status: int, body: object, said: str) -> None:
    assert said in (fault(status, body).hint or "")


def test_a_redirect_names_the_other_host_alone() -> None:
    error = fault(308, Location="https://user:secret@evil.example/path?token=1")
    assert type(error) is Rejected
    assert "redirects to evil.example (308)" in error.message
    assert "secret" not in error.message
    assert "token" not in error.message


@pytest.mark.parametrize("status", [500, 502, 504])
def test_what_calls_no_model_costs_nothing(status: int) -> None:
    error = from_status(status, {}, b"", endpoint=Endpoint("wisgate", "https://wisgate.ai"))
    assert type(error) is Unavailable
    assert error.message == f"the service failed ({status})"


@pytest.mark.parametrize("status", [404, 503])
def test_a_model_that_is_gone_names_its_successor(nb: Nb, status: int) -> None:
    error = gateway("nothing of this name", "model_not_found")
    with WireServer(Answer(status, body=json.dumps(error).encode())) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k" * 20}
        run = nb("generate", "fox", "-m", "gemini-3-pro-image-preview", env=env)
        assert (run.code, len(server.requests)) == (7, 1)
    assert "hint: the model may be retired: try its successor with --model gemini-3-pro-image," in (
        run.err
    )


@pytest.mark.parametrize("location", ["", "/elsewhere", "https://[bad"])
def test_a_redirect_to_nowhere(location: str) -> None:
    assert "the service redirects (302)" in fault(302, Location=location).message


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (google(429, "slow", "RESOURCE_EXHAUSTED", RETRY_INFO), 34),
        (google(429, "slow", "X", {**RETRY_INFO, "retryDelay": "1.5s"}), 1.5),
        (gateway("Quota. Please retry in 34.28s."), 34.28),
        (gateway("Please retry in 882.5ms."), 0.8825),
        (gateway("Please retry in 1h2m3.5s."), 3723.5),
        (gateway("Please try again in 2m."), 120),
        (gateway(json.dumps(google(429, "slow", "X", RETRY_INFO))), 34),
        (gateway("Please retry in a while"), None),
        (gateway("您已达到请求数限制\uff1a1分钟内最多请求50次"), 60),
        (gateway("您已达到总请求数限制\uff1a3分钟内最多请求50次\uff0c包括失败次数"), 180),
        (gateway("每分钟最多 10 次"), 60),
        (gateway("30秒内请求过多"), 30),
        (gateway("maximum 50 requests per 1 minutes"), 60),
        (gateway("limit of 10 requests/min"), 60),
        (gateway(json.dumps(google(429, "slow", "X", RETRY_INFO)), kind="upstream_error"), 34),
        (gateway("try again in 20 s"), 20),
        (b"", None),
    ],
)
def test_the_wait_in_the_body(body: object, seconds: float | None) -> None:
    error = fault(429, body)
    assert isinstance(error, RateLimited)
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds))


NEVER = "Mon, 01 Jan 99999999999 00:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("0", 0),
        (formatdate(0, usegmt=True), 0),
        ("soon", 34),
        ("-1", 34),
        (NEVER, 34),
    ],
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wait_in_the_header_comes_first(status: int, header: str, seconds: float) -> None:
    error = fault(status, google(429, "", "", RETRY_INFO), Retry_After=header)
    assert isinstance(error, Unavailable)
    assert error.retry_after == seconds


def test_the_wait_until_a_date() -> None:
    error = fault(429, Retry_After=formatdate(time.time() + 60, usegmt=True))
    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(60, abs=3)


DATES = ["%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]


@pytest.mark.parametrize("ahead", [-86400 * 400, -600, 0, 600, 86400 * 400])
@pytest.mark.parametrize("form", DATES)
@pytest.mark.parametrize("other_form", DATES)
def test_the_wait_until_a_date_goes_by_the_services_clock(
    ahead: float, form: str, other_form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of this machine may be wrong, and the old form of a date names no zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    now = time.time() + ahead
    date, then = time.strftime(other_form, time.gmtime(now)), time.gmtime(now + 45)
    error = fault(429, Retry_After=time.strftime(form, then), Date=date)
    monkeypatch.undo()
    time.tzset()
    assert isinstance(error, RateLimited)
    assert error.retry_after == 45


def test_the_quota_of_a_day_is_not_worth_waiting_for() -> None:
    violation = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
    error = fault(429, google(429, "slow", "RESOURCE_EXHAUSTED", RETRY_INFO, violation))
    assert isinstance(error, RateLimited)
    assert error.resends == 0


@pytest.mark.parametrize("words", ["daily limit", "limit per day", "每日限额", "今天的次数已用"])
def test_the_words_for_a_day_are_known(words: str) -> None:
    error = fault(429, gateway(words))
    assert isinstance(error, RateLimited)
    assert error.resends == 0
    assert "tomorrow" in (error.hint or "")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://gate.example/v1", "leave /v1 out of base-url"),
        ("https://gate.example/api/v1beta", "leave /v1beta out of base-url"),
        ("https://gate.example:8443/x", "gate.example:8443 has nothing at this address"),
    ],
)
def test_the_hint_about_an_address_fits_it(url: str, said: str) -> None:
    error = from_status(404, {}, b"<html>", endpoint=Endpoint("wisgate", url))
    assert said in (error.hint or "")


def test_a_hint_about_a_key_names_its_host_and_place() -> None:
    endpoint = Endpoint("wisgate", "https://gate.example:8443/x", "k", "/home/me/key.txt")
    hint = from_status(401, {}, b"", endpoint=endpoint).hint or ""
    assert hint.startswith("gate.example:8443 got the key from /home/me/key.txt: ")
    assert "wisgate.ai" not in hint
    assert "the gateway means its own key" in hint


def test_google_is_no_gateway() -> None:
    hint = fault(401, provider="google").hint or ""
    assert hint.startswith("generativelanguage.googleapis.com got the key from GEMINI_API_KEY")
    assert "gateway" not in hint
    used_up = google(429, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED")
    assert "gateway" not in (fault(429, used_up, "google").hint or "")
    assert "the gateway means its own account" in (fault(429, used_up).hint or "")


# As google.rpc.Code has it, and gateways' own.
LABELS = [
    *(("INVALID_ARGUMENT", 400), ("FAILED_PRECONDITION", 400), ("OUT_OF_RANGE", 400)),
    *(("UNAUTHENTICATED", 401), ("PERMISSION_DENIED", 403), ("NOT_FOUND", 404)),
    *(("RESOURCE_EXHAUSTED", 429), ("CANCELLED", 499), ("INTERNAL", 500), ("UNKNOWN", 500)),
    *(("UNAVAILABLE", 503), ("DEADLINE_EXCEEDED", 504)),
    *(("insufficient_user_quota", 402), ("model_not_found", 404)),
]


@pytest.mark.parametrize(("label", "status"), LABELS)
def test_a_label_stands_for_a_status(label: str, status: int) -> None:
    assert read(json.dumps({"error": {"status": label}}).encode()).status == status


@pytest.mark.parametrize(
    ("message", "free"),
    [
        ("You will not be charged for this.", True),
        ("You have not been charged.", True),
        ("You won\u2019t be billed.", True),
        ("本次请求不会扣费", True),
        ("You will be charged.", False),
    ],
)
def test_what_the_service_says_of_money_is_believed(message: str, free: bool) -> None:
    error = fault(502, gateway(message))
    assert type(error) is OutcomeUnknown
    assert error.charged is (Charged.NO if free else Charged.MAYBE)


def test_an_internal_error_is_sent_again_once() -> None:
    error = fault(500, google(500, "An internal error has occurred.", "INTERNAL"))
    assert isinstance(error, Unavailable)
    assert error.resends == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow"}, RateLimited),
        ({"code": 0, "message": "slow", "status": "RESOURCE_EXHAUSTED"}, RateLimited),
        ({"code": "insufficient_user_quota", "message": ""}, OutOfCredit),
        ({"code": "model_not_found", "message": ""}, NotFound),
        ({"code": True, "message": "what"}, BadReply),
        ("what", BadReply),
        (["what"], BadReply),
    ],
)
def test_errors_under_200(error: object, kind: type[NbError]) -> None:
    assert type(from_200(json.dumps({"error": error}).encode())) is kind


def test_an_unknown_error_under_200_may_have_been_charged() -> None:
    error = from_200(json.dumps({"error": "what"}).encode())
    assert error.charged is Charged.MAYBE
    assert error.message == "the service reported an error (200): what"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>" + b"<title" * 150_000,
        b"Please retry in " + b"9" * 500_000 + b"h",
        b'"retryDelay": "' + b"9" * 500_000 + b's"',
        b"[" * 500_000,
        b"9" * 500_000,
        b"{" * 500_000,
        b'{"error":' * 50_000,
        b"model " * 80_000,
        b"image " * 80_000,
        b"not support route IP " * 25_000,
        "每1".encode() * 100_000,
    ],
    ids=lambda body: body[:9].decode("utf-8", "ignore"),
)
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_hostile_text_costs_no_time(body: bytes, status: int) -> None:
    # Of the processor: other programs may keep it busy.
    started = time.process_time()
    fault(status, body)
    fault(status, gateway(body.decode()))
    assert time.process_time() - started < 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "status", "type", "details"]), inner
        )
    ),
    max_leaves=8,
)


@given(
    st.integers(100, 999),
    JSON.map(lambda value: json.dumps(value).encode()) | st.binary(),
    st.text(),
)
def test_anything_makes_an_error_of_one_short_line(status: int, body: bytes, header: str) -> None:
    if 200 <= status < 300:
        return
    headers = {"Retry-After": header, "Location": header}
    endpoint = Endpoint("wisgate", "https://wisgate.ai")
    message = from_status(status, headers, body, endpoint=endpoint).message
    assert "\n" not in message
    assert len(message) < 400
    message.encode()
