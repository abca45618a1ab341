"""A key that a server sends back is shown to nobody, however it is written."""

from __future__ import annotations

import base64
import html
import io
import json
import string
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import Nb, NbProcess
from hypothesis import given
from hypothesis import strategies as st
from support.replies import image_part, picture, reply
from support.wire_server import Answer, WireServer

from nanobanana_cli.settings.redaction import RedactedPieces, redact

KEY = "sk-Ab0/9+xY=8&7<q~Z"
# Keys hold none of these: with what is around them, they can look like an escape.
keys = st.text(
    st.sampled_from([each for each in string.printable[:94] if each not in '\\%&"']),
    min_size=8,
    max_size=60,
)


def _hex(text: str, form: str) -> str:
    return "".join(form.format(ord(each)) for each in text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower": str.lower,
    "upper": str.upper,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "with \\u": lambda key: _hex(key, "\\u{:04x}"),
    "with \\U in JSON": lambda key: _hex(key, "\\\\u{:04X}"),
    "with \\x": lambda key: _hex(key, "\\x{:02x}"),
    "in a URL": lambda key: quote(key, safe=""),
    "in a URL in a URL": lambda key: quote(quote(key, safe=""), safe=""),
    "with % alone": lambda key: _hex(key, "%{:02x}"),
    "in HTML": html.escape,
    "with &#": lambda key: _hex(key, "&#{};"),
    "with &#x": lambda key: _hex(key, "&#x{:x};"),
    "half escaped": lambda key: key[:5] + _hex(key[5:9], "\\u{:04x}") + key[9:],
}


@pytest.mark.parametrize("form", WRITTEN.values(), ids=WRITTEN)
def test_each_way_to_write_it_is_known(form: Callable[[str], str]) -> None:
    written = form(KEY)
    shown = redact(f'{{"message": "no \\"{written}\\" here: {written}", "a": "b%20c"}}', KEY)
    assert shown == '{"message": "no \\"[key]\\" here: [key]", "a": "b%20c"}'


@given(keys, st.sampled_from([*WRITTEN]), st.text(), st.text())
def test_of_any_key_nothing_is_left(key: str, form: str, before: str, after: str) -> None:
    written = WRITTEN[form](key)
    shown = redact(f"{before}|{written}|{after}", key)
    assert "[key]" in shown
    assert key.lower() not in shown.lower() or key.lower() in f"{before}|[key]|{after}".lower()


@given(keys, st.binary(max_size=20), st.binary(max_size=20), st.booleans())
def test_base64_hides_it_at_no_place(key: str, before: bytes, after: bytes, safe: bool) -> None:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    text = encode(before + key.encode() + after).decode()
    shown = redact(f"Basic {text}", key)
    assert "[key]" in shown
    # At most the bits at its edges are left, which it shares with its neighbours.
    left = shown.removeprefix("Basic ").replace("[key]", "")
    assert len(text) - len(left) >= (len(key) * 8) // 6 - 2


@given(st.text(st.sampled_from("\\u%&#x0;123456789abcdef/\"'anlt"), max_size=60))
def test_what_holds_no_key_stays_the_same(text: str) -> None:
    assert redact(text, "sk-not-in-it") is text


@given(keys, st.text(st.sampled_from('\\/"u0%&;ab'), max_size=12))
def test_json_stays_json(key: str, around: str) -> None:
    body = json.dumps({"message": f"{around}{key}{around}"})
    assert "[key]" in json.loads(redact(body, key))["message"]


def test_short_secrets_and_none_change_nothing() -> None:
    assert redact("a secret", "secret") == "a secret"
    assert redact("a secret", None) == "a secret"


