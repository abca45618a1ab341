"""Parse the body of an error, in any of the shapes that services send. Pure.

Google: `{"error": {"code", "message", "status", "details"}}`, sometimes as the one element of a
list. Gateways: `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message": "…"}`, a
page of HTML, plain text, or nothing.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

import msgspec

from nanobanana_cli.ui.escape import one_line

_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)


class ErrorBody(msgspec.Struct, frozen=True):
    """The parsed body of an error.

    Args:
        message: on one line, shortened; "" if there is none.
        labels: its `status`, `type` and `code`, as far as these are strings.
        code: its `code`, if that is a number.
        everything: the whole text, to search for what has no fixed place.
    """

    message: str
    labels: tuple[str, ...] = ()
    code: int | None = None
    everything: str = ""


def read(body: bytes | bytearray) -> ErrorBody:
    """Parse an error's body; never fail."""
    text = body.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return ErrorBody(message=one_line(_plain(text)), everything=text)
    if isinstance(value, list) and value:
        value = value[0]
    return _from_json(value, text)


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


def _from_json(value: Any, text: str) -> ErrorBody:
    error = (value.get("error") or value) if isinstance(value, dict) else value
    if isinstance(error, str):
        return ErrorBody(message=one_line(error), everything=f"{text} {error}")
    if not isinstance(error, dict):
        return ErrorBody(message=one_line(text), everything=text)
    message = next(
        (
            candidate
            for source in (error, value)
            for name in ("message", "msg", "detail")
            if isinstance(candidate := source.get(name), str) and candidate
        ),
        "",
    )
    code = error.get("code")
    labels = (error.get("status"), error.get("type"), code)
    return ErrorBody(
        message=one_line(message),
        labels=tuple(label for label in labels if isinstance(label, str)),
        code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        # The message again, without JSON's escapes: it may be Chinese, or itself JSON.
        everything=f"{text} {message}",
    )
