"""Turn HTTP statuses other than 2xx into nb's errors. Pure, except for the clock.

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
# After these nobody can say whether an image was made: something between here and the model gave
# up waiting.
_UNKNOWN_4XX = frozenset({408, 499})

# The labels of an `error` object in a 200 reply whose `code` is not a number.
_STATUS_OF_LABEL = {
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
    """Return the error for a reply other than 2xx, with the service's own message in it.

    Args:
        status: the HTTP status.
        headers: the reply's; a mapping that ignores case.
        body: as much of it as has arrived.
        provider: a name from the catalog, for the hint about its key.
    """
    error = read(body)
    if 300 <= status < 400:
        return _redirect(status, headers)
    if 400 <= status < 500:
        return _client_error(status, headers, error, provider)
    if status == 503 and "model_not_found" in error.labels:
        return _unknown_model(status, error)
    if status == 503:
        return Unavailable(
            _message("the service is overloaded", status, error),
            retry_after=_retry_after(headers, error),
        )
    if status == 500:
        return Unavailable(
            _message("the service failed", status, error),
            retry_after=_retry_after(headers, error),
            resends=1,
        )
    return OutcomeUnknown(_message("the service did not finish", status, error))


def from_200(body: bytes | bytearray) -> NbError:
    """Return the error for a reply with status 200 that holds an `error` object.

    Args:
        body: JSON with an `error` member.
    """
    error = read(body)
    if error.code is not None and 400 <= error.code <= 599:
        return from_status(error.code, {}, body, provider="")
    for label in error.labels:
        if status := _STATUS_OF_LABEL.get(label.upper()):
            return from_status(status, {}, body, provider="")
    return Rejected(_message("the service reported an error", 200, error), charged=Charged.MAYBE)


def _client_error(
    status: int, headers: Mapping[str, str], error: ErrorBody, provider: str
) -> NbError:
    if status == 402 or (status in (403, 429) and _OUT_OF_CREDIT.search(error.everything)):
        return OutOfCredit(_message("the account is out of credit", status, error))
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(error.everything)):
        return KeyRejected(
            _message("the key was rejected", status, error), hint=_key_hint(provider)
        )
    if status == 404 or "model_not_found" in error.labels:
        return _unknown_model(status, error)
    if status == 429:
        return RateLimited(
            _message("rate limited", status, error),
            retry_after=_retry_after(headers, error),
            # A day's quota is not renewed before tomorrow.
            resends=0 if "PerDay" in error.everything else None,
        )
    if status in _UNKNOWN_4XX:
        return OutcomeUnknown(_message("the service gave up waiting", status, error))
    return Rejected(
        _message("the service rejected the request", status, error), hint=_hint(status, error)
    )


def _hint(status: int, error: ErrorBody) -> str | None:
    if status == 413:
        return "use fewer or smaller reference images"
    if status == 407:
        return "check the user and password in HTTPS_PROXY"
    if "FAILED_PRECONDITION" in error.labels:
        return "the service is not available to this account: check its region and billing"
    if status == 400:
        return "see `nb models` for the ratios and sizes that each model accepts"
    return "run it with --dry-run to see the request"


def _unknown_model(status: int, error: ErrorBody) -> Rejected:
    return Rejected(
        _message("not found", status, error), hint="the model may be retired: see `nb models`"
    )


def _redirect(status: int, headers: Mapping[str, str]) -> Rejected:
    try:
        host = urlsplit(headers.get("Location", "")).hostname
    except ValueError:
        host = None
    target = f" to {host}" if host else ""
    return Rejected(
        f"the service redirects{target} ({status}); not followed, since the key would go along",
        hint="if the service has moved there, set the new address: `nb config set base-url`",
    )


def _key_hint(name: str) -> str:
    provider = PROVIDERS.get(name)
    if provider is None or not provider.needs_key:
        return "run `nb config check` to see which key is used"
    variables = " or ".join(provider.key_variables)
    return f"check {variables} with `nb config check`, or get a key at {provider.key_page}"


def _message(what: str, status: int, error: ErrorBody) -> str:
    return f"{what} ({status}): {error.message}" if error.message else f"{what} ({status})"


def _retry_after(headers: Mapping[str, str], error: ErrorBody) -> float | None:
    """Return the seconds that the service asks to wait, wherever it says so."""
    seconds = _from_header(headers.get("Retry-After", "").strip())
    if seconds is not None:
        return seconds
    if found := _RETRY_DELAY.search(error.everything):
        return float(found[1])
    if found := _RETRY_IN.search(error.everything):
        hours, minutes, amount, unit = found.groups(default="0")
        seconds = float(amount) / 1000 if unit == "ms" else float(amount)
        return int(hours) * 3600 + int(minutes) * 60 + seconds
    return None


def _from_header(value: str) -> float | None:
    """Parse `Retry-After`: seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", value, re.ASCII):
        return float(value)
    date = parsedate_tz(value)
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - time.time())
    except (ValueError, OverflowError):
        return None
