"""Parse the body of an error, in any of the shapes that services send. Pure.

Google: `{"error": {"code", "message", "status", "details"}}`, sometimes as the one element of a
list. Gateways: `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message": "…"}`,
`{"success": false, …}`, `{"code": 500, "msg": "…"}`, a page of HTML, plain text, or nothing; and
the error of the service behind them as an object, as JSON or as Python's repr in their message.
"""

from __future__ import annotations

import html
import json
import re
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from nanobanana_cli.types import Data
from nanobanana_cli.ui.escape import one_line

_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)
_NOT_CHARGED = re.compile(
    r"(?:not|never|n['\u2019]t) (?:be(?:en)? )?(?:charged|billed)\b"
    # These speak of something beside the call.
    r"(?! (?:again|twice|separately|extra|more))"
    r"|without charge"
    r"|(?:不会?|未|没有)被?(?:收费|计费|扣费|扣除)",
    re.IGNORECASE,
)
_WORDS = ("message", "msg", "detail", "error_description", "errmsg", "error", "errors")
_GOOGLES = {"code", "message", "status", "details"}
# What Python's repr has in place of JSON's words.
_JSON_OF_PYTHON = {"True": "true", "False": "false", "None": "null"}
_PYTHON = re.compile(r"(?<=[:\[,] )(?:True|False|None)\b")
_LONGEST_TEXT = 1 << 16
_LONGEST_MESSAGE = 4000
_DEEPEST = 8
_BRACES = 16

# In a reply with status 200: what makes it one, and the codes that are no error.
_REPLY_FIELDS = {"candidates", "promptFeedback", "prompt_feedback"}
_GOOD_CODES = frozenset({"0", "200", "ok", "success"})

# The names of `google.rpc.Code`, and of gateways' codes, with the HTTP status that they stand for.
_STATUS_OF_LABEL = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "INSUFFICIENT_USER_QUOTA": 402,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "MODEL_NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ErrorBody(msgspec.Struct, frozen=True):
    """The parsed body of an error.

    Args:
        message: the innermost words, on one line; "" if there are none.
        labels: `status`, `type` and `code` of every level, as far as these are strings.
        status: the HTTP status that the innermost `status` or `code` stands for.
        is_json: True if the body is a JSON object, or a list of them.
        is_nested: True if `status` is that of another service's error inside this one.
        is_flat_google: True if the body is one error in Google's own shape.
        everything: the whole text, to search for what has no fixed place.
    """

    message: str
    labels: tuple[str, ...] = ()
    status: int | None = None
    is_json: bool = False
    is_nested: bool = False
    is_flat_google: bool = False
    everything: str = ""

    @property
    def says_not_charged(self) -> bool:
        """Return True if the service says that it does not charge."""
        return says_not_charged(self.message)


def read(body: bytes | bytearray) -> ErrorBody:
    """Parse an error's body; never fail."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return ErrorBody(
            message=one_line(_plain(text), _LONGEST_MESSAGE), everything=text[:_LONGEST_TEXT]
        )
    levels, words = _unwrap(value)
    # The words again, without JSON's escapes: they may be Chinese.
    everything = f"{text[:_LONGEST_TEXT]} {words[:_LONGEST_TEXT]}"
    if not levels:
        words = words or ("" if isinstance(value, dict) else text)
        return ErrorBody(
            message=one_line(words, _LONGEST_MESSAGE),
            is_json=isinstance(value, dict),
            everything=everything,
        )
    statuses = [_status(level) for level in levels]
    named = next((n for n in reversed(range(len(levels))) if statuses[n] is not None), 0)
    labels = tuple(label for level in levels for label in _labels(level))
    return ErrorBody(
        message=one_line(words, _LONGEST_MESSAGE),
        labels=labels,
        status=statuses[named],
        is_json=True,
        is_nested=named > 0,
        is_flat_google=len(levels) == 1 and {"status"} <= levels[0].keys() <= _GOOGLES,
        everything=everything,
    )


def is_error(body: Data) -> bool:
    """Return True if a short reply with status 200 says that it is an error, as gateways do."""
    try:
        value = json.loads(bytes(body), strict=False)
    except (ValueError, RecursionError):
        return False
    chunks = value if isinstance(value, list) else [value]
    if any(isinstance(each, dict) and _holds_reply(each) for each in chunks):
        return False
    return bool(chunks) and isinstance(chunks[0], dict) and _reports_error(chunks[0])


def says_not_charged(words: str) -> bool:
    """Return True if the service's own words say that the call is free."""
    return _NOT_CHARGED.search(words) is not None


