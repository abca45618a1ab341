"""Replies that are strange: what is usable is used, what is paid for is kept, the rest is said."""

from __future__ import annotations

import base64
import io
import json
import struct
import textwrap
import zlib
from typing import Any

from faults.judge import check
from faults.lab import (
    BATCH,
    CAPTION,
    DRAWING,
    FORMS,
    GENERATE,
    IMAGE,
    KEY,
    REPLY,
    TEXT,
    UNFLAT,
    Bench,
    Row,
    Scenario,
)
from PIL import Image
from support import cases, pngs
from support.replies import failed, image_part, picture, reply
from support.wire_server import Answer

_WORDS = {"text": TEXT}
_B64 = base64.b64encode(IMAGE).decode()
# With an end that is padded.
_MORE = IMAGE + b"\0" * (1 + (-len(IMAGE)) % 3)
_MORE_B64 = base64.b64encode(_MORE).decode()
# Without those whose text alone decides.
_IMAGES = tuple(form for form in GENERATE if form not in ("alt", "chat"))
_ANY = tuple(FORMS)
# Without --long, a few are run in these.
_EVERYWHERE = ("folder", "caption", "batch")
_TRIED = (
    "500-google-internal",
    "500-gateway-do-request",
    "500-sensitive",
    "401-invalid",
    "403-user-quota",
    "429-day",
    "404-model",
    "503-no-channel",
    "200-prohibited",
    "200-success-false",
)
# What is free and about one row, and what is about all rows.
_OF_A_ROW = ("500-google-internal", "500-nested-503")
_OF_ALL = ("404-invalid-url", "404-model", "503-no-channel")
_BLOCKED = ("403-cloudflare-1010",)
# A reply of no known shape has neither text nor parts to go on from.
_PICTURES = tuple(form for form in FORMS if form not in ("chat", "alt", "draw", *CAPTION))
# Crops enlarge nothing.
_SMALL = tuple(form for form in _ANY if form != "fit")


def _used(name: str, body: bytes, **more: Any) -> Scenario:
    return Scenario(name, 0, script=(Answer(body=body),), **{"forms": _ANY, **more})


def _no_use(name: str, body: bytes, exit_: int = 10, **more: Any) -> Scenario:
    """Nothing that can be used, and nothing that was paid for in it."""
    return Scenario(name, exit_, "maybe", (Answer(body=body),), **more)


def _kept(name: str, image: bytes | str, **more: Any) -> Scenario:
    """An image that cannot be used: the whole reply is kept. A text alone may be there."""
    data = image if isinstance(image, str) else base64.b64encode(image).decode()
    body = reply(_WORDS, {"inlineData": {"mimeType": "image/png", "data": data}})
    return Scenario(
        name, 10, "maybe", (Answer(body=body),), kept=True, **{"forms": _DRAWING, **more}
    )


def _sent(name: str, image: bytes, **more: Any) -> Scenario:
    """An image that is used, as it came or converted."""
    return _used(name, reply(_WORDS, image_part(image)), image=image, **more)


def _data(data: str) -> bytes:
    return reply(_WORDS, {"inlineData": {"mimeType": "image/png", "data": data}})


