"""What cleaning removes from a text, and what it keeps."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanobanana_cli.captions.clean import clean
from nanobanana_cli.ui.escape import strip_unsafe

JOINED = "👩\u200d🚀 می\u200cروم 🏴\U000e0067\U000e0062\U000e007f ❤\ufe0f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a\tfox \r\n in  snow ", "a fox in snow"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("\x1b[31mred\x1b[0m fox\x1b]0;title\x07\x1bc!", "red fox!"),
        ("a\x9b1mb\x9d0;t\x9cc", "abc"),
        ("a\0b\x07c\x7f", "abc"),
        ("\u202efox\u202c \u2066x\u2069 \u200f\u200e\u061c\ufeff", "fox x"),
        ("a\ud800b\udfffc\ufffe", "abc"),
        (JOINED, JOINED),
        ("a\u00a0b «\u202fx\u202f»", "a\u00a0b «\u202fx\u202f»"),
    ],
)
def test_strip_unsafe(text: str, expected: str) -> None:
    assert strip_unsafe(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"A fox"', "A fox"),
        ("“A fox”", "A fox"),
        ("„Ein Fuchs“", "Ein Fuchs"),
        ("« Un renard »", "Un renard"),
        ('"Stop" and "Go"', '"Stop" and "Go"'),
        ("'A fox's den'", "'A fox's den'"),
        ("Alt text: A fox", "A fox"),
        ("**Alt text:** A fox", "A fox"),
        ("**Alt text**: A fox", "A fox"),
        ("ALT-TEXT : “A fox”", "A fox"),
        ('"Alt text: A fox"', "A fox"),
        ("Texte alternatif : un renard", "un renard"),
        ("Alternativtext: „Ein Fuchs“", "Ein Fuchs"),
        ("Title: Description: A fox", "A fox"),
        ("Altitude: 300 m", "Altitude: 300 m"),
        ("A fox. Alt text: no", "A fox. Alt text: no"),
        ('""', ""),
        ("“", "“"),
        ("\u00a0", ""),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text())
@example("0 \x1b\x850")
def test_stripping_twice_is_stripping_once_and_leaves_nothing_harmful(text: str) -> None:
    made = strip_unsafe(text)
    assert strip_unsafe(made) == made
    for character in made:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
        }


# Likelier to need cleaning than text at large.
PIECES = st.lists(
    st.one_of(
        st.text(max_size=3),
        st.sampled_from(
            ["Alt text:", "**", '"', "\u201c", "\u201d", "'", "\x1b[0m", "\x85", " ", "\0"]
        ),
    )
).map("".join)


@given(PIECES)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_a_long_thought_is_left_out_and_a_long_answer_is_not_cut() -> None:
    assert clean(f"<think>{'Hmm. ' * 5000}</think> Alt text: A red fox.") == "A red fox."
    assert clean("A red\nfox. " * 1000) == ("A red fox. " * 1000).strip()


@pytest.mark.parametrize(
    "unit", ["Sure! ", "Alt text: ", "<think>", "```a ", '"', "{", "1. ", '<img alt="']
)
def test_no_answer_is_slow_to_clean(unit: str) -> None:
    started = time.process_time()
    clean(unit * 5000)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "answer", ["n/a![" + "\n" * 20_000 + "Claro:", "x" + "**" * 10_000 + "y -"]
)
def test_marks_and_empty_lines_without_end_take_no_time(answer: str) -> None:
    started = time.process_time()
    clean(answer)
    assert time.process_time() - started < 5
