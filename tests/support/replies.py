"""Replies of the service, as bytes."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from PIL import Image
from support.wire_server import Answer


def picture(
    width: int = 64, height: int = 64, image_format: str = "PNG", color: str = "teal"
) -> bytes:
    """A small image."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), color).save(buffer, image_format)
    return buffer.getvalue()


def image_part(data: bytes, mime_type: str = "image/png", **more: Any) -> dict[str, Any]:
    """A part that holds an image."""
    return {
        "inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()},
        **more,
    }


def reply(*parts: dict[str, Any], **more: Any) -> bytes:
    """A whole reply with one candidate."""
    return json.dumps(
        {
            "candidates": [
                {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
            ],
            "usageMetadata": {
                "promptTokenCount": 8,
                "candidatesTokenCount": 1120,
                "totalTokenCount": 1128,
            },
            "modelVersion": "gemini-3.1-flash-image-preview",
            "responseId": "abc",
            **more,
        }
    ).encode()


def made(data: bytes | None = None, **more: Any) -> Answer:
    """The answer with one image."""
    return Answer(200, body=reply(image_part(data or picture(1024, 1024)), **more))


def failed(status: int, message: str = "no", name: str = "", **headers: str) -> Answer:
    """An error in Google's shape; `_` in a header's name stands for `-`."""
    error = {"error": {"code": status, "message": message, "status": name}}
    return Answer(
        status,
        headers=tuple((key.replace("_", "-"), value) for key, value in headers.items()),
        body=json.dumps(error).encode(),
    )
