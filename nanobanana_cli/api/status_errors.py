"""What a status other than 2xx means: its table, as one function. Pure, but for the clock.

Sources: Google's error model (`google.rpc.Status`), the shapes that gateways flatten it to, and
reports of what each of them charges for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from urllib.parse import urlsplit

from nanobanana_cli.api.error_body import ErrorBody, read
from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import (
    Charged,
    KeyRejected,
    NbError,
    OutcomeUnknown,
    OutOfCredit,
    RateLimited,
    Rejected,
    Unavailable,
)

_BAD_KEY = re.compile(r"API_KEY_INVALID|API key (?:not valid|expired|not found)", re.IGNORECASE)
_OUT_OF_CREDIT = re.compile(
    r"insufficient[_ ](?:user[_ ])?(?:account[_ ])?(?:quota|balance|credits?|funds)"
    r"|credits? (?:are |is |have been |has been )?(?:depleted|exhausted|used up)"
    r"|(?:out of|not enough|no) credits?\b"
    r"|quota is not enough"
    r"|额度不足|余额不足|额度已用尽|额度失败|欠费",
    re.IGNORECASE,
)
_RETRY_DELAY = re.compile(r"retryDelay\W+(\d{1,9}(?:\.\d{1,9})?)s")
_RETRY_IN = re.compile(
    r"(?:retry|try again) in (?=\d)"
    r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)(ms|s))?"
)
# Statuses after which nobody can say whether a picture was made: something between here and the
# model gave up waiting.
_UNKNOWN_4XX = frozenset({408, 499})

# What stands in an `error` object under HTTP 200, where its `code` is no number.
_NAMED = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "INSUFFICIENT_USER_QUOTA": 402,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "MODEL_NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def from_status(
    status: int, headers: Mapping[str, str], body: bytes | bytearray, *, provider: str
) -> NbError:
    """The error that an answer other than 2xx stands for; its message has the service's words.

    Args:
        status: the HTTP status.
        headers: the answer's; must find a name whatever its case.
        body: as much of it as came.
        provider: a name from the catalog, for the hint about its key.
    """
    report = read(body)
    if 300 <= status < 400:
        return _redirect(status, headers)
    if 400 <= status < 500:
        return _client_error(status, headers, report, provider)
    if status == 503 and not report.names("model_not_found"):
        return Unavailable(
            _line("the service is overloaded", status, report),
            retry_after=_retry_after(headers, report),
        )
    if status == 503:
        return _unknown_model(status, report)
    if status == 500:
        return Unavailable(
            _line("the service failed", status, report),
            retry_after=_retry_after(headers, report),
            resends=1,
        )
    return OutcomeUnknown(_line("the service broke off", status, report))


def under_200(body: bytes | bytearray) -> NbError:
    """The same for an `error` object that came as if all were well.

    Args:
        body: JSON with an `error` member.
    """
    report = read(body)
    if report.code is not None and 400 <= report.code <= 599:
        return from_status(report.code, {}, body, provider="")
    for name in report.labels:
        if name.upper() in _NAMED:
            return from_status(_NAMED[name.upper()], {}, body, provider="")
    return Rejected(_line("the service reported an error", 200, report), charged=Charged.MAYBE)


def _client_error(
    status: int, headers: Mapping[str, str], report: ErrorBody, provider: str
) -> NbError:
    if status == 402 or (status in (403, 429) and _OUT_OF_CREDIT.search(report.everything)):
        return OutOfCredit(_line("the account is out of credit", status, report))
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(report.everything)):
        return KeyRejected(_line("the key was rejected", status, report), hint=_key_hint(provider))
    if status == 404 or report.names("model_not_found"):
        return _unknown_model(status, report)
    if status == 429:
        return RateLimited(
            _line("rate limited", status, report),
            retry_after=_retry_after(headers, report),
            # The day's quota comes back tomorrow.
            resends=0 if "PerDay" in report.everything else None,
        )
    if status in _UNKNOWN_4XX:
        return OutcomeUnknown(_line("the service gave up waiting", status, report))
    return Rejected(
        _line("the service rejected the request", status, report), hint=_hint(status, report)
    )


def _hint(status: int, report: ErrorBody) -> str | None:
    if status == 413:
        return "use fewer or smaller reference images"
    if status == 407:
        return "check the user and password in HTTPS_PROXY"
    if report.names("FAILED_PRECONDITION"):
        return "the service is not open to this account: check its region and its billing"
    if status == 400:
        return "see `nb models` for the ratios and sizes that each model takes"
    return "`--dry-run` shows the request"


def _unknown_model(status: int, report: ErrorBody) -> Rejected:
    return Rejected(
        _line("not found", status, report), hint="the model may be retired: see `nb models`"
    )


def _redirect(status: int, headers: Mapping[str, str]) -> Rejected:
    try:
        host = urlsplit(headers.get("Location", "")).hostname
    except ValueError:
        host = None
    target = f" to {host}" if host else ""
    return Rejected(
        f"the service redirects{target} ({status}), which is not followed: the key would go along",
        hint="if that is where the service lives now, set it: `nb config set base-url`",
    )


def _key_hint(name: str) -> str:
    provider = PROVIDERS.get(name)
    if provider is None or not provider.needs_key:
        return "check which key is used: `nb config check`"
    variables = " or ".join(provider.key_variables)
    return f"check {variables}, or get a key at {provider.key_page}; `nb config check` tells more"


def _line(what: str, status: int, report: ErrorBody) -> str:
    return f"{what} ({status}): {report.message}" if report.message else f"{what} ({status})"


def _retry_after(headers: Mapping[str, str], report: ErrorBody) -> float | None:
    """Seconds that the service asks to wait, wherever it says so."""
    seconds = _from_header(headers.get("Retry-After", "").strip())
    if seconds is not None:
        return seconds
    if found := _RETRY_DELAY.search(report.everything):
        return float(found[1])
    if found := _RETRY_IN.search(report.everything):
        hours, minutes, amount, unit = found.groups(default="0")
        seconds = float(amount) / 1000 if unit == "ms" else float(amount)
        return int(hours) * 3600 + int(minutes) * 60 + seconds
    return None


def _from_header(value: str) -> float | None:
    """`Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value, re.ASCII):
        return float(value)
    date = parsedate_tz(value)
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - time.time())
    except (ValueError, OverflowError):
        return None
