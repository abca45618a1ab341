"""Parse a request body, and refuse it with the error that the real service would give.

Two conventions are the sandbox's own: text between `<prompt>` and `</prompt>` is drawn without the
instructions around it, and `[[fault:NAME]]` anywhere in the text requests a fault.
"""

from __future__ import annotations

import base64
import binascii
import re
from itertools import chain
from typing import Any

import msgspec

from nanobanana_cli.catalog import (
    ASPECTS,
    DEFAULT_ASPECT,
    DEFAULT_SIZE,
    MODELS,
    SIZES,
    TEXT_MODELS,
    Model,
)
from nanobanana_cli.images.displayed import size_of
from nanobanana_cli.images.formats import sniff
from nanobanana_cli.sandbox import proto, signatures
from nanobanana_cli.sandbox.errors import ApiError, invalid, no_model, violations
from nanobanana_cli.settings.validators import nearest_ratio
from nanobanana_cli.types import Redacted

MAX_BODY = 100 * 1024 * 1024
_INPUT_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_LEVELS = ("low", "medium", "high", "minimal")
_MODALITIES = ("TEXT", "IMAGE", "AUDIO")
_PART_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_SIZE_NAMES = {"512": "0.5K"}
_FRAMED = re.compile(r"<prompt>(.*?)</prompt>", re.DOTALL)
_MARKER = re.compile(r"\s*\[\[fault:([^\]]*)\]\]")


class Request(Redacted, frozen=True):
    """A valid `generateContent` request.

    Args:
        model: one of the catalog.
        prompt: the text to draw, without frame and marker.
        aspect, size: as in the catalog.
        modalities: of the reply; `("TEXT",)` when the request names none.
        references: the input images' bytes, in order.
        marker: the text in `[[fault:…]]`, if any.
        most_tokens: of the reply; None if the request names no limit.
        earlier_images: how many images the turns before the last one have.
    """

    _hidden = ("references",)

    model: Model
    prompt: str
    aspect: str = DEFAULT_ASPECT
    size: str = DEFAULT_SIZE
    modalities: tuple[str, ...] = ("TEXT",)
    references: tuple[bytes, ...] = ()
    marker: str | None = None
    most_tokens: int | None = None
    earlier_images: int = 0


def known_model(name: str) -> Model:
    """Return the catalog's model of that id; raise ApiError (404) if it has none."""
    known = MODELS.get(name) or TEXT_MODELS.get(name)
    if known is None:
        raise no_model(name)
    return known


def parse(model_id: str, body: bytes) -> Request:
    """Return the request that a `generateContent` body makes.

    Args:
        model_id: as in the URL.
        body: JSON.

    Raises:
        ApiError: the error that the real service would give.
    """
    model = known_model(model_id)
    if len(body) > MAX_BODY:
        raise ApiError(413, f"Request payload size exceeds the limit: {MAX_BODY} bytes.")
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, f"Invalid JSON payload received. {error}") from error
    request = proto.read(payload)
    parts = _parts(request)
    config = request.get("generationConfig", {})
    _check_numbers(config)
    _check_thinking(config, model)
    _check_search(request, model)
    turn = f"contents[{len(request['contents']) - 1}]"
    signatures.check(request["contents"], model)
    earlier = _earlier_images(request["contents"])
    references = _references(parts, model, turn)
    shapes = (*earlier[-1:], *references)
    aspect, size = _image_config(config.get("imageConfig", {}), model, shapes)
    text = "\n".join(part["text"] for part in parts if part.get("text"))
    marker = _MARKER.search(text)
    text = _MARKER.sub("", text)
    framed = _FRAMED.search(text)
    return Request(
        model=model,
        prompt=(framed.group(1) if framed else text).strip(),
        aspect=aspect,
        size=size,
        modalities=_modalities(config, model),
        references=references,
        marker=marker.group(1) if marker else None,
        most_tokens=config.get("maxOutputTokens") or None,
        earlier_images=len(earlier),
    )


