"""Find out how long a service asks to wait, wherever it says so. Pure, except for the clock."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz

_RETRY_DELAY = re.compile(r"retryDelay\W+(\d{1,9}(?:\.\d{1,9})?)s")
_RETRY_IN = re.compile(
    r"(?:retry|try again) (?:in|after) (?=\d)"
    r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?) ?(ms|s))?"
)
# "1分钟内最多请求50次", "maximum 50 requests per 1 minutes", "50 requests/min".
_WINDOW = re.compile(
    r"(?:每|(?<!\d)(\d{1,6}) ?个?)(秒|分钟?|小时)"
    r"|(?:requests?|times|calls?|images?) ?(?:per|/|every|in|within) ?(\d{1,6})? ?"
    r"(s|sec|second|m|min|minute|h|hour)s?\b",
    re.IGNORECASE,
)
_SECONDS = {"秒": 1, "分": 60, "小": 3600, "s": 1, "m": 60, "h": 3600}
_DAY = re.compile(
    r"per[ _]?day|\bdaily\b|/ ?day\b|(?:一|每|当|今|单)(?:天|日)|24 ?小时|1 ?天", re.IGNORECASE
)


def seconds_to_wait(headers: Mapping[str, str], text: str) -> float | None:
    """Return the seconds that the service asks to wait; None if it does not say.

    Args:
        headers: the reply's; a mapping that ignores case.
        text: the reply's body, with and without JSON's escapes.
    """
    seconds = _from_header(headers.get("Retry-After", "").strip(), headers.get("Date", ""))
    if seconds is not None:
        return seconds
    if found := _RETRY_DELAY.search(text):
        return float(found[1])
    if found := _RETRY_IN.search(text):
        hours, minutes, amount, unit = found.groups(default="0")
        seconds = float(amount) / 1000 if unit == "ms" else float(amount)
        return int(hours) * 3600 + int(minutes) * 60 + seconds
    if found := _WINDOW.search(text):
        count, unit = found[1] or found[3] or "1", found[2] or found[4]
        return float(int(count) * _SECONDS[unit[0].lower()])
    return None


def is_for_a_day(text: str) -> bool:
    """Return True if the text names a quota that is not renewed before tomorrow."""
    return _DAY.search(text) is not None


def _from_header(value: str, now: str) -> float | None:
    """Parse `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3).

    Args:
        value: the header's.
        now: the date of the answer, by the same clock, which need not be that of this machine.
    """
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value, re.ASCII):
        return float(value)
    then = _seconds(value)
    if then is None:
        return None
    return max(0.0, then - (_seconds(now) or time.time()))


def _seconds(date: str) -> float | None:
    """Return an HTTP date in seconds since the epoch; None if it is not one."""
    parsed = parsedate_tz(date)
    if parsed is None:
        return None
    try:
        # Without a zone, as in the oldest of its forms, it is GMT all the same.
        return float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None
