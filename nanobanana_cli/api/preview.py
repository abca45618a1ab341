"""A request as people and scripts can look at it: as JSON, or as a curl command. Pure.

Neither holds the key: the JSON names the variable, and curl reads it from there.
"""

from __future__ import annotations

import shlex

from nanobanana_cli.api.request import path
from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.types import Endpoint


def as_json(endpoint: Endpoint, model: str, body: bytes) -> str:
    """The request as one JSON object: method, url, headers, body.

    Args:
        endpoint: where it would go; its key is not looked at.
        model: the model's id.
        body: what `request.build` made.
    """
    import json

    request = {
        "method": "POST",
        "url": endpoint.base_url + path(model),
        "headers": dict(_headers(endpoint.provider)),
        "body": json.loads(body),
    }
    return json.dumps(request, indent=2)


def as_curl(endpoint: Endpoint, model: str, body: bytes, timeout: float) -> str:
    """The request as a shell command that prints the service's reply.

    The body comes as a here-document, since an argument may be no longer than 128 KiB on Linux,
    which one reference image passes. It is one line of JSON, so no line of it can end it early.
    """
    lines = [
        f"curl -sS --fail-with-body --max-time {timeout:g}",
        shlex.quote(endpoint.base_url + path(model)),
        *(f'-H "{name}: {value}"' for name, value in _headers(endpoint.provider)),
        "--data-binary @- <<'JSON'",
    ]
    return " \\\n  ".join(lines) + f"\n{body.decode('ascii')}\nJSON"


def _headers(provider: str) -> list[tuple[str, str]]:
    headers = [("Content-Type", "application/json")]
    if variables := PROVIDERS[provider].key_variables:
        first, *others = variables
        alternatives = "".join(f":-${other}" for other in others)
        headers.append(("x-goog-api-key", f"${{{first}{alternatives}}}" if others else f"${first}"))
    return headers