def _parts(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of the last turn after checking all turns."""
    contents = request.get("contents", [])
    if not contents:
        raise invalid("contents", "contents is not specified")
    for turn, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model"):
            raise ApiError(400, "Please use a valid role: user, model.")
        if not content.get("parts"):
            raise invalid(f"contents[{turn}].parts", "contents.parts must not be empty.")
        for number, part in enumerate(content["parts"]):
            # The signature of a stream may come in a part of its own, whose text is empty.
            if not any(part.get(kind) for kind in (*_PART_DATA, "thoughtSignature")):
                raise invalid(
                    f"contents[{turn}].parts[{number}].data",
                    "required oneof field 'data' must have one initialized field",
                )
    return list(contents[-1]["parts"])


def _check_numbers(config: dict[str, Any]) -> None:
    if config.get("candidateCount", 1) != 1:
        raise ApiError(400, "Multiple candidates is not enabled for this model")
    if not 0 <= config.get("temperature", 1) <= 2:
        raise invalid(
            "generation_config.temperature", "temperature must be in the range [0.0, 2.0]."
        )


def _check_thinking(config: dict[str, Any], model: Model) -> None:
    level = config.get("thinkingConfig", {}).get("thinkingLevel")
    if level is None:
        return
    if level.lower() not in _LEVELS:
        raise _no_enum(
            "generation_config.thinking_config", "thinking_level", "ThinkingLevel", level
        )
    if level.lower() not in model.thinking:
        raise ApiError(
            400,
            f"Thinking level {level.upper()} is not supported for this model. Please retry with "
            "other thinking level.",
        )


def _check_search(request: dict[str, Any], model: Model) -> None:
    for tool in request.get("tools", []):
        if "googleSearch" in tool and not model.search:
            raise ApiError(400, f"Search as tool is not enabled for models/{model.id}")
        types = tool.get("googleSearch", {}).get("searchTypes", {})
        if "imageSearch" in types and "image" not in model.search:
            raise ApiError(400, f"Image search is not enabled for models/{model.id}")


def _modalities(config: dict[str, Any], model: Model) -> tuple[str, ...]:
    given = config.get("responseModalities") or ["TEXT"]
    for number, name in enumerate(given):
        if name.upper() not in _MODALITIES:
            raise _no_enum("generation_config", f"response_modalities[{number}]", "Modality", name)
    wanted = {name.upper() for name in given}
    if "AUDIO" in wanted or ("IMAGE" in wanted and not model.aspects):
        raise ApiError(
            400,
            f"The requested combination of response modalities ({', '.join(sorted(wanted))}) is "
            f"not supported by the model. models/{model.id} accepts the following combination of "
            "response modalities:\n* TEXT\n"
            + ("* IMAGE\n* IMAGE, TEXT\n" if model.aspects else ""),
        )
    return tuple(name for name in _MODALITIES if name in wanted)


def _image_config(
    config: dict[str, Any], model: Model, references: tuple[bytes, ...]
) -> tuple[str, str]:
    aspect = config.get("aspectRatio") or _followed(model, references)
    size = config.get("imageSize") or DEFAULT_SIZE
    if not (model.aspects or config):
        return aspect, size
    where = "generation_config.image_config"
    if aspect not in model.aspects:
        known = [name for name in ASPECTS if name in model.aspects]
        raise invalid(f"{where}.aspect_ratio", f"aspect_ratio must be {_one_of(known)}.")
    size = _SIZE_NAMES.get(size, size)
    # What any provider takes: nb may be on its way to each of them.
    accepted = {*model.sizes, *chain.from_iterable(model.own_sizes.values())}
    if size not in accepted:
        known = [name for name in SIZES if name in accepted]
        raise invalid(f"{where}.image_size", f"image_size must be {_one_of(known)}.")
    return aspect, size


def _followed(model: Model, references: tuple[bytes, ...]) -> str:
    """Return the ratio of an image whose ratio is left out: that of the first of the images.

    Source: https://ai.google.dev/gemini-api/docs/image-generation
    """
    shape = size_of(references[0]) if references else None
    if shape is None or not all(shape) or not model.aspects:
        return DEFAULT_ASPECT
    return nearest_ratio(*shape, model.aspects)


def _one_of(values: list[str]) -> str:
    quoted = [f"'{value}'" for value in values]
    if len(quoted) == 1:
        return quoted[0]
    return f"one of {', '.join(quoted[:-1])}, or {quoted[-1]}"


def _no_enum(message: str, name: str, enum: str, value: str) -> ApiError:
    kind = f"type.googleapis.com/google.ai.generativelanguage.v1beta.{enum}"
    path = f"{message}.{name}"
    return violations({path: [f"Invalid value at '{path}' ({kind}), \"{value[:100]}\""]})


def _earlier_images(contents: list[dict[str, Any]]) -> list[bytes]:
    """Return the images in the turns before the last one, in order."""
    return [
        _decoded(f"contents[{turn}].parts[{number}].inline_data", part["inlineData"])
        for turn, content in enumerate(contents[:-1])
        for number, part in enumerate(content["parts"])
        if part.get("inlineData")
    ]


def _references(parts: list[dict[str, Any]], model: Model, turn: str) -> tuple[bytes, ...]:
    blobs = [
        (number, part["inlineData"]) for number, part in enumerate(parts) if part.get("inlineData")
    ]
    if len(blobs) > model.max_references:
        raise ApiError(
            400,
            f"Too many images in the request: {len(blobs)}. models/{model.id} takes at most "
            f"{model.max_references}.",
        )
    return tuple(_decoded(f"{turn}.parts[{number}].inline_data", blob) for number, blob in blobs)


def _decoded(path: str, blob: dict[str, Any]) -> bytes:
    mime = blob.get("mimeType", "")
    if mime not in _INPUT_TYPES:
        raise ApiError(400, f"Unsupported MIME type: {mime}")
    text = blob.get("data", "")
    try:
        # Proto JSON takes the URL-safe alphabet too.
        data = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        shown = f'Base64 decoding failed for "{text[:40]}"'
        text = f"Invalid value at '{path}.data' (TYPE_BYTES), {shown}"
        raise violations({path: [text]}) from error
    # Any of them will do, whatever is declared. HEIC and HEIF are known by their first bytes alone.
    if sniff(data) not in _INPUT_TYPES:
        raise ApiError(400, "Unable to process input image. Please retry with another image.")
    return data
