"""Build the replies of a healthy service, and the parts that faulty replies are made of."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from PIL import Image

from nanobanana_cli.catalog import MODELS, Model
from nanobanana_cli.images.edits import split
from nanobanana_cli.sandbox import RESPONSE_ID, picture
from nanobanana_cli.sandbox.signatures import signed
from nanobanana_cli.sandbox.validation import Request
from nanobanana_cli.types import Redacted

Part = dict[str, Any]
TransportMode = Literal["whole", "cut", "reset", "hang", "trickle"]

# Tokens of one output image by size, as Google bills them; of one input image, or draft.
_IMAGE_TOKENS = {"0.5K": 747, "1K": 1120, "2K": 1680, "4K": 2520}
_INPUT_IMAGE_TOKENS = 1120
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


class HttpReply(Redacted, frozen=True):
    """An HTTP reply, and how to send it.

    Args:
        status: HTTP status.
        body: as sent.
        content_type: of the body.
        headers: further ones.
        paid: whether the real service would bill the call, having made an image or a text.
        mode: how the body is sent.
        seconds: pause before sending; for `trickle`, the time that sending takes.
    """

    _hidden = ("body",)

    status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    paid: bool = False
    mode: TransportMode = "whole"
    seconds: float = 0.0


def json_reply(content: Mapping[str, Any], status: int = 200, *, paid: bool = False) -> HttpReply:
    """Return a reply with a JSON body."""
    return HttpReply(status, msgspec.json.encode(content), paid=paid)


def image_part(data: bytes, mime_type: str = "image/png") -> Part:
    """Return a part that holds an image; its bytes become base64 in the JSON."""
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def parts(request: Request, images: Sequence[Part] | None = None) -> list[Part]:
    """Return the requested parts: text first, as the real service sends them.

    Args:
        request: the request.
        images: replace the picture of the prompt.
    """
    found: list[Part] = []
    if "TEXT" in request.modalities:
        found.append({"text": describe(request)})
    if "IMAGE" in request.modalities:
        drawn = [image_part(picture.render(request.prompt, request.aspect, request.size))]
        found += drawn if images is None else images
    return found


def body(request: Request, found: Sequence[Part]) -> dict[str, Any]:
    """Return the content of a reply that holds the parts, each signed."""
    candidate = {
        "content": {"parts": [signed(part, request.model) for part in found], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    return {"candidates": [candidate], **trailer(request, found)}


def is_too_long(request: Request, found: Sequence[Part]) -> bool:
    """Return whether the parts take more tokens than the request allows."""
    tokens = trailer(request, found)["usageMetadata"]["candidatesTokenCount"]
    return request.most_tokens is not None and tokens > request.most_tokens


def trailer(request: Request, found: Sequence[Part] = ()) -> dict[str, Any]:
    """Return the fields that follow the candidates: usage, model version, response id."""
    incoming = {
        "TEXT": max(1, len(request.prompt) // 4),
        "IMAGE": _INPUT_IMAGE_TOKENS * (len(request.references) + request.earlier_images),
    }
    final = [part for part in found if not part.get("thought")]
    outgoing = {
        "TEXT": sum(len(part["text"]) // 4 for part in final if part.get("text")),
        "IMAGE": sum(_IMAGE_TOKENS[request.size] for part in final if "inlineData" in part),
    }
    thoughts = sum(
        _INPUT_IMAGE_TOKENS if "inlineData" in part else len(part["text"]) // 4
        for part in found
        if part.get("thought")
    )
    usage: dict[str, Any] = {
        "promptTokenCount": sum(incoming.values()),
        "totalTokenCount": sum(incoming.values()) + sum(outgoing.values()) + thoughts,
        "promptTokensDetails": _details(incoming),
    }
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    if found:
        usage["candidatesTokenCount"] = sum(outgoing.values())
        usage["candidatesTokensDetails"] = _details(outgoing)
    return {
        "usageMetadata": usage,
        "modelVersion": request.model.id,
        "responseId": RESPONSE_ID + secrets.token_urlsafe(16),
    }


def _details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items() if count]


def describe(request: Request) -> str:
    """Return alt text for the last reference image, or for the picture that the prompt makes."""
    if request.references and "IMAGE" not in request.modalities:
        return _describe_image(request.references[-1])
    return _describe_prompt(request.prompt)


def _describe_prompt(prompt: str) -> str:
    prompt, _ = split(prompt)
    palette, _ = picture.choose_palette(prompt)
    scenery = f"written over rolling hills {palette.name}"
    subject = " ".join(prompt.split()).rstrip(".!?,;: ") or "Nothing"
    limit = _ALT_LENGTH - len(scenery) - 2
    if len(subject) > limit:
        subject = subject[: limit - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "…"
    return f"{subject[0].upper()}{subject[1:]}, {scenery}"


def _describe_image(data: bytes) -> str:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.info.get("Comment") == picture.COMMENT:
                return _describe_prompt(str(image.info.get("Title", "")))
            width, height = image.size
            # An eighth of a JPEG's pixels gives its average in a tenth of the time.
            image.draft("RGB", (1, 1))
            average = image.convert("RGB").resize((1, 1)).tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "A picture in a format that the sandbox cannot read"
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    colour = min(
        _COLOUR_NAMES,
        key=lambda name: sum(
            (one - other) ** 2 for one, other in zip(average, _COLOUR_NAMES[name], strict=True)
        ),
    )
    return f"A mostly {colour} {shape} picture, {width} by {height} pixels"


def model(found: Model) -> dict[str, Any]:
    """Return one model as `GET /v1beta/models` lists it."""
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
        "thinking": bool(found.thinking) or found.always_thinks,
    }


def models(page: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a page of the catalog's models.

    Args:
        page: the query, with `pageSize` and `pageToken` if given; whatever else they hold is the
            first page, or one of 50.
    """
    start, size = (
        int(text) if (text := page.get(name, [""])[0]).isdecimal() else default
        for name, default in (("pageToken", 0), ("pageSize", 50))
    )
    end = start + (size or 50)
    listed = [model(found) for found in MODELS.values()]
    more = {"nextPageToken": str(end)} if end < len(listed) else {}
    return {"models": listed[start:end], **more}
