"""Plain HTTP to a sandbox, so that tests see what goes over the wire."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nanobanana_cli.catalog import DEFAULT_MODEL
from nanobanana_cli.sandbox.server import Sandbox

GENERATE = f"/v1beta/models/{DEFAULT_MODEL}:generateContent"


@dataclass(frozen=True)
class Response:
    """An HTTP response, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def content(prompt: str = "a red fox", *modalities: str, aspect: str = "1:1") -> dict[str, Any]:
    """A request of the smallest size."""
    return {
        "contents": [{"parts": [{"text": prompt}]}],
        "generationConfig": {
            "responseModalities": list(modalities) or ["IMAGE"],
            "imageConfig": {"aspectRatio": aspect, "imageSize": "0.5K"},
        },
    }


def post(
    sandbox: Sandbox,
    payload: object = None,
    *,
    path: str = GENERATE,
    timeout: float = 20,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One `generateContent` call."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload or content()).encode()
    return request(sandbox, "POST", path, body, timeout=timeout, headers=headers)


def request(
    sandbox: Sandbox,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    timeout: float = 20,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One request on a connection of its own, with a key unless other headers are given."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=timeout)
    try:
        given = {"x-goog-api-key": "any"} if headers is None else headers
        connection.request(method, path, body, dict(given))
        with connection.getresponse() as response:
            return Response(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
