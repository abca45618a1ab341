"""Every reply that the service is known to give, and any other, is an image, a text or an error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.api.reply import read
from nanobanana_cli.errors import (
    BadReply,
    Charged,
    NbError,
    NoImage,
    OutOfCredit,
    RateLimited,
)
from nanobanana_cli.types import Modality, Reply, Usage

PICTURE = bytes(range(256)) * 3 + b"\xfb\xff\xfe"
BASE64 = base64.b64encode(PICTURE).decode()
IMAGE: tuple[Modality, ...] = ("IMAGE",)
TEXT: tuple[Modality, ...] = ("TEXT",)
BOTH: tuple[Modality, ...] = ("TEXT", "IMAGE")


def image(data: str = BASE64, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def envelope(*parts: object, **candidate: object) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, **candidate}]}


def ask(reply: object, want: tuple[Modality, ...] = IMAGE) -> Reply:
    return read(bytearray(json.dumps(reply).encode()), want=want)


def refusal(reply: object, want: tuple[Modality, ...] = IMAGE) -> NoImage:
    with pytest.raises(NoImage) as caught:
        ask(reply, want)
    assert caught.value.charged is Charged.MAYBE
    assert caught.value.kind == "refused"
    return caught.value


class TestAnImage:
    def test_with_all_that_comes_along(self) -> None:
        counts = {"promptTokenCount": 8, "candidatesTokenCount": 1680, "totalTokenCount": 1688}
        reply = ask(
            {
                **envelope({"text": " A fox. "}, image(), finishReason="STOP"),
                "usageMetadata": counts,
                "modelVersion": "some-model",
                "responseId": "r1",
            }
        )
        assert reply == Reply(
            image=PICTURE,
            text="A fox.",
            model_version="some-model",
            response_id="r1",
            finish_reason="STOP",
            usage=Usage(8, 1680, 0, 1688),
            images=1,
        )

    def test_of_a_bytes_object_too(self) -> None:
        assert read(json.dumps(envelope(image())).encode(), want=IMAGE).image == PICTURE

    def test_in_the_one_element_of_a_list(self) -> None:
        assert ask([envelope(image())]).image == PICTURE

    def test_in_a_later_candidate(self) -> None:
        both = {"candidates": [None, {"content": None}, *envelope(image())["candidates"]]}
        assert ask(both).image == PICTURE

    @pytest.mark.parametrize(
        "part",
        [
            {"inline_data": {"mime_type": "image/png", "data": BASE64}},
            {"inlineData": {"data": BASE64}},
            {"inlineData": {"mimeType": "text/plain", "data": BASE64}},
            {"inlineData": None, "inline_data": {"data": BASE64}},
            {"text": f"![fox](data:image/png;base64,{BASE64})"},
            {"text": f'![]( data:image/png;base64,{BASE64} "title" )'},
            {"text": f"data:image/jpeg;charset=utf-8;base64,{BASE64}"},
            {"text": f"Here: DATA:IMAGE/webp;base64,{BASE64}\nEnjoy."},
        ],
    )
    def test_in_each_spelling(self, part: dict[str, Any]) -> None:
        assert ask(envelope(part)).image == PICTURE

    @pytest.mark.parametrize(
        "data",
        [
            BASE64.rstrip("="),
            BASE64.replace("+", "-").replace("/", "_"),
            f"\n{BASE64[:76]}\r\n {BASE64[76:]}\n",
            f"data:image/png;base64,{BASE64}",
        ],
    )
    def test_in_each_kind_of_base64(self, data: str) -> None:
        assert ask(envelope(image(data))).image == PICTURE

    def test_with_escaped_slashes(self) -> None:
        body = json.dumps(envelope(image())).replace("/", "\\/").encode()
        assert b"\\/" in body
        assert read(body, want=IMAGE).image == PICTURE

    @pytest.mark.parametrize("padding", range(3))
    def test_of_any_length(self, padding: int) -> None:
        data = PICTURE + b"\x01" * padding
        assert ask(envelope(image(encoded(data).rstrip("=")))).image == data

    @pytest.mark.parametrize("size", [49_151, 49_152, 49_153, 98_304, 5_000_000])
    def test_of_more_than_one_piece(self, size: int) -> None:
        data = (PICTURE * (size // len(PICTURE) + 1))[:size]
        text = encoded(data)
        safe = text[:70_000] + text[70_000:].replace("+", "-").replace("/", "_")
        for form in (text, text.rstrip("="), text[:70_000] + "\n" + text[70_000:], safe):
            assert ask(envelope(image(form))).image == data
            assert ask(envelope(image(form), image("***"))).image == data
            assert read(json.dumps(envelope(image(form))).encode(), want=IMAGE).image == data

    @pytest.mark.parametrize("end", ["QQ==", "QQ=A", "Q===", "***"])
    def test_with_something_behind_its_end(self, end: str) -> None:
        # A piece ends where the first text does.
        text = "A" * 65_532 + "QQ=="
        with pytest.raises(BadReply, match="not valid base64"):
            ask(envelope(image(text + end)))

    def test_the_last_of_several_is_the_result(self) -> None:
        reply = ask(envelope(image(encoded(b"first")), {"text": "then"}, image()))
        assert reply.image == PICTURE
        assert reply.images == 2

    def test_a_broken_one_does_not_hide_an_earlier_one(self) -> None:
        assert ask(envelope(image(), image("***"))).image == PICTURE

    def test_other_data_does_not_hide_an_earlier_one(self) -> None:
        data = b"\x89PNG\r\n\x1a\n" + PICTURE
        parts = image(encoded(data)), image(encoded(b"{}" * 9))
        assert ask(envelope(*parts)).image == data

    def test_that_is_a_link_is_not_a_thumbnail_elsewhere(self) -> None:
        thumbnail = encoded(b"\x89PNG\r\n\x1a\n" + PICTURE)
        link = {"fileData": {"fileUri": "https://cdn.example.com/fox.png"}}
        reply = ask({**envelope(link), "thumbnail": thumbnail})
        assert (reply.links, reply.image) == (("https://cdn.example.com/fox.png",), None)

    def test_drafts_are_left_out(self) -> None:
        draft = image(encoded(b"draft"), thought=True)
        reply = ask(envelope(draft, {"text": "hm", "thought": True}, image(), draft))
        assert (reply.image, reply.text, reply.images) == (PICTURE, "", 1)

    def test_a_signature_makes_no_draft(self) -> None:
        assert ask(envelope(image(thoughtSignature="c2ln", thought=False))).image == PICTURE

    def test_text_around_an_image_in_text_is_kept(self) -> None:
        reply = ask(envelope({"text": f"A fox: ![x](data:image/png;base64,{BASE64}) done"}), BOTH)
        assert reply.text == "A fox:  done"

    def test_several_in_one_text_come_in_order(self) -> None:
        first = f"![1](data:image/png;base64,{encoded(b'first')})"
        reply = ask(envelope({"text": f"a {first} b data:image/png;base64,{BASE64} c"}), BOTH)
        assert (reply.image, reply.text, reply.images) == (PICTURE, "a  b  c", 2)

    def test_after_many_that_never_end_costs_no_time(self) -> None:
        text = "![](data:image/png;base64,AAAA" * 30_000 + "A" * 1_000_000
        assert ask(envelope({"text": text})).images == 30_000

    def test_without_the_text_that_was_wanted_too(self) -> None:
        assert ask(envelope(image()), BOTH).text == ""

    def test_beside_an_error_is_not_lost(self) -> None:
        assert ask({**envelope(image()), "error": {"code": 429}}).image == PICTURE


STRANGE: list[Any] = [None, True, 3, -1.5, 10**30, "x", "", [], [1, None], {}, {"a": [{}]}]


class TestStrangeFields:
    @pytest.mark.parametrize("value", STRANGE)
    @pytest.mark.parametrize(
        "name",
        ["usageMetadata", "modelVersion", "responseId", "promptFeedback", "createTime", "error"],
    )
    def test_beside_the_candidates_cost_no_image(self, name: str, value: object) -> None:
        assert ask({**envelope(image()), name: value}).image == PICTURE

    @pytest.mark.parametrize("value", STRANGE)
    @pytest.mark.parametrize("name", ["finishReason", "finishMessage", "safetyRatings", "index"])
    def test_in_the_candidate_cost_no_image(self, name: str, value: object) -> None:
        assert ask(envelope(image(), **{name: value})).image == PICTURE

    @pytest.mark.parametrize("value", STRANGE)
    @pytest.mark.parametrize("name", ["text", "thoughtSignature", "inline_data", "videoMetadata"])
    def test_in_the_part_cost_no_image(self, name: str, value: object) -> None:
        assert ask(envelope({**image(), name: value})).image == PICTURE

    @pytest.mark.parametrize("value", [*STRANGE, "{x"])
    def test_in_another_chunk_cost_no_image(self, value: object) -> None:
        assert ask([{"data": value}, envelope(image())]).image == PICTURE

    @pytest.mark.parametrize("value", STRANGE)
    def test_among_the_parts_and_candidates_cost_no_image(self, value: object) -> None:
        reply = envelope(value, image(), value)
        reply["candidates"] += [value]
        assert ask(reply).image == PICTURE

    @pytest.mark.parametrize(
        "counts", [{"promptTokenCount": "8"}, {"promptTokenCount": True}, {"promptTokenCount": 1.5}]
    )
    def test_counts_that_are_none(self, counts: dict[str, object]) -> None:
        assert ask({**envelope(image()), "usageMetadata": counts}).usage == Usage()

    @pytest.mark.parametrize(
        "junk",
        [b'"\\ud800"', b'"\xff\xfe"', b'"a\nb"', b"NaN", b"[1, Infinity]"],
    )
    def test_sloppy_json_costs_no_image(self, junk: bytes) -> None:
        body = json.dumps({**envelope(image()), "responseId": "JUNK"}).encode()
        assert read(body.replace(b'"JUNK"', junk), want=IMAGE).image == PICTURE

    def test_a_byte_order_mark_costs_no_image(self) -> None:
        body = b"\xef\xbb\xbf" + json.dumps(envelope(image())).encode()
        assert read(body, want=IMAGE).image == PICTURE


class TestText:
    def test_is_all_that_was_wanted(self) -> None:
        reply = ask(envelope({"text": "A red "}, {"text": "fox.\n"}), TEXT)
        assert (reply.text, reply.image) == ("A red fox.", None)

    def test_alone_where_an_image_was_wanted_too_is_a_refusal(self) -> None:
        assert "A fox" in refusal(envelope({"text": "A fox"}), BOTH).message

    @pytest.mark.parametrize(
        "reply",
        [envelope(finishReason="STOP"), envelope({"text": " "}), envelope(image()), {}],
    )
    def test_that_is_missing(self, reply: object) -> None:
        assert refusal(reply, TEXT).message.startswith("no text: ")

    def test_of_thoughts_is_no_text(self) -> None:
        refusal(envelope({"text": "hm", "thought": True}), TEXT)


EMPTY: list[dict[str, Any]] = [
    {},
    {"candidates": None},
    {"candidates": []},
    {"candidates": [None]},
    {"candidates": [{}]},
    {"candidates": [{"content": None}]},
    {"candidates": [{"content": {}}]},
    {"candidates": [{"content": {"parts": None}}]},
    {"candidates": [{"content": {"parts": []}}]},
    {"candidates": {}},
    {"candidates": "none"},
    envelope({}),
    envelope(image("")),
    envelope({"inlineData": {}}),
    envelope({"inlineData": {"data": None}}),
]

REASONS = [
    ("SAFETY", "the safety filter blocked it"),
    ("IMAGE_SAFETY", "the safety filter blocked it"),
    ("PROHIBITED_CONTENT", "policy"),
    ("IMAGE_PROHIBITED_CONTENT", "policy"),
    ("BLOCKLIST", "blocklist"),
    ("RECITATION", "existing work"),
    ("IMAGE_RECITATION", "existing work"),
    ("SPII", "personal data"),
    ("MAX_TOKENS", "ran out of tokens"),
    ("NO_IMAGE", "the model made none"),
    ("LANGUAGE", "language"),
    ("OTHER", "no reason"),
    ("IMAGE_OTHER", "no reason"),
    ("NEVER_SEEN_BEFORE", "the service stopped"),
]


class TestARefusal:
    @pytest.mark.parametrize("reply", EMPTY)
    def test_of_nothing_at_all(self, reply: object) -> None:
        assert refusal(reply).message == "no image: the reply is empty"

    @pytest.mark.parametrize("reply", [reply for reply in EMPTY if reply.get("candidates")])
    def test_of_every_shape_gives_its_reason(self, reply: dict[str, Any]) -> None:
        if not isinstance(reply["candidates"], list) or reply["candidates"] == [None]:
            return
        candidate = {**reply["candidates"][0], "finishReason": "IMAGE_SAFETY"}
        assert "IMAGE_SAFETY" in refusal({"candidates": [candidate]}).message

    @pytest.mark.parametrize(("reason", "words"), REASONS)
    def test_says_why_in_plain_words(self, reason: str, words: str) -> None:
        error = refusal({"candidates": [{"finishReason": reason, "finishMessage": "It's so."}]})
        assert words in error.message
        assert f"({reason})" in error.message
        assert error.message.endswith(": It's so.")
        assert error.hint

    def test_hints_differ_by_family(self) -> None:
        hints = {refusal({"candidates": [{"finishReason": r}]}).hint for r, _ in REASONS}
        assert len(hints) >= 8

    @pytest.mark.parametrize(("reason", "words"), REASONS)
    def test_of_the_prompt_says_so(self, reason: str, words: str) -> None:
        message = refusal({"promptFeedback": {"blockReason": reason}}).message
        assert message.startswith("no image: the prompt was blocked: ")
        assert words in message
        assert message.endswith(f"({reason})")

    def test_of_the_prompt_with_the_services_words(self) -> None:
        feedback = {"blockReason": "OTHER", "blockReasonMessage": "Not today."}
        assert refusal({"promptFeedback": feedback}).message.endswith(": Not today.")

    def test_in_words_quotes_them_on_one_short_line(self) -> None:
        error = refusal(envelope({"text": "I can't\n\ndo that. " + "x" * 999}, finishReason="STOP"))
        assert error.message.startswith(
            "no image: the model replied with text only: I can't do that. xxx"
        )
        assert len(error.message) < 300

    @pytest.mark.parametrize(
        "text",
        [
            "![" * 200_000,
            "![](" * 200_000,
            "data:image/x;a" * 50_000,
            "data:image/x" + ";a" * 200_000,
        ],
        ids=["brackets", "links", "schemes", "parameters"],
    )
    def test_in_hostile_words_costs_no_time(self, text: str) -> None:
        refusal(envelope({"text": text}))

    def test_with_drafts_alone(self) -> None:
        message = refusal(envelope(image(thought=True), finishReason="STOP")).message
        assert message == "no image: the model sent drafts but no final image"

    @pytest.mark.parametrize("reason", STRANGE[1:])
    def test_with_a_strange_reason(self, reason: object) -> None:
        assert refusal({"candidates": [{"finishReason": reason}]}).message


class TestABadReply:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"", "the reply is empty"),
            (b" \n", "the reply is empty"),
            (b"<html><title>Hi</title>", "the reply is an HTML page, not JSON: Hi"),
            (b"<!DOCTYPE html><p>", "the reply is an HTML page, not JSON"),
            (b"hello\nworld", "the reply is not JSON: hello world"),
            (b"\x89PDF\r\n", "the reply is not JSON: "),
            (b"5", "the reply is JSON of an unexpected shape: 5"),
            (b"[]", "the reply is JSON of an unexpected shape: []"),
            (b'"x"', 'the reply is JSON of an unexpected shape: "x"'),
            (b"[" * 100_000, "cut short or damaged"),
        ],
    )
    def test_says_what_came(self, body: bytes, words: str) -> None:
        with pytest.raises(BadReply) as caught:
            read(body, want=IMAGE)
        assert words in caught.value.message

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    def test_that_is_cut(self, share: float) -> None:
        body = json.dumps(envelope(image())).encode()
        body = body[: int(len(body) * share)]
        with pytest.raises(BadReply, match=f"cut short or damaged: {len(body):,} bytes"):
            read(body, want=IMAGE)

    @pytest.mark.parametrize(
        "data", ["*", "A", "A===", "QUJD*", "Ä", "=QUJD", " ", 5, [BASE64], {}]
    )
    def test_whose_image_is_no_base64(self, data: Any) -> None:
        with pytest.raises(BadReply, match="not valid base64"):
            ask(envelope(image(data)))


class TestAnErrorUnder200:
    def test_is_what_its_code_says(self) -> None:
        with pytest.raises(RateLimited, match="slow down"):
            ask({"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}})

    def test_in_a_list(self) -> None:
        with pytest.raises(OutOfCredit):
            ask([{"error": {"code": "insufficient_user_quota", "message": "no"}}])

    def test_where_text_was_wanted(self) -> None:
        with pytest.raises(RateLimited):
            ask({"error": {"code": 429}}, TEXT)

    def test_beside_the_text_that_was_wanted_costs_no_text(self) -> None:
        assert ask({**envelope({"text": "A fox"}), "error": {"code": 429}}, TEXT).text == "A fox"

    @pytest.mark.parametrize("error", [None, {}, "", False])
    def test_that_says_nothing_is_none(self, error: object) -> None:
        refusal({"error": error})


NAMES = (
    "candidates content parts inlineData inline_data data text thought finishReason "
    "promptFeedback blockReason usageMetadata error code x"
)
KEYS = st.sampled_from(NAMES.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(BASE64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
LIKELY = st.builds(
    lambda part, candidate, more: {**more, **envelope(part, **candidate)},
    JSON,
    st.dictionaries(KEYS, JSON, max_size=2).map(lambda d: {k: d[k] for k in d if k != "content"}),
    st.dictionaries(KEYS, JSON, max_size=2),
)
WANT = st.sampled_from([IMAGE, TEXT, BOTH])


def holds(body: bytes, want: tuple[Modality, ...]) -> None:
    try:
        reply = read(body, want=want)
    except NbError as error:
        message = error.message
        said = bool(message.encode()) and "\n" not in message
    else:
        said = bool(reply.image if "IMAGE" in want else reply.text)
    assert said


@given(JSON | LIKELY, WANT)
def test_any_json_is_a_reply_or_an_error(value: object, want: tuple[Modality, ...]) -> None:
    holds(json.dumps(value).encode(), want)


@given(st.binary(), WANT)
def test_any_bytes_are_a_reply_or_an_error(body: bytes, want: tuple[Modality, ...]) -> None:
    holds(body, want)


@given(st.integers(0, 400), st.integers(0, 255), WANT)
def test_any_damage_is_a_reply_or_an_error(
    place: int, byte: int, want: tuple[Modality, ...]
) -> None:
    body = bytearray(json.dumps({**envelope({"text": "x"}, image()), "error": None}).encode())
    body[place] = byte
    holds(bytes(body), want)
