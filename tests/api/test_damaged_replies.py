"""A reply whose image came is used, whatever is wrong around the image."""

from __future__ import annotations

import base64
import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from hypothesis import given, settings
from hypothesis import strategies as st
from support.replies import image_part, picture, reply
from support.wire_server import Answer, WireServer

from nanobanana_cli.api import transport
from nanobanana_cli.api.reply import is_usable, read
from nanobanana_cli.errors import NbError

IMAGE = picture(1024, 1024)
BASE64 = base64.b64encode(IMAGE).decode()
GOOD = image_part(IMAGE)
WHOLE = reply(GOOD)
NUMBER = b"9" * 5000


def call(nb: Nb, answer: Answer, *options: str) -> Run:
    with WireServer(answer) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
        run = nb("generate", "fox", "-o", "fox.png", "--retries", "0", *options, env=env)
        assert len(server.requests) == 1
    return run


def inside(field: bytes, at: bytes = b'"candidates"') -> bytes:
    """The reply with one more field before the named one."""
    return WHOLE.replace(at, field + b", " + at, 1)


def followed_by(part: bytes) -> bytes:
    """The reply with one more part."""
    return reply(GOOD, {"text": "PART"}).replace(b'{"text": "PART"}', part)


def events(end: bytes) -> bytes:
    return (
        b": hello" + end + b"data: " + reply({"text": "x"}) + end * 2 + b"data: " + WHOLE + end * 2
    )


BODIES: dict[str, bytes] = {
    "zeros behind": WHOLE + bytes(500),
    "zeros before": bytes(3) + WHOLE,
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "UTF-16 without a mark": WHOLE.decode().encode("utf-16-le"),
    "UTF-16 the other way": WHOLE.decode().encode("utf-16-be"),
    "UTF-32": WHOLE.decode().encode("utf-32"),
    "gzip": gzip.compress(WHOLE),
    "gzip in UTF-16": gzip.compress(WHOLE.decode().encode("utf-16")),
    "a long number": inside(b'"x": ' + NUMBER),
    "a long number in usage": WHOLE.replace(b'"promptTokenCount": 8', b'"x": ' + NUMBER),
    "a long decimal in usage": WHOLE.replace(b'"promptTokenCount": 8', b'"x": 1e999'),
    "a long number in a part": inside(b'"x": -' + NUMBER, b'"inlineData"'),
    "many levels of lists": inside(b'"x": ' + b"[" * 3000 + b"]" * 3000),
    "many levels of objects": inside(b'"x": ' + b'{"y": ' * 3000 + b"1" + b"}" * 3000),
    "many levels in a part": inside(b'"x": ' + b"[" * 100_000 + b"]" * 100_000, b'"inlineData"'),
    "a part that is a word": followed_by(b"undefined"),
    "a part that is null": followed_by(b"null"),
    "a part that is a number": followed_by(NUMBER),
    "a part with another text": followed_by(b'{"text": 5}'),
    "a part with a bad escape": followed_by(b'{"text": "\\uZZZZ"}'),
    "a part that does not end": followed_by(b'{"text": "abc'),
    "a part with a number for an image": followed_by(b'{"inlineData": 5}'),
    "a part without data": followed_by(b'{"inlineData": {"mimeType": "image/png"}}'),
    "a part with other data": followed_by(b'{"inlineData": {"data": {"a": 1}}}'),
    "a part with no base64": followed_by(b'{"inlineData": {"data": "***"}}'),
    "a part with something else": reply(GOOD, image_part(b"RIFF....WAVEfmt ")),
    "a part with a damaged image": reply(GOOD, image_part(IMAGE[:-40])),
    "two parts with damaged images": reply(
        GOOD, image_part(IMAGE[:-40]), image_part(IMAGE[:900]), {"text": "x"}
    ),
    "a part with an unknown field": followed_by(b'{"functionCall": [[]]}'),
    "a field that is unknown": WHOLE.replace(b'"inlineData"', b'"blob"'),
    "lines with carriage returns": events(b"\r"),
    "OpenAI's shape": json.dumps({"created": 1, "data": [{"b64_json": BASE64}]}).encode(),
    "OpenAI's chat": json.dumps(
        {"choices": [{"message": {"content": f"![x](data:image/png;base64,{BASE64})"}}]}
    ).encode(),
    "Imagen's shape": json.dumps({"predictions": [{"bytesBase64Encoded": BASE64}]}).encode(),
    "with escaped slashes": json.dumps({"data": [{"b64_json": BASE64}]})
    .replace("/", "\\/")
    .encode(),
    "words behind": WHOLE + b"\nupstream closed",
    "a page behind": WHOLE + b"<html>x</html>",
    "brackets behind": WHOLE + b"]}",
    "words before": b")]}'\n" + WHOLE,
}


