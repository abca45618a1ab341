"""From a prompt to characters that the fonts have."""

from __future__ import annotations

import pytest

from nanobanana_cli.sandbox import glyphs, lettering
from nanobanana_cli.sandbox.typeface import Face, face_of


@pytest.mark.parametrize(
    ("prompt", "painted"),
    [
        ("a red fox", "a red fox"),
        ("  two\n words ", "two words"),
        ("bell\x07, next\x85line", "bell , next line"),
        ("crème brûlée — ½ Ærøskøbing", "crème brûlée — ½ Ærøskøbing"),
        # An accent of its own joins its letter, or goes.
        ("cafe\u0301 x\u0301", "café x"),
        ("ɓ Ꜩ", "b TZ"),
        ("🦊 asleep ❄️", "(fox face) asleep (snowflake)"),
        ("2 ≤ 3 → 4 ⟶ 5", "2 ≤ 3 → 4 (long rightwards arrow) 5"),
        ("zero\u200bwidth\u202e", "zerowidth"),
        ("\U00012000\U00012001 in clay", "[Cuneiform text] in clay"),
        ("ఎర్ర నక్క, x", "[Telugu text] , x"),
        # Scripts that run from right to left, join their letters or change their order.
        ("שועל אדום", "[Hebrew text]"),
        ("it says שָׁלוֹם, twice", "it says [Hebrew text] , twice"),
        ("ثعلب أحمر في الثلج، گربه", "[Arabic text]"),
        ("می\u200cخ ۱۲ ٣", "[Arabic text] 12 3"),
        ("बर्फ़ में बैठी लोमड़ी", "[Devanagari text]"),
        ("একটি লাল শিয়াল", "[Bengali text]"),
        ("ਲਾਲ ਲੂੰਬੜੀ", "[Gurmukhi text]"),
        ("લાલ શિયાળ", "[Gujarati text]"),
        ("சிவப்பு நரி", "[Tamil text]"),
        ("ചുവന്ന കുറുക്കൻ", "[Malayalam text]"),
    ],
)
def test_what_the_fonts_lack_is_put_into_words(prompt: str, painted: str) -> None:
    assert glyphs.paintable(prompt) == painted


@pytest.mark.parametrize(
    ("prompt", "face"),
    [
        ("Größe, señor, Łódź, tuyết, İstanbul", Face.WORLD),
        ("Μια κόκκινη αλεπού", Face.WORLD),
        ("Рыжая лиса, їжак", Face.WORLD),
        ("Կարմիր աղվես", Face.WORLD),
        ("წითელი მელა", Face.WORLD),
        ("สุนัขจิ้งจอกน้ำ", Face.WORLD),
        ("ໝາຈອກ", Face.WORLD),
        ("ቀይ ቀበሮ", Face.WORLD),
        ("一只红色的狐狸，坐在雪地里。", Face.EAST),
        ("雪の中の赤いキツネ「龍」", Face.EAST),
        ("눈 속의 빨간 여우", Face.EAST),
    ],
)
def test_scripts_that_can_be_read(prompt: str, face: Face) -> None:
    painted = glyphs.paintable(prompt)
    assert "[" not in painted
    assert {found for char in painted if (found := face_of(char)) is not Face.PLAIN} == {face}


def test_what_the_sandbox_itself_writes_is_in_pillows_font() -> None:
    assert {face_of(char) for char in lettering.MARK + "…"} == {Face.PLAIN}
