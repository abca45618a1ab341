"""Send a call again after a failure that is known to be free.

The API has no idempotency key, so sending a call again whose outcome is unknown could pay for it
twice.
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
# With `left`, where there is more time.
_LONGEST_PATIENT_BACKOFF = 60.0


def call(
    attempt: Callable[[], T],
    *,
    retries: int,
    left: Callable[[], float] | None = None,
    on_wait: Callable[[NbError, float, int], None],
    sleep: Callable[[float], object] = time.sleep,
    uniform: Callable[[float, float], float] = random.uniform,
) -> T:
    """Run `attempt` until it succeeds, fails for good, or has used up its retries.

    Args:
        attempt: makes one call. It is run again only after `Unavailable`.
        retries: the most resends; 0 sends once.
        left: returns the seconds that are left for trying, and so replaces `retries`.
        on_wait: called before each pause with the error, the pause in seconds, and the number of
            attempts so far.
        sleep, uniform: as `time.sleep` and `random.uniform`.

    Raises:
        NbError: the last attempt's. Its message adds the number of attempts, or the wait that the
            service asks for if that is longer than what is left, or than 120 s without `left`.
    """
    attempts = 0
    bounded = 0
    while True:
        attempts += 1
        try:
            return attempt()
        except Unavailable as error:
            longest = LONGEST_WAIT if left is None else left()
            is_over = attempts > retries if left is None else longest <= 0
            if error.resends is not None:
                bounded += 1
                is_over = is_over or bounded > error.resends
            if _is_over(error, attempts, longest, is_over=is_over):
                raise
            pause = min(longest, _pause(error, attempts, uniform, is_patient=left is not None))
            on_wait(error, pause, attempts)
        sleep(pause)


def is_pointless(error: Unavailable) -> bool:
    """Return True if no wait that is short enough would help, as with a daily quota."""
    return error.resends == 0 or (error.retry_after or 0) > LONGEST_WAIT


def give_up(error: Unavailable, why: str, hint: str) -> None:
    """Mark an error as one after which nothing is sent again, and say why in its message."""
    _add(error, why)
    error.hint = hint
    error.resends = 0


def _is_over(error: Unavailable, attempts: int, longest: float, *, is_over: bool) -> bool:
    """Return True if `error` is to be raised now; add the reason to its message."""
    if is_over:
        if attempts > 1:
            _add(error, f"after {attempts} attempts")
    elif error.retry_after is not None and error.retry_after > longest:
        _add(error, f"the service asks to wait {error.retry_after:.0f} s")
    else:
        return False
    return True


def _add(error: NbError, remark: str) -> None:
    error.message = f"{error.message} ({remark})"
    error.args = (error.message,)


def _pause(
    error: Unavailable,
    attempts: int,
    uniform: Callable[[float, float], float],
    *,
    is_patient: bool,
) -> float:
    """Return seconds: what the service asks for, else a random share of a doubling backoff.

    Args:
        is_patient: back off even if the service asks for less: one that asks for no wait at all
            would be called without end.
    """
    asked = error.retry_after
    if asked is not None and not is_patient:
        return asked
    longest = _LONGEST_PATIENT_BACKOFF if is_patient else _LONGEST_BACKOFF
    backoff = uniform(0.0, min(longest, _FIRST_BACKOFF * 2.0 ** min(attempts - 1, 10)))
    return max(backoff, asked or 0.0)
