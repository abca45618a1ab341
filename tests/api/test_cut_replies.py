"""Replies that end too soon, between two events of a stream or within the part of an image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.replies import image_part, picture, reply
from support.wire_server import Answer, Reset, Send, Steps, Wait, WireServer

IMAGE = picture(1024, 1024)
DRAFT = picture(64, 64, color="red")
PARTS: list[dict[str, Any]] = [{"text": "A red fox,"}, image_part(IMAGE), {"text": " asleep."}]
OK = b"HTTP/1.1 200 OK\r\n"


def event(*parts: dict[str, Any], finish: str | None = None) -> bytes:
    candidate = {"content": {"parts": list(parts)}} | ({"finishReason": finish} if finish else {})
    return json.dumps({"candidates": [candidate]}).encode()


def of_events(chunks: list[bytes]) -> bytes:
    return b"".join(b"data: " + chunk + b"\n\n" for chunk in chunks)


def of_lines(chunks: list[bytes]) -> bytes:
    return b"".join(chunk + b"\n" for chunk in chunks)


def short(body: bytes) -> Steps:
    return Steps(Send(OK + b"Content-Length: %d\r\n\r\n" % (len(body) + 500) + body))


def unended(body: bytes) -> Steps:
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    return Steps(Send(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk))


def reset(body: bytes) -> Steps:
    return Steps(*short(body).steps, Wait(0.05), Reset())


def closed(body: bytes) -> Steps:
    """Nothing tells this end from a reply's own."""
    return Steps(Send(OK + b"\r\n" + body))


def call(nb: Nb, answer: Answer | Steps, *argv: str) -> Run:
    with WireServer(answer) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
        run = nb(*argv, env=env)
        assert len(server.requests) == 1
    return run


def make(nb: Nb, answer: Answer | Steps, *options: str) -> Run:
    return call(nb, answer, "generate", "a fox", "-o", "fox.png", *options)


def kept() -> list[Path]:
    folder = Path.home() / ".local/state/nanobanana-wisgate/replies"
    return sorted(folder.glob("*"))


@pytest.mark.parametrize("stream", [of_events, of_lines])
class TestAStreamCutBetweenEvents:
    @pytest.mark.parametrize("broken", [short, unended, reset])
    def test_has_no_whole_text(self, nb: Nb, stream: Any, broken: Any) -> None:
        run = make(nb, broken(stream([event(part) for part in PARTS[:2]])), "--alt")
        assert run.code == 9, run.err
        assert "the reply is cut or damaged, so its text may not be whole: A red fox" in run.err
        assert run.err.endswith("Charged.\n")
        assert Path("fox.png").read_bytes() == IMAGE
        assert not Path("fox.alt.txt").exists()
        (path,) = kept()
        assert nb("extract", path, "-o", "x.png").code == 0
        assert Path("x.png").read_bytes() == IMAGE

    @pytest.mark.parametrize("broken", [short, unended, reset])
    def test_has_no_whole_conversation(self, nb: Nb, stream: Any, broken: Any) -> None:
        run = make(nb, broken(stream([event(part) for part in PARTS[:2]])), "--chat")
        assert (run.code, len(kept())) == (10, 1), run.err
        assert not Path("fox.chat.json").exists()

    @pytest.mark.parametrize("broken", [short, unended, reset])
    def test_has_all_of_its_image(self, nb: Nb, stream: Any, broken: Any) -> None:
        run = make(nb, broken(stream([event(part) for part in PARTS[:2]])))
        assert (run.code, run.out, kept()) == (0, "fox.png\n", []), run.err

    @pytest.mark.parametrize("broken", [short, unended, reset])
    def test_is_whole_behind_the_finish_reason(self, nb: Nb, stream: Any, broken: Any) -> None:
        chunks = [*(event(part) for part in PARTS), event(finish="STOP")]
        run = make(nb, broken(stream(chunks)), "--alt", "--chat")
        assert run.code == 0, run.err
        assert Path("fox.alt.txt").read_text() == "A red fox, asleep.\n"
        Path("in.png").write_bytes(IMAGE)
        texts = [event(PARTS[0]), event(PARTS[2], finish="STOP")]
        run = call(nb, broken(stream(texts)), "caption", "in.png")
        assert (run.code, run.out) == (0, "A red fox, asleep.\n"), run.err

    @pytest.mark.parametrize("broken", [short, unended, reset])
    def test_of_a_text_alone_is_not_used(self, nb: Nb, stream: Any, broken: Any) -> None:
        Path("in.png").write_bytes(IMAGE)
        run = call(nb, broken(stream([event(PARTS[0])])), "caption", "in.png")
        assert (run.code, run.out) == (9 if stream is of_lines else 11, ""), run.err
        assert "A red fox," in "".join([run.err, *(path.read_text() for path in kept())])

    def test_is_used_where_nothing_tells(self, nb: Nb, stream: Any) -> None:
        run = make(nb, closed(stream([event(part) for part in PARTS])), "--alt")
        assert run.code == 0, run.err
        assert Path("fox.alt.txt").read_text() == "A red fox, asleep.\n"


