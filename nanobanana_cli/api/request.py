"""A request as the wire wants it. Pure.

The service answers 400 to any field that it does not know, so nothing is sent but what is set here.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import msgspec

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.types import ContentRequest, Reference


def path(model: str) -> str:
    """The path of the one method that image models have, below the provider's base address."""
    return f"/v1beta/models/{quote(model, safe='')}:generateContent"


def build(request: ContentRequest, provider: str) -> bytes:
    """The body of a `generateContent` call: compact JSON, ASCII only.

    Args:
        request: what is asked; values are sent as they are, unchecked.
        provider: a name from the catalog, which decides how sizes are spelt.

    `responseModalities` is always there: left out, the reply holds text only.
    """
    text = {"text": _ascii(request.framed or request.prompt)}
    body: dict[str, Any] = {
        "contents": [
            {"role": "user", "parts": [text, *map(_image_part, request.references)]},
        ],
        "generationConfig": _generation_config(request, provider),
    }
    if request.parameters.system:
        body["systemInstruction"] = {"parts": [{"text": _ascii(request.parameters.system)}]}
    if request.parameters.search:
        body["tools"] = [{"googleSearch": {}}]
    return msgspec.json.encode(body)


def _image_part(reference: Reference) -> dict[str, Any]:
    # msgspec writes bytes as base64, straight into the body.
    return {"inlineData": {"mimeType": _ascii(reference.mime_type), "data": reference.data}}


def _generation_config(request: ContentRequest, provider: str) -> dict[str, Any]:
    config: dict[str, Any] = {"responseModalities": request.modalities}
    if "IMAGE" in request.modalities:
        config["imageConfig"] = _set(
            aspectRatio=request.aspect, imageSize=_size(request.size, provider)
        )
    parameters = request.parameters
    if parameters.thinking is not None:
        config["thinkingConfig"] = {"thinkingLevel": _ascii(parameters.thinking)}
    return config | _set(temperature=parameters.temperature, seed=parameters.seed)


def _set(**fields: str | float | None) -> dict[str, Any]:
    """Those fields that have a value."""
    return {
        name: _ascii(value) if isinstance(value, str) else value
        for name, value in fields.items()
        if value is not None
    }


def _ascii(text: str) -> msgspec.Raw:
    """A JSON string in ASCII, which holds even a lone surrogate."""
    return msgspec.Raw(json.dumps(text).encode("ascii"))


def _size(size: str | None, provider: str) -> str | None:
    known = PROVIDERS.get(provider)
    if size is None or known is None:
        return size
    return known.size_names.get(size, size)