class TestAnImage:
    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_is_taken_from(self, nb: Nb, body: bytes) -> None:
        run = call(nb, Answer(body=body))
        assert (run.code, run.out) == (0, "fox.png\n"), run.err
        assert Path("fox.png").read_bytes() == IMAGE

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_is_extracted_from(self, nb: Nb, body: bytes) -> None:
        Path("response.json").write_bytes(body)
        run = nb("extract", "response.json", "-o", "fox.png")
        assert (run.code, run.out) == (0, "fox.png\n"), run.err
        assert Path("fox.png").read_bytes() == IMAGE

    @pytest.mark.parametrize(
        "parts", [[{"thought": True, **GOOD}], [{**GOOD, "thought": True}, {"text": "x"}]]
    )
    @pytest.mark.parametrize("end", [b"", b"garbage", b"\0"])
    def test_that_is_a_draft_is_none(self, nb: Nb, parts: list[Any], end: bytes) -> None:
        run = call(nb, Answer(body=reply(*parts)[: -1 if end == b"" else None] + end))
        assert run.code in (9, 10)
        assert not Path("fox.png").exists()


def chunked(body: bytes, end: bytes) -> Answer:
    half = len(body) // 2
    sent = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:half], body[half:]))
    return Answer(headers=(("Transfer-Encoding", "chunked"),), body=sent[:-2] + end)


def of_length(length: int, body: bytes = WHOLE, **more: Any) -> Answer:
    return Answer(headers=(("Content-Length", str(length)),), body=body, **more)