def _saved(mode: str, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _animated(kind: str) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue", "green")]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _sized(width: int, height: int) -> bytes:
    """A PNG whose header says this."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return pngs.assemble(pngs.chunk(b"IHDR", header), pngs.chunk(b"IDAT", rows))


def _beside(value: bytes) -> bytes:
    """The good reply with one more field."""
    return REPLY[:-1] + b', "x": ' + value + b"}"


def _large(text: Any = _WORDS, *, image: bytes = IMAGE, **names: str) -> bytes:
    """A reply of more than 64 KiB, and what it says of itself."""
    document = json.loads(reply(text, image_part(image)))
    named = {"modelVersion": names.get("model"), "responseId": names.get("id")}
    document |= {name: value for name, value in named.items() if value}
    return json.dumps({**document, "x": [KEY, "y" * 70_000]}).encode()


def _field(name: str, value: Any) -> bytes:
    """The good reply with one of its candidate's fields replaced."""
    document = json.loads(REPLY)
    document["candidates"][0][name] = value
    return json.dumps(document).encode()


def _limited(name: str, value: str, calls: int, **more: Any) -> Scenario:
    """A rate limit, and one resend that it may allow."""
    answer = failed(429, "slow down", "RESOURCE_EXHAUSTED", Retry_After=value)
    argv = ("--retries", "1")
    # A batch waits for long, unless it is to wait for nothing; then a row fails, or all do at once.
    batch: dict[str, Any] = {"exit": 3 if calls == 2 else 5, "argv": (*argv, "--wait", "0")}
    differs = {**dict.fromkeys(BATCH, batch), "captions": {"exit": 3}}
    more = {"calls": calls, "argv": argv, "seconds": 5.0, "forms": _ANY, **more}
    return Scenario(name, 5, "no", (answer,), differs=differs, **more)


def _of_several(case: cases.Case) -> dict[str, Any]:
    """Return how the status is another in a batch, and of several texts."""
    if case.name in _OF_ALL:
        return {form: {"exit": 7} for form in (*BATCH, "captions")}
    if case.name == "200-file-data":
        return {form: {"exit": 9} for form in ("caption", "caption-json")}
    if case.exit != 5 or case.name in _BLOCKED:
        return {}
    # A batch would wait for a service that is busy.
    row = {"exit": 3, "argv": ("--wait", "0", "--retries", "0")}
    rows = BATCH if case.name in _OF_A_ROW else ()
    return {**dict.fromkeys(rows, row), "captions": {"exit": 3}}


def _of_a_case(case: cases.Case) -> Scenario:
    charged = "" if case.exit == 0 else case.charged
    drawing = tuple(form for form in DRAWING if form not in ("file", "webp"))
    lacks: dict[str, Any] = {}
    if case.exit == 0 and '"text"' not in json.dumps(case.body):
        lacks = {"exit": 9, "charged": "yes", "says": "no text", "leaves": ("fox.png",)}
    more = {"leaves": ("fox-2.png", "fox-3.png")} if case.name == "200-several" else {}
    return Scenario(
        *(case.name, case.exit, charged, (case.answer(),)),
        calls=None,
        image=case.image(),
        # A text needs no image.
        forms=(*drawing, *CAPTION) if case.exit and case.name != "200-link" else drawing,
        always=_EVERYWHERE if case.name in _TRIED else (),
        kept=None,
        differs={
            "alt": lacks,
            "draw": lacks,
            "all": more,
            **_of_several(case),
        },
    )


_DRAWING = (*_IMAGES, "draw", *BATCH)
_DEEP = 100_000
# Where texts and ids are shown or stored, also those that are too large to be cleaned as a whole.
_TOLD: Any = {"always": ("file", "json", "alt", "caption-json", "batch-json")}
_DEEP_BESIDE = _beside(b"[" * _DEEP + b"]" * _DEEP)
_WHOLE = {"PNG": IMAGE} | {kind: picture(64, 64, kind) for kind in ("JPEG", "WEBP")}
_MODEL = b'"gemini-3.1-flash-image-preview"'
_LONG = b"9" * 5000

ROWS = (
    Row(
        "cases",
        "refusals, errors and shapes of replies that services and gateways have sent",
        "each is understood: `tests/cases/` says what must come of it",
        tuple(map(_of_a_case, cases.load())),
    ),
    Row(
        "no-json",
        "an HTML page, nothing, or something else",
        "said in one line; not sent again",
        (
            _no_use("HTML", b"<!DOCTYPE html><title>Sign in</title>", says="HTML page"),
            _no_use("empty", b"", says="empty"),
            _no_use("white space", b" \n" * 999, says="empty"),
            _no_use("words", b"upstream connect error", says="not JSON"),
            _no_use("zeros", bytes(5000)),
            _no_use("random bytes", bytes(range(256)) * 40),
        ),
    ),
    Row(
        "json",
        "JSON that is null, a number, a list, empty, or 100,000 levels deep",
        "said in one line; an image beside such a thing is used",
        (
            _no_use("null", b"null"),
            _no_use("number", b"42"),
            _no_use("text", b'"x"'),
            _no_use("list", b"[]"),
            _no_use("list of null", b"[null, null]"),
            _no_use("object", b"{}", exit_=9),
            _no_use("deep lists", b"[" * _DEEP + b"]" * _DEEP),
            _no_use("deep objects", b'{"a":' * _DEEP + b"1" + b"}" * _DEEP),
            _no_use("half deep", b'{"candidates":' + b"[" * _DEEP),
            _used("deep beside an image", _DEEP_BESIDE, forms=_PICTURES),
            _no_use("deep beside a text", _DEEP_BESIDE, kept=True, forms=CAPTION),
            Scenario(
                "deep beside an image: text",
                9,
                "yes",
                (Answer(body=_DEEP_BESIDE),),
                says="no text could be read",
                kept=True,
                forms=("alt", "draw"),
                leaves=("fox.png",),
            ),
            Scenario(
                "deep beside an image: turns",
                10,
                "yes",
                (Answer(body=_DEEP_BESIDE),),
                says="no parts to go on from",
                forms=("chat",),
                leaves=("fox.png",),
            ),
        ),
    ),
    Row(
        "values",
        "numbers of 5,000 digits, duplicate keys, lone surrogates, bytes that are not UTF-8",
        "an image beside them is used",
        (
            _used("long number", _beside(_LONG)),
            _used("long number in usage", REPLY.replace(b": 8", b": " + _LONG)),
            _used("long decimal", REPLY.replace(b": 8", b": 1e9999")),
            _used("infinite", REPLY.replace(b": 8", b": -Infinity")),
            _used("duplicate keys", b'{"candidates": [], ' + REPLY[1:]),
            _used("surrogates", _beside(b'"\\ud800\\udfff\\ud800"')),
            _used("surrogates in the id", REPLY.replace(b'"abc"', b'"\\udcff"')),
            _used("not UTF-8", REPLY.replace(b'"abc"', b'"\xff\xfe\xc3"')),
            _used("controls", REPLY.replace(b'"abc"', b'"\x00\x01\x1b"')),
        ),
    ),
    Row(
        "types",
        "a wrong type anywhere",
        "an image beside it is used; else one line says what is missing",
        (
            _used("finishReason a list", _field("finishReason", [1, {}]), forms=_IMAGES),
            _used("finishReason a number", _field("finishReason", 3), forms=_IMAGES),
            _used(
                "usage a list", REPLY.replace(b'usageMetadata": {', b'usageMetadata": [], "x": {')
            ),
            _used("image elsewhere", REPLY.replace(b'inlineData": {', b'inlineData": [], "x": {')),
            _used("model a number", REPLY.replace(_MODEL, b"7")),
            _used("id an object", REPLY.replace(b'"abc"', b'{"a": [null]}')),
            _used(
                "parts beside others", REPLY.replace(b'"parts": [', b'"parts": [5, null, [], "x", ')
            ),
            _no_use("candidates a number", b'{"candidates": 5}', exit_=9),
            _no_use("candidates a text", b'{"candidates": "x"}', exit_=9),
            _no_use("candidate a list", b'{"candidates": [[]]}', exit_=9),
            _no_use("content a text", _field("content", "x"), exit_=9),
            _no_use("parts a number", _field("content", {"parts": 5}), exit_=9),
            _no_use("data a number", reply({"inlineData": {"data": 5}}), forms=_DRAWING, kept=True),
            _no_use("data null", reply({"inlineData": {"data": None}}), exit_=9, kept=True),
            _no_use("error a number", b'{"error": 5}'),
        ),
    ),
    Row(
        "base64",
        "base64 with white space, without padding, URL-safe, illegal, empty",
        "read as it is meant; what cannot be read is kept",
        (
            _used("line breaks", _data(textwrap.fill(_B64, 76).replace("\n", "\r\n"))),
            _used("spaces", _data(f"  {_B64[:40]} {_B64[40:]}\t")),
            _used("no padding", _data(_MORE_B64.rstrip("=")), image=_MORE),
            _used("URL-safe", _data(base64.urlsafe_b64encode(IMAGE).decode())),
            _used("a data URI", _data(f"data:image/png;base64,{_B64}")),
            _used("escaped", REPLY.replace(b"/", b"\\/")),
            _kept("illegal", "*" * 400),
            _kept("illegal inside", _B64[:400] + "!?" + _B64[400:]),
            _kept("odd length", "iVBOR"),
            _no_use("empty", _data(""), exit_=9, forms=_DRAWING, kept=True),
        ),
    ),
    Row(
        "cut",
        "an image that is cut, at any byte",
        "never saved under the name; the whole reply is kept, and its path told",
        tuple(
            _kept(f"{name} at {part}", data[: max(1, len(data) * part // 100)])
            for name, data in _WHOLE.items()
            for part in (1, 30, 70, 99)
        ),
        elsewhere=("images/test_checking.py::test_a_cut_is_found_anywhere",),
    ),
    Row(
        "damage",
        "an image with a wrong checksum, a header of 60,000 × 60,000 pixels, or of zero size",
        "never saved under the name; the whole reply is kept; memory stays bounded",
        (
            _kept("checksum", IMAGE[:40] + b"\0\0\0\0" + IMAGE[44:]),
            _kept("checksum of the header", IMAGE[:29] + b"\0\0\0\0" + IMAGE[33:]),
            _kept("huge", _sized(60_000, 60_000)),
            _kept("of zero size", _sized(0, 0)),
            _kept("no height", _sized(64, 0)),
            _kept("not an image", b"RIFF....WAVEfmt " * 9),
            _kept("words", b"<html>no image</html>"),
        ),
    ),
    Row(
        "odd",
        "an image that is animated, CMYK, 16-bit, or has data behind it",
        "saved as it came where its format is the one asked for, else converted",
        (
            _sent("trailing data", IMAGE + b"more" * 99),
            _sent("animated PNG", _animated("PNG"), forms=_SMALL),
            _sent("animated WebP", _animated("WEBP"), forms=("file", "stdout", "webp")),
            _sent("animated GIF", _animated("GIF"), forms=("file", "stdout", "webp")),
            _sent("CMYK", _saved("CMYK", "JPEG"), forms=("file", "webp", "json")),
            _sent("16 bit", _saved("I;16", "PNG"), forms=_SMALL, differs=UNFLAT),
            _sent("a palette", _saved("P", "PNG"), forms=_SMALL, differs=UNFLAT),
            _sent("grey", _saved("L", "JPEG"), forms=("file", "webp", "stdout")),
            _sent("one pixel", picture(1, 1), forms=_SMALL),
        ),
    ),
    Row(
        "retry-after",
        "`Retry-After` as seconds, a date, negative, `inf`, year 9999, words",
        "waited for if that is short; else the run ends, free",
        (
            _limited("now", "0", 2, always=_EVERYWHERE),
            _limited("a fraction", "0.1", 2),
            _limited("a past date", "Wed, 21 Oct 2015 07:28:00 GMT", 2),
            _limited("negative", "-5", 2),
            _limited("inf", "inf", 2),
            _limited("not a number", "nan", 2),
            _limited("words", "soon, we hope", 2, always=_EVERYWHERE),
            _limited("year 9999", "Fri, 31 Dec 9999 23:59:59 GMT", 1),
            _limited("year 99999", "Fri, 31 Dec 99999 23:59:59 GMT", 2),
            _limited(
                *("a day", "86400", 1),
                says="the service asks to wait 86400 s",
                always=_EVERYWHERE,
            ),
            _limited("5000 digits", "9" * 5000, 2),
        ),
    ),
    Row(
        "key",
        "the service sends the key back, wherever it can",
        "it is struck out of messages, results, texts and kept replies",
        (
            Scenario("in an error", 7, "no", (failed(400, f"bad key {KEY}"),), says="[key]"),
            Scenario("in a 401", 4, "no", (failed(401, f"no such key: {KEY}"),)),
            Scenario("in a page", 5, "no", (Answer(403, body=f"<title>{KEY}</title>".encode()),)),
            _used("in the text", reply({"text": f"A fox, {KEY}."}, image_part(IMAGE)), **_TOLD),
            _used("in the text of a large reply", _large({"text": f"A fox, {KEY}."}), **_TOLD),
            _used("in the model of a large reply", _large(model=KEY), **_TOLD),
            _used("in the id of a large reply", _large(id=KEY), **_TOLD),
            Scenario(
                "in a large kept reply",
                10,
                "maybe",
                (Answer(body=_large(image=b"\x89PNG" + KEY.encode())),),
                kept=True,
                forms=_DRAWING,
            ),
            _used("in the model", REPLY.replace(_MODEL, b'"%s"' % KEY.encode())),
            _used("in the id", REPLY.replace(b'"abc"', b'"%s"' % KEY.encode())),
            _kept("in a kept reply", _B64[:400] + "!" + KEY),
            _no_use("in a refusal", b'{"candidates": [{"finishMessage": "%s"}]}' % KEY.encode(), 9),
            _no_use("alone", KEY.encode()),
            Scenario("in a header", 5, "no", (failed(429, "no", Retry_After=KEY),), forms=GENERATE),
        ),
    ),
)


def test_replies(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)
