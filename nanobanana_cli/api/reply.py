"""Extract the image and the text of a reply, or raise the right error. Pure.

Parts are identified by kind, never by position: text and images come in any order. A part marked as
a thought is a draft, never the result. (`thoughtSignature` means nothing: final images have it.)
"""

from __future__ import annotations

import binascii
import json
import re
from contextlib import suppress
from typing import Any

import msgspec
import pybase64

from nanobanana_cli.api.schema import (
    Blob,
    Candidate,
    Content,
    Envelope,
    Part,
    candidates,
    finish_reason,
    parse,
)
from nanobanana_cli.errors import BadReply, NbError
from nanobanana_cli.types import Data, Modality, Reply, Usage
from nanobanana_cli.ui.escape import one_line

# Some gateways put the image into a text part, as Markdown or as a bare data URI. All repeats are
# possessive, so that no text makes the search slow.
_DATA_URI = r"(?i:data:image/[\w.+-]++(?:;(?!base64,)[\w.+=-]++)*+;base64,)([A-Za-z0-9+/_=-]++)"
_INLINE_IMAGE = re.compile(rf"!\[[^\[\]]*+\]\(\s*+{_DATA_URI}[^()]{{0,200}}+\)|{_DATA_URI}")
# The data of an empty blob, as JSON; b"" if the field is missing.
_NO_DATA = (b"", b'""', b"null")
_NOT_THE_API = (
    "check the address, which may serve a website or another API, such as OpenAI's:"
    " `nb config get base-url`\nrunning it again may be a new, paid call"
)
_FIELDS = frozenset(
    {
        *("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"),
        *("prompt_feedback", "usage_metadata", "model_version", "response_id", "error"),
    }
)
_URL_SAFE = str.maketrans("-_", "+/")


def read(body: Data, *, want: tuple[Modality, ...]) -> Reply:
    """Return the final image and the text of a `generateContent` reply.

    Args:
        body: the reply's bytes.
        want: what was asked for. Images are ignored unless wanted; text beside a wanted image may
            be missing.

    Raises:
        NoImage: the service refused, in any of the ways it does; with its reason.
        BadReply: the reply is not JSON, has an unexpected shape, or its image is not base64.
        NbError: the reply holds an `error` object, see `status_errors.from_200`.
    """
    envelope = _parsed(body)
    parts = _collect(envelope)
    text = "".join(parts.text).strip()
    image = _decoded(parts.images) if "IMAGE" in want else None
    wanted = "image" if "IMAGE" in want else "text"
    if not (image if wanted == "image" else text):
        raise _missing(envelope, wanted, text, parts.drafts, body)
    return Reply(
        image=image,
        text=text,
        model_version=_string(envelope.model_version),
        response_id=_string(envelope.response_id),
        finish_reason=finish_reason(envelope),
        usage=_usage(envelope.usage_metadata),
        images=len(parts.images),
        text_tokens=_text_tokens(envelope.usage_metadata),
        queries=sum(map(_queries, candidates(envelope))),
    )


def _missing(envelope: Envelope, wanted: str, text: str, drafts: bool, body: Data) -> NbError:
    # Imported here, as in `_not_json`: a good reply does not need these modules.
    from nanobanana_cli.api import refusals, status_errors

    if envelope.error:
        return status_errors.from_200(json.dumps({"error": envelope.error}).encode())
    if not (envelope.candidates or envelope.prompt_feedback) and _is_of_another_api(body):
        return BadReply(f"the reply is JSON of another shape: {_start(body)}", hint=_NOT_THE_API)
    return refusals.from_reply(envelope, wanted=wanted, text=text, drafts=drafts)


def _parsed(body: Data) -> Envelope:
    try:
        envelope = parse(body)
    except ValueError:
        raise _not_json(body) from None
    if envelope is None:
        raise BadReply(
            f"the reply is JSON of an unexpected shape: {_start(body)}", hint=_NOT_THE_API
        )
    return envelope


def _not_json(body: Data) -> BadReply:
    from nanobanana_cli.api import error_body

    start = str(body[:4096], "utf-8", "replace")
    if not start.strip():
        return BadReply("the reply is empty")
    title = error_body.page_title(start)
    if title is not None:
        what = f"the reply is an HTML page, not JSON: {one_line(title)}".rstrip(": ")
        return BadReply(what, hint=_NOT_THE_API)
    if start.lstrip()[0] in "{[":
        return BadReply(f"the reply is cut short or damaged: {len(body):,} bytes of invalid JSON")
    return BadReply(f"the reply is not JSON: {one_line(start[:400], 80)}")


