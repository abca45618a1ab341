"""Faults after the request was sent: nobody can say what it costs, and it is not sent again."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from faults import worlds
from faults.judge import check
from faults.lab import (
    BATCH,
    CAPTION,
    DRAWING,
    GENERATE,
    GOOD,
    IMAGE,
    REPLY,
    TEXT,
    UNFLAT,
    Bench,
    Row,
    Scenario,
)
from support import pngs
from support.replies import image_part, reply
from support.wire_server import Answer, Hold, Reset, Send, Steps, Wait

_HEAD = GOOD.head()
_WHOLE = _HEAD + REPLY
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_HALF = REPLY[: len(REPLY) // 2]
# Up to the end of the image, whose part goes on.
_BEHIND = REPLY[: REPLY.index(b'"}', 400) + 2]
_SOON = ("--timeout", "1")
# What needs no more of a reply than its image.
_PICTURES = tuple(form for form in (*GENERATE, *BATCH) if form not in ("alt", "chat"))
_SCATTERED = pngs.png(pngs.Shape(96, 96))
_NOISE = reply({"text": TEXT}, image_part(_SCATTERED))
_GZIP = gzip.compress(_NOISE)
_SENT: Any = {"image": _SCATTERED, "differs": UNFLAT}
# A stream whose last event has not begun, and the same when it has.
_BETWEEN, _LAST = (
    b"".join(
        b'data: {"candidates": [{"content": {"parts": [%s]}}]}\n\n' % json.dumps(part).encode()
        for part in parts
    )
    for parts in (({"text": TEXT}, image_part(IMAGE)), ({"text": "More."},))
)
_EVENTS = _BETWEEN + _LAST[:-20]
# Up to the end of an image that may be a draft, as another part is.
_THOUGHT = reply({"text": "A fox?", "thought": True}, {"text": TEXT}, image_part(IMAGE))
_UNSURE = _THOUGHT[: _THOUGHT.rindex(b"}]}")]
_MAYBE = "its text may not be whole"
_DRAFT = "which may be a draft"
# Unpacking takes nearly all of `memory-limit`, and seconds.
_HEAVY: Any = {"memory": 620 << 20, "seconds": 30.0, "forms": ("file", "batch")}


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _unended(data: bytes) -> bytes:
    """Gzip that unpacks to the data, and goes on."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


def _headed(headers: bytes, body: bytes = REPLY) -> Steps:
    return Steps(Send(_OK + headers + b"\r\n" + body))


def _unknown(name: str, *script: Answer | Steps, says: str = "", **more: Any) -> Scenario:
    """Exit 11: the outcome is unknown, and one request arrived."""
    return Scenario(name, 11, "maybe", script, says=says, **more)


def _late(name: str, *script: Answer | Steps, **more: Any) -> Scenario:
    """The same, at the deadline."""
    says = "no complete reply within 1 s"
    return _unknown(name, *script, says=says, argv=_SOON, **more)


def _used(name: str, *script: Answer | Steps, **more: Any) -> Scenario:
    """What came is enough."""
    return Scenario(name, 0, script=script, **more)


def _cut(name: str, *script: Answer | Steps, **more: Any) -> Scenario:
    """Cut within the image: what came of it is kept."""
    return _unknown(name, *script, kept=True, **more)


def _behind(name: str, *script: Answer | Steps, few: bool = False) -> tuple[Scenario, ...]:
    """Cut behind the image: it is used, and the rest, if that was asked for, kept and missing.

    Args:
        few: without the forms in which images go elsewhere.
    """
    lacks: Any = {"charged": "yes", "script": script, "kept": True, "leaves": ("fox.png",)}
    return (
        _used(name, *script, forms=("file", "batch") if few else _PICTURES),
        Scenario(f"{name}: text", 9, says=_MAYBE, forms=("alt", "draw"), **lacks),
        Scenario(f"{name}: turns", 10, says="no conversation is kept", forms=("chat",), **lacks),
        Scenario(
            f"{name}: caption", 9, "yes", script, says=_MAYBE, forms=CAPTION[:1] if few else CAPTION
        ),
    )


def _packed(body: bytes, length: int = 0) -> Steps:
    """Gzip, that ends with the connection unless its length is given."""
    stated = b"Content-Length: %d\r\n" % length if length else b""
    return _headed(b"Content-Encoding: gzip\r\n" + stated, body)


# Within the image, and nothing says so.
_ENDED = _packed(_GZIP[:-9000])


def _unusable(name: str, *script: Answer | Steps, says: str, **more: Any) -> Scenario:
    return Scenario(name, 10, "maybe", script, says=says, **more)


def _redirected(name: str, status: int, to: str = "http://localhost:{port}/x") -> Scenario:
    world = worlds.redirect(status, location=to)
    return Scenario(name, 7, "no", world=world, says="redirects")


