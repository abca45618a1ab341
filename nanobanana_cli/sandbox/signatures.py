"""Sign the parts of replies, as thinking models do, and check those that come back in a turn.

Source: https://ai.google.dev/gemini-api/docs/thought-signatures. The words of the errors are those
that users of the service have reported.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any

from nanobanana_cli.catalog import Model
from nanobanana_cli.sandbox.errors import ApiError

# Not a secret: what one sandbox has signed, every other one can check.
_KEY = b"nb sandbox"


def signed(part: dict[str, Any], model: Model) -> dict[str, Any]:
    """Return a part of a reply with its signature, if the model signs."""
    return {**part, "thoughtSignature": _signature(part, model)} if _signs(model) else part


def check(contents: Sequence[dict[str, Any]], model: Model) -> None:
    """Raise ApiError (400) if the model did not make the parts of its turns just so.

    Args:
        contents: all turns, as `proto.read` returns them.
        model: the model that is asked.
    """
    if not _signs(model):
        return
    for turn, number, part in _parts_of_model(contents):
        given = part.get("thoughtSignature")
        if given is None and part.get("inlineData"):
            where = f"content position {turn}, part position {number}"
            raise ApiError(400, f"Image part is missing a thought_signature in {where}.")
        if given is not None and not _is_right(given, part, model):
            raise ApiError(400, "Corrupted thought signature.")


def _parts_of_model(
    contents: Sequence[dict[str, Any]],
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield each part of the model's turns, with the numbers of turn and part from 1."""
    for turn, content in enumerate(contents, start=1):
        if content.get("role") == "model":
            for number, part in enumerate(content["parts"], start=1):
                yield turn, number, part


def _signs(model: Model) -> bool:
    return bool(model.thinking) or model.always_thinks


def _is_right(given: str, part: dict[str, Any], model: Model) -> bool:
    expected = _signature(part, model)
    return hmac.compare_digest(_decoded(given), expected)


def _signature(part: dict[str, Any], model: Model) -> bytes:
    content = hmac.new(_KEY, model.id.encode(), hashlib.sha256)
    content.update(b"thought" if part.get("thought") else b"result")
    content.update(part.get("text", "").encode("utf-8", "surrogatepass"))
    data = part.get("inlineData", {}).get("data", b"")
    content.update(_decoded(data) if isinstance(data, str) else data)
    content.update(part.get("fileData", {}).get("fileUri", "").encode("utf-8", "surrogatepass"))
    return content.digest()


def _decoded(text: str) -> bytes:
    """Return what base64 of either alphabet holds: clients encode anew what they have decoded."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
