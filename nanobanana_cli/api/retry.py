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


def call(
    attempt: Callable[[], T],
    *,
    retries: int,
    on_wait: Callable[[NbError, float, int], None],
    sleep: Callable[[float], object] = time.sleep,
    uniform: Callable[[float, float], float] = random.uniform,
) -> T:
    """Run `attempt` until it succeeds, fails for good, or has used up its retries.

    Args:
        attempt: makes one call. It is run again only after `Unavailable`.
        retries: the most resends; 0 sends once.
        on_wait: called before each pause with the error, the pause in seconds, and the number of
            attempts so far.
        sleep, uniform: as `time.sleep` and `random.uniform`.

    Raises:
        NbError: the last attempt's. Its message adds the number of attempts, or the wait that the
            service asks for if that is longer than 120 s.
    """
    attempts = 0
    bounded = 0
    while True:
        attempts += 1
        try:
            return attempt()
        except Unavailable as error:
            if error.resends is not None:
                bounded += 1
            if _give_up(error, attempts, bounded, retries):
                raise
            pause = _pause(error, attempts, uniform)
            on_wait(error, pause, attempts)
        sleep(pause)


def is_pointless(error: Unavailable) -> bool:
    """Return True if no wait that is short enough would help, as with a daily quota."""
    return error.resends == 0 or (error.retry_after or 0) > LONGEST_WAIT


def _give_up(error: Unavailable, attempts: int, bounded: int, retries: int) -> bool:
    """Return True if `error` is to be raised now; add the reason to its message."""
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
    """Return seconds: what the service asks for, else a random share of a doubling backoff."""
    if error.retry_after is not None:
        return error.retry_after
    ceiling = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempts - 1, 10))
    return uniform(0.0, ceiling)
