"""Errors of every shape that services send, grown at random around words and statuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
from requests.structures import CaseInsensitiveDict
from support import fuzzing

from nanobanana_cli.api import status_errors
from nanobanana_cli.api.error_body import read
from nanobanana_cli.api.retry_after import seconds_to_wait
from nanobanana_cli.errors import Charged, ExitCode, NbError
from nanobanana_cli.types import Endpoint

_ENDPOINT = Endpoint("wisgate", "https://wisgate.ai", "sk-0123456789abcdef")
_MODEL = "gemini-3.1-flash-image-preview"
# Of no meaning to any pattern.
_WORDS = "quokka xylophone"
_LABELS = ("new_api_error", "upstream_error", "INVALID_ARGUMENT", "do_request_failed", "", "400")
_labels = st.sampled_from(_LABELS) | st.sampled_from((400, 500, 0, None))

_WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "error": lambda inner: {"error": {"message": inner, "code": "x"}},
    "google": lambda inner: {
        "error": {"code": 400, "message": inner, "status": "INVALID_ARGUMENT"}
    },
    "plain": lambda inner: {"message": inner, "type": "error"},
    "msg": lambda inner: {"code": 500, "msg": inner},
    "string": lambda inner: {"error": inner},
    "success": lambda inner: {"success": False, "message": inner},
    "list": lambda inner: [{"error": {"message": inner}}],
    "errors": lambda inner: {"errors": [{"message": inner}]},
    "detail": lambda inner: {"detail": inner},
}
_PREFIXES = ("", "upstream: ", "litellm.BadRequestError: GeminiException - ", "status 400, ")
_SUFFIXES = ("", " (request id: 2026)", "\n", ". Received Model Group=x")


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """An error that holds `_WORDS`, in errors of other services around it."""
    value: Any = _WORDS
    for _ in range(draw(st.integers(1, 5))):
        if isinstance(value, list):
            value = value[0]
        if isinstance(value, dict) and draw(st.booleans()):
            # Python's repr comes around objects, not around the JSON of another service.
            is_repr = draw(st.integers(0, 3)) == 0 and '{"' not in str(value)
            text = repr(value) if is_repr else json.dumps(value)
            value = draw(st.sampled_from(_PREFIXES)) + text + draw(st.sampled_from(_SUFFIXES))
        value = _WRAPPERS[draw(st.sampled_from(sorted(_WRAPPERS)))](value)
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode()


@hypothesis.given(_bodies())
def test_the_innermost_words_are_found_in_any_shape(body: bytes) -> None:
    message = read(body).message
    assert _WORDS in message
    assert "{" not in message


@hypothesis.given(_bodies(), st.sampled_from((500, 502, 504, 520, 524, 408)))
def test_what_may_have_been_paid_is_never_said_to_be_free(body: bytes, status: int) -> None:
    found = _from_status(status, body)
    google = json.loads(body)
    is_googles = status == 500 and isinstance(google, dict) and "status" in google.get("error", {})
    if not is_googles:
        assert found.charged is not Charged.NO or found.code is not ExitCode.UNAVAILABLE


def _from_status(status: int, body: bytes, **headers: str) -> NbError:
    return status_errors.from_status(
        status, CaseInsensitiveDict(headers), body, endpoint=_ENDPOINT, model=_MODEL
    )


_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("error", "errors", "message", "msg", "code", "status", "type", "details", "reason")
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@hypothesis.given(
    st.integers(200, 599),
    _junk.map(json.dumps).map(str.encode) | st.binary(max_size=60),
    st.text(max_size=20) | st.sampled_from(("inf", "-1", "1e400", "Fri, 31 Dec 9999 23:59:59 GMT")),
)
def test_any_body_becomes_an_error_with_a_status_of_its_own(
    status: int, body: bytes, retry_after: str
) -> None:
    headers = {"Retry-After": retry_after}
    found = status_errors.from_200(body) if status < 300 else _from_status(status, body, **headers)
    assert found.code not in (ExitCode.OK, ExitCode.DEFECT, ExitCode.USAGE)
    assert "\n" not in found.message
    found.message.encode()
    (found.hint or "").encode()
    wait = seconds_to_wait(CaseInsensitiveDict(headers), body.decode("utf-8", "replace"))
    assert wait is None or 0 <= wait < float("inf")


_TOKENS = (
    *('{"error":', '{"message":"', '\\"', "\\", '"', "{", "}", "[", "]", "'", "{'error': ", " "),
    *("retry in ", "34.28s", "1分钟内最多请求50次", "分钟", "9", ".", "s", "retryDelay", ":", "\n"),
    *(
        "limit: 0",
        "quota",
        "<title>",
        "<html>",
        "<",
        ">",
        "&",
        "&#",
        "not be ",
        "charged",
        "(",
        ")",
    ),
    *("insufficient", "balance", "sk-", "***", "no available channel", "model", "please ", "try "),
)


@hypothesis.given(
    st.lists(st.sampled_from(_TOKENS), max_size=4),
    st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=4),
    st.lists(st.sampled_from(_TOKENS), max_size=4),
    st.sampled_from((200, 400, 401, 403, 404, 429, 500, 503)),
)
def test_no_body_takes_long_to_read(
    before: list[str], again: list[str], after: list[str], status: int
) -> None:
    piece = "".join(again)
    body = ("".join(before) + piece * (50_000 // len(piece)) + "".join(after)).encode()
    with fuzzing.soon():
        if status == 200:
            status_errors.from_200(body)
        else:
            _from_status(status, body)
