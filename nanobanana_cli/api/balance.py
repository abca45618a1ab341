"""Ask WisGate for the account's balance.

Source: WisGate's documentation of `GET /v1/users/me/balance`. This is the one request that carries
a key as `Authorization: Bearer`, and `Transport.get_account` sends it to one host alone.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from nanobanana_cli.api.transport import Transport
from nanobanana_cli.errors import BadReply


class Balance(msgspec.Struct, frozen=True):
    """The money that an account may still spend, in dollars; None where the service does not say.

    Args:
        available: of the account.
        of_key: of this key, if it has a limit of its own.
    """

    available: float | None
    of_key: float | None = None


def fetch(transport: Transport) -> Balance:
    """Return the balance.

    Raises:
        BadReply: the answer holds none.
        NbError: the service refuses, or cannot be reached; see `Transport`.
    """
    try:
        reply = json.loads(bytes(transport.get_account("/v1/users/me/balance")))
    except (ValueError, RecursionError):
        raise BadReply("the answer is not JSON") from None
    found = reply.get("data", reply) if isinstance(reply, dict) else None
    if not isinstance(found, dict):
        raise BadReply("the answer has another shape")
    is_limited = found.get("is_token_unlimited_quota") is False
    balance = Balance(
        _dollars(found.get("available_balance")),
        _dollars(found.get("token_balance")) if is_limited else None,
    )
    if balance.available is None and balance.of_key is None:
        raise BadReply("the answer names no balance")
    return balance


def _dollars(value: Any) -> float | None:
    """Return a finite number, also from a string."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
