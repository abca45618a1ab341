"""What the service answers when all is well, and the parts that faulty answers are made of."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from typing import Any

from PIL import Image

from nanobanana_cli.catalog import MODELS, Model
from nanobanana_cli.sandbox import picture as sandbox_picture
from nanobanana_cli.sandbox import scene
from nanobanana_cli.sandbox.validation import Request

Part = dict[str, Any]
JSON_TYPE = "application/json; charset=UTF-8"

# Tokens of one output image by size, as Google bills them; of one input image.
_IMAGE_TOKENS = {"0.5K": 747, "1K": 1120, "2K": 1680, "4K": 2520}
_INPUT_IMAGE_TOKENS = 258
_ALT_LENGTH = 125
# Corners of the colour space that have a plain name.
_COLOUR_NAMES = {
    "black": (20, 20, 20),
    "white": (240, 240, 240),
    "grey": (128, 128, 128),
    "red": (200, 40, 40),
    "orange": (230, 140, 50),
    "yellow": (235, 220, 80),
    "green": (60, 150, 70),
    "teal": (40, 140, 140),
    "blue": (50, 90, 190),
    "purple": (110, 70, 150),
    "pink": (235, 150, 180),
    "brown": (110, 70, 45),
}


def picture(data: bytes, mime_type: str = "image/png") -> Part:
    """A part that holds an image; its bytes become base64 when the reply is encoded."""
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def parts(ask: Request, pictures: Sequence[Part] | None = None) -> list[Part]:
    """The parts that were asked for: text first, as the real service sends them.

    Args:
        ask: the request.
        pictures: instead of the one that the painter makes.
    """
    found: list[Part] = []
    if "TEXT" in ask.modalities:
        found.append({"text": describe(ask)})
    if "IMAGE" in ask.modalities:
        drawn = [picture(sandbox_picture.paint(ask.prompt, ask.aspect, ask.size))]
        found += drawn if pictures is None else pictures
    return found


def reply(ask: Request, found: Sequence[Part]) -> dict[str, Any]:
    """A whole reply around the parts."""
    candidate = {
        "content": {"parts": list(found), "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    return {"candidates": [candidate], **tail(ask, found)}


def tail(ask: Request, found: Sequence[Part] = ()) -> dict[str, Any]:
    """What stands after the candidates: usage, model version, response id."""
    incoming = {
        "TEXT": max(1, len(ask.prompt) // 4),
        "IMAGE": _INPUT_IMAGE_TOKENS * len(ask.references),
    }
    outgoing = {
        "TEXT": sum(len(part["text"]) // 4 for part in found if part.get("text")),
        "IMAGE": sum(_IMAGE_TOKENS[ask.size] for part in found if "inlineData" in part),
    }
    usage: dict[str, Any] = {
        "promptTokenCount": sum(incoming.values()),
        "totalTokenCount": sum(incoming.values()) + sum(outgoing.values()),
        "promptTokensDetails": _details(incoming),
    }
    if found:
        usage["candidatesTokenCount"] = sum(outgoing.values())
        usage["candidatesTokensDetails"] = _details(outgoing)
    return {
        "usageMetadata": usage,
        "modelVersion": ask.model.id,
        "responseId": secrets.token_urlsafe(16),
    }


def _details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items() if count]


def describe(ask: Request) -> str:
    """Alt text for the picture: the last one sent along, else the one that the prompt makes."""
    if ask.references and "IMAGE" not in ask.modalities:
        return _describe_image(ask.references[-1])
    return _describe_prompt(ask.prompt)


def _describe_prompt(prompt: str) -> str:
    """Of what the painter makes of a prompt, in at most 125 characters."""
    palette, _ = scene.choose(prompt)
    scenery = f"written over rolling hills {palette.name}"
    subject = " ".join(prompt.split()).rstrip(".!?,;: ") or "Nothing"
    room = _ALT_LENGTH - len(scenery) - 2
    if len(subject) > room:
        subject = subject[: room - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "…"
    return f"{subject[0].upper()}{subject[1:]}, {scenery}"


def _describe_image(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.info.get("Comment") == sandbox_picture.COMMENT:
                return _describe_prompt(str(image.info.get("Title", "")))
            width, height = image.size
            # A JPEG's average is known from an eighth of its pixels, in a tenth of the time.
            image.draft("RGB", (1, 1))
            red, green, blue = image.convert("RGB").resize((1, 1)).tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "A picture in a format that the sandbox cannot read"
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    colour = min(
        _COLOUR_NAMES,
        key=lambda name: sum(
            (one - other) ** 2
            for one, other in zip((red, green, blue), _COLOUR_NAMES[name], strict=True)
        ),
    )
    return f"A mostly {colour} {shape} picture, {width} by {height} pixels"


def model(found: Model) -> dict[str, Any]:
    """One model as `GET /v1beta/models` lists it."""
    return {
        "name": f"models/{found.id}",
        "version": "sandbox",
        "displayName": found.title,
        "description": "Drawn by the sandbox, not made by a model.",
        "inputTokenLimit": 65536,
        "outputTokenLimit": 32768,
        "supportedGenerationMethods": ["generateContent"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": bool(found.thinking),
    }


def models() -> dict[str, Any]:
    """All models of the catalog."""
    return {"models": [model(found) for found in MODELS.values()]}
