"""Text from right to left, in the order in which it stands. Capitals stand for Hebrew letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.sandbox import bidi

_HEBREW = {chr(ord("A") + number): chr(0x5D0 + number) for number in range(26)}
_LATIN = {ord(letter): capital for capital, letter in _HEBREW.items()}


def _visual(text: str) -> str:
    line = "".join(_HEBREW.get(char, char) for char in text)
    return bidi.visual(line, leftwards=bidi.leftwards(line)).translate(_LATIN)


@pytest.mark.parametrize(
    ("text", "visual"),
    [
        ("a red fox (2)", "a red fox (2)"),
        ("RED FOX", "XOF DER"),
        ("it says SHALOM OLAM, twice", "it says MALO MOLAHS, twice"),
        ("it says RED!", "it says DER!"),
        # Numbers stay as they are, and so does what holds them together.
        ("FOX 16:9, 2.5 M", "M 2.5 ,16:9 XOF"),
        ("FOX 12", "12 XOF"),
        ("the FOX 12 AND b", "the DNA 12 XOF b"),
        ("fox 12 RED", "fox 12 DER"),
        ("RED fox 12 B", "B fox 12 DER"),
        # Brackets keep their sense.
        ("FOX (2 CUBS) [x]", "[x] (SBUC 2) XOF"),
        ("12 FOXES", "SEXOF 12"),
        ("... FOX", "XOF ..."),
    ],
)
def test_runs_are_turned_round(text: str, visual: str) -> None:
    assert _visual(text) == visual


def test_a_thai_mark_stays_on_its_letter_amid_hebrew() -> None:
    assert bidi.visual("אב ที่ ג", leftwards=True) == "ג ที่ בא"


@given(st.text(st.sampled_from("ab AB 12 .,:()")))
def test_nothing_is_lost(text: str) -> None:
    swapped = str.maketrans(")", "(")
    assert sorted(_visual(text).translate(swapped)) == sorted(text.translate(swapped))
