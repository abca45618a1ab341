"""Replies of every shape that services send, grown at random around images that are known."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
from support import fuzzing

from nanobanana_cli.api import reply as nb_reply
from nanobanana_cli.errors import ExitCode, NbError
from nanobanana_cli.types import Modality, Reply

Part = dict[str, Any]
_WANTS: tuple[tuple[Modality, ...], ...] = (("IMAGE",), ("TEXT", "IMAGE"), ("TEXT",))

_images = st.binary(max_size=40).map(lambda data: b"\x89PNG\r\n\x1a\n" + data)
_words = st.text(st.characters(codec="utf-8", exclude_characters="<>()[]"), max_size=12).filter(
    lambda text: "http" not in text.lower() and "data:" not in text.lower()
)
_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | _words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_words, inner, max_size=2),
    max_leaves=4,
)
_OTHER_FIELDS = ("usageMetadata", "safetyRatings", "index", "avgLogprobs", "x", "groundingMetadata")
_other = st.dictionaries(st.sampled_from(_OTHER_FIELDS), _junk, max_size=2)


def _read(body: bytes, *want: Modality) -> Reply | NbError:
    try:
        return nb_reply.read(body, want, links=False, secrets=("sk-0123456789abcdef",))
    except NbError as error:
        return error


def _encode(data: bytes, form: str) -> str:
    text = base64.b64encode(data).decode()
    if form == "unpadded":
        return text.rstrip("=")
    if form == "URL-safe":
        return text.replace("+", "-").replace("/", "_")
    if form == "in lines":
        return "\r\n".join(text[at : at + 10] for at in range(0, len(text), 10))
    return text


@st.composite
def _image_parts(draw: st.DrawFn) -> tuple[Part, bytes | None]:
    """A part that holds an image, and the image if it is finished."""
    image = draw(_images)
    text = _encode(image, draw(st.sampled_from(("plain", "unpadded", "URL-safe", "in lines"))))
    name, kind = draw(st.sampled_from((("inlineData", "mimeType"), ("inline_data", "mime_type"))))
    part: Part = {
        name: {kind: draw(st.sampled_from(("image/png", "image/jpeg", ""))), "data": text}
    }
    part |= draw(
        st.sampled_from(({}, {"thoughtSignature": "c2ln"}, {"text": ""}, {"thought": False}))
    )
    if draw(st.integers(0, 4)) == 0:
        return {**part, "thought": True}, None
    if draw(st.integers(0, 5)) == 0:
        uri = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        # Without padding, nothing tells where a bare one ends when a text follows in a stream.
        bare = uri if uri.endswith("=") else f"{uri}\n"
        shown = draw(st.sampled_from((f"![image]({uri})", bare, f"Here it is:\n\n![]({uri})\n")))
        return {"text": shown}, image
    return part, image


def _no_image(part: Part) -> tuple[Part, bytes | None]:
    return part, None


_text_parts = st.builds(
    _no_image,
    st.fixed_dictionaries({"text": _words}, optional={"thought": st.booleans()})
    | st.sampled_from(({}, {"text": None}, {"functionCall": {}}, {"inlineData": {"data": ""}})),
)


def _content(parts: list[Part], other: Part, **more: Any) -> Part:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    return {**other, "candidates": [candidate], **more}


def _events(chunks: list[Part]) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks)


def _lines(chunks: list[Part]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in chunks)


_STREAMS: dict[str, Callable[[list[Part]], bytes]] = {
    "array": lambda chunks: json.dumps(chunks).encode(),
    "events": _events,
    "lines": _lines,
}
_WRAPPERS: dict[str, Callable[[Part], bytes]] = {
    "plain": lambda reply: json.dumps(reply).encode(),
    "indented": lambda reply: json.dumps(reply, indent=2, ensure_ascii=False).encode(),
    "response": lambda reply: json.dumps({"response": reply}).encode(),
    "data": lambda reply: json.dumps({"code": 200, "data": reply}).encode(),
    "padded": lambda reply: b" \n" * 50 + json.dumps(reply).encode() + b"\n",
    "with a mark": lambda reply: b"\xef\xbb\xbf" + json.dumps(reply).encode(),
    "UTF-16": lambda reply: json.dumps(reply).encode("utf-16"),
}


@st.composite
def _replies(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """The bytes of a reply, and its finished images in order."""
    drawn: list[tuple[Part, bytes | None]] = draw(
        st.lists(_image_parts() | _text_parts, max_size=5)
    )
    images = [image for _, image in drawn if image is not None]
    parts = [part for part, _ in drawn]
    other = draw(_other)
    if draw(st.booleans()):
        wrap = draw(st.sampled_from(sorted(_WRAPPERS)))
        return _WRAPPERS[wrap](_content(parts, other)), images
    cut = draw(st.integers(0, len(parts)))
    chunks = [_content(piece, other) for piece in (parts[:cut], parts[cut:])]
    return _STREAMS[draw(st.sampled_from(sorted(_STREAMS)))](chunks), images


@hypothesis.given(_replies())
def test_the_last_finished_image_is_found_in_any_shape(given: tuple[bytes, list[bytes]]) -> None:
    body, images = given
    found = _read(body, "IMAGE")
    if isinstance(found, NbError):
        assert found.code in (ExitCode.NO_IMAGE, ExitCode.BAD_REPLY)
        assert images == []
        return
    assert found.image is not None
    assert bytes(found.image) == images[-1]
    assert found.images == len(images)
    assert [bytes(each or b"") for each in nb_reply.every_image(body)] == images


@hypothesis.given(_replies(), st.data())
def test_a_reply_that_is_damaged_gives_an_image_of_its_own_or_an_error(
    given: tuple[bytes, list[bytes]], data: st.DataObject
) -> None:
    body = bytearray(given[0])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        size = data.draw(st.integers(0, 8))
        body[at : at + size] = data.draw(st.binary(max_size=4))
    for want in _WANTS:
        found = _read(bytes(body), *want)
        if isinstance(found, NbError):
            assert found.code != ExitCode.DEFECT
            assert "\n" not in found.message
    nb_reply.may_hold_image(bytes(body))
    nb_reply.is_usable(bytes(body))
    with contextlib.suppress(NbError):
        list(nb_reply.every_image(bytes(body)))


_TOKENS = (
    *('{"', '"}', '":', "{", "}", "[", "]", ",", '"', "\\", '\\"', "\\u00", "\\\\", " ", "\n"),
    *("data:", "data: {", ";base64,", "![", "](", "http://", "https://a", "(", ")", "<", ">"),
    *(
        "candidates",
        "parts",
        "text",
        "inlineData",
        "error",
        "message",
        "iVBORw0KGgo",
        "=",
        "0",
        "-",
    ),
    *('{"error":', '{"message":"', "event:", "\r\n\r\n", "NaN", "1e9", "\0", "é", "\ufeff"),
    *('{"candidates":[', '{"content":{"parts":[', '{"text":"', "![a](", "data:image/png;base64,"),
)


@hypothesis.given(
    st.lists(st.sampled_from(_TOKENS), max_size=4),
    st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=4),
    st.lists(st.sampled_from(_TOKENS), max_size=4),
)
def test_no_reply_takes_long_to_read(before: list[str], again: list[str], after: list[str]) -> None:
    piece = "".join(again)
    body = ("".join(before) + piece * (50_000 // len(piece)) + "".join(after)).encode()
    with fuzzing.soon():
        for want in _WANTS:
            _read(body, *want)
