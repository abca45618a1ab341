"""What each fault makes of a call: another answer, or another way of delivering it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from PIL import Image

from nanobanana_cli.catalog import pixels
from nanobanana_cli.sandbox import picture, proto, replies
from nanobanana_cli.sandbox.errors import error_body
from nanobanana_cli.sandbox.faults import Fault
from nanobanana_cli.sandbox.replies import JSON_TYPE, Part
from nanobanana_cli.sandbox.validation import Request
from nanobanana_cli.types import Redacted

Delivery = Literal["whole", "cut", "reset", "hang", "trickle"]
Content = dict[str, Any]


class FaultReply(Redacted, frozen=True):
    """What goes back over the wire.

    Args:
        status: HTTP.
        body: as it is sent.
        content_type: of the body.
        headers: further ones.
        paid: whether the real service would bill the call: it made an image or a text.
        delivery: how the body is sent.
        seconds: before it is sent; for `trickle`, while.
    """

    _hidden = ("body",)

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    paid: bool = False
    delivery: Delivery = "whole"
    seconds: float = 0.0


def encoded(content: Mapping[str, Any], status: int = 200, *, paid: bool = False) -> FaultReply:
    """An answer with a JSON body."""
    return FaultReply(status, msgspec.json.encode(content), paid=paid)


def answer(ask: Request, fault: Fault | None) -> FaultReply:
    """The answer to a request that is in order, spoilt as the fault says."""
    if fault is None:
        return encoded(replies.reply(ask, replies.parts(ask)), paid=True)
    if fault.name in _ERRORS:
        return _ERRORS[fault.name]()
    if fault.name in _CONTENTS:
        return encoded(_CONTENTS[fault.name](ask))
    if fault.name in _PARTS:
        return encoded(replies.reply(ask, _PARTS[fault.name](ask)), paid=True)
    return _delivered(ask, fault)


def _delivered(ask: Request, fault: Fault) -> FaultReply:
    content = replies.reply(ask, replies.parts(ask))
    if fault.name == "snake":
        content = _snake(content)
    body = msgspec.json.encode(content)
    delivery = _DELIVERIES.get(fault.name, "whole")
    return FaultReply(200, body, paid=True, delivery=delivery, seconds=fault.seconds)


_DELIVERIES: Mapping[str, Delivery] = {
    "cut": "cut",
    "reset": "reset",
    "hang": "hang",
    "trickle": "trickle",
}


# Errors.


def _error(code: int, message: str, details: list[dict[str, Any]] | None = None) -> FaultReply:
    return encoded(error_body(code, message, details or ()), code)


def _gateway(status: int, message: str, code: str) -> FaultReply:
    return encoded({"error": {"message": message, "type": code, "code": code}}, status)


def _rate_limit() -> FaultReply:
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
    message = "You exceeded your current quota. Please retry in 1s."
    body = msgspec.json.encode(error_body(429, message, [wait]))
    return FaultReply(429, body, headers={"Retry-After": "1"})


def _page(status: int, text: str) -> FaultReply:
    page = f"<!DOCTYPE html><html><title>{text}</title><body><h1>{text}</h1></body></html>"
    return FaultReply(status, page.encode(), "text/html; charset=utf-8")


_ERRORS: Mapping[str, Callable[[], FaultReply]] = {
    "307": lambda: FaultReply(307, b"", "text/html", {"Location": "/elsewhere"}),
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
    "html": lambda: _page(200, "Please sign in to the network"),
    "not-json": lambda: FaultReply(200, b"upstream connect error", "text/plain"),
}


# Replies without an image, none of them billed.


def _refusal(reason: str) -> Callable[[Request], Content]:
    def content(ask: Request) -> Content:
        message = f"Unable to show the generated image: {reason}. Try rephrasing the prompt."
        candidate = {"finishReason": reason, "finishMessage": message, "index": 0}
        return {"candidates": [candidate], **replies.tail(ask)}

    return content


def _null_parts(ask: Request) -> Content:
    content = {"parts": None, "role": "model"}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], **replies.tail(ask)}


_CONTENTS: Mapping[str, Callable[[Request], Content]] = {
    "safety": _refusal("IMAGE_SAFETY"),
    "no-image": _refusal("NO_IMAGE"),
    "recitation": _refusal("IMAGE_RECITATION"),
    "prohibited": _refusal("IMAGE_PROHIBITED_CONTENT"),
    "max-tokens": _refusal("MAX_TOKENS"),
    "blocked": lambda ask: {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        **replies.tail(ask),
    },
    "empty": lambda ask: {"candidates": [], **replies.tail(ask)},
    "null-parts": _null_parts,
}


# Replies whose parts are not as expected; all billed.


def _only(ask: Request, *pictures: Part) -> list[Part]:
    return replies.parts(ask, pictures)


def _png(ask: Request) -> bytes:
    return picture.paint(ask.prompt, ask.aspect, ask.size)


def _jpeg(ask: Request) -> bytes:
    with Image.open(io.BytesIO(_png(ask))) as image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _shrunk(ask: Request, share: int, prompt: str | None = None) -> bytes:
    width, height = pixels(ask.aspect, ask.size)
    image = picture.draw(prompt or ask.prompt, (width // share, height // share))
    return picture.encode(image, prompt or ask.prompt)


def _drafts(ask: Request) -> list[Part]:
    draft = picture.encode(picture.draw(ask.prompt, (64, 64)), ask.prompt)
    final = {**replies.picture(_png(ask)), "thoughtSignature": b"sandbox"}
    return [
        {"text": "Thinking about the composition", "thought": True},
        {**replies.picture(draft), "thought": True},
        *_only(ask, final),
    ]


def _data_uri(ask: Request) -> list[Part]:
    data = base64.b64encode(_png(ask)).decode()
    return _only(ask, {"text": f"![image](data:image/png;base64,{data})"})


def _wrong_ratio(ask: Request) -> list[Part]:
    other = "1:1" if ask.aspect != "1:1" else "16:9"
    return _only(ask, replies.picture(picture.paint(ask.prompt, other, ask.size)))


def _corrupt(ask: Request) -> list[Part]:
    data = _png(ask)
    return _only(ask, replies.picture(data[: len(data) // 2]))


_PARTS: Mapping[str, Callable[[Request], list[Part]]] = {
    "text": lambda _: [{"text": "I can't make that image, but I can tell you about it."}],
    "no-text": lambda ask: [replies.picture(_png(ask))],
    "jpeg": lambda ask: _only(ask, replies.picture(_jpeg(ask), "image/jpeg")),
    "lying": lambda ask: _only(ask, replies.picture(_jpeg(ask))),
    "drafts": _drafts,
    "several": lambda ask: _only(
        ask, replies.picture(_shrunk(ask, 1, "another image")), replies.picture(_png(ask))
    ),
    "data-uri": _data_uri,
    "small": lambda ask: _only(ask, replies.picture(_shrunk(ask, 2))),
    "wrong-ratio": _wrong_ratio,
    "corrupt": _corrupt,
}


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {proto.snake(name): _snake(item) for name, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value
