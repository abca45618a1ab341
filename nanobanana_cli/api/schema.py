"""Parse a `generateContent` reply, as leniently as JSON allows.

A reply that was paid for must not be lost because a field beside the image has a strange type. So
every level accepts any JSON value, and the caller checks what it got. Base64 stays `msgspec.Raw`, a
view into the reply's bytes, so that 65 MB of it are never copied.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from nanobanana_cli.types import Data

Scalar = str | int | float | bool | None
Other = list[Any] | Scalar


class Blob(msgspec.Struct):
    """`inlineData`. Its MIME type is not read: services are known to declare a wrong one."""

    data: msgspec.Raw = msgspec.Raw()


class Part(msgspec.Struct, rename="camel"):
    """A part of the reply: text or an image, either of which may be a thought."""

    text: Any = None
    thought: Any = None
    inline_data: Blob | Other = None
    # As some gateways spell it.
    inline_data_snake: Blob | Other = msgspec.field(default=None, name="inline_data")


class Content(msgspec.Struct):
    """A candidate's parts."""

    parts: list[Part | Other] | dict[str, Any] | Scalar = None


class Candidate(msgspec.Struct, rename="camel"):
    """A candidate, with the reason why the model stopped."""

    content: Content | Other = None
    finish_reason: Any = None
    finish_message: Any = None
    grounding_metadata: Any = None


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
    """Parse `body`, which must not change while the result is in use.

    Returns:
        None if it is JSON, but neither an object nor a list that begins with one.

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
    """Return the finish reason of the first candidate that has one."""
    for candidate in candidates(reply):
        if candidate.finish_reason is not None:
            return str(candidate.finish_reason)
    return None


def candidates(reply: Envelope) -> list[Candidate]:
    """Return the candidates that are objects."""
    listed = reply.candidates if isinstance(reply.candidates, list) else []
    return [candidate for candidate in listed if isinstance(candidate, Candidate)]


def _repaired(body: Data) -> bytes:
    """Return strict JSON for a body that only a lenient parser reads.

    A byte order mark, control characters and lone surrogates in strings, bytes that are not UTF-8,
    NaN: all of these occur in practice, and none is a reason to lose an image.

    Raises:
        ValueError: it is not JSON in this sense either.
    """
    try:
        value = json.loads(
            str(body, "utf-8-sig", "replace"), strict=False, parse_constant=lambda _: None
        )
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError:
        raise ValueError("nested too deeply") from None
