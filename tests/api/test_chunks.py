"""A reply in chunks, in a stream, in a wrapper or behind white space is the reply itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.replies import picture

from nanobanana_cli.api.error_body import is_error
from nanobanana_cli.api.reply import every_image, read
from nanobanana_cli.api.turns import model_parts
from nanobanana_cli.errors import BadReply, NoImage, OutcomeUnknown, Unavailable
from nanobanana_cli.types import Modality, Reply

PICTURE = bytes(range(256)) * 3
BOTH: tuple[Modality, ...] = ("TEXT", "IMAGE")

Chunk = dict[str, Any]


def chunk(*parts: object, **more: Any) -> Chunk:
    finish = more.pop("finish", None)
    grounding = more.pop("grounding", None)
    candidate = {"content": {"parts": list(parts)}, "finishReason": finish}
    if grounding:
        candidate["groundingMetadata"] = grounding
    return {"candidates": [candidate], **more}


def image(data: bytes = PICTURE, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"data": base64.b64encode(data).decode()}, **more}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def array(chunks: Sequence[Chunk]) -> bytes:
    return _json(chunks)


def pretty_array(chunks: Sequence[Chunk]) -> bytes:
    return b"[" + b"\n,\r\n".join(json.dumps(each, indent=2).encode() for each in chunks) + b"\n]\n"


def events(chunks: Sequence[Chunk]) -> bytes:
    return b"".join(b"data: " + _json(each) + b"\n\n" for each in chunks)


def crlf_events(chunks: Sequence[Chunk]) -> bytes:
    body = b"".join(b"event: message\r\ndata:" + _json(each) + b"\r\n\r\n" for each in chunks)
    return b": keep-alive\r\n\r\n" + body + b"data: [DONE]\r\n\r\n"


def pretty_events(chunks: Sequence[Chunk]) -> bytes:
    texts = (json.dumps(each, indent=1).encode().replace(b"\n", b"\ndata:") for each in chunks)
    return b"".join(b"data:" + text + b"\n\n" for text in texts)


def lines(chunks: Sequence[Chunk]) -> bytes:
    return b"\n".join(map(_json, chunks)) + b"\n"


def crlf_lines(chunks: Sequence[Chunk]) -> bytes:
    return b"\r\n\r\n".join(map(_json, chunks))


def pretty_lines(chunks: Sequence[Chunk]) -> bytes:
    return b"\n".join(json.dumps(each, indent=1).encode() for each in chunks)


def wrapped_events(chunks: Sequence[Chunk]) -> bytes:
    return events([{"response": each, "traceId": "x"} for each in chunks])


def array_in_wrapper(chunks: Sequence[Chunk]) -> bytes:
    return _json({"code": 0, "data": chunks})


STREAMS: list[Callable[[Sequence[Chunk]], bytes]] = [
    *(array, pretty_array, events, crlf_events, pretty_events),
    *(lines, crlf_lines, pretty_lines, wrapped_events, array_in_wrapper),
]
stream = pytest.mark.parametrize("stream", STREAMS)
Stream = Callable[[Sequence[Chunk]], bytes]


def ask(body: bytes) -> Reply:
    return read(bytearray(body), want=BOTH)


@stream
class TestAStream:
    def test_is_one_reply(self, stream: Stream) -> None:
        reply = ask(
            stream(
                [
                    chunk({"text": "A red"}, modelVersion="m", responseId="r"),
                    chunk({"text": " fox"}, grounding={"webSearchQueries": ["fox"]}),
                    chunk(image()),
                    chunk({"text": "."}, finish="STOP", usageMetadata={"totalTokenCount": 7}),
                ]
            )
        )
        assert (reply.image, reply.images, reply.text) == (PICTURE, 1, "A red fox.")
        assert (reply.model_version, reply.response_id) == ("m", "r")
        assert reply.finish_reason == "STOP"
        assert reply.usage is not None
        assert reply.usage.total_tokens == 7
        assert reply.queries == 1

    def test_keeps_images_in_order(self, stream: Stream) -> None:
        body = stream([chunk(image(b"one"), image(b"two")), chunk(image(b"three"))])
        assert ask(body).image == b"three"
        assert [*every_image(body)] == [b"one", b"two", b"three"]

    def test_leaves_drafts_out(self, stream: Stream) -> None:
        parts = [image(b"draft", thought=True), {"text": "hm", "thought": True}, image()]
        reply = ask(stream([*map(chunk, parts), chunk(image(b"late", thought=True))]))
        assert (reply.image, reply.images, reply.text) == (PICTURE, 1, "")

    def test_may_cut_a_text_anywhere(self, stream: Stream) -> None:
        text = "Look: ![fox](https://cdn.example.com/a.png)"
        reply = ask(stream([chunk({"text": letter}) for letter in text]))
        assert reply.links == ("https://cdn.example.com/a.png",)
        assert reply.text == "Look:"

    def test_a_data_uri_ends_with_its_padding(self, stream: Stream) -> None:
        data = PICTURE + b"1"
        uri = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        reply = ask(stream([chunk({"text": uri}), chunk({"text": "A fox."})]))
        assert (reply.image, reply.text) == (data, "A fox.")

    def test_may_cut_a_data_uri_anywhere(self, stream: Stream) -> None:
        text = f"![](data:image/png;base64,{base64.b64encode(PICTURE).decode()})"
        cut = [chunk({"text": text[at : at + 99]}) for at in range(0, len(text), 99)]
        assert ask(stream(cut)).image == PICTURE

    def test_without_an_image_is_a_refusal(self, stream: Stream) -> None:
        with pytest.raises(NoImage, match="IMAGE_SAFETY"):
            ask(stream([chunk({"text": "I"}), chunk(finish="IMAGE_SAFETY")]))

    def test_without_any_part_is_a_refusal(self, stream: Stream) -> None:
        with pytest.raises(NoImage, match="the reply is empty"):
            ask(stream([{"usageMetadata": {"totalTokenCount": 8}}] * 2))

    def test_may_end_without_a_blank_line(self, stream: Stream) -> None:
        assert ask(stream([chunk({"text": "x"}), chunk(image())]).rstrip()).image == PICTURE

    def test_of_many_chunks_costs_no_time(self, stream: Stream) -> None:
        piece = {"text": "x" * 1000}
        assert len(ask(stream([*[chunk(piece)] * 5000, chunk(image())])).text) == 5_000_000

    @pytest.mark.parametrize("padding", [b" \n" * 100_000, b"\xef\xbb\xbf", b"\n\n", b"\0 "])
    def test_behind_white_space(self, stream: Stream, padding: bytes) -> None:
        assert ask(padding + stream([chunk({"text": "x"}), chunk(image())])).image == PICTURE


@pytest.mark.parametrize("stream", [array, events, lines])
def test_a_lone_chunk_without_any_part_is_a_refusal(stream: Stream) -> None:
    with pytest.raises(NoImage, match="the reply is empty"):
        ask(stream([{"usageMetadata": {"totalTokenCount": 8}}]))


class TestADamagedStream:
    @pytest.mark.parametrize("stream", [events, crlf_events, lines, crlf_lines, wrapped_events])
    def test_gives_what_is_whole(self, stream: Stream) -> None:
        body = stream([chunk(image()), chunk(image(b"late"))])
        assert ask(body[: body.rindex(b"candidates") + 20]).image == PICTURE

    @pytest.mark.parametrize("stream", [events, lines])
    def test_without_a_whole_image_is_unusable(self, stream: Stream) -> None:
        body = stream([chunk({"text": "Here it is"}), chunk(image())])
        with pytest.raises(BadReply):
            ask(body[:-99])

    def test_has_one_bad_line(self) -> None:
        assert ask(lines([chunk(image())]) + b"<!-- served by x -->\n").image == PICTURE


BUSY: Chunk = {"error": {"code": 503, "message": "gone", "status": "UNAVAILABLE"}}


@stream
class TestAStreamThatEndsInAnError:
    def test_before_any_part_is_free(self, stream: Stream) -> None:
        with pytest.raises(Unavailable):
            ask(stream([{"usageMetadata": {"totalTokenCount": 8}}, BUSY]))

    @pytest.mark.parametrize("part", [{"text": "Here"}, image(thought=True)])
    def test_after_the_first_part_may_be_charged(self, stream: Stream, part: Chunk) -> None:
        with pytest.raises(OutcomeUnknown, match="gone"):
            ask(stream([chunk(part), BUSY]))

    def test_believes_what_it_says_of_money(self, stream: Stream) -> None:
        busy = {"error": {**BUSY["error"], "message": "You will not be charged"}}
        with pytest.raises(Unavailable):
            ask(stream([chunk({"text": "Here"}), busy]))

    def test_gives_the_image_before_it(self, stream: Stream) -> None:
        assert ask(stream([chunk(image()), BUSY])).image == PICTURE


class TestAWrapper:
    @pytest.mark.parametrize(
        "wrap",
        [
            lambda reply: {"response": reply, "traceId": "x"},
            lambda reply: {"code": 0, "msg": "ok", "data": reply},
            lambda reply: {"success": True, "data": {"response": reply}},
            lambda reply: {"result": reply},
            lambda reply: {"data": json.dumps(reply)},
            lambda reply: [{"response": reply}],
            lambda reply: json.dumps(reply),
        ],
    )
    def test_is_taken_off(self, wrap: Callable[[Chunk], object]) -> None:
        reply = chunk({"text": "A fox"}, image(), finish="STOP", responseId="r")
        found = ask(_json(wrap(reply)))
        assert (found.image, found.text, found.response_id) == (PICTURE, "A fox", "r")

    def test_of_a_refusal(self) -> None:
        with pytest.raises(NoImage, match="MODEL_ARMOR"):
            ask(_json({"response": {"promptFeedback": {"blockReason": "MODEL_ARMOR"}}}))

    def test_that_is_too_deep_is_not_a_reply(self) -> None:
        value: object = chunk(image())
        for _ in range(50):
            value = {"data": value}
        with pytest.raises((NoImage, BadReply)):
            ask(_json(value))

    @pytest.mark.parametrize("more", [{"data": None}, {"response": "ok"}, {"result": [1]}])
    def test_beside_a_reply_is_none(self, more: Chunk) -> None:
        assert ask(_json({**chunk(image()), **more})).image == PICTURE


@pytest.mark.parametrize(
    "reply",
    [
        {"candidates": {"content": {"parts": [image()]}}},
        {"candidates": [{"content": {"parts": image()}}]},
        {"candidates": [{"content": [image()]}]},
    ],
)
def test_what_should_be_a_list_may_be_its_one_element(reply: Chunk) -> None:
    assert ask(_json(reply)).image == PICTURE


@pytest.mark.parametrize("data", [picture(64, 48, each) for each in ("PNG", "JPEG", "WEBP")])
def test_a_reply_may_be_the_image_itself(data: bytes) -> None:
    assert ask(data).image == data
    with pytest.raises(BadReply):
        read(data, want=("TEXT",))


@pytest.mark.parametrize("name", ["data:image/png;base64,", " DATA:image/png;charset=x;base64,"])
def test_a_file_may_be_a_data_uri(name: str) -> None:
    file = {"fileData": {"fileUri": name + base64.b64encode(PICTURE).decode()}}
    reply = ask(_json(chunk(file)))
    assert (reply.image, reply.links) == (PICTURE, ())


class TestALink:
    ADDRESS = "https://cdn.example.com/u/fox(1).png?X-Signature=" + "0" * 500

    @pytest.mark.parametrize(
        "part",
        [
            {"text": f"![image]({ADDRESS})"},
            {"text": f'Here:\n\n![]( <{ADDRESS}> "A fox" )\n'},
            {"text": ADDRESS},
            {"text": f"\n  {ADDRESS}\n"},
            {"text": f"<{ADDRESS}>"},
            {"fileData": {"mimeType": "image/png", "fileUri": ADDRESS}},
            {"file_data": {"file_uri": ADDRESS}},
            {"text": f"![]({ADDRESS})", "fileData": {"fileUri": ADDRESS}},
        ],
    )
    def test_in_each_spelling(self, part: Chunk) -> None:
        reply = ask(_json(chunk(part)))
        assert (reply.links, reply.images, reply.image) == ((self.ADDRESS,), 1, None)
        assert self.ADDRESS not in reply.text

    @pytest.mark.parametrize(
        "text",
        [
            f"See {ADDRESS} for more",
            f"[a fox]({ADDRESS})",
            f"{ADDRESS}\n{ADDRESS}",
            "ftp://example.com/fox.png",
            "![fox](fox.png)",
        ],
    )
    def test_that_is_none(self, text: str) -> None:
        with pytest.raises(NoImage, match="text only"):
            ask(_json(chunk({"text": text})))

    def test_beside_an_image_is_text(self) -> None:
        reply = ask(_json(chunk({"text": f"![]({self.ADDRESS})"}, image())))
        assert (reply.image, reply.links) == (PICTURE, ())
        assert self.ADDRESS in reply.text

    def test_that_is_a_thought_is_a_draft(self) -> None:
        with pytest.raises(NoImage, match="drafts"):
            ask(_json(chunk({"fileData": {"fileUri": self.ADDRESS}, "thought": True})))

    def test_where_a_text_was_wanted_is_text(self) -> None:
        reply = read(_json(chunk({"text": self.ADDRESS})), want=("TEXT",))
        assert (reply.text, reply.links) == (self.ADDRESS, ())

    def test_several_come_in_order(self) -> None:
        body = _json(chunk({"text": "![](https://a/1.png) ![](https://a/2.png)"}, {"text": "x"}))
        reply = ask(body)
        assert reply.links == ("https://a/1.png", "https://a/2.png")
        assert (reply.images, reply.text) == (2, "x")

    @pytest.mark.parametrize("text", ["![](https://a(" * 50_000, "![](https://" * 50_000])
    def test_that_never_ends_costs_no_time(self, text: str) -> None:
        with pytest.raises(NoImage):
            ask(_json(chunk({"text": text})))

    def test_of_a_file_is_named_where_none_are_taken(self) -> None:
        body = _json(chunk({"fileData": {"fileUri": self.ADDRESS}}))
        with pytest.raises(BadReply) as caught:
            read(body, want=BOTH, links=False)
        assert self.ADDRESS in caught.value.message


PARTS = st.lists(
    st.sampled_from([{"text": "a"}, {"text": "b", "thought": True}, image(), image(thought=True)]),
    min_size=1,
    max_size=8,
)


@given(PARTS, st.sampled_from(STREAMS), st.data())
def test_any_cut_into_chunks_is_the_reply(
    parts: list[Chunk], stream: Stream, data: st.DataObject
) -> None:
    whole = chunk(*parts, image(b"last"), finish="STOP")
    cut = data.draw(st.lists(st.integers(1, 3), min_size=9, max_size=9))
    chunks, rest = [], [*parts, image(b"last")]
    for size in cut:
        if rest:
            chunks.append(chunk(*rest[:size]))
        rest = rest[size:]
    one, other = ask(_json(whole)), ask(stream(chunks))
    assert (one.image, one.text, one.images) == (other.image, other.text, other.images)


@pytest.mark.parametrize("number", [0, 1])
def test_a_chunk_that_is_an_error_does_not_make_an_image_free(number: int) -> None:
    chunks = [chunk(image())]
    chunks.insert(number, BUSY)
    assert not is_error(_json(chunks))
    assert not is_error(_json({"success": False, "data": chunks}))
    assert ask(_json(chunks)).image == PICTURE


@pytest.mark.parametrize("stream", [events, crlf_events, pretty_events])
@pytest.mark.parametrize("odd", [b"Infinity", b"-1e999", b"[NaN]", b'"\\ud800"'])
def test_a_value_that_is_not_strict_json_costs_a_stream_no_image(
    stream: Stream, odd: bytes
) -> None:
    chunks = [chunk({"text": "a"}), chunk(image(), usage="odd"), chunk(image(), finish="STOP")]
    body = stream(chunks).replace(b'"odd"', odd)
    assert odd in body
    found = ask(body)
    # Also two that are the same.
    assert (found.image, found.images, found.text) == (PICTURE, 2, "a")
    # A conversation with fewer parts than the reply would be refused.
    assert len(model_parts(body)) == 3


def test_a_conversation_has_the_parts_of_damaged_and_of_strict_lines() -> None:
    chunks = [chunk({"text": "a"}), chunk(image(), usage="odd"), chunk(image())]
    lines = b"\n".join(map(_json, chunks)).replace(b'"odd"', b"NaN")
    assert len(model_parts(lines)) == 3
    assert len(model_parts(lines + b'\n{"candidates": [')) == 3
    assert len(model_parts(pretty_array(chunks).replace(b'"odd"', b"NaN"))) == 3
