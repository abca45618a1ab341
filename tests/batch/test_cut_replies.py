"""Rows whose reply is cut behind its image: the image is there, the rest is not made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from support.replies import image_part, picture, reply
from support.wire_server import Answer, WireServer

IMAGE = picture(1024, 1024)
TEXT = "A red fox, asleep in the snow."
WHOLE = Answer(body=reply(image_part(IMAGE), {"text": TEXT}))
CUT = Answer(body=WHOLE.body, cut=len(WHOLE.head()) + WHOLE.body.index(b"asleep"))
# Behind the first of two parts of the text.
PARTS = reply(image_part(IMAGE), {"text": TEXT[:10]}, {"text": TEXT[10:]})
BETWEEN = Answer(body=PARTS, cut=len(Answer(body=PARTS).head()) + PARTS.index(b', {"text": " as'))
ALT = {"prompt": "a red fox", "output": "fox.png", "alt": True}
CHAT = {"prompt": "a red fox", "output": "fox.png", "chat": True}
NEXT = {"prompt": "now at night", "output": "night.png", "continue": "fox.png"}


def run(nb: Nb, server: WireServer, *options: str, rows: list[dict[str, Any]]) -> Run:
    Path("m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "sk-0123456789abcdef"}
    return nb("batch", "m.jsonl", *options, env=env)


def outcomes() -> list[dict[str, Any]]:
    lines = map(json.loads, Path("m.ledger.jsonl").read_text().splitlines())
    return [line for line in lines if line["event"] not in ("intent", "received")]


def kept() -> list[Path]:
    return sorted((Path.home() / ".local/state/nanobanana-wisgate/replies").glob("*"))


@pytest.mark.parametrize(
    ("answer", "says"), [(CUT, "no text could be read"), (BETWEEN, f"not be whole: {TEXT[:10]}")]
)
def test_a_text_is_asked_for_alone(nb: Nb, answer: Answer, says: str) -> None:
    text = Answer(body=reply({"text": "Another fox."}))
    with WireServer(answer, text) as server:
        first = run(nb, server, "--json", rows=[ALT])
        assert (first.code, len(server.requests)) == (3, 1)
        record = json.loads(first.out)
        assert (record["status"], record["path"], record["alt"]) == ("written", "fox.png", None)
        assert (record["error"]["kind"], record["error"]["charged"]) == ("no_text", "yes")
        assert record["cost_usd"] == 0.058
        assert says in first.err
        assert first.err.endswith("Charged.\n")
        assert not Path("fox.alt.txt").exists()
        assert Path("fox.png").read_bytes() == IMAGE
        (path,) = kept()
        assert f"hint: the reply was kept: nb extract --text {path}\n" in first.err
        assert nb("extract", path, "-o", "again.png").code == 0
        assert Path("again.png").read_bytes() == IMAGE
        (line,) = outcomes()
        assert (line["event"], line["path"], line["cost_usd"]) == ("written", "fox.png", 0.058)
        assert "its text is missing" in run(nb, server, "--status", rows=[ALT]).out
        # The image is paid for: the next run asks for the text alone, and then for nothing.
        second = run(nb, server, rows=[ALT])
        assert (second.code, second.out) == (0, "fox.png\nfox.alt.txt\n")
        sent = json.loads(server.requests[1].body)
        assert sent["generationConfig"]["responseModalities"] == ["TEXT"]
        assert Path("fox.alt.txt").read_text() == "Another fox.\n"
        for options in ((), ("--retry", "all")):
            assert run(nb, server, *options, rows=[ALT]).code == 0
        assert len(server.requests) == 2
    assert Path("fox.png").read_bytes() == IMAGE


@pytest.mark.parametrize("answer", [CUT, BETWEEN])
def test_a_conversation_is_made_when_told_to(nb: Nb, answer: Answer) -> None:
    with WireServer(answer, WHOLE) as server:
        first = run(nb, server, rows=[CHAT, NEXT])
        assert (first.code, first.out, len(server.requests)) == (3, "fox.png\n", 1)
        assert "the reply is cut or damaged, so no conversation is kept" in first.err
        assert "nb: 1 of 2 images are missing, 1 without conversation\n" in first.err
        remake = "nb batch m.jsonl --remake fox.png\n"
        assert f"in new, paid calls: {remake}" in first.err
        assert first.err.endswith("Charged.\n")
        assert not Path("fox.chat.json").exists()
        (path,) = kept()
        assert f"hint: the reply was kept: nb extract {path}\n" in first.err
        (line,) = outcomes()
        assert (line["event"], line["cost_usd"]) == ("written", 0.058)
        for options in ((), ("--retry", "all")):
            again = run(nb, server, *options, rows=[CHAT, NEXT])
            assert (again.code, len(server.requests)) == (3, 1)
            assert "has no conversation: --remake fox.png makes it with one" in again.err
            assert again.err.endswith("Not charged.\n")
        # A row from which nothing goes on is there.
        assert run(nb, server, rows=[CHAT]).code == 0
        assert len(server.requests) == 1
        assert run(nb, server, "--remake", "fox.png", rows=[CHAT]).code == 0
        assert Path("fox.chat.json").exists()
        assert run(nb, server, rows=[CHAT, NEXT]).code == 0
        assert len(server.requests) == 3


def test_what_needs_the_image_alone_is_made_without_the_conversation(nb: Nb) -> None:
    like = {"prompt": "a hare like it", "output": "hare.png", "images": ["fox.png"]}
    later = {"prompt": "and snow", "output": "snow.png", "continue": "night.png"}
    with WireServer(CUT, WHOLE) as server:
        found = run(nb, server, "--json", rows=[later, NEXT, like, CHAT])
        assert (found.code, len(server.requests)) == (3, 2)
        assert b"a hare like it" in server.requests[1].body
        lines = {line["output"]: line for line in map(json.loads, found.out.splitlines())}
        assert {name: line["status"] for name, line in lines.items()} == {
            "fox.png": "written",
            "hare.png": "written",
            "night.png": "skipped",
            "snow.png": "skipped",
        }
        why = "made from fox.png, whose conversation was not kept"
        assert lines["night.png"]["error"]["message"] == why
        assert f"2 images skipped: {why}\n" in found.err
        assert "nb: 2 of 4 images are missing, 1 without conversation\n" in found.err
        assert found.summary == "2 made for $0.116, 2 skipped"


def test_of_a_cut_image_nothing_is_made_up(nb: Nb) -> None:
    cut = Answer(body=WHOLE.body, cut=len(WHOLE.head()) + 900)
    for row in (ALT, CHAT):
        with WireServer(cut, WHOLE) as server:
            first = run(nb, server, rows=[row])
            assert (first.code, first.out) == (3, "")
            (path,) = kept()
            assert f"what came of the reply is kept as {path}" in first.err
            assert run(nb, server, rows=[row]).code == 3
            assert len(server.requests) == 1
            assert run(nb, server, "--retry", "unknown", rows=[row]).code == 0
            assert len(server.requests) == 2
        for each in (path, *Path().glob("fox*"), Path("m.ledger.jsonl")):
            each.unlink()


def test_several_images_are_told_though_their_text_is_cut(nb: Nb) -> None:
    body = reply(image_part(picture(64, 64)), image_part(IMAGE), {"text": TEXT})
    cut = Answer(body=body, cut=len(Answer(body=body).head()) + body.index(b"asleep"))
    with WireServer(cut) as server:
        found = run(nb, server, rows=[ALT | CHAT])
    assert found.code == 3
    (path,) = kept()
    note = "note: fox.png: the service sent 2 images; the last one is saved, and the reply was kept"
    assert f"{note}: nb extract --all {path}\n" in found.err
    assert nb("extract", "--all", path, "-o", "x.png").out == "x.png\nx-2.png\n"


def test_no_row_goes_on_from_the_conversation_of_an_earlier_image(nb: Nb) -> None:
    changed = CHAT | {"prompt": "a blue fox"}
    with WireServer(WHOLE, CUT, WHOLE) as server:
        assert run(nb, server, rows=[CHAT]).code == 0
        old = Path("fox.chat.json").read_bytes()
        assert run(nb, server, rows=[changed]).code == 3
        assert not Path("fox.chat.json").exists()
        assert Path("fox.old-1.chat.json").read_bytes() == old
        found = run(nb, server, rows=[changed, NEXT])
        assert (found.code, len(server.requests)) == (3, 2)
        assert "has no conversation: --remake fox.png makes it with one" in found.err
        assert found.err.endswith("Not charged.\n")


def test_nor_from_one_that_was_left_when_none_was_asked_for(nb: Nb) -> None:
    blue = Answer(body=reply(image_part(picture(1024, 1024, color="navy"))))
    plain = {"prompt": "a blue fox", "output": "fox.png"}
    with WireServer(WHOLE, blue, WHOLE, WHOLE) as server:
        assert run(nb, server, rows=[CHAT]).code == 0
        assert run(nb, server, rows=[plain]).code == 0
        found = run(nb, server, rows=[plain, NEXT])
        assert (found.code, len(server.requests)) == (3, 2)
        why = "for fox.png, whose conversation is that of an earlier image: --remake fox.png"
        assert why in found.err
        assert run(nb, server, "--remake", "fox.png", rows=[plain, NEXT]).code == 0
        assert run(nb, server, rows=[plain, NEXT]).code == 0
        assert b"a blue fox" in server.requests[-1].body
        assert b"a red fox" not in server.requests[-1].body


def test_an_edited_image_has_the_conversation_that_made_it(nb: Nb) -> None:
    with WireServer(WHOLE, WHOLE) as server:
        assert run(nb, server, rows=[CHAT]).code == 0
        Path("fox.png").write_bytes(picture(1024, 1024, color="navy"))
        assert run(nb, server, "--accept", "fox.png", rows=[CHAT]).code == 0
        assert run(nb, server, rows=[CHAT, NEXT]).code == 0
        assert len(server.requests) == 2
