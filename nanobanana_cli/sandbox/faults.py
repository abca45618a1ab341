"""List the faults, parse requests for them, and deal them out to calls.

A fault is written `NAME`, `NAME:COUNT`, and for those that take a time `NAME:SECONDS:COUNT`:
`429:2` spoils the first two calls, `slow:30` makes every call take 30 s more, `slow:30:1` only the
first. Several are queued in order. Only a well-formed `generateContent` call with a valid key
uses one up.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, repeat

import msgspec

from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of

FAULTS: Mapping[str, str] = {
    "307": "a redirect to another path",
    "400": "an invalid argument",
    "401": "the key is refused",
    "402": "a gateway account without credit",
    "403": "the key lacks permission",
    "404": "the model does not exist",
    "413": "the request is too large",
    "429": "the rate limit, with Retry-After: 1",
    "500": "an internal error",
    "502": "an HTML error page from a gateway",
    "503": "the model is overloaded",
    "504": "the service's own deadline has passed",
    "credit": "a 403 whose gateway code says that the credit is used up",
    "spending-cap": "a 429 that no wait cures: the project's spending cap is reached",
    "no-free-tier": "a 429 that no wait cures: the free tier's limit is 0",
    "gateway-500": "a gateway's 500 after it sent the call on: nobody can say if it was charged",
    "firewall": "a 403 in plain text from a firewall before the service",
    "nested": "a 400 whose message holds the error of another service, two deep",
    "safety": "refused: IMAGE_SAFETY",
    "no-image": "refused: NO_IMAGE",
    "recitation": "refused: IMAGE_RECITATION",
    "prohibited": "refused: IMAGE_PROHIBITED_CONTENT",
    "blocked": "the prompt is blocked, and the reply has no candidate",
    "max-tokens": "MAX_TOKENS before any content",
    "text": "STOP with an explanatory text and no image",
    "empty": "an empty list of candidates",
    "null-parts": "a candidate whose parts are null",
    "no-text": "the image without the requested text",
    "jpeg": "the image as JPEG",
    "lying": "JPEG bytes declared as image/png",
    "drafts": "thoughts and a 64-pixel draft before the image",
    "several": "another image before the right one",
    "multi": "three finished images, with texts between them",
    "link": "the image as a link in Markdown, to this server",
    "file-uri": "the image as fileData with a link to this server",
    "chunks": "the reply in pieces, as a JSON array",
    "sse": "the reply in pieces, as server-sent events",
    "wrapped": 'the reply inside {"response": …}',
    "padded": "the reply after 200 kB of white space",
    "snake": "all names in snake_case",
    "data-uri": "the image as a data URI in Markdown",
    "small": "an image of half the width and height",
    "wrong-ratio": "an image of another aspect ratio",
    "corrupt": "a PNG cut off inside valid base64",
    "html": "an HTML page with HTTP status 200",
    "not-json": "plain text with HTTP status 200",
    "success-false": 'an error with HTTP status 200: {"success": false, "message": …}',
    "cut": "the connection closed in mid-body",
    "reset": "the connection reset before any reply",
    "hang": "no reply at all",
    "slow": "the reply SECONDS later (30)",
    "trickle": "a body that arrives bit by bit over SECONDS (30)",
    "mix": "of every 20 calls: the 4th 429, 8th 503, 12th safety, 16th cut, 20th slow:2",
}
_TIMED = {"slow": 30.0, "trickle": 30.0}
_MIX = {3: "429", 7: "503", 11: "safety", 15: "cut", 19: "slow:2"}
_MIX_PERIOD = 20


class Fault(msgspec.Struct, frozen=True):
    """A requested fault.

    Args:
        name: one of `FAULTS`.
        seconds: for those that take a time.
        count: number of calls to spoil; None for all.
    """

    name: str
    seconds: float = 0.0
    count: int | None = None


def parse(text: str) -> Fault:
    """Parse `429:2`, `slow:30:1`, `safety` …

    Raises:
        UsageError: the name is unknown, or a number is malformed.
    """
    name, *numbers = text.strip().split(":")
    if name not in FAULTS:
        hint = one_of(name, FAULTS, "`nb sandbox --help` lists them all")
        raise UsageError(f"unknown fault {name!r}", hint=hint)
    seconds = _TIMED.get(name, 0.0)
    try:
        if name in _TIMED and numbers:
            seconds = float(numbers.pop(0))
        count = int(numbers.pop(0)) if numbers else None
    except ValueError:
        raise _malformed(text, name) from None
    if numbers or not 0 <= seconds < 1e6 or (count is not None and count < 1):
        raise _malformed(text, name)
    return Fault(name, seconds, count)


def _malformed(text: str, name: str) -> UsageError:
    form = f"{name}:SECONDS:COUNT" if name in _TIMED else f"{name}:COUNT"
    return UsageError(f"the fault {text!r} is malformed", hint=f"write {name} or {form}")


class FaultQueue:
    """Deal out faults call by call; safe to use from many threads.

    Args:
        specs: as after `--fault`, in order.

    Raises:
        UsageError: one is unknown or malformed, or comes after one without a count.
    """

    def __init__(self, specs: Sequence[str] = ()) -> None:
        self._marked: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self.set(specs)

    def set(self, specs: Sequence[str]) -> None:
        """Spoil the next calls so, in place of what was to come; raise UsageError as above."""
        faults = [parse(spec) for spec in specs]
        endless = [fault.name for fault in faults[:-1] if fault.count is None]
        if endless:
            raise UsageError(
                f"faults after {endless[0]!r} would never apply",
                hint=f"give it a count, such as {endless[0]}:1, or put it last",
            )
        queue = chain.from_iterable(
            repeat(fault) if fault.count is None else repeat(fault, fault.count) for fault in faults
        )
        with self._lock:
            self._faults, self._calls = queue, 0

    def next(self) -> Fault | None:
        """Return the fault for the next call, if any."""
        with self._lock:
            number, self._calls = self._calls, self._calls + 1
            fault = next(self._faults, None)
        return _resolve(fault, number) if fault else None

    def next_marked(self, marker: str, prompt: str) -> Fault | None:
        """Return the fault for a call whose prompt requests one, counting equal calls.

        Raises:
            UsageError: as `parse`.
        """
        fault = parse(marker)
        with self._lock:
            self._marked[marker, prompt] += 1
            used = self._marked[marker, prompt]
        return _resolve(fault, used - 1) if fault.count is None or used <= fault.count else None


def _resolve(fault: Fault, number: int) -> Fault | None:
    """Return the fault itself, or what `mix` has for a call, numbered from 0."""
    if fault.name != "mix":
        return fault
    mixed = _MIX.get(number % _MIX_PERIOD)
    return parse(mixed) if mixed else None
