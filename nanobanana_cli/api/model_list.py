"""Ask a service which models it serves."""

from __future__ import annotations

import json
from urllib.parse import quote

from nanobanana_cli.api.transport import Transport

# Why Vertex AI is not asked.
NOT_OF_VERTEX = "nb asks for the Gemini API's list of models only, not Vertex AI's"
_PATH = "/v1beta/models"
# Google has some sixty models, fifty to a page.
_MOST_PAGES = 20


def fetch(transport: Transport) -> list[str] | None:
    """Return the ids of all models that the service lists, without `models/` in front.

    The list is free: no model is called.

    Returns:
        None if the answer is not the API's: a website answers any path with a page.

    Raises:
        NbError: the service gives no list, or cannot be reached; see `Transport`.
    """
    found: dict[str, None] = {}
    query, tokens = "", set[str]()
    for _ in range(_MOST_PAGES):
        page = _page(bytes(transport.get(_PATH + query)))
        if page is None:
            return None
        names, token = page
        found.update(dict.fromkeys(names))
        if not token or token in tokens:
            break
        tokens.add(token)
        query = f"?pageToken={quote(token, safe='')}"
    return list(found)


def _page(body: bytes) -> tuple[list[str], str] | None:
    """Return the ids on a page, and the token of the next one, or ""."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return None
    models = reply.get("models") if isinstance(reply, dict) else None
    if not isinstance(models, list):
        return None
    names = [each.get("name") for each in models if isinstance(each, dict)]
    token = reply.get("nextPageToken")
    ids = [name.removeprefix("models/") for name in names if isinstance(name, str)]
    return ids, token if isinstance(token, str) else ""
