from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import time
from typing import TextIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.errors import Charged, KeyRejected, NbError, OutputClosed, UsageError
from nanobanana_cli.ui.color import wants_color
from nanobanana_cli.ui.terminal import Terminal


class _Stream(io.TextIOWrapper):
    """A text stream that says of itself whether it is a terminal."""

    def __init__(self, *, tty: bool = False, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        self._tty = tty
        super().__init__(self.bytes, encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        return self._tty

    @property
    def shown(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode(self.encoding)


def _terminal(out: TextIO, err: TextIO, **env: str) -> Terminal:
    return Terminal(env, io.StringIO(), out, err)


@pytest.mark.parametrize(
    ("env", "tty", "choice", "expected"),
    [
        ({}, True, None, True),
        ({}, False, None, False),
        ({"TERM": "dumb"}, True, None, False),
        ({"NO_COLOR": "1"}, True, None, False),
        ({"NO_COLOR": ""}, True, None, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, None, False),
        ({"FORCE_COLOR": "1"}, False, None, True),
        ({"FORCE_COLOR": "0"}, True, None, False),
        ({"CLICOLOR_FORCE": "1"}, False, None, True),
        ({"CLICOLOR_FORCE": "0"}, True, None, False),
        ({"NO_COLOR": "1"}, False, True, True),
        ({"FORCE_COLOR": "1"}, True, False, False),
        ({"GITHUB_ACTIONS": "true"}, False, None, False),
    ],
)
def test_color_follows_option_then_variables_then_terminal(
    env: dict[str, str], tty: bool, choice: bool | None, expected: bool
) -> None:
    assert wants_color(env, _Stream(tty=tty), choice) is expected


def test_results_go_to_stdout_and_everything_else_to_stderr() -> None:
    out, err = _Stream(), _Stream()
    terminal = _terminal(out, err)
    terminal.result("fox.png")
    terminal.note("a note")
    terminal.warn("a warning")
    terminal.trace("a step")
    assert out.shown == "fox.png\n"
    assert err.shown == "a note\nnote: a warning\n"


def test_quiet_leaves_errors_alone() -> None:
    out, err = _Stream(), _Stream()
    terminal = _terminal(out, err)
    terminal.configure(quiet=True)
    terminal.note("a note")
    terminal.warn("a warning")
    terminal.summary("fox.png", "details")
    terminal.error(UsageError("no prompt", hint="say something"))
    assert out.shown == "fox.png\n"
    assert err.shown == "nb: no prompt\nhint: say something\n"


def test_verbose_tells_steps() -> None:
    err = _Stream()
    terminal = _terminal(_Stream(), err)
    terminal.configure(verbose=True)
    terminal.trace("POST \x1b[2J")
    assert err.shown == "POST \\x1b[2J\n"


@pytest.mark.parametrize("charged", list(Charged))
@pytest.mark.parametrize("kind", [NbError, KeyRejected])
def test_an_error_ends_with_what_the_run_cost(charged: Charged, kind: type[NbError]) -> None:
    err = _Stream()
    terminal = _terminal(_Stream(), err)
    terminal.charges.sent()
    terminal.charges.settle(charged)
    terminal.error(kind("it broke", hint="one\ntwo"))
    assert err.shown == f"nb: it broke\nhint: one\nhint: two\n{charged.sentence}\n"


def test_an_error_is_coloured_only_where_asked() -> None:
    err = _Stream()
    _terminal(_Stream(), err, FORCE_COLOR="1").error(UsageError("no"))
    assert err.shown.startswith("\x1b[1;31mnb:\x1b[0m no\n")


def test_a_path_is_raw_in_a_pipe_and_printable_on_a_terminal() -> None:
    pipe, tty = _Stream(), _Stream(tty=True)
    _terminal(pipe, _Stream()).result("a\x1bb\udcff.png")
    _terminal(tty, _Stream()).result("a\x1bb\udcff.png")
    assert pipe.bytes.getvalue() == b"a\x1bb\xff.png\n"
    assert tty.shown == "a\\x1bb\\udcff.png\n"


def test_a_written_file_is_one_line_where_both_streams_are_the_terminal() -> None:
    out, err = _Stream(tty=True), _Stream(tty=True)
    _terminal(out, err, NO_COLOR="1").summary("fox.png", "64×64")
    assert (out.shown, err.shown) == ("fox.png", "  64×64\n")
    out, err = _Stream(), _Stream(tty=True)
    _terminal(out, err, NO_COLOR="1").summary("fox.png", "64×64")
    assert (out.shown, err.shown) == ("fox.png\n", "fox.png  64×64\n")


def test_streams_that_cannot_show_a_character_escape_it() -> None:
    out, err = _Stream(encoding="ascii"), _Stream(encoding="ascii")
    terminal = _terminal(out, err)
    terminal.result("狐.png")
    terminal.note("64×64")
    assert out.shown == "\\u72d0.png\n"
    assert err.shown == "64\\xd764\n"


class _Anything(msgspec.Struct):
    values: dict[str, str | int | None]


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_json_lines_are_ascii_and_one_line(values: dict[str, str | int | None]) -> None:
    out = _Stream()
    _terminal(out, _Stream()).json(_Anything(values))
    line = out.bytes.getvalue()
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"values": values}


def test_a_closed_stdout_is_its_own_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with pytest.raises(OutputClosed):
        _terminal(stream, _Stream()).result("fox.png")
    stream.close()


def test_a_closed_stderr_is_no_error() -> None:
    err = _Stream()
    err.close()
    _terminal(_Stream(), err).note("nobody hears this")


def test_tables_are_drawn_on_a_terminal_and_tab_separated_in_a_pipe() -> None:
    pipe, tty = _Stream(), _Stream(tty=True)
    rows = [["[red]x[/]", "y\tz"]]
    _terminal(pipe, _Stream()).table(["A", "B"], rows)
    _terminal(tty, _Stream(), NO_COLOR="1", TERM="xterm").table(["A", "B"], rows)
    assert pipe.shown == "[red]x[/]\ty\\tz\n"
    assert "A" in tty.shown
    assert "[red]x[/]" in tty.shown


def test_the_spinner_turns_on_a_terminal_and_lines_stand_above_it() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as err:
        out = _Stream(tty=True)
        terminal = _terminal(out, err, TERM="xterm-256color", NO_COLOR="1")
        with terminal.spinner("16:9 [red]2K[/]", total=2) as advance:
            terminal.summary("fox.png", "64×64")
            advance()
            # A few frames.
            time.sleep(0.5)
    shown = _everything(ours)
    assert "16:9 [red]2K[/]" in shown
    assert "0 s" in shown
    assert "1/2" in shown
    assert out.shown == "fox.png"
    assert "  64×64\r\n" in shown


def _everything(descriptor: int) -> str:
    """What was written to a pseudo-terminal whose other end is closed."""
    chunks = []
    # Linux ends it with an error, others with nothing.
    with contextlib.suppress(OSError):
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    os.close(descriptor)
    return b"".join(chunks).decode()


@pytest.mark.parametrize("quiet", [True, False])
def test_there_is_no_spinner_without_a_terminal_or_with_quiet(quiet: bool) -> None:
    err = _Stream(tty=quiet)
    terminal = _terminal(_Stream(), err, TERM="xterm")
    terminal.configure(quiet=quiet)
    with terminal.spinner("waiting") as advance:
        advance()
    assert err.shown == ""
