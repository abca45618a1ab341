"""The shapes of a `generateContent` reply, as lenient as JSON allows.

A reply that was paid for must not be lost because a field beside the image has a strange type. So
every level takes any JSON value, and those who read it look at what they got. What is base64 stays
`msgspec.Raw`: a view into the reply's bytes, so that 65 MB of it are never copied.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from nanobanana_cli.types import Data

Scalar = str | int | float | bool | None
Other = list[Any] | Scalar


class Blob(msgspec.Struct):
    """`inlineData`. Its declared MIME type has been seen to lie, so it is not read."""

    data: msgspec.Raw = msgspec.Raw()


class Part(msgspec.Struct, rename="camel"):
    """One piece of the answer: text, or an image, or a thought of either kind."""

    text: Any = None
    thought: Any = None
    inline_data: Blob | Other = None
    # How some gateways spell it.
    inline_data_snake: Blob | Other = msgspec.field(default=None, name="inline_data")


class Content(msgspec.Struct):
    """A candidate's parts."""

    parts: list[Part | Other] | dict[str, Any] | Scalar = None


class Candidate(msgspec.Struct, rename="camel"):
    """One answer, with the reason why the model stopped."""

    content: Content | Other = None
    finish_reason: Any = None
    finish_message: Any = None


class Envelope(msgspec.Struct, rename="camel"):
    """The whole reply."""

    candidates: list[Candidate | Other] | dict[str, Any] | Scalar = None
    prompt_feedback: Any = None
    usage_metadata: Any = None
    model_version: Any = None
    response_id: Any = None
    error: Any = None


_decoder = msgspec.json.Decoder(Envelope | list[Envelope | Other] | Scalar)


def parse(body: Data) -> Envelope | None:
    """The reply in `body`, which must stay as it is while the result is in use.

    Returns:
        None when it is JSON, but neither an object nor a list that begins with one.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        reply = _decoder.decode(body)
    except (ValueError, RecursionError):
        reply = _decoder.decode(_repaired(body))
    if isinstance(reply, list) and reply:
        reply = reply[0]
    return reply if isinstance(reply, Envelope) else None


def finish_reason(reply: Envelope) -> str | None:
    """The first candidate's that has one."""
    for candidate in candidates(reply):
        if candidate.finish_reason is not None:
            return str(candidate.finish_reason)
    return None


def candidates(reply: Envelope) -> list[Candidate]:
    """Those candidates that are objects."""
    listed = reply.candidates if isinstance(reply.candidates, list) else []
    return [candidate for candidate in listed if isinstance(candidate, Candidate)]


def _repaired(body: Data) -> bytes:
    """Strict JSON for what only a forgiving parser reads.

    A byte order mark, control characters and lone surrogates in strings, bytes that are no UTF-8,
    NaN: each of these is met in the wild, and none is a reason to lose an image.

    Raises:
        ValueError: it is no JSON in this sense either.
    """
    try:
        value = json.loads(
            str(body, "utf-8-sig", "replace"), strict=False, parse_constant=lambda _: None
        )
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError:
        raise ValueError("nested too deeply") from None