ROWS = (
    Row(
        "stall",
        "the service stalls: before the reply, in its headers, in its body",
        "ends at `--timeout`, and is not sent again; what came of an image is kept",
        (
            _late("before the headers", Steps(Hold())),
            _late("in the status line", Steps(Send(_HEAD[:12]), Hold())),
            _late("in the headers", Steps(Send(_HEAD[:-5]), Hold())),
            _late("before the body", Steps(Send(_HEAD), Hold())),
            _late("in the body", Steps(Send(_WHOLE[: len(_HEAD) + 300]), Hold()), kept=True),
            _late("in a chunk", Steps(Send(_CHUNKED + _chunk(REPLY)[:300]), Hold()), kept=True),
        ),
    ),
    Row(
        "trickle",
        "the reply trickles in, byte by byte",
        "ends at `--timeout` all the same",
        (
            _late("headers", Steps(Send(_HEAD + b"X: y\r\n" * 99, every=0.01))),
            _late("body", Steps(Send(_HEAD), Send(REPLY, every=0.02))),
            _late("chunks", Steps(Send(_CHUNKED), Send(_chunk(b" "), 0.002, endless=True))),
        ),
    ),
    Row(
        "interim",
        "endless interim replies (`100 Continue`, `103 Early Hints`)",
        "ends at `--timeout`; a few are normal",
        (
            _late("100", Steps(Send(b"HTTP/1.1 100 Continue\r\n\r\n", 0.002, endless=True))),
            _late("103", Steps(Send(b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n", 0.0, endless=True))),
            _used("a few", Steps(Send(b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + _WHOLE))),
        ),
    ),
    Row(
        "reset",
        "the connection is reset, at each stage",
        "may have been charged; not sent again",
        (
            _unknown("before it is read", Steps(Wait(0.3), Reset(), early=True), calls=0),
            _unknown("before the reply", Steps(Reset())),
            _unknown("in the status line", Steps(Send(_HEAD[:7]), Wait(0.05), Reset())),
            _unknown("in the headers", Steps(Send(_HEAD[:-3]), Wait(0.05), Reset())),
            _unknown("before the body", Steps(Send(_HEAD), Wait(0.05), Reset())),
            _unknown("in the body", Steps(Send(_WHOLE[:-2000]), Wait(0.05), Reset()), kept=True),
        ),
    ),
    Row(
        "close",
        "the connection is closed, at each stage",
        "may have been charged; what came of an image is kept; one that is whole is used",
        (
            _unknown("before it is read", Steps(Wait(0.3), early=True), calls=0),
            _unknown("before the reply", Steps()),
            _unknown("in the status line", Steps(Send(_HEAD[:7]))),
            _unknown("in the headers", Steps(Send(_HEAD[:-3]))),
            _unknown("before the body", Steps(Send(_HEAD))),
            _cut("in the body", Steps(Send(_WHOLE[:-2000]))),
            _used("behind the answer", Steps(Send(_WHOLE[:-60]))),
            *_behind("behind the image", Steps(Send(_HEAD + _BEHIND))),
            _cut("in a text", Steps(Send(_HEAD + _BEHIND[:75])), forms=(*CAPTION, "file", "alt")),
        ),
    ),
    Row(
        "length",
        "`Content-Length` is too long, too short, negative, no number, given twice",
        "an image that came whole is used, unless two lengths contradict each other",
        (
            _used("too long", _headed(b"Content-Length: %d\r\n" % (len(REPLY) + 999))),
            _used("too short", _headed(b"Content-Length: %d\r\n" % (len(REPLY) - 999))),
            _used("negative", _headed(b"Content-Length: -5\r\n")),
            _used("words", _headed(b"Content-Length: long\r\n")),
            _unknown("twice", _headed(b"Content-Length: 5\r\nContent-Length: 6\r\n")),
            _used("of 5000 digits", _headed(b"Content-Length: " + b"9" * 5000 + b"\r\n")),
            _cut("of a cut body", _headed(b"Content-Length: %d\r\n" % len(REPLY), _HALF)),
            *_behind("behind the image", _headed(b"Content-Length: 9999\r\n", _BEHIND), few=True),
            *_behind("of a cut image part", Answer(body=_BEHIND), few=True),
            _used("told to be unsure", Answer(body=_BEHIND), says=_DRAFT, forms=_PICTURES),
            _cut(
                "of an image among thoughts",
                _headed(b"Content-Length: 9999\r\n", _UNSURE),
                forms=DRAWING,
            ),
        ),
    ),
    Row(
        "chunks",
        "the chunks are cut, or their sizes are nonsense",
        "an image that came whole is used; else what came of it is kept",
        (
            _cut("cut", Steps(Send(_CHUNKED + _chunk(REPLY)[:-999]))),
            _cut("no size", Steps(Send(_CHUNKED + _chunk(_HALF) + b"zz\r\n" + _HALF))),
            _cut("negative size", Steps(Send(_CHUNKED + _chunk(_HALF) + b"-9\r\n" + _HALF))),
            _cut("absurd size", Steps(Send(_CHUNKED + b"f" * 15 + b"\r\n" + _HALF))),
            _used("no last chunk", Steps(Send(_CHUNKED + _chunk(REPLY)))),
            *_behind("behind the image", Steps(Send(_CHUNKED + _chunk(_BEHIND))), few=True),
            *_behind("in an event", Steps(Send(_CHUNKED + _chunk(_EVENTS))), few=True),
            *_behind("between events", Steps(Send(_CHUNKED + _chunk(_BETWEEN))), few=True),
            _used("garbage at the end", Steps(Send(_CHUNKED + _chunk(REPLY) + b"\0\0\0"))),
            _used(
                "both",
                _headed(
                    b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
                    _chunk(REPLY) + b"0\r\n\r\n",
                ),
            ),
        ),
    ),
    Row(
        "gzip",
        "the compression is cut, damaged, or declared where there is none",
        "an image that came whole is used",
        (
            _unusable(
                "damaged", _packed(_GZIP[:9000] + b"\xff" * 9000), says="compression", kept=True
            ),
            _used("wrong checksum", _packed(_GZIP[:-8] + bytes(8)), **_SENT),
            _cut("cut", _packed(_GZIP[:-9000], len(_GZIP))),
            Scenario("cut without length", 10, "maybe", (_ENDED,), kept=True, forms=DRAWING),
            Scenario("cut without length: text", 9, "yes", (_ENDED,), says=_MAYBE, forms=CAPTION),
            *_behind("cut behind the image", _packed(_unended(_BEHIND), 9999), few=True),
            _used("false", _packed(_NOISE), **_SENT),
            _used("undeclared", Answer(body=_GZIP), **_SENT),
            _used(
                "of another kind",
                Answer(headers=(("Content-Encoding", "br"),), body=_NOISE),
                **_SENT,
            ),
            _used("declared", _packed(_GZIP), **_SENT),
        ),
    ),
    Row(
        "endless",
        "the reply is endless, or a bomb",
        "ends at 512 MiB or at `--timeout`, within `memory-limit`",
        (
            _late("body", Steps(Send(_OK + b"\r\n"), Send(b" " * 65536, 0.005, endless=True))),
            _late("list", Steps(Send(_OK + b"\r\n["), Send(b"[" * 65536, 0.005, endless=True))),
            _unusable("gzip bomb", says="larger than 512 MiB", world=worlds.bomb("gzip"), **_HEAVY),
            _unusable("undeclared bomb", says="", world=worlds.bomb("identity"), **_HEAVY),
            _unusable(
                "of an absurd length",
                _headed(b"Content-Length: 999999999999999999\r\n"),
                says="larger than 512 MiB",
            ),
        ),
    ),
    Row(
        "headers",
        "the headers are huge, too many, or malformed",
        "the outcome is unknown, or an image that came whole is used; memory stays bounded",
        (
            _unknown("one of 100 kB", _headed(b"X: " + b"y" * 100_000 + b"\r\n")),
            _unknown("a thousand", _headed(b"X: y\r\n" * 1000)),
            _late("endless", Steps(Send(_OK), Send(b"X: y\r\n" * 10, 0.2, endless=True))),
            _used(
                "six megabytes", _headed((b"X: " + b"y" * 60_000 + b"\r\n") * 99), memory=150 << 20
            ),
            _used("no colon", _headed(b"garbage\r\nContent-Length: %d\r\n" % len(REPLY))),
            _used(
                "not ASCII",
                _headed(b"X: \xff\xfe\x00\x1b[31m\r\nContent-Length: %d\r\n" % len(REPLY)),
            ),
        ),
    ),
    Row(
        "status-line",
        "the status line is garbage",
        "the outcome is unknown; not sent again",
        (
            _unknown("another protocol", Steps(Send(b"SSH-2.0-OpenSSH\r\n"))),
            _unknown("HTTP 2", Steps(Send(b"\0\0\x12\4\0\0\0\0\0"))),
            _unknown("no status", Steps(Send(b"HTTP/1.1 abc OK\r\n\r\n" + REPLY))),
            _unknown("negative", Steps(Send(b"HTTP/1.1 -200 OK\r\n\r\n" + REPLY))),
            _unknown("empty line", Steps(Send(b"\r\n" + _WHOLE))),
            _unknown("a long line", Steps(Send(b"HTTP/1.1 200 " + b"x" * 99_999 + b"\r\n\r\n"))),
            _unknown("no line", Steps(Send(bytes(70_000)))),
            _used("no phrase", Steps(Send(b"HTTP/1.1 200\r\n\r\n" + REPLY))),
        ),
    ),
    Row(
        "redirect",
        "a redirect of any kind, to another host, another scheme, or itself",
        "not followed: the other host sees neither the key nor the prompt",
        (
            *(_redirected(str(status), status) for status in (301, 302, 303, 307, 308)),
            _redirected("no scheme", 307, "//localhost:{port}/"),
            _redirected("to TLS", 308, "https://localhost:{port}/x"),
            _redirected("to a file", 302, "file:///etc/passwd"),
            _redirected("garbage", 308, "http://[::\x1b[31m"),
            _redirected("itself", 302, "/"),
        ),
    ),
)


def test_after_sending(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)