class TestARun:
    """What a server says of the key is shown by no option, and kept nowhere."""

    KEY = "sk-0123456789abCDEF"

    def run(self, nb: Nb, *options: str) -> str:
        """What `nb` shows and writes when the server answers as scripted."""
        run = nb("generate", "fox", "-o", "fox.png", "--retries", "0", *options)
        assert run.code != 0
        written = [path for path in Path.home().rglob("*") if path.is_file()]
        return "\n".join([run.out, run.err, *(each.read_text("latin-1") for each in written)])

    def assert_hidden(self, shown: str) -> None:
        folded = shown.lower()
        assert "[key]" in folded
        for size in range(6, len(self.KEY) + 1):
            assert self.KEY[:size].lower() not in folded
        for form in WRITTEN.values():
            assert form(self.KEY).lower() not in folded
        assert _base64(self.KEY)[:20].lower() not in folded

    @pytest.fixture(autouse=True)
    def key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WISDOM_GATE_KEY", self.KEY)

    @pytest.mark.parametrize("status", [200, 400, 401, 500])
    @pytest.mark.parametrize("form", [*WRITTEN.values(), _base64])
    def test_with_an_error(
        self, nb: Nb, form: Callable[[str], str], status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = b'{"error": {"message": "bad key %s"}}' % form(self.KEY).encode()
        with WireServer(Answer(status, body=body)) as server:
            monkeypatch.setenv("NB_BASE_URL", server.url)
            self.assert_hidden(self.run(nb, "-v"))

    @pytest.mark.parametrize("at", [*range(40, 82), *range(225, 245)])
    @pytest.mark.parametrize("padding", [0, 1 << 17])
    def test_before_anything_is_cut(
        self, nb: Nb, at: int, padding: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A message that is cut in the middle of the key would show the rest of it."""
        if at < 100:
            body = json.dumps({"x" * (at - 20): self.KEY, "y": "z" * padding}).encode()
        else:
            said = "x" * at + self.KEY
            candidate = {"finishReason": "OTHER", "finishMessage": said}
            body = json.dumps({"candidates": [candidate], "y": "z" * padding}).encode()
        with WireServer(Answer(body=body)) as server:
            monkeypatch.setenv("NB_BASE_URL", server.url)
            shown = self.run(nb)
        for size in range(6, len(self.KEY) + 1):
            assert self.KEY[:size] not in shown

    @pytest.mark.parametrize("form", WRITTEN.values(), ids=WRITTEN)
    def test_with_a_reply_that_is_kept(
        self, nb: Nb, form: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged = image_part(picture(512, 512)[:-50])
        body = reply(damaged, {"text": "KEY"}, pad="y" * (1 << 17))
        body = body.replace(b"KEY", form(self.KEY).encode())
        with WireServer(Answer(body=body)) as server:
            monkeypatch.setenv("NB_BASE_URL", server.url)
            shown = self.run(nb, "-v")
        assert "the reply was kept" in shown
        self.assert_hidden(shown)


def test_a_traceback_shows_neither_keys_nor_escapes(nb_process: NbProcess, tmp_path: Path) -> None:
    """Messages of libraries may hold anything, and this one is read from a file's name."""
    key = "sk-0123456789abcdef"
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import ssl\n"
        "def load(*_, **__): raise ZeroDivisionError("
        f"'\\x1b]0;title\\x07 \\x9b31m \\u202e {key} {key.upper()}')\n"
        "ssl.SSLContext.wrap_socket = load\n"
    )
    root = Path(__file__).parents[2]
    with WireServer() as server:
        run = nb_process(
            *("generate", "fox", "--base-url", server.url.replace("http", "https")),
            env={
                "NB_DEBUG": "1",
                "WISDOM_GATE_KEY": key,
                "PYTHONPATH": f"{folder}:{root}",
                "PYTHONIOENCODING": "utf-8",
            },
        )
    assert run.code == 1
    assert "Traceback" in run.err
    assert "\\x1b]0;title\\x07 \\x9b31m \\u202e [key] [key]\n" in run.err
    assert not set("\x1b\x07\x9b\u202e") & set(run.err)
    assert key not in run.err


def test_a_key_is_found_wherever_the_pieces_of_a_file_end() -> None:
    key = "sk-0123456789abcdef"
    for place in [0, 1, *range((1 << 17) - 20, (1 << 17) + 2), (1 << 16) - 5]:
        data = bytearray(b"\xe9" * 3 * (1 << 17))
        data[place : place + len(key)] = key.encode()
        for body in (data, io.BytesIO(data)):
            pieces = RedactedPieces(body, [key])
            for _ in range(2):
                assert b"".join(pieces) == data.replace(key.encode(), b"[key]")