def _is_of_another_api(body: Data) -> bool:
    """Return True if the reply's fields are none of a `generateContent` reply's."""
    with suppress(ValueError):
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return bool(fields) and fields.keys().isdisjoint(_FIELDS)
    return False


def _start(body: Data) -> str:
    return one_line(str(body[:400], "utf-8", "replace"), 80)


class _Parts(msgspec.Struct):
    """A reply's parts by kind; `images` are base64, as JSON strings or as text."""

    text: list[str] = msgspec.field(default_factory=list)
    images: list[msgspec.Raw | str] = msgspec.field(default_factory=list)
    drafts: bool = False


def _collect(envelope: Envelope) -> _Parts:
    found = _Parts()
    for candidate in candidates(envelope):
        content = candidate.content
        listed = content.parts if isinstance(content, Content) else None
        for part in listed if isinstance(listed, list) else ():
            if isinstance(part, Part):
                _add(part, found)
    return found


def _add(part: Part, found: _Parts) -> None:
    blob = next(
        (b for b in (part.inline_data, part.inline_data_snake) if isinstance(b, Blob)), None
    )
    if part.thought is True:
        found.drafts = found.drafts or blob is not None
        return
    if isinstance(part.text, str):
        # Pieces of text, and between each two an image in one of the pattern's two groups.
        pieces = _INLINE_IMAGE.split(part.text)
        found.text += pieces[::3]
        found.images += [
            one or other for one, other in zip(pieces[1::3], pieces[2::3], strict=True)
        ]
    if blob is not None and bytes(memoryview(blob.data)[:5]) not in _NO_DATA:
        found.images.append(blob.data)


def _decoded(images: list[msgspec.Raw | str]) -> Data | None:
    """Return the last image that is valid base64, None if there are no images.

    Raises:
        BadReply: none of the images is valid base64.
    """
    for image in reversed(images):
        with suppress(ValueError):
            if data := _from_text(image) if isinstance(image, str) else _from_json(image):
                return data
    if images:
        raise BadReply("the reply's image is not valid base64")
    return None


def _from_json(quoted: msgspec.Raw) -> bytes:
    """Decode base64 in a JSON string.

    Raises:
        ValueError: it is not base64.
    """
    text = memoryview(quoted)
    try:
        # The fast way, straight from the reply's bytes: plain base64, padded.
        return pybase64.b64decode(text[1:-1], validate=True)
    except ValueError:
        return _from_text(msgspec.json.decode(text, type=str))


def _from_text(text: str) -> bytes:
    """Decode base64 in any of its spellings, also as a data URI.

    Raises:
        ValueError: it is not base64.
    """
    text = "".join(text.rpartition("base64,")[2].split()).translate(_URL_SAFE).rstrip("=")
    return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)


def _usage(metadata: Any) -> Usage | None:
    if not isinstance(metadata, dict):
        return None
    total = _count(metadata.get("totalTokenCount"))
    return Usage(
        prompt_tokens=_count(metadata.get("promptTokenCount")),
        output_tokens=_count(metadata.get("candidatesTokenCount")),
        # JSON made from a proto leaves zero out.
        thinking_tokens=_count(metadata.get("thoughtsTokenCount", None if total is None else 0)),
        total_tokens=total,
    )


def _text_tokens(metadata: Any) -> int:
    """Return how many output tokens are text; 0 if the service does not say."""
    details = metadata.get("candidatesTokensDetails") if isinstance(metadata, dict) else None
    return sum(
        _count(each.get("tokenCount")) or 0
        for each in (details if isinstance(details, list) else ())
        if isinstance(each, dict) and each.get("modality") == "TEXT"
    )


def _queries(candidate: Candidate) -> int:
    """Return how many search queries a candidate's grounding names."""
    found = candidate.grounding_metadata
    names = ("webSearchQueries", "imageSearchQueries")
    listed = [found.get(name) for name in names] if isinstance(found, dict) else []
    return sum(len(queries) for queries in listed if isinstance(queries, list))


def _count(value: Any) -> int | None:
    """Return a count of tokens, None if it is none: below zero it would lower the cost."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
