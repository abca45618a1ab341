"""Say what a reply is in which nothing that was asked for was found. Pure."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec

from nanobanana_cli.api.memory import has_too_many_values
from nanobanana_cli.api.plain_json import start_of
from nanobanana_cli.api.schema import Envelope, candidates, parts_of
from nanobanana_cli.errors import BadReply, NbError, OutcomeUnknown, Unavailable
from nanobanana_cli.types import Data
from nanobanana_cli.ui.escape import one_line

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


def missing(envelope: Envelope, wanted: str, text: str, drafts: bool, body: Data) -> NbError:
    """Return the error for a reply without what was wanted: an image, or a text.

    Args:
        envelope, body: the reply.
        wanted: "image" or "text".
        text: what it says instead.
        drafts: it holds an image that is a draft.
    """
    # Imported here, as in `not_json`: a good reply does not need these modules.
    from nanobanana_cli.api import refusals, status_errors
    from nanobanana_cli.api.error_body import says_not_charged

    if envelope.error:
        error = status_errors.from_200(json.dumps({"error": envelope.error}).encode())
        if not isinstance(error, Unavailable) or says_not_charged(error.message):
            return error
        # After the first parts, nobody can say whether the answer is charged.
        is_begun = any(map(parts_of, candidates(envelope)))
        return OutcomeUnknown(error.message) if is_begun else error
    if not (envelope.candidates or envelope.prompt_feedback) and _is_of_another_api(body):
        return BadReply(f"the reply is JSON of another shape: {_start(body)}", hint=_NOT_THE_API)
    return refusals.from_reply(envelope, wanted=wanted, text=text, drafts=drafts)


def other_shape(body: Data) -> BadReply:
    """Return the error for a reply that is JSON, but holds no object."""
    return BadReply(f"the reply is JSON of an unexpected shape: {_start(body)}", hint=_NOT_THE_API)


def not_json(body: Data) -> BadReply:
    """Return the error for a reply that is not JSON, or whose end is missing."""
    from nanobanana_cli.api import error_body

    first = start_of(body)
    start = str(body[first : first + 4096], "utf-8", "replace")
    if not start.strip():
        return BadReply("the reply is empty")
    if (title := error_body.page_title(start)) is not None:
        what = f"the reply is an HTML page, not JSON: {one_line(title)}".rstrip(": ")
        return BadReply(what, hint=_NOT_THE_API)
    if has_too_many_values(body):
        return BadReply(f"the reply has too many values for an image: {one_line(start[:400], 80)}")
    kind = "invalid JSON" if start.lstrip()[0] in "{[" else "an event stream"
    if kind == "invalid JSON" or start.lstrip().startswith("data:"):
        return BadReply(f"the reply is cut short or damaged: {len(body):,} bytes of {kind}")
    return BadReply(f"the reply is not JSON: {one_line(start[:400], 80)}")


def _is_of_another_api(body: Data) -> bool:
    """Return True if the reply's fields are none of a `generateContent` reply's."""
    with suppress(ValueError):
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return bool(fields) and fields.keys().isdisjoint(_FIELDS)
    return False


def _start(body: Data) -> str:
    first = start_of(body)
    return one_line(str(body[first : first + 400], "utf-8", "replace"), 80)