def test_one_json_value_is_whole_though_the_connection_broke(nb: Nb) -> None:
    run = make(nb, short(event(*PARTS, finish="STOP")), "--alt")
    assert run.code == 0, run.err


ONE = reply(image_part(DRAFT, thought=True))
# Within the part of an image, and before its mark.
CUTS = [b', "thought', b' "thought', b": true"]
UNSURE = "the reply is cut right behind its last image, which may be a draft"


class TestAnImageWhosePartIsCut:
    @pytest.mark.parametrize("mark", CUTS)
    @pytest.mark.parametrize("broken", [short, closed])
    def test_is_told_to_be_unsure(self, nb: Nb, broken: Any, mark: bytes) -> None:
        cut = ONE[: ONE.index(mark)]
        for body in (cut, b"data: " + cut, b"[" + cut):
            run = make(nb, broken(body), "--force")
            assert run.code == 0, run.err
            assert f"note: {UNSURE}\n" in run.err
            Path("r.json").write_bytes(body)
            assert UNSURE in nb("extract", "r.json", "-o", "x.png", "--force").err

    def test_is_not_unsure_once_it_is_closed(self, nb: Nb) -> None:
        body = reply(image_part(IMAGE))
        run = make(nb, short(body[: body.index(b"}]")]), "--force")
        assert (run.code, UNSURE in run.err) == (0, True)
        run = make(nb, short(body[: body.index(b"]}")]), "--force")
        assert (run.code, UNSURE in run.err) == (0, False), run.err

    @pytest.mark.parametrize(
        "first",
        [{"text": "Hm.", "thought": True}, json.loads(ONE)["candidates"][0]["content"]["parts"][0]],
    )
    @pytest.mark.parametrize("broken", [short, closed])
    def test_is_kept_among_thoughts(self, nb: Nb, broken: Any, first: dict[str, Any]) -> None:
        body = reply(first, image_part(IMAGE, thoughtSignature="c2ln"))
        cut = body[: body.index(b', "thoughtSig')]
        for body in (cut, b"data: " + cut):
            run = make(nb, broken(body))
            assert run.code in (10, 11), run.err
            assert run.err.endswith("May have been charged.\n")
            assert not Path("fox.png").exists()
            (path,) = kept()
            assert str(path) in run.err
            for options in ((), ("--all",)):
                found = nb("extract", path, "-o", "x.png", "--force", *options)
                assert (found.code, UNSURE in found.err) == (0, True), found.err
                assert Path("x.png").read_bytes() == IMAGE
            path.unlink()

    def test_does_not_replace_a_sure_one(self, nb: Nb) -> None:
        thought = {"text": "Hm.", "thought": True}
        body = reply(thought, image_part(IMAGE), image_part(DRAFT, thought=True))
        cut = body[: body.rindex(b', "thought"')]
        run = make(nb, short(cut))
        assert run.code == 0, run.err
        assert Path("fox.png").read_bytes() == IMAGE
        (path,) = kept()
        assert "the service sent 2 images; one is saved, and" in run.err
        assert str(path) in run.err
        run = make(nb, short(cut), "--all", "--force")
        assert (run.code, run.out) == (0, "fox.png\nfox-2.png\n")
        assert UNSURE in run.err
