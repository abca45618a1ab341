"""Why a reply holds no picture, in plain words. Pure.

A refusal is HTTP 200: a finish reason, a block reason, or just words. Sources: `FinishReason` and
`BlockedReason` of the Gemini API; new ones appear without notice, and are named as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nanobanana_cli.api.schema import Envelope, candidates, finish_reason
from nanobanana_cli.errors import NoImage
from nanobanana_cli.ui.escape import one_line

_SAFETY = (
    "the safety filter stopped it",
    "rephrase the prompt, and leave out what could pass for violent, sexual or harmful",
)
_PROHIBITED = (
    "the service's policy forbids it",
    "ask for something else: this is not a matter of wording",
)
_RECITATION = (
    "it would come too close to existing work",
    "leave out the names of artists, brands and characters, and describe what is to be seen",
)
_UNEXPLAINED = (
    "the service gives no reason",
    "run it again, or rephrase the prompt: describe what is to be seen",
)
_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "SAFETY": _SAFETY,
        "IMAGE_SAFETY": _SAFETY,
        "PROHIBITED_CONTENT": _PROHIBITED,
        "IMAGE_PROHIBITED_CONTENT": _PROHIBITED,
        "BLOCKLIST": (
            "the prompt holds a term from the service's blocklist",
            "name it in other words",
        ),
        "RECITATION": _RECITATION,
        "IMAGE_RECITATION": _RECITATION,
        "SPII": ("it would show personal data", "leave names, addresses and numbers out"),
        "MAX_TOKENS": (
            "the model ran out of tokens before it was done",
            "shorten the prompt, use fewer reference images, or leave --thinking at minimal",
        ),
        "NO_IMAGE": ("the model made none", "say what is to be seen: 'a picture of …'"),
        "LANGUAGE": ("the model does not take this language", "write the prompt in English"),
        "OTHER": _UNEXPLAINED,
        "IMAGE_OTHER": _UNEXPLAINED,
        "STOP": (
            "the model answered in words",
            "describe what is to be seen, rather than ask for it: 'a picture of …'",
        ),
    }
)
_EMPTY = ("the reply is empty", "run it again; if that repeats, rephrase the prompt")
_DRAFTS = ("only drafts came, and no final picture", "run it again, or simplify the prompt")
_NO_WORDS = ("the model said nothing", "run it again, or rephrase the prompt")


def refused(reply: Envelope, *, wanted: str, text: str, drafts: bool) -> NoImage:
    """The error for a reply without what was wanted.

    Args:
        reply: the whole reply.
        wanted: `image` or `text`, for the message.
        text: what the model said instead.
        drafts: whether pictures came that were marked as thoughts.
    """
    block = _block_reason(reply.prompt_feedback)
    reason = block or finish_reason(reply)
    words, hint = _explain(reason, wanted=wanted, text=text, drafts=drafts)
    if block:
        words = f"the prompt was blocked: {words}"
    code = f" ({one_line(reason, 60)})" if reason and reason != "STOP" else ""
    said = _own_words(reply) or text
    quote = f": {one_line(said)}" if said else ""
    return NoImage(f"no {wanted}: {words}{code}{quote}", hint=hint)


def _explain(reason: str | None, *, wanted: str, text: str, drafts: bool) -> tuple[str, str]:
    if reason in (None, "STOP"):
        if drafts and wanted == "image":
            return _DRAFTS
        if not text:
            return _NO_WORDS if wanted == "text" and reason else _EMPTY
        return _WORDS["STOP"]
    assert reason is not None
    return _WORDS.get(reason, ("the service stopped", _UNEXPLAINED[1]))


def _block_reason(feedback: Any) -> str | None:
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return None if reason is None else str(reason)


def _own_words(reply: Envelope) -> str | None:
    """What the service itself says of the reason, which is not what the model says."""
    messages = [candidate.finish_message for candidate in candidates(reply)]
    if isinstance(reply.prompt_feedback, dict):
        messages.append(reply.prompt_feedback.get("blockReasonMessage"))
    return next((message for message in messages if isinstance(message, str) and message), None)
