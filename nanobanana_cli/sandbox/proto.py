"""Read the fields of a `generateContent` request, and refuse all others.

The table is Google's public proto (v1beta) as far as image models use it; fields that never touch
an image (function calls, schemas, …) pass unread. As in proto JSON, each name may be written in
lowerCamelCase or snake_case, null is the same as absent, an integer may be written as a string,
and a single value may stand for a list of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nanobanana_cli.sandbox.errors import violations

# A shape is a mapping (a message), a list with one shape (repeated), or one of these names.
Shape = Any
ANY = "any"
STRING = "TYPE_STRING"
BYTES = "TYPE_BYTES"
BOOL = "TYPE_BOOL"
INT = "TYPE_INT32"
FLOAT = "TYPE_FLOAT"

_BLOB: Shape = {"mimeType": STRING, "data": BYTES, "displayName": STRING}
_PART: Shape = {
    "text": STRING,
    "inlineData": _BLOB,
    "fileData": {"mimeType": STRING, "fileUri": STRING},
    "thought": BOOL,
    "thoughtSignature": BYTES,
    "functionCall": ANY,
    "functionResponse": ANY,
    "executableCode": ANY,
    "codeExecutionResult": ANY,
    "videoMetadata": ANY,
    "mediaResolution": ANY,
    "partMetadata": ANY,
}
_CONTENT: Shape = {"role": STRING, "parts": [_PART]}
_GENERATION: Shape = {
    "responseModalities": [STRING],
    "imageConfig": {"aspectRatio": STRING, "imageSize": STRING},
    "thinkingConfig": {"includeThoughts": BOOL, "thinkingBudget": INT, "thinkingLevel": STRING},
    "candidateCount": INT,
    "temperature": FLOAT,
    "seed": INT,
    "topP": FLOAT,
    "topK": INT,
    "maxOutputTokens": INT,
    "stopSequences": [STRING],
    "presencePenalty": FLOAT,
    "frequencyPenalty": FLOAT,
    "responseMimeType": STRING,
    "responseSchema": ANY,
    "responseJsonSchema": ANY,
    "responseLogprobs": BOOL,
    "logprobs": INT,
    "mediaResolution": STRING,
    "speechConfig": ANY,
    "responseFormat": ANY,
}
_TOOL: Shape = {
    "googleSearch": {
        "searchTypes": {"webSearch": ANY, "imageSearch": ANY},
        "timeRangeFilter": ANY,
    },
    "googleSearchRetrieval": ANY,
    "urlContext": ANY,
    "codeExecution": ANY,
    "functionDeclarations": ANY,
}
REQUEST: Shape = {
    "model": STRING,
    "contents": [_CONTENT],
    "systemInstruction": _CONTENT,
    "generationConfig": _GENERATION,
    "tools": [_TOOL],
    "toolConfig": ANY,
    "safetySettings": [{"category": STRING, "threshold": STRING, "method": STRING}],
    "cachedContent": STRING,
    "serviceTier": STRING,
}


def snake(name: str) -> str:
    """Return a name in snake_case: `aspectRatio` → `aspect_ratio`."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda found: "_" + found.group().lower(), name)


def read(payload: object) -> dict[str, Any]:
    """Return a decoded JSON body with every name in camelCase and every value of the right type.

    Raises:
        ApiError: a 400 that lists each unknown name and each value of a wrong type.
    """
    reader = _Reader()
    message = reader.value(payload, REQUEST, "")
    if reader.violations:
        raise violations(reader.violations)
    return dict(message)


class _Reader:
    def __init__(self) -> None:
        self.violations: dict[str, list[str]] = {}

    def value(self, value: Any, shape: Shape, path: str) -> Any:
        if isinstance(shape, Mapping):
            return self._message(value, shape, path)
        if isinstance(shape, list):
            items = value if isinstance(value, list) else [value]
            return [self.value(item, shape[0], f"{path}[{n}]") for n, item in enumerate(items)]
        if shape == ANY:
            return value
        return self._scalar(value, shape, path)

    def _message(self, value: Any, shape: Mapping[str, Shape], path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._add(path, f"Invalid value at '{path or 'request'}' (a message), {_shown(value)}")
            return {}
        names = {snake(name): name for name in shape}
        result: dict[str, Any] = {}
        for given, item in value.items():
            name = given if given in shape else names.get(given)
            if name is None:
                at = f" at '{path}'" if path else ""
                self._add(
                    path,
                    f'Invalid JSON payload received. Unknown name "{given}"{at}: '
                    "Cannot find field.",
                )
            elif item is not None:
                inner = f"{path}.{snake(name)}" if path else snake(name)
                result[name] = self.value(item, shape[name], inner)
        return result

    def _scalar(self, value: Any, shape: str, path: str) -> Any:
        converted = _convert(value, shape)
        if converted is None:
            self._add(path, f"Invalid value at '{path}' ({shape}), {_shown(value)}")
        return converted

    def _add(self, path: str, text: str) -> None:
        self.violations.setdefault(path, []).append(text)


def _convert(value: Any, shape: str) -> Any:
    """Return the value as proto JSON reads it, or None when it does not fit."""
    if shape in (STRING, BYTES):
        return value if isinstance(value, str) else None
    if shape == BOOL:
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if shape == FLOAT:
        return number
    return int(number) if number.is_integer() and abs(number) < 2**31 else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:100]}"'
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return str(value)
