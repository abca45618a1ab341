"""Turn HTTP statuses other than 2xx, and errors under 200, into nb's errors.

Pure, except for the clock. Sources: Google's error model (`google.rpc.Status`), the source of the
gateways new-api and LiteLLM, and reports of what each of them charges for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from nanobanana_cli.api import error_hints as hints
from nanobanana_cli.api.error_body import ErrorBody, read
from nanobanana_cli.api.retry_after import is_for_a_day, seconds_to_wait
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    KeyRejected,
    NbError,
    NoImage,
    NotFound,
    OutcomeUnknown,
    OutOfCredit,
    RateLimited,
    Rejected,
    Unavailable,
    Unreachable,
)
from nanobanana_cli.types import Data, Endpoint
from nanobanana_cli.ui.escape import one_line

_BAD_KEY = re.compile(
    r"API_KEY_INVALID|API key (?:not valid|is invalid|expired|not found)"
    # LiteLLM, which looks for keys in a database that it may not have.
    r"|no_db_connection|No connected db|无效的令牌|令牌无效",
    re.IGNORECASE,
)
_CREDIT_LABELS = frozenset(
    {"insufficient_user_quota", "insufficient_quota", "pre_consume_token_quota_failed"}
)
_OUT_OF_CREDIT = re.compile(
    r"insufficient[_ ](?:user[_ ]|token[_ ])?(?:account[_ ])?(?:quota|balance|credits?|funds)"
    r"|pre_consume_token_quota_failed|TokenStatusExhausted"
    r"|credits? (?:balance )?(?:(?:are|is|ha(?:ve|s) been) )?(?:depleted|exhausted|used up|too low)"
    r"|(?:balance|credits?|funds) (?:is |are )?(?:insufficient|not enough|exhausted|too low)"
    r"|(?:out of|not enough|no|run out of) (?:credits?|balance|funds)\b"
    r"|(?:token|user) quota (?:is not enough|(?:is |has been )?exhausted)|quota is not enough"
    r"|(?:额度|余额|配额|积分|点数)(?:已经?)?(?:不足|不够|失败|用尽|用完|耗尽)|欠费|请.{0,4}充值",
    re.IGNORECASE,
)
_CAP = re.compile(
    r"(?:spend(?:ing)?|billing|budget|hard)[ _-](?:hard )?(?:cap|limit)\b"
    r"|budget (?:has been )?exceeded|budget_exceeded|消费(?:上限|限额)",
    re.IGNORECASE,
)
_NO_FREE_TIER = re.compile(r"\blimit\"?: \"?0(?![\d.])|\"quotaValue\": ?\"0\"", re.IGNORECASE)
_NO_CHANNEL = re.compile(
    r"model_not_found|no available channels?\b|无可用(?:渠道|通道)|没有可用(?:的)?(?:渠道|通道)",
    re.IGNORECASE,
)
_SENSITIVE = re.compile(
    r"sensitive_words?_detected|sensitive words? (?:(?:was|were) )?detected|敏感词", re.IGNORECASE
)
# The codes of a gateway that gave up before it called anyone.
_BEFORE_THE_CALL = frozenset({"model_price_error", "get_channel_failed", "convert_request_failed"})
_BUSY = re.compile(
    r"(?:system|server|service) (?:is )?(?:too )?busy|channel failed"
    r"|(?:系统|服务器?|渠道)(?:繁忙|忙)|负载(?:已经?)?(?:饱和|过高)",
    re.IGNORECASE,
)
_TRY_AGAIN = re.compile(
    r"\bbusy\b|overload|(?:try|retry)(?: it)?(?: again)? later|please (?:try again|retry)"
    r"|繁忙|稍[后候]再?(?:重?试)|过载",
    re.IGNORECASE,
)
_AFTER_THE_CALL = re.compile(r"request|response|upstream|invoke|timeout", re.IGNORECASE)
# After these nobody can say whether an image was made: something between here and the model gave
# up waiting.
_UNKNOWN_4XX = frozenset({408, 499})
_LONGEST_DETAILS = 20_000


def from_status(
    status: int,
    headers: Mapping[str, str],
    body: bytes | bytearray,
    *,
    endpoint: Endpoint,
    model: str = "",
) -> NbError:
    """Return the error for a reply other than 2xx, with the service's own words in it.

    Args:
        status: the HTTP status.
        headers: the reply's; a mapping that ignores case.
        body: as much of it as has arrived.
        endpoint: what was called, for the hints.
        model: the model that was called; "" for another call, which cannot have been charged.
    """
    error = read(body)
    if 300 <= status < 400:
        return _redirect(status, headers)
    found = _cause(status, headers, error, endpoint, model)
    if not model and isinstance(found, OutcomeUnknown):
        found = Unavailable(_message("the service failed", status, error))
    return _finished(found, error)


def from_200(body: Data, endpoint: Endpoint | None = None, model: str = "") -> NbError:
    """Return the error for a reply with status 200 that holds an error in place of candidates.

    Args:
        body: JSON.
        endpoint, model: what was called, for the hints.
    """
    error = read(bytes(body))
    return _finished(_cause(200, {}, error, endpoint or Endpoint("", ""), model), error)


def _finished(found: NbError, error: ErrorBody) -> NbError:
    """Add to an error what does not depend on its kind."""
    found.details = one_line(error.everything, _LONGEST_DETAILS)
    if error.says_not_charged:
        found.charged = Charged.NO
        if isinstance(found, OutcomeUnknown):
            found.hint = "run the same command again later"
    return found


def _cause(
    http: int, headers: Mapping[str, str], error: ErrorBody, endpoint: Endpoint, model: str
) -> NbError:
    """Return the error for what went wrong, whichever status it was reported with."""
    status = _effective(http, error)
    # A message may quote the prompt: where a label says that a call was made, labels alone count.
    is_after = any(map(_AFTER_THE_CALL.search, error.labels))
    if _SENSITIVE.search(" ".join(error.labels) if is_after else error.everything):
        return NoImage(
            _message("the prompt was blocked before the call", http, error),
            hint="rephrase the prompt without the words that the gateway names",
            charged=Charged.NO,
        )
    if credit := _credit(status, http, error, endpoint):
        return credit
    if http == 403 and not error.is_json:
        # No JSON: not from the service, but from something before it.
        return Unreachable(
            _message(f"blocked before it reached {hints.host(endpoint)}", http, error),
            hint="a firewall or bot filter does not let this network through: try another network,"
            " or without VPN and proxy; the key was not looked at",
            resends=0,
        )
    if status in (401, 403) or (status == 400 and _BAD_KEY.search(error.everything)):
        return _key(status, http, error, endpoint)
    if status == 404 or _NO_CHANNEL.search(error.everything):
        is_of_address = status == 404 and hints.is_of_address(error)
        hint = hints.of_address(endpoint) if is_of_address else hints.of_model(model)
        return NotFound(_message("not found", http, error), hint=hint)
    return _by_status(status, http, headers, error, endpoint)


def _by_status(
    status: int, http: int, headers: Mapping[str, str], error: ErrorBody, endpoint: Endpoint
) -> NbError:
    if status in (429, 503) and (http in (502, 504) or http >= 520):
        return OutcomeUnknown(_message("the service did not finish", http, error))
    if status == 429:
        return _rate_limit(http, headers, error)
    if status == 503:
        return _overloaded(http, headers, error)
    if status == 500:
        return _internal(http, headers, error, endpoint)
    if status == 200:
        return BadReply(_message("the service reported an error", http, error))
    if 400 <= status < 500 and status not in _UNKNOWN_4XX:
        return Rejected(
            _message("the service rejected the request", http, error),
            hint=hints.of_request(status, error, endpoint),
        )
    return OutcomeUnknown(_message("the service did not finish", http, error))


def _effective(http: int, error: ErrorBody) -> int:
    """Return the status of the service that failed, which a gateway may relay with its own."""
    if error.status is not None and (error.is_nested or http in (200, 400, 500)):
        return error.status
    return http


def _credit(status: int, http: int, error: ErrorBody, endpoint: Endpoint) -> OutOfCredit | None:
    text = error.everything
    is_named = not _CREDIT_LABELS.isdisjoint(label.lower() for label in error.labels)
    if not is_named and status not in (200, 400, 401, 402, 403, 429):
        return None
    where, own = hints.host(endpoint), ""
    if not hints.is_google(endpoint) and (error.is_nested or "RESOURCE_EXHAUSTED" in error.labels):
        own = "\nor the gateway means its own account with the service behind it"
    if status != 400 and _NO_FREE_TIER.search(text):
        return OutOfCredit(
            _message("no free tier for this model", http, error),
            hint="enable billing for the key's project: images have no free tier" + own,
        )
    if _CAP.search(text):
        return OutOfCredit(
            _message("a spending cap is reached", http, error),
            hint=f"raise the cap at {where}, or wait until its period ends{own}",
        )
    if is_named or status == 402 or _OUT_OF_CREDIT.search(text):
        return OutOfCredit(
            _message("the account is out of credit", http, error),
            hint=f"top up the account at {where}, or raise the quota of the key from"
            f" {hints.key_origin(endpoint)}, then run the same command again{own}",
        )
    return None


def _key(status: int, http: int, error: ErrorBody, endpoint: Endpoint) -> KeyRejected:
    what, hint = hints.of_key(error, endpoint, is_forbidden=status == 403)
    return KeyRejected(_message(what, http, error), hint=hint)


def _rate_limit(http: int, headers: Mapping[str, str], error: ErrorBody) -> RateLimited:
    if is_for_a_day(error.everything):
        return RateLimited(
            _message("the quota of the day is used up", http, error),
            hint="run the same command again tomorrow, or ask for a higher quota",
            resends=0,
        )
    return RateLimited(
        _message("rate limited", http, error),
        retry_after=seconds_to_wait(headers, error.everything),
    )


def _overloaded(http: int, headers: Mapping[str, str], error: ErrorBody) -> Unavailable:
    return Unavailable(
        _message("the service is overloaded", http, error),
        retry_after=seconds_to_wait(headers, error.everything),
    )


def _internal(
    http: int, headers: Mapping[str, str], error: ErrorBody, endpoint: Endpoint
) -> NbError:
    """Return the error for a 500: free at Google, and at a gateway that called nobody."""
    if http == 500 and error.is_flat_google and "INTERNAL" in error.labels:
        return Unavailable(
            _message("the service failed", http, error),
            retry_after=seconds_to_wait(headers, error.everything),
            resends=1,
        )
    if not _BEFORE_THE_CALL.isdisjoint(error.labels):
        if _TRY_AGAIN.search(error.message) or _BUSY.search(error.message):
            return _overloaded(http, headers, error)
        return Rejected(
            _message("the gateway could not pass the request on", http, error),
            hint=f"choose another model with --model, or ask the operator of"
            f" {hints.host(endpoint)}",
        )
    if _BUSY.match(error.message) and not any(map(_AFTER_THE_CALL.search, error.labels)):
        return _overloaded(http, headers, error)
    return OutcomeUnknown(
        _message("the gateway failed and cannot say whether an image was made", http, error)
    )


def _redirect(status: int, headers: Mapping[str, str]) -> Rejected:
    try:
        target = urlsplit(headers.get("Location", "")).hostname
    except ValueError:
        target = None
    to_host = f" to {target}" if target else ""
    return Rejected(
        f"the service redirects{to_host} ({status}); not followed, since the key would go along",
        hint="if the service has moved there, set the new address: `nb config set base-url`",
    )


def _message(what: str, status: int, error: ErrorBody) -> str:
    words = one_line(error.message)
    return f"{what} ({status}): {words}" if words else f"{what} ({status})"
