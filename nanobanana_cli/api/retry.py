"""What may be sent again, and when.

Only what is known to be uncharged: there is no idempotency key, so a call whose outcome is unknown
would be paid twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from nanobanana_cli.errors import NbError, Unavailable

T = TypeVar("T")

LONGEST_WAIT = 120.0
_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 30.0


def call(
    attempt: Callable[[], T],
    *,
    retries: int,
    on_wait: Callable[[NbError, float, int], None],
    sleep: Callable[[float], object] = time.sleep,
    uniform: Callable[[float, float], float] = random.uniform,
) -> tuple[T, int]:
    """Runs `attempt` until it succeeds, fails for good, or the resends are used up.

    Args:
        attempt: one call. Only `Unavailable` leads to another.
        retries: how many resends at most; 0 sends once.
        on_wait: told before each pause: the error, the pause in seconds, and how many attempts
            there have been.
        sleep, uniform: as `time.sleep` and `random.uniform`.

    Returns:
        The result, and how many attempts it took.

    Raises:
        NbError: the last attempt's; its message says so when the service asks for a longer wait
            than 120 s, or how many attempts there were.
    """
    attempts = 0
    bounded = 0
    while True:
        attempts += 1
        try:
            return attempt(), attempts
        except Unavailable as error:
            if error.resends is not None:
                bounded += 1
            if _give_up(error, attempts, bounded, retries):
                raise
            pause = _pause(error, attempts, uniform)
            on_wait(error, pause, attempts)
        sleep(pause)


def is_pointless(error: Unavailable) -> bool:
    """Whether no wait that is short enough would help, as with a quota for the day."""
    return error.resends == 0 or (error.retry_after or 0) > LONGEST_WAIT


def _give_up(error: Unavailable, attempts: int, bounded: int, retries: int) -> bool:
    """Whether to raise `error` now; if so, its message says why."""
    exhausted = attempts > retries or (error.resends is not None and bounded > error.resends)
    if exhausted:
        if attempts > 1:
            _add(error, f"after {attempts} attempts")
    elif error.retry_after is not None and error.retry_after > LONGEST_WAIT:
        _add(error, f"the service asks to wait {error.retry_after:.0f} s")
    else:
        return False
    return True


def _add(error: NbError, remark: str) -> None:
    error.message = f"{error.message} ({remark})"
    error.args = (error.message,)


def _pause(error: Unavailable, attempts: int, uniform: Callable[[float, float], float]) -> float:
    """Seconds: what the service asks for, else a random share of a doubling backoff."""
    if error.retry_after is not None:
        return error.retry_after
    ceiling = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempts - 1, 10))
    return uniform(0.0, ceiling)
