"""Scripts whose characters change or move, in characters that stand side by side."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.sandbox.shaping import shaped


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("ثعلب", "initial medial medial final"),
        # Reh and alef join nothing after them.
        ("قرار", "initial final isolated isolated"),
        # Lam and alef are one; persian and urdu letters join, too.
        ("لا", "isolated"),
        ("بلا", "initial final"),
        ("گربه", "initial final initial final"),
        ("ٹھیک", "initial medial medial final"),
        ("می\u200cخ", "initial final isolated"),
    ],
)
def test_arabic_letters_join(text: str, forms: str) -> None:
    shapes = [unicodedata.decomposition(char).split()[0].strip("<>") for char in shaped(text)]
    assert shapes == forms.split()


def test_a_stretched_line_joins_on_both_sides() -> None:
    assert shaped("بـب") == "\ufe91ـ\ufe90"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("हिन्दी", "िहन्दी"),
        ("फ़िर", "िफ़र"),
        ("শিয়াল", "িশয়াল"),
        # Of two halves, one steps before the consonant.
        ("কো", "েকা"),
        ("போ", "ேபா"),
        ("കൊ", "െകാ"),
        ("ਕਿ", "ਿਕ"),
        ("કિ", "િક"),
    ],
)
def test_vowel_signs_stand_where_they_are_read(text: str, order: str) -> None:
    assert shaped(unicodedata.normalize("NFC", text)) == order


@given(st.text(st.characters(max_codepoint=0x5FF)))
def test_other_scripts_stay_as_they_are(text: str) -> None:
    assert shaped(text) == text
