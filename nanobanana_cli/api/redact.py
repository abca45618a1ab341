"""The key, taken out of what a server says: some send it back, and it must not be shown."""

from __future__ import annotations

import json

from msgspec.structs import replace

from nanobanana_cli.errors import NbError
from nanobanana_cli.types import Reply

# What is shorter may stand in any text by chance.
_SHORTEST_SECRET = 8


def text(shown: str, key: str | None) -> str:
    """The text with `[key]` in place of the key, also where it is escaped as in JSON."""
    if key is None or len(key) < _SHORTEST_SECRET:
        return shown
    escaped = json.dumps(key)[1:-1]
    for form in (key, escaped, escaped.replace("/", "\\/")):
        shown = shown.replace(form, "[key]")
    return shown


def error(failed: NbError, key: str | None) -> NbError:
    """The same error, with its message scrubbed."""
    failed.message = text(failed.message, key)
    failed.args = (failed.message,)
    return failed


def reply(found: Reply, key: str | None) -> Reply:
    """The reply with all its words scrubbed; the image stays as it is."""

    def clean(words: str | None) -> str | None:
        return None if words is None else text(words, key)

    return replace(
        found,
        text=text(found.text, key),
        model_version=clean(found.model_version),
        response_id=clean(found.response_id),
        finish_reason=clean(found.finish_reason),
    )
