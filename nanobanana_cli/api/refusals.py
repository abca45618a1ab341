"""Explain why a reply holds no image. Pure.

A refusal is HTTP 200 with a finish reason, a block reason, or just text. Sources: `FinishReason`
and `BlockedReason` of the Gemini API; new ones appear without notice and are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nanobanana_cli.api.error_body import says_not_charged
from nanobanana_cli.api.schema import Envelope, candidates, finish_reason
from nanobanana_cli.errors import Charged, NoImage
from nanobanana_cli.ui.escape import one_line

_SAFETY = (
    "the safety filter blocked it",
    "rephrase the prompt without anything that could be read as violent, sexual or harmful",
)
_PROHIBITED = (
    "the service's policy forbids it",
    "rephrase the prompt, or run it again: harmless ones meet this too",
)
_RECITATION = (
    "it would come too close to existing work",
    "leave out names of artists, brands and characters; describe what the image should show",
)
_UNEXPLAINED = (
    "the service gives no reason",
    "run it again, or rephrase the prompt: describe what the image should show",
)
_BROKEN = ("the model did not finish its answer", "run it again, or simplify the prompt")
_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "SAFETY": _SAFETY,
        "IMAGE_SAFETY": _SAFETY,
        "PROHIBITED_CONTENT": _PROHIBITED,
        "IMAGE_PROHIBITED_CONTENT": _PROHIBITED,
        "BLOCKLIST": (
            "the prompt contains a term on the service's blocklist",
            "rephrase the prompt without that term",
        ),
        "RECITATION": _RECITATION,
        "IMAGE_RECITATION": _RECITATION,
        "SPII": ("it would show personal data", "leave out names, addresses and numbers"),
        "MAX_TOKENS": (
            "the model ran out of tokens before it finished",
            "shorten the prompt, use fewer reference images, or leave --thinking at minimal",
        ),
        "NO_IMAGE": (
            "the model made none",
            "describe what the image should show: 'a picture of …'",
        ),
        "LANGUAGE": ("the model does not support this language", "write the prompt in English"),
        "OTHER": _UNEXPLAINED,
        "IMAGE_OTHER": _UNEXPLAINED,
        "PUP_LIMITED_DISABLED": (
            "the account is limited",
            "ask the service why the account is limited; another prompt will not help",
        ),
        "MODEL_ARMOR": _SAFETY,
        "JAILBREAK": _SAFETY,
        "MALFORMED_RESPONSE": _BROKEN,
        "MALFORMED_FUNCTION_CALL": _BROKEN,
        "UNEXPECTED_TOOL_CALL": _BROKEN,
        "TOO_MANY_TOOL_CALLS": _BROKEN,
        "MISSING_THOUGHT_SIGNATURE": (
            "the conversation was altered",
            "start a new conversation, or go on from an unaltered file",
        ),
        "STOP": (
            "the model replied with text only",
            "describe the image instead of asking for it: 'a picture of …'",
        ),
    }
)
# The first numbers of the reasons, the same at all of Google's addresses.
_FINISH_NAMES = {"1": "STOP", "2": "MAX_TOKENS", "3": "SAFETY", "4": "RECITATION", "5": "OTHER"}
_BLOCK_NAMES = {"1": "SAFETY", "2": "OTHER", "3": "BLOCKLIST", "4": "PROHIBITED_CONTENT"}
_EMPTY = ("the reply is empty", "run it again; if that fails too, rephrase the prompt")
_DRAFTS = ("the model sent drafts but no final image", "run it again, or simplify the prompt")
_NO_TEXT = ("the model said nothing", "run it again, or rephrase the prompt")
_LONGEST_DETAILS = 20_000


def from_reply(reply: Envelope, *, wanted: str, text: str, drafts: bool) -> NoImage:
    """Return the error for a reply without what was wanted.

    Args:
        reply: the whole reply.
        wanted: `image` or `text`, for the message.
        text: the model's text, quoted in the message.
        drafts: True if the reply holds images that are marked as thoughts.
    """
    block = _block_reason(reply.prompt_feedback)
    finish = finish_reason(reply)
    code = block or _FINISH_NAMES.get(finish or "", finish)
    reason, hint = _explain(code, wanted=wanted, text=text, drafts=drafts)
    if block:
        reason = f"the prompt was blocked: {reason}"
    shown_code = f" ({one_line(code, 60)})" if code and code != "STOP" else ""
    message = _service_message(reply) or ""
    said = message or text
    quote = f": {one_line(said)}" if said else ""
    error = NoImage(f"no {wanted}: {reason}{shown_code}{quote}", hint=hint)
    error.details = one_line(said, _LONGEST_DETAILS)
    if says_not_charged(message):
        error.charged = Charged.NO
    return error


def _explain(code: str | None, *, wanted: str, text: str, drafts: bool) -> tuple[str, str]:
    if code is not None and code != "STOP":
        return _REASONS.get(code, ("the service stopped", _UNEXPLAINED[1]))
    if drafts and wanted == "image":
        return _DRAFTS
    if text:
        return _REASONS["STOP"]
    return _NO_TEXT if wanted == "text" and code else _EMPTY


def _block_reason(feedback: Any) -> str | None:
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return None if reason is None else _BLOCK_NAMES.get(str(reason), str(reason))


def _service_message(reply: Envelope) -> str | None:
    """Return the service's own explanation, which is not the model's text."""
    messages = [candidate.finish_message for candidate in candidates(reply)]
    if isinstance(reply.prompt_feedback, dict):
        messages.append(reply.prompt_feedback.get("blockReasonMessage"))
    return next((message for message in messages if isinstance(message, str) and message), None)
