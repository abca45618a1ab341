"""The answer of a service, read plainly, without the code by which `nb` reads replies."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract.questions import Question, Subject
from PIL import Image

from nanobanana_cli.settings.redaction import redact
from nanobanana_cli.ui.escape import escape, one_line

_LONGEST = 90


@dataclass(frozen=True)
class Reply:
    """What came back for a question.

    Args:
        question: what was asked.
        subject: who was asked.
        status: the HTTP status.
        headers: by name, whatever its case.
        body: read whole.
    """

    question: Question
    subject: Subject = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object; {} if it is none."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def candidate(self) -> dict[str, Any]:
        """The first candidate; {} if none came."""
        found = self.object.get("candidates")
        first = found[0] if isinstance(found, list) and found else {}
        return first if isinstance(first, dict) else {}

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The parts of the first candidate that are no thoughts."""
        content = self.candidate.get("content")
        found = content.get("parts") if isinstance(content, dict) else None
        parts = found if isinstance(found, list) else []
        return [
            part for part in parts if isinstance(part, dict) and part.get("thought") is not True
        ]

    @cached_property
    def images(self) -> list[bytes]:
        """The finished images; one that is not base64 is empty."""
        blobs = [part.get("inlineData") or part.get("inline_data") for part in self.parts]
        found = [str(blob.get("data", "")) for blob in blobs if isinstance(blob, dict)]
        return [_decoded(data) for data in found if data]

    @property
    def text(self) -> str:
        """The texts, joined."""
        return "".join(part["text"] for part in self.parts if isinstance(part.get("text"), str))

    @cached_property
    def pixels(self) -> tuple[int, int] | None:
        """Width and height of the last image; None if there is none, or none that can be read."""
        if not self.images:
            return None
        try:
            with Image.open(io.BytesIO(self.images[-1])) as image:
                return image.size
        except (OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
            return None

    @property
    def error(self) -> dict[str, Any]:
        """The error object, also the one element of a list; {} if there is none."""
        value = self.json[0] if isinstance(self.json, list) and len(self.json) == 1 else self.json
        found = value.get("error") if isinstance(value, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def is_error(self) -> bool:
        """Whether the body is a JSON error with a message."""
        message = self.error.get("message")
        return isinstance(message, str) and bool(message.strip())

    def brief(self) -> str:
        """Return the answer in a line."""
        words = [str(self.status)]
        if self.is_error:
            words += [str(self.error.get("status", "")), self._short(self.error["message"])]
        elif self.json is None:
            words += [
                self.headers.get("Content-Type", ""),
                self._short(self.body[:400].decode("latin-1")),
            ]
        else:
            if self.pixels:
                words.append("an image of {} × {} pixels".format(*self.pixels))
            elif self.images:
                words.append("an image that cannot be read")
            words += [f"the text {self._short(self.text)}" if self.text else ""]
            words += [str(self.candidate.get("finishReason", ""))]
        return escape(one_line(", ".join(word for word in words if word), 3 * _LONGEST))

    def _short(self, text: str) -> str:
        # Cut afterwards: a part of a key would not be recognised.
        return f'"{one_line(redact(text, self.subject.key), _LONGEST)}"'


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return b""
