"""Several turns: the conversation beside the image, and what goes on from it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess
from support.comparing_server import ComparingServer
from support.replies import image_part, picture, reply
from support.texts import against, body
from support.wire_server import Answer, WireServer

from nanobanana_cli.generation.conversation import file_of
from nanobanana_cli.sandbox import picture as sandbox_picture

_SANDBOX = {"NB_PROVIDER": "sandbox"}
_MODEL = "gemini-3.1-flash-image-preview"


def _chat(name: str) -> dict[str, Any]:
    found = json.loads(Path(name).read_bytes())
    assert isinstance(found, dict)
    return found


def _roles(chat: dict[str, Any]) -> list[str]:
    return [turn["role"] for turn in chat["contents"]]


def _made(nb: Nb, *more: str, name: str = "fox.png") -> None:
    run = nb("generate", "a red fox", "--chat", "-s", "0.5K", "-o", name, *more, env=_SANDBOX)
    assert run.code == 0, run.err


def test_three_turns_send_every_part_back_as_it_came(nb: Nb) -> None:
    with ComparingServer() as server:
        small = ("-s", "0.5K", "--alt")
        steps = [
            ("a red fox [[fault:drafts]]", "fox.png", ("--chat", "-a", "16:9")),
            ("now at night", "night.png", ("--continue", "fox.png")),
            ("and in snow", "snow.png", ("--continue", "night.chat.json")),
        ]
        for prompt, name, more in steps:
            run = nb("generate", prompt, "-o", name, *small, *more, env=server.env)
            assert (run.code, run.out.split()[0]) == (0, name), run.err
    assert server.altered == []
    first, second, third = server.requests
    assert [len(each["contents"]) for each in server.requests] == [1, 3, 5]
    assert second["contents"][0] == first["contents"][0]
    assert third["contents"][:3] == second["contents"]
    assert [each["parts"] for each in third["contents"] if each["role"] == "model"] == (
        server.sent[:2]
    )
    # Thoughts, drafts and texts are signed as the image is, and go back too.
    kinds = [(part.get("thought"), "thoughtSignature" in part) for part in server.sent[0]]
    assert kinds == [(True, True), (True, True), (None, True), (None, True)]
    assert third["generationConfig"]["imageConfig"]["aspectRatio"] == "16:9"
    assert Path("snow.png").read_bytes() == sandbox_picture.render("and in snow", "16:9", "0.5K")
    chat = _chat("snow.chat.json")
    assert chat["contents"] == [
        *third["contents"],
        {"role": "model", "parts": server.sent[2]},
    ]
    assert (chat["provider"], chat["model"]) == ("sandbox", _MODEL)


@pytest.mark.parametrize("fault", ["chunks", "snake", "wrapped", "several", "multi"])
def test_a_reply_of_any_shape_can_be_gone_on_from(nb: Nb, fault: str) -> None:
    with ComparingServer() as server:
        prompt = f"a red fox [[fault:{fault}]]"
        nb("generate", prompt, "-s", "0.5K", "-o", "a.png", "--chat", env=server.env)
        run = nb(
            "generate", "x", "-s", "0.5K", "-o", "b.png", "--continue", "a.png", env=server.env
        )
    assert (run.code, server.altered) == (0, []), run.err
    assert server.requests[1]["contents"][1]["parts"] == server.sent[0]


@pytest.mark.parametrize("fault", ["sse", "padded", "link", "file-uri"])
def test_a_reply_that_is_no_plain_json_can_be_gone_on_from(
    nb_process: NbProcess, fault: str
) -> None:
    made = nb_process(
        *("generate", f"a fox [[fault:{fault}]]", "-s", "0.5K", "-o", "a.png", "--chat"),
        env=_SANDBOX,
    )
    assert made.code == 0, made.err
    run = nb_process(
        "generate", "x", "-s", "0.5K", "-o", "b.png", "--continue", "a.png", env=_SANDBOX
    )
    assert run.code == 0, run.err


def test_parts_that_nobody_knows_go_back_byte_for_byte(nb: Nb) -> None:
    image = image_part(picture(1024, 1024), thoughtSignature="AbC/+==")
    strange = '{"text" : "sn\\u00f6 \\/ ☃\\n", "weight": 1.50e2, "newField": {"a": [1, null]}}'
    raw = reply({"text": "MARK"}, image).replace(b'{"text": "MARK"}', strange.encode())
    with WireServer(Answer(body=raw)) as server:
        env = against(server)
        nb("generate", "ein Fuchs im Schn\xf6", "-o", "a.png", "--chat", env=env)
        run = nb("generate", "x", "-o", "b.png", "--continue", "a.png", env=env)
        curl = nb("generate", "x", "-o", "c.png", "--continue", "a.png", "--curl", env=env)
    assert run.code == 0, run.err
    assert strange.encode() in Path("a.chat.json").read_bytes()
    first, second = server.requests
    sent = json.loads(second.body)["contents"]
    assert sent[1]["parts"] == [json.loads(strange), image]
    assert sent[0] == json.loads(first.body)["contents"][0]
    # As every body: ASCII on one line, so that a here-document holds it.
    assert second.body.isascii()
    assert json.loads(curl.out.splitlines()[-2]) == json.loads(second.body)


def test_an_altered_signature_is_refused_before_anything_is_paid(nb: Nb) -> None:
    _made(nb)
    chat = _chat("fox.chat.json")
    part = chat["contents"][1]["parts"][0]
    signature = part["thoughtSignature"]
    part["thoughtSignature"] = base64.b64encode(b"x" * 32).decode()
    Path("fox.chat.json").write_text(json.dumps(chat))
    run = nb("generate", "at night", "--continue", "fox.png", "-o", "n.png", env=_SANDBOX)
    assert (run.code, run.out) == (7, "")
    assert "Corrupted thought signature" in run.err
    assert "hint: the model takes a conversation back only as it made it: -i IMAGE" in run.err
    assert run.err.endswith("Not charged.\n")
    part["thoughtSignature"] = signature
    Path("fox.chat.json").write_text(json.dumps(chat, indent=2))
    assert (
        nb("generate", "at night", "--continue", "fox.png", "-o", "n.png", env=_SANDBOX).code == 0
    )


def test_the_ratio_is_the_last_images_unless_given(nb: Nb) -> None:
    _made(nb, "-a", "21:9")
    env = {**_SANDBOX, "NB_ASPECT": "4:3"}
    run = nb("generate", "x", "--continue", "fox.png", "--json", "-o", "a.png", env=_SANDBOX)
    assert json.loads(run.out)["aspect"] == "21:9"
    run = nb("generate", "x", "--continue", "a.png", "-a", "1:1", "--json", "-o", "b.png", env=env)
    assert json.loads(run.out)["aspect"] == "1:1"
    run = nb("generate", "x", "--continue", "a.png", "--json", "-o", "c.png", env=env)
    assert json.loads(run.out)["aspect"] == "4:3"
    assert "4:3 from NB_ASPECT holds, although a.png is nearest to 21:9" in run.err
    Path("tall.png").write_bytes(picture(512, 1024))
    more = ("-i", "tall.png")
    run = nb("generate", "x", "--continue", "a.png", *more, "--json", "-o", "d.png", env=_SANDBOX)
    assert json.loads(run.out)["aspect"] == "21:9"
    assert len(_chat("d.chat.json")["contents"][4]["parts"]) == 2


def test_the_json_line_names_the_file_and_stdout_has_images_alone(nb: Nb) -> None:
    run = nb("generate", "a fox", "--chat", "-o", "a.png", env=_SANDBOX)
    assert (run.out, "conversation: a.chat.json\n" in run.err) == ("a.png\n", True)
    run = nb("generate", "b", "--continue", "a.png", "-o", "b.png", "--json", env=_SANDBOX)
    assert json.loads(run.out)["chat_path"] == "b.chat.json"
    run = nb("generate", "a fox", "-o", "c.png", "--json", env=_SANDBOX)
    assert "chat_path" not in json.loads(run.out)


def test_several_images_have_a_conversation_each(nb: Nb) -> None:
    _made(nb, "-n", "2")
    assert sorted(map(str, Path().glob("*.chat.json"))) == ["fox-1.chat.json", "fox-2.chat.json"]
    run = nb("generate", "x", "--chat", "-n", "2", env=_SANDBOX)
    assert run.code == 0
    assert {file_of(name).exists() for name in run.out.split()} == {True}
    run = nb("generate", "m [[fault:multi]]", "--chat", "--all", "-o", "m.png", env=_SANDBOX)
    assert run.out.split() == ["m.png", "m-2.png", "m-3.png"]
    assert not Path("m.chat.json").exists()
    assert _chat("m-3.chat.json")["image"]["name"] == "m-3.png"


def test_no_conversation_is_overwritten_unasked(nb: Nb) -> None:
    Path("fox.chat.json").write_text("mine")
    argv = ("generate", "a red fox", "--chat", "-o", "fox.png")
    run = nb(*argv, env=_SANDBOX)
    assert (run.code, Path("fox.chat.json").read_text()) == (12, "mine")
    assert run.err == "nb: fox.chat.json exists already\nhint: --force replaces it\nNot charged.\n"
    assert not Path("fox.png").exists()
    assert nb(*argv, "--force", env=_SANDBOX).code == 0
    assert _roles(_chat("fox.chat.json")) == ["user", "model"]
    # The next turn may take the place of the last one.
    run = nb("generate", "b", "--continue", "fox.png", "-o", "fox.png", "--force", env=_SANDBOX)
    assert run.code == 0
    assert _roles(_chat("fox.chat.json")) == ["user", "model"] * 2
    run = nb("generate", "b", "--chat", "-o", "fox.png", "--skip-existing", "--json", env=_SANDBOX)
    assert json.loads(run.out)["chat_path"] == "fox.chat.json"


def test_stdout_has_no_place_beside_it(nb: Nb) -> None:
    _made(nb)
    for more in (["--chat"], ["--continue", "fox.png"]):
        run = nb("generate", "a fox", *more, "-o", "-", env=_SANDBOX)
        assert (run.code, run.raw) == (2, b"")
        assert f"nb: {more[0]} writes the conversation beside the image, but -o - " in run.err


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            ("--provider", "wisgate"),
            "fox.chat.json was made by sandbox, and wisgate cannot go on from it",
            "--provider sandbox goes on; -i fox.png starts anew from the image",
        ),
        (
            ("-m", "gemini-3-pro-image"),
            f"fox.chat.json was made by {_MODEL}, and gemini-3-pro-image cannot go on from it",
            f"-m {_MODEL} goes on; -i fox.png starts anew from the image",
        ),
    ],
)
def test_another_model_or_provider_is_refused_with_the_reason(
    nb: Nb, options: tuple[str, ...], message: str, hint: str
) -> None:
    _made(nb)
    run = nb("generate", "x", "--continue", "fox.png", "-o", "b.png", *options, env=_SANDBOX)
    assert (run.code, run.out, run.err) == (2, "", f"nb: {message}\nhint: {hint}\n")


def test_a_paid_conversation_does_not_go_to_the_sandbox(nb: Nb) -> None:
    with WireServer(Answer(body=reply(image_part(picture(1024, 1024))))) as server:
        nb("generate", "a", "-o", "a.png", "--chat", env=against(server))
    run = nb("generate", "b", "-o", "b.png", "--continue", "a.png", env=_SANDBOX)
    assert (run.code, "was made by wisgate, and sandbox cannot" in run.err) == (2, True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON, or damaged"),
        ('{"nb_conversation": 1, "contents": [', "is not JSON, or damaged"),
        ("[1, 2]", "is not JSON, or damaged"),
        ('{"contents": []}', "is JSON, but not a conversation that nb wrote"),
        ('{"nb_conversation": 2, "turns": []}', "was written by a newer nb"),
        ('{"nb_conversation": 1, "model": 3}', "is damaged"),
        ("\udcff", "is not JSON, or damaged"),
        ('{"a": "\udcff"}', "is not JSON, or damaged"),
        ("[" * 100_000, "is not JSON, or damaged"),
        ('{"a": ' * 99_999, "is not JSON, or damaged (nested too deeply)"),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(nb: Nb, content: str, says: str) -> None:
    Path("fox.chat.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    run = nb("generate", "x", "--continue", "fox.chat.json", "-o", "b.png", env=_SANDBOX)
    line, hint = run.err.splitlines()
    assert (run.code, line.startswith("nb: fox.chat.json "), says in line) == (2, True, True)
    assert hint == "hint: --continue takes what --chat wrote beside an image"


@pytest.mark.parametrize("contents", [[], [{"role": "user", "parts": [{"text": "a"}]}], 7, [7]])
def test_turns_that_are_none_are_damaged(nb: Nb, contents: object) -> None:
    _made(nb)
    Path("fox.chat.json").write_text(json.dumps({**_chat("fox.chat.json"), "contents": contents}))
    run = nb("generate", "x", "--continue", "fox.png", "-o", "b.png", env=_SANDBOX)
    assert (run.code, "nb: fox.chat.json is damaged: " in run.err) == (2, True)


@pytest.mark.parametrize("nesting", [5, 700])
def test_a_deep_part_is_shown_and_sent(nb: Nb, nesting: int) -> None:
    _made(nb)
    chat = _chat("fox.chat.json")
    chat["contents"][0]["parts"] = [{"text": "☃", "x": json.loads("[" * nesting + "]" * nesting)}]
    Path("fox.chat.json").write_text(json.dumps(chat, ensure_ascii=False), "utf-8")
    for option in ("--dry-run", "--curl"):
        env = {**_SANDBOX, "NB_BASE_URL": "http://127.0.0.1:9"}
        run = nb("generate", "x", "--continue", "fox.png", "-o", "b.png", option, env=env)
        assert (run.code, "[" * nesting in run.out.replace("\n", "").replace(" ", "")) == (0, True)


def test_what_is_missing_is_named(nb: Nb) -> None:
    Path("bare.png").write_bytes(picture())
    for name, says in {
        "no.png": "no.png: no such file",
        "no.chat.json": "conversation no.chat.json: no such file or folder",
        "bare.png": "bare.png has no conversation beside it: bare.chat.json does not exist",
        "": "--continue needs an image or a conversation",
        ".": ". is a folder",
        "https://a.example/f.png?key=1": "https://a.example/f.png?… is an address",
    }.items():
        run = nb("generate", "x", "--continue", name, "-o", "b.png", env=_SANDBOX)
        assert (run.code, run.err.splitlines()[0]) == (2, f"nb: {says}")


def test_an_image_that_was_changed_is_told(nb: Nb) -> None:
    _made(nb)
    nb("caption", "fox.png", "--text", "A fox", "--embed", env=_SANDBOX)
    run = nb("generate", "x", "--continue", "fox.png", "-o", "b.png", env=_SANDBOX)
    assert (run.code, "has changed" in run.err) == (0, False)
    Path("fox.png").write_bytes(picture())
    run = nb("generate", "x", "--continue", "fox.png", "-o", "c.png", env=_SANDBOX)
    assert run.code == 0
    assert "fox.png has changed since; the model goes on from the image as it made it" in run.err
    Path("fox.png").unlink()
    assert nb("generate", "x", "--continue", "fox.png", "-o", "d.png", env=_SANDBOX).code == 0


def test_a_dry_run_shows_the_turns_shortened_and_curl_whole(nb: Nb) -> None:
    _made(nb)
    size = Path("fox.chat.json").stat().st_size
    run = nb("generate", "x", "--continue", "fox.png", "-o", "b.png", "--dry-run", env=_SANDBOX)
    assert (run.code, len(run.out) < 4000 < size) == (0, True)
    shown = json.loads(run.out)["body"]["contents"]
    assert [turn["role"] for turn in shown] == ["user", "model", "user"]
    data = shown[1]["parts"][0]["inlineData"]["data"]
    assert data.startswith("iVBORw0KGgo")
    assert data.endswith(" characters)")
    assert not Path("b.png").exists()


def test_an_estimate_counts_the_images_of_all_turns(nb: Nb) -> None:
    with WireServer(Answer(body=reply(image_part(picture(1024, 1024))))) as server:
        env = against(server)
        nb("generate", "a", "-o", "a.png", "--chat", env=env)
    chat = {**_chat("a.chat.json"), "provider": "google", "model": "gemini-nano-banana-2.1"}
    Path("a.chat.json").write_text(json.dumps(chat))
    google = ("--provider", "google", "-m", "gemini-nano-banana-2.1", "--dry-run", "-o", "b.png")
    plain = nb("generate", "x", *google)
    more = nb("generate", "x", *google, "--continue", "a.png")
    Path("r.png").write_bytes(picture())
    like = nb("generate", "x", *google, "-i", "r.png")
    assert plain.err.splitlines()[-1] != more.err.splitlines()[-1] == like.err.splitlines()[-1]


def test_the_log_prints_the_line_again(nb: Nb) -> None:
    _made(nb)
    nb("generate", "b", "--continue", "fox.png", "-o", "b.png", "-s", "0.5K", env=_SANDBOX)
    run = nb("log", "--command", env=_SANDBOX)
    assert run.out.splitlines() == [
        "nb generate b --aspect 1:1 --size 0.5K --output b.png --continue fox.png",
        "nb generate 'a red fox' --size 0.5K --output fox.png --chat",
    ]
    line = json.loads(nb("log", "b.png", "--json", env=_SANDBOX).out)
    assert line["settings"]["continue"] == str(Path("fox.png").absolute())


def test_the_key_is_in_no_conversation(nb: Nb) -> None:
    raw = reply({"text": "secret-key-123456"}, image_part(picture(1024, 1024)))
    with WireServer(Answer(body=raw)) as server:
        env = against(server) | {"WISDOM_GATE_KEY": "secret-key-123456"}
        run = nb("generate", "a", "-o", "a.png", "--chat", env=env)
    assert run.code == 0
    assert b"secret-key" not in Path("a.chat.json").read_bytes()


def test_a_part_that_is_no_text_is_mended(nb: Nb) -> None:
    raw = reply({"text": "a fox"}, image_part(picture(1024, 1024))).replace(b"a fox", b"a \xff fox")
    with WireServer(Answer(body=raw)) as server:
        env = against(server)
        assert nb("generate", "a", "-o", "a.png", "--chat", env=env).code == 0
        assert nb("generate", "b", "-o", "b.png", "--continue", "a.png", env=env).code == 0
    assert json.loads(server.requests[1].body)["contents"][1]["parts"][0] == {
        "text": "a \ufffd fox"
    }


def test_a_reply_without_parts_is_told_and_the_image_kept(nb: Nb) -> None:
    with WireServer(Answer(body=picture(1024, 1024))) as server:
        run = nb("generate", "a", "-o", "a.png", "--chat", env=against(server))
    assert (run.code, run.out, Path("a.png").exists()) == (10, "a.png\n", True)
    assert "the reply has no parts to go on from, so no conversation is kept" in run.err
    assert run.err.endswith("hint: go on from the image: -i a.png\nCharged.\n")


def test_a_conversation_does_not_stay_beside_another_image(nb: Nb) -> None:
    made, bare = Answer(body=reply(image_part(picture(64, 64)))), Answer(body=picture(1024, 1024))
    with WireServer(made, bare) as server:
        env = against(server)
        assert nb("generate", "a", "-o", "a.png", "--chat", env=env).code == 0
        old = Path("a.chat.json").read_bytes()
        assert nb("generate", "b", "-o", "a.png", "--chat", "--force", env=env).code == 10
        assert Path("a.old-1.chat.json").read_bytes() == old
        run = nb("generate", "c", "--continue", "a.png", "-o", "c.png", env=env)
        assert (run.code, len(server.requests)) == (2, 2)
    assert "a.png has no conversation beside it: a.chat.json does not exist" in run.err


def test_a_name_that_is_taken_meanwhile_stays(nb: Nb) -> None:
    made = Answer(body=reply(image_part(picture(1024, 1024))))
    with WireServer(made) as server:
        env = against(server)
        assert nb("generate", "a", "-o", "x/", "--chat", env=env).code == 6
        Path("x").mkdir()
        Path("x/a.chat.json").write_text("mine")
        run = nb("generate", "a", "-o", "x/", "--chat", "--json", env=env)
    assert (run.code, Path("x/a.chat.json").read_text()) == (0, "mine")
    assert json.loads(run.out)["chat_path"] == "x/a.chat-2.json"
    assert "x/a.chat.json exists already, so the conversation is in x/a.chat-2.json" in run.err
    run = nb("generate", "b", "--continue", "x/a.chat-2.json", "-o", "b.png", "--dry-run", env=env)
    assert run.code == 0


def _during_the_call(server: WireServer, action: Callable[[], object]) -> threading.Thread:
    """Start a thread that does something once the request has come."""

    def wait() -> None:
        while not server.requests:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


_SLOW = Answer(body=reply(image_part(picture(1024, 1024))), delay=0.5)


def test_the_conversation_is_where_the_image_is(nb: Nb) -> None:
    with WireServer(_SLOW) as server:
        thread = _during_the_call(server, lambda: Path("t.png").write_text("mine"))
        run = nb("generate", "a", "-o", "t.png", "--chat", env=against(server))
        thread.join()
    assert (run.code, Path("t.png").read_text()) == (6, "mine")
    assert run.err.splitlines()[-3:] == [
        "hint: the image was saved as t-2.png",
        "hint: the conversation was saved as t-2.chat.json",
        "Charged.",
    ]
    assert _chat("t-2.chat.json")["image"]["name"] == "t-2.png"


def test_a_conversation_without_a_place_is_rescued(nb: Nb) -> None:
    with WireServer(_SLOW) as server:
        thread = _during_the_call(server, lambda: Path("t.chat.json").mkdir())
        run = nb("generate", "a", "-o", "t.png", "--chat", "--force", env=against(server))
        thread.join()
    assert (run.code, run.out, Path("t.png").exists()) == (6, "t.png\n", True)
    hint = "hint: the conversation was saved as "
    [kept] = [line.removeprefix(hint) for line in run.err.splitlines() if hint in line]
    assert run.err.endswith("Charged.\n")
    assert _roles(_chat(kept)) == ["user", "model"]


def test_captions_of_existing_images_have_no_conversation(nb: Nb) -> None:
    _made(nb)
    for option in (["--chat"], ["--continue", "fox.png"]):
        run = nb("caption", "fox.png", *option, env=_SANDBOX)
        assert (run.code, f"{option[0]} is for making an image" in run.err) == (2, True)
    run = nb("caption", "at night", "--continue", "fox.png", "-o", "n.png", env=_SANDBOX)
    assert (run.code, _roles(_chat("n.chat.json"))) == (0, ["user", "model"] * 2)


def test_a_body_is_what_the_file_says(nb: Nb) -> None:
    with WireServer(Answer(body=reply(image_part(picture(1024, 1024))))) as server:
        nb("generate", "a", "-i", _reference(), "-o", "a.png", "--chat", env=against(server))
        assert _chat("a.chat.json")["contents"][0] == body(server)["contents"][0]


def _reference() -> str:
    Path("r.png").write_bytes(picture())
    return "r.png"


def test_a_dry_run_shortens_signatures_of_any_length(nb: Nb) -> None:
    image = image_part(picture(1024, 1024), thoughtSignature="AbC/+==")
    with WireServer(Answer(body=reply(image))) as server:
        env = {"WISDOM_GATE_KEY": "k", "NB_BASE_URL": server.url}
        assert nb("generate", "a fox", "-o", "a.png", "--chat", env=env).code == 0
    run = nb("generate", "x", "-o", "b.png", "--continue", "a.png", "--dry-run", env=env)
    assert '"thoughtSignature": "AbC... (7 characters)"' in run.out
