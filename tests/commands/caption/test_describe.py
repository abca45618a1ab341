"""`nb caption IMAGE…`: one call each, texts in the order of the images."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from conftest import Nb, NbProcess
from PIL import Image
from support.pty_run import run_in_pty
from support.replies import failed, picture
from support.texts import against, body, save, told
from support.wire_server import Answer, WireServer

from nanobanana_cli.captions.source_image import LONGEST_SIDE


def test_one_image_is_described(nb: Nb) -> None:
    save("fox.png")
    with WireServer(told("A red fox.")) as server:
        run = nb("caption", "fox.png", env=against(server))
    assert (run.code, run.out) == (0, "A red fox.\n")
    assert run.err == "1 answer, at most $0.058\n"
    sent = body(server)
    image, text = sent["contents"][0]["parts"]
    assert sent["generationConfig"] == {"responseModalities": ["TEXT"]}
    assert text["text"].startswith("Write the alt text of this picture.")
    assert image["inlineData"]["mimeType"] == "image/png"
    assert base64.b64decode(image["inlineData"]["data"]) == Path("fox.png").read_bytes()


def test_several_have_their_paths_in_the_order_of_the_arguments(nb: Nb) -> None:
    save("c.png", "a.jpg", "b.webp")
    run = nb("caption", "c.png", "a.jpg", "b.webp", "--provider", "sandbox")
    assert [line.split("\t")[0] for line in run.out.splitlines()] == ["c.png", "a.jpg", "b.webp"]
    assert all(line.split("\t")[1] for line in run.out.splitlines())


def test_slow_ones_do_not_change_the_order(nb: Nb) -> None:
    save(*(f"{n}.png" for n in range(6)))
    with WireServer(told("x", delay=0.4), told("x")) as server:
        run = nb("caption", *(f"{n}.png" for n in range(6)), env=against(server))
    assert [line.split("\t")[0] for line in run.out.splitlines()] == [f"{n}.png" for n in range(6)]


def test_calls_run_at_once(nb: Nb) -> None:
    save(*(f"i/{n}.png" for n in range(10)))
    with WireServer(told("x", delay=1.2)) as server:
        started = time.monotonic()
        run = nb("caption", "-r", "i", "--concurrency", "10", env=against(server))
    assert run.code == 0
    assert time.monotonic() - started < 10


def test_an_image_on_stdin(nb: Nb) -> None:
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "-", stdin=picture(), env=against(server))
    assert (run.code, run.out) == (0, "A fox.\n")


def test_heic_is_sent_as_it_is(nb: Nb) -> None:
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    Path("a.heic").write_bytes(data)
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "a.heic", "--as", "html", env=against(server))
    assert run.out == '<img src="a.heic" alt="A fox." />\n'
    part = body(server)["contents"][0]["parts"][0]["inlineData"]
    assert (part["mimeType"], base64.b64decode(part["data"])) == ("image/heic", data)


def test_a_picture_too_large_is_scaled_down_for_the_call_alone(nb: Nb) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (5000, 2500), "teal").save(buffer, "JPEG")
    Path("big.jpg").write_bytes(buffer.getvalue())
    with WireServer(told("Teal.")) as server:
        run = nb("caption", "big.jpg", "--json", env=against(server))
    record = json.loads(run.out)
    assert (record["width"], record["height"]) == (5000, 2500)
    assert Path("big.jpg").read_bytes() == buffer.getvalue()
    part = body(server)["contents"][0]["parts"][0]["inlineData"]
    with Image.open(io.BytesIO(base64.b64decode(part["data"]))) as sent:
        assert (sent.format, sent.size) == ("JPEG", (LONGEST_SIDE, LONGEST_SIDE // 2))


def test_a_large_picture_that_cannot_be_decoded_is_damaged(nb: Nb) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 100), "teal").save(buffer, "WEBP")
    data = bytearray(buffer.getvalue())
    data[40:80] = bytes(40)
    Path("big.webp").write_bytes(data)
    with WireServer(told("Teal.")) as server:
        run = nb("caption", "big.webp", env=against(server))
    assert (run.code, server.requests) == (2, [])
    assert "big.webp is damaged: its webp data cannot be decoded" in run.err


def test_a_large_heic_is_not_sent(nb: Nb) -> None:
    Path("a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(15_000_000))
    with WireServer(told("x")) as server:
        run = nb("caption", "a.heic", env=against(server))
    assert (run.code, server.requests) == (2, [])
    assert "hint: nb cannot scale HEIC down: save it as JPEG" in run.err


def test_the_json_line(nb: Nb) -> None:
    save("fox.png")
    with WireServer(told("A fox.")) as server:
        run = nb("caption", "fox.png", "--json", env=against(server))
    record = json.loads(run.out)
    assert record | {"seconds": 0} == {
        "path": "fox.png",
        "status": "unchanged",
        "prompt": None,
        "provider": "wisgate",
        "model": "gemini-3.1-flash-image-preview",
        "model_version": "gemini-3.1-flash-image-preview",
        "aspect": None,
        "size": None,
        "mime_type": "image/png",
        "width": 8,
        "height": 8,
        "bytes": Path("fox.png").stat().st_size,
        "sha256": None,
        "alt_path": None,
        "alt": "A fox.",
        "seconds": 0,
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


def test_paths_can_be_told_from_another_folder(nb: Nb) -> None:
    save("site/img/a b.png", "site/img/c.png")
    run = nb(
        *("caption", "-r", "site/img", "--as", "markdown", "--relative-to", "site"),
        *("--provider", "sandbox"),
    )
    assert [line.rsplit("](")[1] for line in run.out.splitlines()] == [
        "img/a%20b.png)",
        "img/c.png)",
    ]


def test_a_bad_image_costs_nothing_and_stops_no_other(nb: Nb) -> None:
    save("a.png", "c.png")
    Path("b.png").write_bytes(picture()[:-30])
    with WireServer(told("x")) as server:
        run = nb("caption", "a.png", "b.png", "c.png", env=against(server))
    assert (run.code, len(server.requests)) == (3, 2)
    assert run.out == "a.png\tx\nc.png\tx\n"
    assert "note: b.png is damaged: the PNG is cut off" in run.err
    assert run.err.splitlines()[-3] == "nb: 1 of 3 images have no text"
    assert run.err.splitlines()[-1] == "Charged."


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.png", b"", "a.png cannot be sent: it is not an image"),
        ("a.png", b"hello", "a.png cannot be sent: it is not an image"),
        ("a.png", b"<svg/>", "a.png cannot be sent: it is image/svg+xml"),
        ("a.png", picture()[:-30], "a.png is damaged"),
    ],
)
def test_what_is_no_such_image_is_not_sent(nb: Nb, name: str, data: bytes, says: str) -> None:
    Path(name).write_bytes(data)
    with WireServer(told("x")) as server:
        run = nb("caption", name, env=against(server))
    assert (run.code, run.out, server.requests) == (2, "", [])
    assert says in run.err


def test_the_failure_of_the_only_image_is_the_command_s(nb: Nb) -> None:
    save("a.png")
    with WireServer(failed(400, "Unable to process input image")) as server:
        run = nb("caption", "a.png", env=against(server))
    assert (run.code, run.out) == (7, "")


def test_a_failed_json_line_names_its_image_as_source(nb: Nb) -> None:
    save("a.png", "b.png")
    with WireServer(failed(400, "no"), told("A fox.")) as server:
        run = nb("caption", "a.png", "b.png", "--json", "--concurrency", "1", env=against(server))
    first, second = (json.loads(line) for line in run.out.splitlines())
    assert run.code == 3
    assert (first["path"], first["source"], first["status"]) == (None, "a.png", "failed")
    assert first["error"]["kind"] == "rejected"
    assert (second["path"], second["alt"]) == ("b.png", "A fox.")
    assert "source" not in second


@pytest.mark.parametrize("text", ["", " \n"])
def test_no_text_is_exit_9(nb: Nb, text: str) -> None:
    save("a.png")
    with WireServer(told(text)) as server:
        run = nb("caption", "a.png", "--write", env=against(server))
    assert (run.code, run.out) == (9, "")
    assert not Path("a.alt.txt").exists()


def test_a_text_of_quotes_alone_is_no_text(nb: Nb) -> None:
    save("a.png")
    with WireServer(told('""')) as server:
        run = nb("caption", "a.png", "--write", env=against(server))
    assert run.code == 9
    assert not Path("a.alt.txt").exists()


def test_a_rejected_key_stops_what_has_not_been_sent(nb: Nb) -> None:
    save(*(f"{n}.png" for n in range(10)))
    with WireServer(failed(401, "no")) as server:
        run = nb("caption", "*.png", "--concurrency", "1", env=against(server))
    assert (run.code, len(server.requests)) == (4, 1)


def test_without_a_key(nb: Nb) -> None:
    save("a.png", "b.png")
    run = nb("caption", "a.png", "b.png")
    assert run.code == 4
    assert run.err.startswith("nb: no key for wisgate\n")
    assert run.err.count("no key") == 1


def test_a_busy_service_is_asked_again(nb: Nb) -> None:
    save("a.png")
    with WireServer(failed(429, "busy", Retry_After="0"), told("x")) as server:
        run = nb("caption", "a.png", env=against(server))
    assert (run.code, run.out) == (0, "x\n")


def test_an_unknown_price_cannot_be_kept_within_a_budget(nb: Nb) -> None:
    save("a.png")
    with WireServer(told("x")) as server:
        run = nb("caption", "a.png", "--max-cost", "1", "-m", "pro", env=against(server))
    assert (run.code, server.requests) == (8, [])
    assert nb("caption", "a.png", "--max-cost", "1", "--provider", "sandbox").code == 0


def test_the_request_can_be_looked_at(nb: Nb) -> None:
    save("a.png")
    run = nb("caption", "a.png", "--dry-run")
    request = json.loads(run.out)
    assert request["body"]["generationConfig"] == {"responseModalities": ["TEXT"]}
    assert run.err == "nothing was sent; 1 text would cost at most $0.058\n"
    assert nb("caption", "a.png", "--curl").out.startswith("curl ")


@pytest.mark.parametrize(
    "options",
    [
        ("-a", "1:1"),
        ("-s", "1K"),
        ("-i", "b.png"),
        ("-o", "c.png"),
        ("-n", "2"),
        ("--format", "png"),
        ("--search",),
    ],
)
def test_options_for_making_an_image_do_not_apply(nb: Nb, options: tuple[str, ...]) -> None:
    save("a.png", "b.png")
    run = nb("caption", "a.png", *options, "--provider", "sandbox")
    assert run.code == 2
    assert options[0] in run.err


@pytest.mark.parametrize("option", ["--write", "--embed"])
def test_stdin_has_no_place_for_a_text(nb: Nb, option: str) -> None:
    run = nb("caption", "-", option, "--provider", "sandbox", stdin=picture())
    assert run.code == 2


HOSTILE = "\x1b[31mred\x1b[0m \x07\u202efox\u2066 \0\x9b1m | <b> ] \n {{x}} 🦊"


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "csv"])
def test_hostile_text_comes_out_inert(nb: Nb, form: str) -> None:
    save("a.png", "b.png")
    with WireServer(told(HOSTILE)) as server:
        run = nb("caption", "a.png", "b.png", "--as", form, "--write", env=against(server))
    assert run.code == 0
    for stream in (run.out, run.err, Path("a.alt.txt").read_text()):
        assert not {"\x1b", "\x07", "\u202e", "\u2066", "\0", "\x9b"} & set(stream)
    assert len(run.out.splitlines()) == (3 if form == "csv" else 2)
    assert "🦊" in Path("a.alt.txt").read_text()


def test_hostile_file_names_come_out_inert(nb: Nb) -> None:
    save("a\tb\n\x1b[31m.png", "c.png")
    run = nb("caption", "-r", ".", "--provider", "sandbox")
    assert len(run.out.splitlines()) == 2
    assert "\x1b" not in run.out + run.err
    assert run.out.startswith("a\\tb\\n\\x1b[31m.png\t")


def test_an_answer_that_is_an_image_too_is_no_trouble(nb: Nb) -> None:
    save("a.png")
    from support.texts import drawn

    with WireServer(drawn("A fox.")) as server:
        run = nb("caption", "a.png", env=against(server))
    assert run.out == "A fox.\n"


def test_a_broken_connection_leaves_the_outcome_unknown(nb: Nb) -> None:
    save("a.png")
    with WireServer(Answer(reset=True)) as server:
        run = nb("caption", "a.png", env=against(server))
    assert run.code == 11


def test_on_a_terminal_the_columns_are_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png", "b.png")
    monkeypatch.setenv("NB_PROVIDER", "sandbox")
    code, screen = run_in_pty("caption", "a.png", "b.png", "--no-color")
    assert code == 0
    assert re.search(r"a\.png  A mostly \w+ square picture", screen)
    assert "\\t" not in screen


@pytest.mark.parametrize("target", ["fox.png", "a red fox"])
def test_a_context_file_may_be_a_pipe(nb_process: NbProcess, target: str) -> None:
    save("fox.png")
    os.mkfifo("page")
    # As `--context-file <(cat page.md)`: what is read twice is empty, or waits, the second time.
    writer = threading.Thread(target=Path("page").write_text, args=("All about foxes.",))
    writer.start()
    run = nb_process(
        "caption", target, "--context-file", "page", "--dry-run", "--provider", "sandbox"
    )
    writer.join(30)
    assert run.code == 0
    (*_, text) = json.loads(run.out)["body"]["contents"][0]["parts"]
    assert "<context>\nAll about foxes.\n</context>" in text["text"]
