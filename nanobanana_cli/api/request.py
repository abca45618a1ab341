"""Build a request's path and body, and show it as JSON or as a curl command. Pure.

The service rejects any field that it does not know with 400, so only what is set here is sent.
Neither way to show a request contains a secret: both name the variable that holds the key, and one
for each header of a gateway's own.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.types import ContentRequest, Endpoint, Reference

# Sent where no key is needed: the sandbox wants one, as the service does, and takes any.
ANY_KEY = "sandbox"
# Characters that are left of a shortened image.
_SHOWN = 32

_BASE64 = ("data", "thoughtSignature", "thought_signature")


def path(model: str, base_url: str = "") -> str:
    """Return the path of `generateContent` below the provider's base address.

    Args:
        base_url: where it goes. That of Vertex express mode has its version further in front:
            `https://aiplatform.googleapis.com/v1/publishers/google`.
    """
    version = "" if is_vertex(base_url) else "/v1beta"
    return f"{version}/models/{quote(model, safe='')}:generateContent"


def is_vertex(base_url: str) -> bool:
    """Return whether an address is that of Vertex AI in express mode.

    Its list of models has another path and form (`v1beta1/publishers/google/models`).
    """
    return base_url.endswith("/publishers/google")


def build(request: ContentRequest, provider: str) -> bytes:
    """Return the body of a `generateContent` call: compact JSON, ASCII only.

    `responseModalities` is always set: without it, the reply holds text only.

    Args:
        request: its values are sent as they are, unchecked.
        provider: a name from the catalog, which decides how sizes are spelt.
    """
    body: dict[str, Any] = {
        "contents": contents(request),
        "generationConfig": _generation_config(request, provider),
    }
    if request.parameters.system:
        body["systemInstruction"] = {"parts": [{"text": _ascii(request.parameters.system)}]}
    if request.parameters.search:
        body["tools"] = [{_search_tool(provider): {}}]
    return msgspec.json.encode(body)


def contents(request: ContentRequest) -> list[Any]:
    """Return the turns of a request: those that it goes on from, and the user's new one."""
    text: list[dict[str, Any]] = [{"text": _ascii(request.framed or request.prompt)}]
    # msgspec writes bytes as base64, straight into the body.
    images = [
        {"inlineData": {"mimeType": _ascii(image.mime_type), "data": _data(image)}}
        for image in request.references
    ]
    # To describe an image, Google's guide to images in prompts puts it before the text.
    parts = text + images if "IMAGE" in request.modalities else images + text
    earlier: list[Any] = []
    if request.conversation is not None:
        earlier = msgspec.json.decode(request.conversation.turns, type=list[msgspec.Raw])
    return [*earlier, {"role": "user", "parts": parts}]


class ShownRequest(msgspec.Struct, frozen=True):
    """The request that a call would send, as `--dry-run` shows it.

    Args:
        url: where it would go.
        headers: with the variable that holds the key in the place of the key.
        body: what would be sent.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any]


def shown(endpoint: Endpoint, model: str, body: bytes, *, shorten: bool = False) -> ShownRequest:
    """Return what to show of a request.

    Args:
        endpoint: where it would go; its key is not used.
        model: the model's id.
        body: as `build` returns it.
        shorten: show only the beginning of each image; of the turns that it goes on from, which
            are in a file, nothing else is shown in any case.
    """
    url = endpoint.base_url + path(model, endpoint.base_url)
    decoded = json.loads(body)
    turns = decoded["contents"]
    decoded["contents"] = [*map(_shortened, turns[:-1])]
    decoded["contents"] += map(_shortened, turns[-1:]) if shorten else turns[-1:]
    return ShownRequest("POST", url, dict(_shown_headers(endpoint)), decoded)


def as_json(request: ShownRequest) -> str:
    """Return the request as a JSON object, indented."""
    return json.dumps(msgspec.to_builtins(request), indent=2)


def _shortened(value: Any, name: str = "", depth: int = 6) -> Any:
    """Return a turn with the beginnings of its images and signatures, which are not deep in it."""
    if isinstance(value, dict) and depth:
        return {key: _shortened(each, key, depth - 1) for key, each in value.items()}
    if isinstance(value, list) and depth:
        return [_shortened(each, "", depth - 1) for each in value]
    is_long = name in _BASE64 and isinstance(value, str)
    return _beginning(value) if is_long else value


def _beginning(base64: str) -> str:
    """Return the first characters of an image or signature, at most half, and how many it has."""
    return f"{base64[: min(_SHOWN, len(base64) // 2)]}... ({len(base64):,} characters)"


def as_curl(endpoint: Endpoint, model: str, body: bytes, timeout: float) -> str:
    """Return the request as a shell command that prints the service's reply.

    The body is a here-document, since an argument may be no longer than 128 KiB on Linux, and one
    reference image can be larger. It is one line of JSON, so it cannot contain the end mark.
    """
    import shlex

    lines = [
        f"curl -sS --fail-with-body --max-time {timeout:g}",
        shlex.quote(endpoint.base_url + path(model, endpoint.base_url)),
        *(f'-H "{name}: {value}"' for name, value in _shown_headers(endpoint)),
        "--data-binary @- <<'JSON'",
    ]
    return " \\\n  ".join(lines) + f"\n{body.decode('ascii')}\nJSON"


def variable_of_header(name: str) -> str:
    """Return the variable that stands for the value of a header where a request is shown."""
    return re.sub(r"\W", "_", name).upper()


def _shown_headers(endpoint: Endpoint) -> list[tuple[str, str]]:
    headers = [("Content-Type", "application/json")]
    headers += [(name, f"${variable_of_header(name)}") for name in endpoint.headers]
    if variables := PROVIDERS[endpoint.provider].key_variables:
        first, *others = variables
        alternatives = "".join(f":-${other}" for other in others)
        headers.append(("x-goog-api-key", f"${{{first}{alternatives}}}" if others else f"${first}"))
    else:
        headers.append(("x-goog-api-key", ANY_KEY))
    return headers


def _data(image: Reference) -> Any:
    """Return the bytes, which msgspec writes as base64, or what stands for them."""
    return image.data if image.is_fetched else _ascii(f"<base64 of {image.name}>")


def _generation_config(request: ContentRequest, provider: str) -> dict[str, Any]:
    config: dict[str, Any] = {"responseModalities": request.modalities}
    if "IMAGE" in request.modalities:
        config["imageConfig"] = _set(aspectRatio=request.aspect, imageSize=_size(request, provider))
    parameters = request.parameters
    if parameters.thinking is not None:
        config["thinkingConfig"] = {"thinkingLevel": _ascii(parameters.thinking)}
    return config | _set(temperature=parameters.temperature, seed=parameters.seed)


def _set(**fields: str | float | None) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {
        name: _ascii(value) if isinstance(value, str) else value
        for name, value in fields.items()
        if value is not None
    }


def _ascii(text: str) -> msgspec.Raw:
    """Return a JSON string in ASCII, which can hold even a lone surrogate."""
    return msgspec.Raw(json.dumps(text).encode("ascii"))


def _size(request: ContentRequest, provider: str) -> str | None:
    """Return the size as the provider spells it; None for a model of one size.

    Such models have been seen to fail when they are told their size.
    """
    size = request.size
    known = PROVIDERS.get(provider)
    if size is None or len(catalog.sizes(request.model, provider)) == 1:
        return None
    return size if known is None else known.size_names.get(size, size)


def _search_tool(provider: str) -> str:
    known = PROVIDERS.get(provider)
    return known.search_tool if known else "googleSearch"