SIZE = len(WHOLE)
CUTS: dict[str, Answer] = {
    "no last chunk": chunked(WHOLE, b"\r\n"),
    "no end of a chunk": chunked(WHOLE, b""),
    "half a last chunk": chunked(WHOLE, b"\r\n0\r\n"),
    "garbage for a chunk": chunked(WHOLE, b"\r\nzz\r\n"),
    "too long": of_length(SIZE + 1000),
    "too short": of_length(SIZE - 300),
    "too short by one": of_length(SIZE - 1),
    "too short by far": of_length(SIZE // 2),
    "in characters": of_length(
        len(wide := reply({"text": "狐" * 99}, GOOD).decode("unicode-escape")),
        wide.encode(),
    ),
    "events without an end": chunked(events(b"\n"), b"\r\n"),
    "cut behind the image": of_length(SIZE, WHOLE[: WHOLE.index(b'"}', 200) + 1]),
}


class TestAReplyThatIsCut:
    @pytest.mark.parametrize("answer", CUTS.values(), ids=CUTS)
    def test_behind_its_image_is_used(self, nb: Nb, answer: Answer) -> None:
        started = time.monotonic()
        run = call(nb, answer)
        assert (run.code, run.out) == (0, "fox.png\n"), run.err
        assert Path("fox.png").read_bytes() == IMAGE
        assert time.monotonic() - started < 10

    @pytest.mark.parametrize(
        "answer",
        [
            of_length(SIZE + 1000, stall=SIZE + 50),
            Answer(
                headers=(("Transfer-Encoding", "chunked"),),
                body=b"%x\r\n%s\r\n" % (SIZE, WHOLE),
                stall=SIZE + 60,
            ),
        ],
    )
    def test_is_used_at_the_deadline(self, nb: Nb, answer: Answer) -> None:
        whole = len(answer.head() + answer.body)
        stalled = Answer(headers=answer.headers, body=answer.body, stall=whole)
        run = call(nb, stalled, "--timeout", "1", "-v")
        assert run.code == 0, run.err
        assert "< the connection broke, but nothing is missing" in run.err

    @pytest.mark.parametrize("missing", [SIZE // 2, 700])
    def test_in_its_image_is_unknown(self, nb: Nb, missing: int) -> None:
        for answer in (of_length(SIZE, WHOLE[:-missing]), chunked(WHOLE[:-missing], b"\r\n")):
            run = call(nb, answer)
            assert run.code == 11
            assert "the reply was cut short" in run.err
            assert run.err.endswith("May have been charged.\n")

    def test_in_a_second_image_is_unknown(self, nb: Nb) -> None:
        """The last image is the result; nobody can say what the first one is."""
        body = reply(GOOD, GOOD)
        run = call(nb, of_length(len(body), body[:-700]))
        assert run.code == 11

    def test_whose_length_is_too_short_waits_no_longer_than_needed(
        self, nb: Nb, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is missing comes behind the stated length, or never."""
        monkeypatch.setattr(transport, "_FOR_THE_REST", 0.3)
        answer = of_length(SIZE - 1, WHOLE)
        started = time.monotonic()
        run = call(nb, Answer(headers=answer.headers, body=WHOLE, stall=len(answer.head()) + SIZE))
        assert run.code == 0, run.err
        assert time.monotonic() - started < 10

    def test_in_a_text_is_unknown(self, nb: Nb) -> None:
        Path("fox.png").write_bytes(IMAGE)
        body = reply({"text": "A red fox in the snow."})
        end = body.index(b"snow")
        for sent, code in ((body, 0), (body[:-30], 0), (body[:end], 11)):
            with WireServer(chunked(sent, b"\r\n")) as server:
                env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
                run = nb("caption", "fox.png", "--retries", "0", env=env)
            assert run.code == code, run.err

    def test_in_a_second_image_is_kept_for_the_first(self, nb: Nb) -> None:
        body = reply(GOOD, image_part(picture(64, 64)))
        run = call(nb, of_length(len(body), body[: body.rindex(b'"data"') + 60]))
        assert run.code == 11
        (kept,) = (found for found in Path("~").expanduser().rglob("replies/*.json"))
        run = nb("extract", str(kept), "-o", "fox.png")
        assert (run.code, Path("fox.png").read_bytes()) == (0, IMAGE), run.err

    def test_beside_a_draft(self, nb: Nb) -> None:
        """A part that is cut may be a draft, where others are; whole ones say what they are."""
        body = reply(image_part(picture(64, 64), thought=True), GOOD, {"text": "x"})
        run = call(nb, of_length(len(body), body[: body.index(b'{"text"')]))
        assert (run.code, Path("fox.png").read_bytes()) == (0, IMAGE), run.err
        Path("fox.png").unlink()
        run = call(nb, of_length(len(body), body[: body.index(b'}, {"text"')]))
        assert run.code == 11

    @pytest.mark.parametrize("thought", [{}, {"thought": True}])
    def test_in_the_only_image_part_beside_thoughts_is_unknown(
        self, nb: Nb, thought: dict[str, bool]
    ) -> None:
        body = reply({"text": "Hm.", "thought": True}, {**GOOD, **thought})
        run = call(nb, of_length(len(body), body[: body.index(BASE64[-20:].encode()) + 21]))
        assert run.code == 11

    def test_still_says_who_made_it_and_what_it_used(self, nb: Nb) -> None:
        end = len(b', "x": "y"}')
        body = reply(GOOD, {"text": "x"}, x="y")
        run = call(nb, of_length(len(body), body[:-end]), "--json")
        line = json.loads(run.out)
        assert (line["response_id"], line["usage"]["total_tokens"]) == ("abc", 1128)
        assert line["model_version"] == "gemini-3.1-flash-image-preview"

    @pytest.mark.parametrize("lost", [b"data: {oops}", b"data: "])
    def test_that_lacks_a_chunk_has_no_whole_text(self, nb: Nb, lost: bytes) -> None:
        """What is left of it reads well, and may mean something else."""
        chunks = [reply({"text": "No fox "}), b"", reply({"text": "is red."}), WHOLE]
        body = b"".join(b"data: %s\n\n" % each if each else lost + b"\n\n" for each in chunks)
        run = call(nb, Answer(body=body), "--alt")
        assert (run.code, Path("fox.png").read_bytes()) == (9, IMAGE), run.err
        assert "may not be whole: No fox is red." in run.err
        assert not Path("fox.alt.txt").exists()

    def test_of_the_balance_is_read(self, nb: Nb) -> None:
        """What is no picture is whole when its JSON is."""
        with WireServer(chunked(b'{"models": []}', b"\r\n")) as server:
            env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
            run = nb("models", "--check", env=env)
        assert "broke" not in run.err


@settings(max_examples=80)
@given(st.integers(0, SIZE), st.sampled_from([WHOLE, events(b"\n"), BODIES["OpenAI's shape"]]))
def test_what_is_usable_holds_the_whole_image(cut: int, body: bytes) -> None:
    start = body[:cut]
    if is_usable(start):
        assert bytes(read(start, ("IMAGE",)).image or b"") == IMAGE
    elif len(start) < body.index(BASE64[-100:].encode()):
        with pytest.raises(NbError):
            read(start, ("IMAGE",))


@settings(max_examples=40)
@given(st.binary(max_size=300), st.integers(0, SIZE), st.integers(0, 300))
def test_damage_ends_in_an_image_or_an_error(junk: bytes, at: int, removed: int) -> None:
    body = WHOLE[:at] + junk + WHOLE[at + removed :]
    for each in (body, body.decode("latin-1").encode("utf-16"), gzip.compress(body)):
        is_usable(each)
        try:
            found = read(each, ("IMAGE",))
        except NbError:
            continue
        assert found.image
