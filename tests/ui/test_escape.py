from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.ui.escape import escape


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