def page_title(text: str) -> str | None:
    """Return an HTML page's title, "" if it has none; None if `text` is not HTML."""
    if not _HTML.match(text):
        return None
    title = _TITLE.search(text)
    return html.unescape(title[1]) if title else ""


def _plain(text: str) -> str:
    title = page_title(text)
    if title is None:
        return text
    return f"an HTML page, {title}" if title else "an HTML page"


def _unwrap(value: Any) -> tuple[list[dict[str, Any]], str]:
    """Return the errors in a body, the outermost first, and the innermost words."""
    levels: list[dict[str, Any]] = []
    words = ""
    for _ in range(_DEEPEST):
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str):
            words = value or words
            value = _embedded(value)
        if not isinstance(value, dict) or not value:
            break
        level, value = _level(value)
        levels.append(level)
    return levels, words


def _level(value: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return one error's own members, and its words: text, another error, or None."""
    inner = value.get("error") or value.get("errors")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    rest = {name: each for name, each in value.items() if name not in ("error", "errors")}
    own = inner if isinstance(inner, dict) else {"error": inner}
    words = (source.get(name) for source in (own, rest) for name in _WORDS)
    found = next((each for each in words if each and isinstance(each, str | dict | list)), None)
    return rest | own, found


def _labels(level: dict[str, Any]) -> list[str]:
    found = (level.get(name) for name in ("status", "code", "type", "reason"))
    return [label for label in found if isinstance(label, str) and label]


def _status(level: dict[str, Any]) -> int | None:
    for label in _labels(level):
        if label.upper() in _STATUS_OF_LABEL:
            return _STATUS_OF_LABEL[label.upper()]
    for name in ("code", "status", "status_code", "statusCode"):
        code = level.get(name)
        if isinstance(code, str) and re.fullmatch(r"\d{3}", code, re.ASCII):
            code = int(code)
        if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599:
            return code
    return None


def _embedded(text: str) -> dict[str, Any] | None:
    """Return the error that a text holds, as JSON, escaped JSON, or Python's repr."""
    text = text[:_LONGEST_TEXT]
    plain = text.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")
    from_repr = _PYTHON.sub(lambda word: _JSON_OF_PYTHON[word[0]], plain.replace("'", '"'))
    for variant in (text, plain, from_repr):
        if (found := _first_error(variant)) is not None:
            return found
    return None


def _first_error(text: str) -> dict[str, Any] | None:
    decoder = json.JSONDecoder(strict=False)
    for brace in islice(re.finditer(r"\{", text), _BRACES):
        with suppress(ValueError, RecursionError):
            value, _ = decoder.raw_decode(text, brace.start())
            if _is_error(value):
                return value  # type: ignore[no-any-return]
    return None


def _is_error(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(("error", *_WORDS))


def _holds_reply(value: dict[str, Any]) -> bool:
    inner = (value.get(name) for name in ("response", "data", "result"))
    lists = [each if isinstance(each, list) else [each] for each in inner]
    found = (value, *(each for chunks in lists for each in chunks))
    return any(_REPLY_FIELDS & each.keys() for each in found if isinstance(each, dict))


def _reports_error(value: dict[str, Any]) -> bool:
    if value.get("error") or value.get("errors") or value.get("success") is False:
        return True
    if value.get("success") is True or str(value.get("code")).lower() in _GOOD_CODES:
        return False
    return any(isinstance(value.get(name), str) and value[name] for name in ("message", "msg"))
