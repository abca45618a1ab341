"""Build the reply to a request: the healthy one, or what a fault makes of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from PIL import Image

from nanobanana_cli.catalog import pixels
from nanobanana_cli.sandbox import picture, proto, replies
from nanobanana_cli.sandbox.errors import Details, error_body
from nanobanana_cli.sandbox.faults import Fault
from nanobanana_cli.sandbox.replies import HttpReply, Part, TransportMode, image_part, json_reply
from nanobanana_cli.sandbox.signatures import signed
from nanobanana_cli.sandbox.validation import Request

_Content = dict[str, Any]


def reply_to(request: Request, fault: Fault | None, link: Callable[[], str]) -> HttpReply:
    """Return the reply to a valid request, spoilt by the fault if any.

    Args:
        request: the request.
        fault: the fault, if any.
        link: returns an address that serves the picture of the request.
    """
    name = fault.name if fault else ""
    if name in _ERRORS:
        return _ERRORS[name]()
    if name in _CONTENTS:
        return json_reply(_CONTENTS[name](request))
    if name in _LINKS:
        found = replies.parts(request, [_LINKS[name](link())])
    else:
        found = _PARTS[name](request) if name in _PARTS else replies.parts(request)
    if replies.is_too_long(request, found):
        return json_reply(_CONTENTS["max-tokens"](request))
    if name in _STREAMS:
        return _STREAMS[name](list(_chunks(request, found)))
    return HttpReply(
        200,
        _BODIES.get(name, _plain)(replies.body(request, found)),
        paid=True,
        mode=_MODES.get(name, "whole"),
        seconds=fault.seconds if fault else 0.0,
    )


_MODES: Mapping[str, TransportMode] = {
    "cut": "cut",
    "reset": "reset",
    "hang": "hang",
    "trickle": "trickle",
}


# Errors.


def _error(code: int, message: str, details: Details = ()) -> HttpReply:
    return json_reply(error_body(code, message, details), code)


def _gateway(status: int, message: str, code: str, *, paid: bool = False) -> HttpReply:
    error = {"message": message, "type": code, "code": code}
    return json_reply({"error": error}, status, paid=paid)


def _no_free_tier() -> HttpReply:
    violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. "
        "To monitor your current usage, head to: https://ai.dev/rate-limit.\n"
        f"* Quota exceeded for metric: {metric}, limit: 0, model: gemini\n"
        "Please retry in 8.4s."
    )
    return _error(429, message, [quota])


def _nested() -> HttpReply:
    message = "User location is not supported for the API use."
    error: object = {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}
    for prefix in ("", "upstream: "):
        inner = msgspec.json.encode({"error": error}).decode()
        error = {"message": prefix + inner, "type": "upstream_error", "param": "", "code": 400}
    return json_reply({"error": error}, 400)


def _rate_limit() -> HttpReply:
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
    message = "You exceeded your current quota. Please retry in 1s."
    body = msgspec.json.encode(error_body(429, message, [wait]))
    return HttpReply(429, body, headers={"Retry-After": "1"})


def _page(status: int, text: str) -> HttpReply:
    page = f"<!DOCTYPE html><html><title>{text}</title><body><h1>{text}</h1></body></html>"
    return HttpReply(status, page.encode(), "text/html; charset=utf-8")


_ERRORS: Mapping[str, Callable[[], HttpReply]] = {
    "307": lambda: HttpReply(307, b"", "text/html", {"Location": "/elsewhere"}),
    "400": lambda: _error(400, "Request contains an invalid argument."),
    "401": lambda: _error(401, "Request had invalid authentication credentials."),
    "402": lambda: _gateway(402, "Your account has no credit left.", "insufficient_balance"),
    "403": lambda: _error(403, "The caller does not have permission"),
    "404": lambda: _error(404, "Requested entity was not found."),
    "413": lambda: _error(413, "Request payload size exceeds the limit."),
    "429": _rate_limit,
    "500": lambda: _error(500, "An internal error has occurred. Please retry."),
    "502": lambda: _page(502, "502 Bad Gateway"),
    "503": lambda: _error(503, "The model is overloaded. Please try again later."),
    "504": lambda: _error(504, "Deadline expired before operation could complete."),
    "credit": lambda: _gateway(403, "用户额度不足, 剩余额度: $0.000000", "insufficient_user_quota"),
    "spending-cap": lambda: _error(429, "Your project has exceeded its monthly spending cap."),
    "no-free-tier": _no_free_tier,
    # Paid, since the service may have made the image that the gateway did not get.
    "gateway-500": lambda: _gateway(
        500, "do request failed: unexpected EOF", "do_request_failed", paid=True
    ),
    "firewall": lambda: HttpReply(403, b"error code: 1010", "text/plain; charset=UTF-8"),
    "nested": _nested,
    "html": lambda: _page(200, "Please sign in to the network"),
    "not-json": lambda: HttpReply(200, b"upstream connect error", "text/plain"),
    "success-false": lambda: json_reply({"success": False, "message": "get user group failed"}),
}


# Replies without an image, none of them billed.


def _refusal(reason: str) -> Callable[[Request], _Content]:
    message = f"Unable to show the generated image: {reason}. Try rephrasing the prompt."
    candidate = {"finishReason": reason, "finishMessage": message, "index": 0}
    return lambda request: {"candidates": [candidate], **replies.trailer(request)}


def _null_parts(request: Request) -> _Content:
    content = {"parts": None, "role": "model"}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], **replies.trailer(request)}


_CONTENTS: Mapping[str, Callable[[Request], _Content]] = {
    "safety": _refusal("IMAGE_SAFETY"),
    "no-image": _refusal("NO_IMAGE"),
    "recitation": _refusal("IMAGE_RECITATION"),
    "prohibited": _refusal("IMAGE_PROHIBITED_CONTENT"),
    "max-tokens": _refusal("MAX_TOKENS"),
    "blocked": lambda request: {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        **replies.trailer(request),
    },
    "empty": lambda request: {"candidates": [], **replies.trailer(request)},
    "null-parts": _null_parts,
}


# Replies with unusual parts, all billed.


def _png(request: Request) -> bytes:
    return picture.render(request.prompt, request.aspect, request.size)


def _jpeg(request: Request) -> bytes:
    with Image.open(io.BytesIO(_png(request))) as image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _draw(prompt: str, width: int, height: int) -> Part:
    return image_part(picture.encode(picture.draw(prompt, (width, height)), prompt))


def _drafts(request: Request) -> list[Part]:
    return [
        {"text": "Thinking about the composition", "thought": True},
        {**_draw(request.prompt, 64, 64), "thought": True},
        *replies.parts(request, [image_part(_png(request))]),
    ]


def _several(request: Request) -> list[Part]:
    other = _draw("another image", *pixels(request.aspect, request.size))
    return replies.parts(request, [other, image_part(_png(request))])


def _multi(request: Request) -> list[Part]:
    if "IMAGE" not in request.modalities:
        return replies.parts(request)
    size = pixels(request.aspect, request.size)
    images = [_draw(f"{request.prompt} ({number})", *size) for number in (1, 2)]
    images.append(image_part(_png(request)))
    pairs = [({"text": f"{number}."}, image) for number, image in enumerate(images, start=1)]
    return [part for pair in pairs for part in pair]


def _data_uri(request: Request) -> list[Part]:
    data = base64.b64encode(_png(request)).decode()
    return replies.parts(request, [{"text": f"![image](data:image/png;base64,{data})"}])


def _small(request: Request) -> list[Part]:
    width, height = pixels(request.aspect, request.size)
    return replies.parts(request, [_draw(request.prompt, width // 2, height // 2)])


def _wrong_ratio(request: Request) -> list[Part]:
    other = "1:1" if request.aspect != "1:1" else "16:9"
    return replies.parts(request, [image_part(picture.render(request.prompt, other, request.size))])


def _corrupt(request: Request) -> list[Part]:
    data = _png(request)
    return replies.parts(request, [image_part(data[: len(data) // 2])])


_PARTS: Mapping[str, Callable[[Request], list[Part]]] = {
    "text": lambda _: [{"text": "I can't make that image, but I can tell you about it."}],
    "no-text": lambda request: [image_part(_png(request))],
    "jpeg": lambda request: replies.parts(request, [image_part(_jpeg(request), "image/jpeg")]),
    "lying": lambda request: replies.parts(request, [image_part(_jpeg(request))]),
    "drafts": _drafts,
    "several": _several,
    "multi": _multi,
    "data-uri": _data_uri,
    "small": _small,
    "wrong-ratio": _wrong_ratio,
    "corrupt": _corrupt,
}


_LINKS: Mapping[str, Callable[[str], Part]] = {
    "link": lambda url: {"text": f"Here is your image:\n\n![image]({url})"},
    "file-uri": lambda url: {"fileData": {"mimeType": "image/png", "fileUri": url}},
}


# Replies with an unusual body, all billed.


def _chunks(request: Request, found: list[Part]) -> Iterator[_Content]:
    """Yield the replies that `streamGenerateContent` would send one after the other."""
    pieces: list[Part] = []
    for part in found:
        text = part.get("text", "")
        half = len(text) // 2
        pieces += [{"text": text[:half]}, {"text": text[half:]}] if text else [part]
    if len(pieces) == 1:
        pieces.insert(0, {"text": "Here is the image."})
    trailer = replies.trailer(request, found)
    for piece in pieces:
        content = {"parts": [signed(piece, request.model)], "role": "model"}
        reason = "STOP" if piece is pieces[-1] else None
        candidate = {"content": content, "finishReason": reason, "index": 0}
        yield {"candidates": [candidate], **trailer}


def _array(chunks: list[_Content]) -> HttpReply:
    return HttpReply(200, msgspec.json.encode(chunks), paid=True)


def _events(chunks: list[_Content]) -> HttpReply:
    events = b"".join(b"data: %b\r\n\r\n" % msgspec.json.encode(chunk) for chunk in chunks)
    return HttpReply(200, events, "text/event-stream", paid=True)


def _plain(content: _Content) -> bytes:
    return msgspec.json.encode(content)


_STREAMS: Mapping[str, Callable[[list[_Content]], HttpReply]] = {
    "chunks": _array,
    "sse": _events,
}
_BODIES: Mapping[str, Callable[[_Content], bytes]] = {
    "snake": lambda content: _plain(_snake(content)),
    "wrapped": lambda content: _plain({"response": content, "traceId": "sandbox"}),
    "padded": lambda content: b" \n" * 100_000 + _plain(content),
}


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {proto.snake(name): _snake(item) for name, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value
