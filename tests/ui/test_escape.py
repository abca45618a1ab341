from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.ui.escape import escape, one_line, replace_harmful, strip_harmful


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x9b31m", r"\x9b31m"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("\u2066x\u2069\u200f\ufeff", r"\u2066x\u2069\u200f\ufeff"),
        ("\udcff", r"\udcff"),
        ("\u2028\u2029\ufdd0\uffff", r"\u2028\u2029\ufdd0\uffff"),
        ("[red]bold[/] :smile:", "[red]bold[/] :smile:"),
        ("füchse 狐 🦊", "füchse 狐 🦊"),
    ],
)
def test_printable_spells_out_what_steers_a_terminal(hostile: str, shown: str) -> None:
    assert escape(hostile) == shown


@given(st.text())
def test_printable_text_has_no_control_characters_and_can_be_encoded(text: str) -> None:
    shown = escape(text)
    assert not any(ord(mark) < 0x20 or 0x7F <= ord(mark) < 0xA0 for mark in shown)
    shown.encode()


def test_html_keeps_white_space_and_directional_marks() -> None:
    harmful = {char for char in map(chr, range(0x10000)) if strip_harmful(char) == ""}
    assert harmful == {char for char in map(chr, range(0x10000)) if escape(char) != char}
    kept = set("\t\n\u061c\u200e\u200f\u2028\u2029\ufeff")
    assert {char for char in harmful if replace_harmful(char) == char} == kept
    assert {replace_harmful(char) for char in harmful - kept} == {"\ufffd"}


def test_joiners_are_harmless() -> None:
    joined = "👩\u200d🚀 \u200c ❤\ufe0f"
    assert escape(joined) == strip_harmful(joined) == replace_harmful(joined) == joined


def test_one_line_collapses_white_space_and_cuts() -> None:
    assert one_line(" a\n\tb\u2028c ") == "a b c"
    assert one_line("\ud800") == "?"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
    assert len(one_line("x" * 500)) == 240
