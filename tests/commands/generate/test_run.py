"""`nb generate` through `main(argv)`, against a real server that answers as scripted."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, NbProcess, Run
from PIL import Image
from support.replies import failed, image_part, made, picture, reply
from support.tools import limit_files, on_linux, require
from support.wire_server import Answer, Send, Steps, Wait, WireServer

KEY = "sk-very-secret-key-123"

Serve = Callable[..., WireServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server with a script, and points `nb` at it."""
    with ExitStack() as stack:

        def start(*script: Answer | Steps) -> WireServer:
            server = stack.enter_context(WireServer(*script))
            monkeypatch.setenv("NB_BASE_URL", server.url)
            monkeypatch.setenv("WISDOM_GATE_KEY", KEY)
            return server

        yield start


def _body(server: WireServer, index: int = 0) -> dict[str, Any]:
    body = json.loads(server.requests[index].body)
    assert isinstance(body, dict)
    return body


def test_the_canonical_line(nb: Nb, serve: Serve) -> None:
    image = picture(2752, 1536)
    server = serve(made(image))
    run = nb("generate", "a red fox", "--aspect", "16:9", "--size", "2K", "-o", "fox.png")
    assert (run.code, run.out) == (0, "fox.png\n")
    assert Path("fox.png").read_bytes() == image
    assert run.err.startswith("fox.png  2752×1536  ")
    assert run.err.endswith(" s  $0.058\n")
    (request,) = server.requests
    assert request.path == "/v1beta/models/gemini-3.1-flash-image-preview:generateContent"
    assert request.headers["x-goog-api-key"] == KEY
    assert "authorization" not in request.headers
    assert _body(server) == {
        "contents": [{"role": "user", "parts": [{"text": "a red fox"}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        },
    }


def test_every_option_of_the_picture_reaches_the_request(nb: Nb, serve: Serve) -> None:
    Path("a.png").write_bytes(picture())
    Path("b.webp").write_bytes(picture(image_format="WEBP"))
    server = serve(made())
    run = nb(
        *("generate", "mix", "-i", "a.png", "-i", "b.webp", "--thinking", "high", "--search"),
        *("--system", "be brief", "--temperature", "0.5", "--seed", "7", "-o", "x.png"),
    )
    assert run.code == 0
    body = _body(server)
    _, first, second = body["contents"][0]["parts"]
    assert first["inlineData"]["mimeType"] == "image/png"
    assert second["inlineData"]["mimeType"] == "image/webp"
    assert body["tools"] == [{"google_search": {}}]
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    config = body["generationConfig"]
    assert config["thinkingConfig"] == {"thinkingLevel": "high"}
    assert (config["temperature"], config["seed"]) == (0.5, 7)


def test_google_gets_its_own_key_and_spelling(nb: Nb, serve: Serve) -> None:
    server = serve(made(picture(512, 512)))
    run = nb(
        *("generate", "fox", "--provider", "google", "--size", "0.5k", "--json"),
        *("-m", "nb2"),
        env={"GOOGLE_API_KEY": "google-key"},
    )
    assert run.code == 0
    assert server.requests[0].headers["x-goog-api-key"] == "google-key"
    assert _body(server)["generationConfig"]["imageConfig"]["imageSize"] == "512"
    # 8 tokens in at $0.50 a million, and 1,120 of an image at $60.
    assert json.loads(run.out)["cost_usd"] == 0.067204


def test_one_json_line(nb: Nb, serve: Serve) -> None:
    image = picture(1024, 1024)
    serve(made(image))
    run = nb("generate", "a red füchs", "--json", "-o", "fox.png")
    record = json.loads(run.out)
    seconds = record.pop("seconds")
    assert 0 <= seconds < 10
    assert record == {
        "path": "fox.png",
        "status": "written",
        "prompt": "a red füchs",
        "provider": "wisgate",
        "model": "gemini-3.1-flash-image-preview",
        "model_version": "gemini-3.1-flash-image-preview",
        "aspect": "1:1",
        "size": "1K",
        "mime_type": "image/png",
        "width": 1024,
        "height": 1024,
        "bytes": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
        "alt_path": None,
        "alt": None,
        "attempts": 1,
        "cost_usd": 0.058,
        "response_id": "abc",
        "usage": {
            "prompt_tokens": 8,
            "output_tokens": 1120,
            "thinking_tokens": 0,
            "total_tokens": 1128,
        },
    }
    assert run.raw.isascii()
    assert run.err == ""


def test_stdout_carries_the_image_and_nothing_else(nb: Nb, serve: Serve) -> None:
    image = picture(1024, 1024)
    serve(made(image))
    run = nb("generate", "fox", "-o", "-", "--json")
    assert run.raw == image
    assert json.loads(run.err)["path"] == "-"
    run = nb("generate", "fox", "-o", "-")
    assert run.raw == image
    assert run.err.startswith("1024×1024  ")


@pytest.mark.parametrize(
    ("argv", "stdin"),
    [
        (["generate", "-"], b"a red fox\n"),
        (["generate", "--prompt-file", "p.txt"], b""),
        (["generate", "--prompt-file", "-"], b"a red fox"),
        (["generate", "--", "a red fox"], b""),
    ],
)
def test_where_a_prompt_may_come_from(nb: Nb, serve: Serve, argv: list[str], stdin: bytes) -> None:
    Path("p.txt").write_text("a red fox\n")
    server = serve(made())
    assert nb(*argv, stdin=stdin).out == "a-red-fox.png\n"
    assert _body(server)["contents"][0]["parts"] == [{"text": "a red fox"}]


def test_a_prompt_that_begins_with_a_dash(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    assert nb("generate", "-o", "x.png", "--", "--fox").code == 0
    assert _body(server)["contents"][0]["parts"] == [{"text": "--fox"}]


def test_a_reference_from_stdin(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    assert nb("generate", "fox", "-i", "-", "-o", "x.png", stdin=picture()).code == 0
    assert len(_body(server)["contents"][0]["parts"]) == 2


def test_several_images_are_as_many_calls_at_once(nb: Nb, serve: Serve) -> None:
    # One after another, the first would wait for the second for ever.
    server = serve(Answer(200, body=made().body, company=3))
    run = nb("generate", "fox", "-n", "3", "-o", "fox.png", "--json", "--timeout", "10")
    records = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 0
    assert sorted(record["path"] for record in records) == ["fox-1.png", "fox-2.png", "fox-3.png"]
    assert len(server.requests) == 3


def test_one_failure_of_several_leaves_the_others(nb: Nb, serve: Serve) -> None:
    serve(made(), failed(503), made())
    run = nb("generate", "fox", "-n", "3", "-o", "fox.png", "--retries", "0")
    assert run.code == 5
    assert len(run.out.splitlines()) == 2
    assert run.err.count("nb: ") == 1


def test_a_failure_that_all_would_meet_stops_what_is_not_sent(nb: Nb, serve: Serve) -> None:
    server = serve(Answer(401, body=failed(401).body, delay=0.05))
    run = nb("generate", "fox", "-n", "60", "-o", "fox.png")
    assert run.code == 4
    assert len(server.requests) < 40
    assert run.err.count("nb: ") == 1


def test_a_rate_limit_is_waited_out_and_said(nb: Nb, serve: Serve) -> None:
    server = serve(failed(429, "slow down", Retry_After="0"), made())
    run = nb("generate", "fox", "-o", "fox.png", "--json")
    assert run.code == 0
    assert len(server.requests) == 2
    assert json.loads(run.out)["attempts"] == 2
    assert "slow down" in run.err
    assert "attempt 2 of 4" in run.err


JPEG = picture(1024, 1024, "JPEG")


def test_jpeg_bytes_never_stand_under_png(nb: Nb, serve: Serve) -> None:
    serve(made(JPEG))
    run = nb("generate", "fox", "-o", "fox.png")
    assert run.code == 0
    assert Path("fox.png").read_bytes().startswith(b"\x89PNG")
    assert "note: the service sent jpeg, converted to png: provenance metadata" in run.err


@pytest.mark.parametrize("argv", [[], ["-o", "a-red-fox.jpg"], ["--format", "jpeg"]])
def test_bytes_in_the_format_asked_for_are_kept_as_they_came(
    nb: Nb, serve: Serve, argv: list[str]
) -> None:
    serve(made(JPEG))
    assert nb("generate", "a red fox", *argv).out == "a-red-fox.jpg\n"
    assert Path("a-red-fox.jpg").read_bytes() == JPEG


def test_a_paid_image_that_cannot_be_converted_is_saved_as_it_came(nb: Nb, serve: Serve) -> None:
    too_wide_for_webp = picture(20_000, 16, "JPEG")
    serve(made(too_wide_for_webp))
    run = nb("generate", "a red fox", "-o", "fox.webp")
    assert run.code == 6
    assert "hint: it was saved as received: a-red-fox.jpg\nCharged.\n" in run.err
    assert Path("a-red-fox.jpg").read_bytes() == too_wide_for_webp
    assert not Path("fox.webp").exists()


def test_drafts_are_left_out_and_the_last_image_is_the_result(nb: Nb, serve: Serve) -> None:
    final = picture(1024, 1024, color="red")
    serve(
        Answer(
            body=reply(
                image_part(picture(), thought=True),
                image_part(picture(1024, 1024), thoughtSignature="x"),
                {"text": "here it is"},
                image_part(final, thoughtSignature="x"),
            )
        )
    )
    run = nb("generate", "fox", "-o", "fox.png")
    assert Path("fox.png").read_bytes() == final
    assert "note: the service sent 2 images; the last one is saved" in run.err


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((1024, 512), "the image is 1024×512, which is not 16:9"),
        ((688, 384), "the image is 688×384, smaller than 1K (1376×768)"),
        ((1408, 768), ""),
    ],
)
def test_what_is_off_is_noted_and_never_rejected(
    nb: Nb, serve: Serve, size: tuple[int, int], said: str
) -> None:
    serve(made(picture(*size)))
    run = nb("generate", "fox", "-a", "16:9", "-o", "fox.png")
    assert run.code == 0
    assert said in run.err
    assert bool(said) == ("note: " in run.err)


REFUSAL = {"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "not that"}]}


@pytest.mark.parametrize(
    ("answer", "code", "kind", "charged"),
    [
        (failed(400, "bad ratio", "INVALID_ARGUMENT"), 7, "rejected", "no"),
        (failed(400, "API key not valid. Please pass"), 4, "key", "no"),
        (failed(401), 4, "key", "no"),
        (failed(402), 8, "credit", "no"),
        (failed(403), 4, "key", "no"),
        (failed(404, "models/x is not found"), 7, "rejected", "no"),
        (Answer(307, headers=(("Location", "https://example.com/"),)), 7, "rejected", "no"),
        (failed(429, "quota"), 5, "rate_limit", "no"),
        (failed(500, "internal", "INTERNAL"), 5, "unavailable", "no"),
        (failed(500), 11, "outcome_unknown", "maybe"),
        (failed(502), 11, "outcome_unknown", "maybe"),
        (failed(503), 5, "unavailable", "no"),
        (Answer(200, body=b"<html>hello</html>"), 10, "bad_reply", "maybe"),
        (Answer(200, body=json.dumps(REFUSAL).encode()), 9, "refused", "maybe"),
        (Answer(200, body=reply({"text": "I would rather not"})), 9, "refused", "maybe"),
        (made(picture()[:-20]), 10, "bad_reply", "maybe"),
        (made(b"GIF89a"), 10, "bad_reply", "maybe"),
        (Answer(200, body=made().body, cut=300), 11, "outcome_unknown", "maybe"),
        (Answer(reset=True), 11, "outcome_unknown", "maybe"),
    ],
)
def test_each_failure_has_its_exit_status_and_says_what_it_cost(
    nb: Nb, serve: Serve, answer: Answer, code: int, kind: str, charged: str
) -> None:
    serve(answer)
    run = nb("generate", "fox", "-o", "fox.png", "--retries", "0", "--json")
    assert run.code == code
    record = json.loads(run.out)
    assert record["status"] == ("unknown" if code == 11 else "failed")
    assert record["path"] is None
    error = record["error"]
    assert (error["code"], error["kind"], error["charged"]) == (code, kind, charged)
    first, *hints, last = run.err.splitlines()
    assert first == f"nb: {error['message']}"
    assert all(line.startswith("hint: ") for line in hints)
    assert hints
    assert last == {"no": "Not charged.", "maybe": "May have been charged."}[charged]
    assert list(Path().iterdir()) == []
    assert KEY not in run.out + run.err


def test_the_deadline_is_wall_clock(nb: Nb, serve: Serve) -> None:
    server = serve(Answer(200, body=made().body, trickle=0.02))
    run = nb("generate", "fox", "-o", "fox.png", "--timeout", "0.3")
    assert run.code == 11
    assert len(server.requests) == 1
    assert "May have been charged." in run.err
    assert not Path("fox.png").exists()


def test_an_address_where_nobody_listens_is_unreachable(nb: Nb) -> None:
    with WireServer() as server:
        url = server.url
    run = nb(
        *("generate", "fox", "--base-url", url, "--retries", "0"), env={"WISDOM_GATE_KEY": KEY}
    )
    assert run.code == 5
    assert run.err.endswith("Not charged.\n")


def test_without_a_key_nothing_is_sent_and_two_ways_on_are_named(nb: Nb) -> None:
    run = nb("generate", "a red fox", "-o", "fox.png")
    assert run.code == 4
    assert run.err == (
        "nb: no key for wisgate\n"
        "hint: get one at https://wisgate.ai/hall/tokens, then run `nb config set api-key` "
        "or set WISDOM_GATE_KEY\n"
        "hint: or try it for free: --provider sandbox\n"
        "Not charged.\n"
    )


def test_an_output_that_is_there_stops_before_the_call(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    mine = picture(color="red")
    Path("fox.png").write_bytes(mine)
    run = nb("generate", "fox", "-o", "fox.png", "--json")
    assert run.code == 12
    assert json.loads(run.out)["error"]["kind"] == "exists"
    assert run.err == (
        "nb: fox.png exists already\n"
        "hint: --force replaces it, --skip-existing leaves it alone\nNot charged.\n"
    )
    skipped = nb("generate", "fox", "-o", "fox.png", "--skip-existing")
    assert (skipped.code, skipped.out) == (0, "fox.png\n")
    shown = nb("generate", "fox", "-o", "fox.png", "--skip-existing", "--dry-run")
    assert json.loads(shown.out)["method"] == "POST"
    assert server.requests == []
    assert Path("fox.png").read_bytes() == mine
    assert nb("generate", "fox", "-o", "fox.png", "--force").out == "fox.png\n"
    assert Path("fox.png").read_bytes().startswith(b"\x89PNG")


def test_skip_existing_makes_what_is_missing(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    Path("fox-2.png").write_bytes(picture())
    run = nb("generate", "fox", "-n", "3", "-o", "fox.png", "--skip-existing", "--json")
    records = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 0
    assert [(each["path"], each["status"]) for each in records if each["status"] == "skipped"] == [
        ("fox-2.png", "skipped")
    ]
    assert len(server.requests) == 2


@pytest.mark.parametrize("content", [b"mine", picture()[:-20], b""])
def test_skip_existing_does_not_take_a_damaged_image_for_one(
    nb: Nb, serve: Serve, content: bytes
) -> None:
    server = serve(made())
    Path("fox.png").write_bytes(content)
    for options in ((), ("-n", "2"), ("--dry-run",)):
        path = "fox-1.png" if "-n" in options else "fox.png"
        Path(path).write_bytes(content)
        run = nb("generate", "fox", "-o", "fox.png", "--skip-existing", *options)
        assert (run.code, run.out) == (12, "")
        assert run.err.startswith(f"nb: {path} exists, but is damaged: ")
        assert "\nhint: --force replaces it\n" in run.err
        assert Path(path).read_bytes() == content
    assert server.requests == []


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--max-cost", "0.058"], 0),
        (["--max-cost", "0.0579"], 8),
        (["-n", "3", "--max-cost", "0.174"], 0),
        (["-n", "3", "--max-cost", "0.17"], 8),
        (["--max-cost", "5", "-m", "gemini-9-image"], 8),
    ],
)
def test_what_could_cost_more_is_not_started(
    nb: Nb, serve: Serve, argv: list[str], code: int
) -> None:
    server = serve(made())
    run = nb("generate", "fox", *argv)
    assert run.code == code
    assert bool(server.requests) == (code == 0)
    if code:
        assert run.err.endswith("Not charged.\n")


def test_dry_run_shows_request_and_price_and_needs_no_key(nb: Nb) -> None:
    run = nb("generate", "a red fox", "-a", "16:9", "-n", "2", "--dry-run")
    request = json.loads(run.out)
    assert run.code == 0
    assert request["method"] == "POST"
    assert request["url"] == (
        "https://wisgate.ai/v1beta/models/gemini-3.1-flash-image-preview:generateContent"
    )
    assert request["headers"]["x-goog-api-key"] == "$WISDOM_GATE_KEY"
    assert request["body"]["generationConfig"]["imageConfig"]["aspectRatio"] == "16:9"
    assert (
        run.err
        == "nothing was sent; the request would be sent 2 times; 2 images would cost $0.116\n"
    )


def test_the_curl_command_runs_as_it_stands(nb: Nb, serve: Serve) -> None:
    require("curl")
    Path("big.png").write_bytes(picture(900, 900, "PNG") + b"\0" * 200_000)
    server = serve(made())
    prompt = 'it\'s "quoted" $HOME `id` \\ \nJSON\n狐'
    run = nb("generate", prompt, "-i", "big.png", "--curl")
    assert run.code == 0
    assert KEY not in run.out
    answer = subprocess.run(
        ["sh"],
        input=run.raw,
        env={"WISDOM_GATE_KEY": KEY, "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    assert json.loads(answer.stdout)["responseId"] == "abc"
    nb("generate", prompt, "-i", "big.png", "-o", "fox.png")
    theirs, ours = server.requests
    assert json.loads(theirs.body) == json.loads(ours.body)
    assert theirs.headers["x-goog-api-key"] == KEY


def test_curl_takes_the_key_from_whichever_variable_of_google_is_set(nb: Nb) -> None:
    run = nb("generate", "fox", "--provider", "google", "--curl")
    assert '-H "x-goog-api-key: ${GEMINI_API_KEY:-$GOOGLE_API_KEY}"' in run.out


def test_skip_existing_says_when_the_alt_text_is_missing(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    Path("my fox.png").write_bytes(picture())
    argv = ("generate", "fox", "-o", "my fox.png", "--alt", "--skip-existing", "--json")
    run = nb(*argv)
    assert (run.code, server.requests) == (0, [])
    assert "note: my fox.png has no alt text beside it: nb caption --write 'my fox.png'" in run.err
    assert json.loads(run.out)["alt_path"] is None
    Path("my fox.alt.txt").write_text("A fox.")
    run = nb(*argv)
    assert "note: " not in run.err
    assert json.loads(run.out)["alt_path"] == "my fox.alt.txt"


def test_curl_needs_an_address(nb: Nb) -> None:
    run = nb("generate", "fox", "--provider", "sandbox", "--curl")
    assert run.code == 2
    assert "nb sandbox" in run.err


def test_an_unknown_model_goes_through_with_a_note(nb: Nb, serve: Serve) -> None:
    server = serve(made())
    run = nb("generate", "fox", "-m", "gemini-9-image", "-a", "7:5", "-o", "x.png", "--json")
    assert run.code == 0
    assert server.requests[0].path == "/v1beta/models/gemini-9-image:generateContent"
    assert "note: gemini-9-image is not a model that nb knows" in run.err
    assert json.loads(run.out)["cost_usd"] is None


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["fox", "--aspect", "16:8"], "did you mean 16:9?"),
        (["fox", "--size", "3K"], "2K"),
        (["fox", "-m", "gemini-2.5-flash-image", "--size", "4K"], "gemini-2.5-flash-image"),
        (["fox", "-m", "gemini-3-pro-image-preview", "-a", "8:1"], "8:1"),
        (["fox", "--provider", "gogle"], "did you mean google?"),
        (["fox", "--base-url", "http://example.com"], "https"),
        (["fox", "--timeout", "soon"], "--timeout soon"),
        (["fox", "--retries", "-1"], "--retries"),
        (["fox", "--max-cost", "cheap"], "--max-cost cheap"),
        (["fox", "-n", "0"], "-n"),
        (["fox", "--format", "gif"], "--format gif"),
        (["fox", "-i", "missing.png"], "missing.png"),
        (["fox", "-i", "notes.txt"], "notes.txt cannot be sent: it is not an image"),
        (["fox", "-i", "cut.png"], "cut.png is damaged"),
        (["fox", *["-i", "ok.png"] * 15], "15 reference images"),
        (["fox", "-i", "-", "-i", "-"], "-i - can be given only once"),
        (["-", "-i", "-"], "both read stdin"),
        (["fox", "--dry-run", "--curl"], "contradict each other"),
        (["fox", "--thinking", "hard"], "--thinking hard"),
        (["fox", "--aspct", "1:1"], "--aspct"),
        (["a", "red", "fox"], "quotes around a prompt"),
        ([""], "the prompt is empty"),
        ([], "no prompt"),
    ],
)
def test_bad_input_is_one_clear_line_and_nothing_is_sent(
    nb: Nb, serve: Serve, argv: list[str], said: str
) -> None:
    Path("notes.txt").write_text("hello")
    Path("cut.png").write_bytes(picture()[:-5])
    Path("ok.png").write_bytes(picture())
    server = serve(made())
    url = [] if "--base-url" in argv else ["--base-url", server.url]
    run = nb("generate", *argv, *url, env={"NB_BASE_URL": ""})
    assert run.code == 2
    assert server.requests == []
    first, *hints = run.err.splitlines()
    assert first.startswith("nb: ")
    assert said in run.err
    assert hints
    assert all(line.startswith("hint: ") for line in hints)


@pytest.mark.parametrize("output", ["missing/", "missing/fox.png"])
def test_a_folder_that_is_not_there(nb: Nb, serve: Serve, output: str) -> None:
    server = serve(made())
    run = nb("generate", "fox", "-o", output)
    assert (run.code, server.requests) == (6, [])
    assert run.err.endswith("Not charged.\n")


HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202e[red]:smile:[/]"


def test_nothing_that_a_server_says_steers_the_terminal(nb: Nb, serve: Serve) -> None:
    serve(failed(400, HOSTILE + KEY))
    run = nb("generate", "fox", "-v")
    assert run.code == 7
    assert "\x1b" not in run.err
    assert "\u202e" not in run.err
    assert "[red]:smile:[/]" in run.err
    assert KEY not in run.err


def _words(key: str, length: int = 0) -> str:
    """A refusal's JSON that spells a key in escapes, and is at least so long."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in key)
    refusal = {"finishReason": "NO_IMAGE", "finishMessage": "KEY"}
    return json.dumps({"candidates": [refusal], "x": "x" * length}).replace("KEY", escaped)


@pytest.mark.parametrize("length", [0, 100_000])
def test_a_key_that_a_refusal_sends_back_is_not_shown(nb: Nb, serve: Serve, length: int) -> None:
    serve(Answer(200, body=_words(KEY, length).encode()))
    run = nb("generate", "fox", "-v", "--json")
    assert run.code == 9
    assert "[key]" in run.err
    assert KEY not in run.err + run.out


def test_a_key_that_comes_beside_an_image_is_not_shown(nb: Nb, serve: Serve) -> None:
    noise = Image.effect_noise((400, 400), 100)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    assert len(buffer.getvalue()) > 1 << 16
    serve(made(buffer.getvalue(), responseId=KEY, modelVersion=KEY))
    run = nb("generate", "fox", "-v", "--json")
    assert run.code == 0
    assert json.loads(run.out)["response_id"] == "[key]"
    assert KEY not in run.err + run.out


def test_a_picture_that_cannot_be_converted_is_saved_as_it_came(nb: Nb, serve: Serve) -> None:
    # Wider than a WebP can be.
    image = picture(16384, 1)
    serve(made(image))
    run = nb("generate", "fox", "-o", "fox.webp")
    assert run.code == 6
    said = "the image cannot be converted to webp: 16384x1 pixels cannot be saved as webp"
    assert f"nb: {said}\n" in run.err
    assert run.err.endswith("hint: it was saved as received: fox.png\nCharged.\n")
    assert Path("fox.png").read_bytes() == image


@on_linux
def test_an_image_that_can_be_put_nowhere(nb_process: NbProcess, serve: Serve) -> None:
    answer = made()
    server = serve(Steps(Wait(gate=True), Send(answer.head() + answer.body)))
    process = nb_process.start("generate", "fox", "-o", "fox.png")
    with process:
        while process.poll() is None and not server.requests:
            time.sleep(0.01)
        # It would not have asked for an image with such a limit.
        limit_files(process.pid, 0)
        server.gate.set()
        _, err = process.communicate(timeout=20)
    assert process.returncode == 6
    assert b"hint: the image is lost\nCharged.\n" in err
    assert list(Path().iterdir()) == []


def test_a_stdin_that_cannot_be_read(nb_process: NbProcess) -> None:
    with Path("/dev/null").open("wb") as unreadable:
        process = nb_process.start("generate", "-", stdin=unreadable)
        with process:
            _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.startswith(b"nb: cannot read stdin\n")


def test_a_prompt_on_stdin_has_the_limit_of_a_prompt_file(nb: Nb) -> None:
    run = nb("generate", "-", "--dry-run", stdin=b"x" * 1_000_001)
    assert run.code == 2
    assert "stdin: larger than 1000000 bytes" in run.err


@pytest.mark.parametrize("argv", [("generate", "fox"), ("batch", "-")])
def test_a_folder_that_was_removed(nb: Nb, argv: tuple[str, ...]) -> None:
    folder = Path("gone").absolute()
    folder.mkdir()
    with contextlib.chdir(folder):
        folder.rmdir()
        run = nb(*argv, "--provider", "sandbox", stdin=b'{"prompt": "fox"}')
    assert run.code == 2
    assert run.err.startswith("nb: the current folder no longer exists\n")


def test_nothing_in_a_prompt_steers_the_terminal(nb: Nb, serve: Serve) -> None:
    serve(made())
    run: Run = nb("generate", HOSTILE, "-v")
    assert run.code == 0
    assert "\x1b" not in run.err + run.out


def test_verbose_tells_the_course_and_never_the_key(nb: Nb, serve: Serve) -> None:
    serve(made(modelVersion="gemini-3.1-flash-image"))
    run = nb("generate", "fox", "-v")
    assert "POST" in run.err
    assert "the service answered with gemini-3.1-flash-image" in run.err
    assert KEY not in run.err


def test_quiet_leaves_stderr_empty(nb: Nb, serve: Serve) -> None:
    serve(made(JPEG))
    run = nb("generate", "fox", "-q", "-o", "fox.png")
    assert (run.out, run.err) == ("fox.png\n", "")


def test_settings_come_from_the_environment_and_files(nb: Nb, serve: Serve) -> None:
    Path("nb.toml").write_text('aspect = "16:9"\nsize = "2K"\n')
    server = serve(made(picture(2752, 1536)))
    assert nb("generate", "fox", "-o", "x.png", env={"NB_SIZE": "4k"}).code == 0
    assert _body(server)["generationConfig"]["imageConfig"] == {
        "aspectRatio": "16:9",
        "imageSize": "4K",
    }
