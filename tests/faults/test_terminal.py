"""What a service, a prompt or a file name brings along cannot control the terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from faults.judge import check
from faults.lab import GOOD, IMAGE, KEY, REPLY, Bench, Row, Scenario
from support.pty_run import run_program
from support.replies import failed, image_part, reply
from support.wire_server import Answer, Send, Steps, WireServer

_TEXTS = {
    "colours": "\x1b[7;35mred\x1b[0m",
    "a title": "\x1b]0;pwned\x07",
    "OSC 52": "\x1b]52;c;ZWNobyBwd25lZA==\x07",
    "C1 controls": "\x9b7;35mred\x9d0;pwned\x9c",
    "bidi marks": "\u202egnp.exe\u2066\u200f",
    "carriage returns": "all is well\rNot charged.\r",
    "line breaks": "x\nnb: fake\nNot charged.\n\u2028Charged.",
    "rich markup": "[bold red]x[/] [link=file:///etc/passwd]y[/link] :bomb: [/nothing]",
    "backspaces": "abc\x08\x08\x08\x7f\x00",
}
_EVIL = " ".join(_TEXTS.values())
_JSON = json.dumps(_EVIL).encode()
_PROMPT = _EVIL.replace("\x00", "")
_NAMED = "7-35mred-0m-0-pwned-52-c-zwnobybwd25lza-7-35mred-0-pwned-gnp.png"
_NAME = "\x1b[7;35m\u202e\x9b"
_ROW = {"prompt": f"{_PROMPT} <evil>", "id": f"<evil>{_PROMPT}"}
# What must not be on a screen, beside nb's own colours and its spinner.
_ACTIVE = ("\x1b[7;35m", "\x1b]", "\x9b", "\x9d", "\x08", "\x07", "\u202e", "\u2066", "\u2028")


def _refused(words: str) -> Answer:
    body = {"candidates": [{"finishReason": "OTHER", "finishMessage": words}]}
    return Answer(body=json.dumps(body).encode())


def _phrase(words: str) -> Steps:
    line = words.replace("\n", " ").replace("\r", " ").encode("utf-8")
    return Steps(Send(b"HTTP/1.1 400 %s\r\nContent-Length: 0\r\n\r\n" % line))


def _header(words: str) -> Steps:
    line = words.replace("\n", " ").replace("\r", " ").encode("utf-8")
    head = b"HTTP/1.1 302 Found\r\nLocation: https://a.example/%s\r\nContent-Length: 0\r\n\r\n"
    return Steps(Send(head % line))


def _says(name: str, status: int, *parts: dict[str, Any], **more: Any) -> Scenario:
    charged = "maybe" if status else ""
    return Scenario(name, status, charged, (Answer(body=reply(*parts)),), **more)


def _typed(name: str, status: int, *command: str, **more: Any) -> Scenario:
    charged, calls = "no" if status == 6 else "", int(not status)
    return Scenario(name, status, charged, calls=calls, command=command, forms=("file",), **more)


def _batch(name: str, status: int, row: dict[str, str], charged: str = "", **more: Any) -> Scenario:
    """A manifest of one row, which others wrote."""
    forms = {
        "batch": ("batch", "m.jsonl", "-v"),
        "batch-json": ("batch", "m.jsonl", "--json"),
        "gallery": ("batch", "m.jsonl", "--gallery", "g.html"),
    }
    return Scenario(
        *(name, status, charged),
        prepare=lambda bench: (bench.work / "m.jsonl").write_text(json.dumps(row)),
        differs={form: {"command": command} for form, command in forms.items()},
        **{"forms": tuple(forms), "always": tuple(forms), **more},
    )


ROWS = (
    Row(
        "message",
        "escape sequences, OSC 52, C1 controls, bidi marks, carriage returns, line breaks, rich "
        "markup in a service's error",
        "spelled out or left out, on one line; no line can be forged",
        tuple(Scenario(name, 7, "no", (failed(400, words),)) for name, words in _TEXTS.items()),
    ),
    Row(
        "reply",
        "the same in texts, refusals, pages, reason phrases and headers",
        "the same; texts that are saved hold none of it either",
        (
            _says(
                "text",
                0,
                {"text": f"A fox. {_TEXTS['OSC 52']}\x9b\u202e"},
                image_part(IMAGE),
                always=("file", "alt", "draw", "caption", "beside", "chat"),
            ),
            _says("text alone", 9, {"text": _EVIL}, forms=("file", "json", "batch")),
            # It holds "Not charged.", and so says a service that a refusal costs nothing.
            Scenario("refusal", 9, "no", (_refused(_EVIL),)),
            Scenario("page", 5, "no", (Answer(403, body=f"<title>{_EVIL}</title>".encode()),)),
            Scenario("no JSON", 10, "maybe", (Answer(body=_EVIL.encode()),)),
            Scenario("reason phrase", 7, "no", (_phrase(_EVIL),)),
            Scenario("header", 7, "no", (_header(_EVIL),)),
            Scenario("id", 0, script=(Answer(body=REPLY.replace(b'"abc"', _JSON)),)),
        ),
    ),
    Row(
        "names",
        "the same in prompts, file names, options, commands, and prompts and ids of a manifest",
        "no name is made of them; what is shown is spelled out",
        (
            _typed("prompt", 0, "generate", _PROMPT, "-o", "fox.png"),
            _typed("prompt that names the file", 0, "generate", _PROMPT, places=(_NAMED,)),
            _typed("prompt that is told", 0, "generate", _PROMPT, "-v", "-o", "fox.png"),
            _typed("reference", 2, "generate", "fox", "-i", f"no{_NAME}.png"),
            _typed("suffix", 2, "generate", "fox", "-o", f"fox{_NAME}.pgn"),
            _typed("folder", 6, "generate", "fox", "-o", f"no{_NAME}/fox.png"),
            _typed("manifest", 2, "batch", f"no{_NAME}.toml"),
            _typed("image", 2, "caption", f"no{_NAME}.png"),
            _batch("row", 0, _ROW, places=(_NAMED,)),
            _batch("row that fails", 7, _ROW, "no", script=(failed(400, _EVIL),)),
            _batch("output of a row", 2, {**_ROW, "output": f"{_NAME}.png"}, calls=0),
            _batch("column", 2, {**_ROW, _NAME: "x"}, calls=0, always=()),
            _typed("option", 2, "generate", "fox", f"--{_NAME}"),
            _typed("command", 2, f"gen{_NAME}"),
        ),
    ),
)


def test_terminal(bench: Bench, scenario: Scenario, form: str) -> None:
    check(bench, scenario, form)


@pytest.mark.parametrize("answer", [failed(400, _EVIL), _refused(_EVIL), _phrase(_EVIL), GOOD])
def test_on_a_screen(bench: Bench, answer: Answer | Steps) -> None:
    """The same on a terminal, where nb uses colours and moves the cursor itself."""
    with WireServer(answer) as server:
        env = {**os.environ, "NB_BASE_URL": server.url, "WISDOM_GATE_KEY": KEY}
        argv = ["generate", _PROMPT, "--retries", "0", "-v", "-o", "fox.png"]
        command = [sys.executable, "-m", "nanobanana_cli", *argv]
        code, screen = run_program(command, env=env, cwd=bench.work)
    assert (code == 0) is (answer is GOOD)
    assert [each for each in _ACTIVE if each in screen] == []
    assert KEY not in screen
