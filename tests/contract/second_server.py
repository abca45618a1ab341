"""A second service, small and faithful, written from the same facts as the sandbox and without its
code; told so, it breaks one of them.

It differs from the sandbox wherever a service may: its images are JPEG, come before the text and
after a thought, and say image/png of themselves; its errors are those of a gateway.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from PIL import Image

KEY = "sk-canary-of-the-second-server-0123456789"
_MODELS = ("gemini-3.1-flash-image-preview", "gemini-nano-banana-2.1")
_LITE = "gemini-3.1-flash-lite-image"
_SQUARE = 1024
_PIXELS = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:4": (896, 1200),
    "4:5": (928, 1152),
    "9:16": (768, 1376),
    "1:4": (512, 2048),
    "1:8": (384, 3072),
    "21:9": (1584, 672),
}
_PIXELS.update({":".join(ratio.split(":")[::-1]): (h, w) for ratio, (w, h) in _PIXELS.items()})
_PIXELS["21:9"] = (1584, 672)
_FACTORS = {"0.5K": 0.5, "512": 0.5, "1K": 1, "2K": 2, "4K": 4}
_FIELDS = {
    *("responseModalities", "imageConfig", "thinkingConfig", "candidateCount", "seed"),
    *("maxOutputTokens", "temperature"),
}

# What breaks → the facts that no longer hold then.
BREAKAGES: dict[str, set[str]] = {
    "makes an image unless told otherwise": {"modalities-left-out"},
    "takes any ratio": {"ratio-unknown"},
    "takes any size": {"size-unknown"},
    "drops unknown fields": {"field-unknown"},
    "makes 21:9 square": {"shape-21:9-1K"},
    "makes 2K at 1K": {"shape-16:9-2K"},
    "takes the key as Bearer": {"key-bearer"},
    "answers a wrong key with 404": {"key-wrong"},
    "leaves the text out": {"text-and-image"},
    "counts no tokens": {"usage"},
    "follows no reference": {"reference-ratio"},
    "answers a refusal with 400": {"refused"},
    "cuts images": {"image-whole"},
    "takes no turns": {"turns"},
    "takes any number of references": {"too-many-references"},
    "names no version": {"version-and-id"},
    "names no rate limit": {"rate-limit-headers"},
    "needs no signature": {"signature-missing"},
    "takes any signature": {"signature-altered"},
}
# The same for what is held to be true of Google alone.
BREAKAGES_AT_GOOGLE: dict[str, set[str]] = {
    "names models plainly": {"models-names"},
    "lists no models that it serves": {"models-listed"},
    "knows no pages": {"models-page"},
    "takes ratios of other models": {"ratio-of-others"},
    "takes 0.5K": {"size-spelling"},
    "counts few tokens": {"usage-price"},
}
# The same for what is asked only with --every.
BREAKAGES_OF_EVERY: dict[str, set[str]] = {
    "takes no HEIC": {"input-heif"},
    "takes no temperature": {"temperature"},
    "knows no searchTypes": {"search-types"},
    "makes 2K unless told otherwise": {"one-size"},
}
# What a service may do, or is out of order: none of these is a difference.
HARMLESS = ("wraps errors in a list", "is overloaded at times")


class SecondServer:
    """Serves on a free port of 127.0.0.1.

    Args:
        breaks: one of `BREAKAGES` or `HARMLESS`; "" for none.
        echoes: put the key into errors and replies, as some gateways do.

    Attributes:
        requests: how many came.
        calls: how many of them were `generateContent` calls, whatever became of them.
        paid: how many of them were answered with 200.
    """

    def __init__(self, breaks: str = "", *, echoes: bool = False) -> None:
        self.breaks = breaks
        self.echoes = echoes
        self.requests = 0
        self.calls = 0
        self.paid = 0
        self._server = _HttpServer(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _HttpServer(ThreadingHTTPServer):
    owner: SecondServer


class _Refusal(Exception):
    def __init__(self, status: int, message: str, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "second_server_error", "param": "", "code": code}


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self.server.owner.calls += 1
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        owner = self.server.owner
        owner.requests += 1
        try:
            self._check_key()
            if self.command == "GET":
                reply = _models(self.path, owner.breaks)
            else:
                reply = _generate(self._model(), _decoded(body), owner.breaks)
        except _Refusal as refusal:
            if owner.echoes:
                refusal.error["message"] += (
                    f" (key {KEY}, token sk-can**789, user 4711, someone@example.org, "
                    "projects/123456789012, balance ¥12.50, from 203.0.113.7)"
                )
            self._refuse(refusal)
        else:
            owner.paid += self.command == "POST"
            if owner.echoes:
                reply["debug"] = {"key": base64.b64encode(KEY.encode()).decode(), KEY: 1}
            self._send(200, json.dumps(reply).encode())

    def _check_key(self) -> None:
        breaks = self.server.owner.breaks
        key = self.headers.get("x-goog-api-key")
        if key is None and breaks == "takes the key as Bearer":
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if key is None:
            raise _Refusal(401, "no key in x-goog-api-key", "")
        if key != KEY:
            raise _Refusal(401, "无效的令牌", "")

    def _model(self) -> str:
        model = self.path.rpartition("/")[2].partition(":")[0]
        if model not in (*_MODELS, _LITE):
            raise _Refusal(503, f"No available channel for model {model}", "model_not_found")
        return model

    def _refuse(self, refusal: _Refusal) -> None:
        breaks = self.server.owner.breaks
        error: Any = {"error": refusal.error}
        if breaks == "wraps errors in a list":
            error = [error]
        is_of_key = "无效" in refusal.error["message"]
        status = 404 if is_of_key and breaks == "answers a wrong key with 404" else refusal.status
        self._send(status, json.dumps(error).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.server.owner.breaks != "names no rate limit":
            self.send_header("X-RateLimit-Remaining-Requests", "49")
        self.end_headers()
        self.wfile.write(body)


def _models(path: str, breaks: str) -> dict[str, Any]:
    query = parse_qs(urlsplit(path).query)
    start = int(query.get("pageToken", ["0"])[0])
    end = start + (len(_MODELS) if breaks == "knows no pages" else int(query["pageSize"][0]))
    prefix = "" if breaks == "names models plainly" else "models/"
    names = ["x"] * 3 if breaks == "lists no models that it serves" else [*_MODELS, _LITE]
    more = {"nextPageToken": str(end)} if end < len(names) else {}
    return {"models": [{"name": prefix + name} for name in names[start:end]], **more}


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        raise _Refusal(400, "unexpected end of JSON input") from None
    assert isinstance(found, dict)
    return found


def _generate(model: str, request: dict[str, Any], breaks: str) -> dict[str, Any]:
    config = request["generationConfig"]
    unknown = config.keys() - _FIELDS
    if breaks == "takes no temperature":
        unknown |= config.keys() & {"temperature"}
    if breaks == "knows no searchTypes" and "searchTypes" in json.dumps(request.get("tools")):
        unknown.add("searchTypes")
    if unknown or config.get("candidateCount", 1) != 1:
        raise _Refusal(400, f"not taken: {unknown or 'candidateCount'}")
    image_config = config.get("imageConfig", {})
    if image_config.keys() - {"aspectRatio", "imageSize"} and breaks != "drops unknown fields":
        raise _Refusal(400, 'Unknown name "numberOfImages"')
    if len(request["contents"]) > 1:
        _check_turns(request["contents"], breaks)
    references = [
        _reference(part["inlineData"], breaks)
        for part in request["contents"][-1]["parts"]
        if "inlineData" in part
    ]
    if len(references) > 14 and breaks != "takes any number of references":
        raise _Refusal(400, "too many images")
    size = _size(model, image_config, references, breaks)
    kinds = config.get("responseModalities") or (
        ["IMAGE"] if breaks == "makes an image unless told otherwise" else ["TEXT"]
    )
    if config.get("maxOutputTokens") == 1:
        if breaks == "answers a refusal with 400":
            raise _Refusal(400, "image generation failed")
        return {"candidates": [{"content": {}, "finishReason": "MAX_TOKENS"}]}
    if breaks == "is overloaded at times" and size[0] > _SQUARE:
        raise _Refusal(503, "The model is overloaded", "busy")
    return _reply(model, kinds, size, breaks)


def _check_turns(contents: list[dict[str, Any]], breaks: str) -> None:
    roles = [turn["role"] for turn in contents]
    if roles != ["user", "model", "user"] or breaks == "takes no turns":
        raise _Refusal(400, "one turn alone")
    [image] = [part for part in contents[1]["parts"] if "inlineData" in part]
    given = image.get("thoughtSignature")
    passing = {"needs no signature": given is None, "takes any signature": given is not None}
    if given != "c2Vjb25k" and not passing.get(breaks):
        raise _Refusal(400, "missing thought signature")


def _reference(blob: dict[str, str], breaks: str) -> tuple[int, int]:
    if blob["mimeType"] in ("image/heic", "image/heif") and breaks != "takes no HEIC":
        if base64.b64decode(blob["data"])[4:8] != b"ftyp":
            raise _Refusal(400, "Unable to process input image")
        return (3, 2)
    if blob["mimeType"] not in ("image/png", "image/jpeg", "image/webp"):
        raise _Refusal(400, f"MIME type {blob['mimeType']}")
    try:
        with Image.open(io.BytesIO(base64.b64decode(blob["data"]))) as image:
            return image.size
    except OSError:
        raise _Refusal(400, "Unable to process input image") from None


def _factor(model: str, size: str, breaks: str) -> float:
    found = _FACTORS.get(size)
    is_half = size == "0.5K" and model != _MODELS[0] and breaks != "takes 0.5K"
    if (found is None or is_half) and breaks != "takes any size":
        raise _Refusal(400, "imageSize")
    return found or 1


def _size(
    model: str, config: dict[str, Any], references: list[tuple[int, int]], breaks: str
) -> tuple[int, int]:
    default = "2K" if breaks == "makes 2K unless told otherwise" else "1K"
    factor = _factor(model, config.get("imageSize", default), breaks)
    if "aspectRatio" in config:
        found = _PIXELS.get(config["aspectRatio"])
        is_of_others = model == _LITE and config["aspectRatio"] in ("1:4", "4:1", "1:8", "8:1")
        if is_of_others and breaks != "takes ratios of other models":
            raise _Refusal(400, "aspectRatio of another model")
        if found is None and breaks != "takes any ratio":
            raise _Refusal(400, "aspectRatio")
        width, height = found or _PIXELS["1:1"]
    elif references and breaks != "follows no reference":
        root = (references[0][0] / references[0][1]) ** 0.5
        width, height = round(_SQUARE * root), round(_SQUARE / root)
    else:
        width, height = _PIXELS["1:1"]
    if breaks == "makes 21:9 square" and config.get("aspectRatio") == "21:9":
        width = height = _SQUARE
    if breaks == "makes 2K at 1K" and factor == 2:
        factor = 1
    # Off by some pixels, as real ones are.
    return int(width * factor) - 8, int(height * factor) + 8


def _reply(model: str, kinds: list[str], size: tuple[int, int], breaks: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if "IMAGE" in kinds:
        data = _jpeg(size)
        if breaks == "cuts images":
            data = data[: len(data) // 2]
        blob = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
        parts.append({"text": "A fox, then.", "thought": True})
        parts.append({"inlineData": blob, "thoughtSignature": "c2Vjb25k"})
    if "TEXT" in kinds and not ("IMAGE" in kinds and breaks == "leaves the text out"):
        parts.append({"text": "A fox in the snow."})
    tokens = 258 if breaks == "counts few tokens" else 1120
    usage = {"promptTokenCount": 9, "candidatesTokenCount": tokens, "totalTokenCount": 1229}
    reply = {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {} if breaks == "counts no tokens" else usage,
        "modelVersion": model,
        "responseId": "second-4711",
    }
    if breaks == "names no version":
        del reply["modelVersion"]
    return reply


@cache
def _jpeg(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG")
    return buffer.getvalue()
