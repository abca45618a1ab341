"""Take the key out of what a server says: some servers echo it, and it must not be shown."""

from __future__ import annotations

import json

from msgspec.structs import replace

from nanobanana_cli.errors import NbError
from nanobanana_cli.types import Reply

# Anything shorter may occur in a text by chance.
_SHORTEST_SECRET = 8


def text(shown: str, key: str | None) -> str:
    """Return the text with `[key]` in place of the key, also where JSON escapes it."""
    if key is None or len(key) < _SHORTEST_SECRET:
        return shown
    escaped = json.dumps(key)[1:-1]
    for form in (key, escaped, escaped.replace("/", "\\/")):
        shown = shown.replace(form, "[key]")
    return shown


def error(failed: NbError, key: str | None) -> NbError:
    """Take the key out of an error's message; return the same error."""
    failed.message = text(failed.message, key)
    failed.args = (failed.message,)
    return failed


def reply(found: Reply, key: str | None) -> Reply:
    """Return the reply with the key taken out of its strings; the image stays as it is."""

    def clean(value: str | None) -> str | None:
        return None if value is None else text(value, key)

    return replace(
        found,
        text=text(found.text, key),
        model_version=clean(found.model_version),
        response_id=clean(found.response_id),
        finish_reason=clean(found.finish_reason),
    )
