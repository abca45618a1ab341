"""Answers with texts, and pictures to ask them about."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from support.replies import image_part, picture, reply
from support.tools import require
from support.wire_server import Answer, WireServer


def told(text: str, **options: Any) -> Answer:
    """The answer to a question about a picture."""
    return Answer(200, body=reply({"text": text}), **options)


def drawn(text: str | None, data: bytes | None = None) -> Answer:
    """The answer with an image and its text."""
    image = image_part(data or picture(1024, 1024))
    return Answer(200, body=reply(*([] if text is None else [{"text": text}]), image))


def against(server: WireServer) -> dict[str, str]:
    """The environment that sends `nb` to a server."""
    return {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-test-key-1234"}


def body(server: WireServer, index: int = 0) -> dict[str, Any]:
    """What was sent."""
    sent = json.loads(server.requests[index].body)
    assert isinstance(sent, dict)
    return sent


def save(*names: str) -> None:
    """A small picture under each name, in the format that the name says."""
    kinds = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    for number, name in enumerate(names):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = kinds.get(path.suffix.lower(), "PNG")
        path.write_bytes(picture(8 + number, 8, image_format=kind))


def exiftool(path: str) -> dict[str, str]:
    """What exiftool reads in a file."""
    command = [require("exiftool"), "-j", "-n", path]
    run = subprocess.run(command, capture_output=True, check=True)
    record = json.loads(run.stdout)[0]
    assert isinstance(record, dict)
    return record
