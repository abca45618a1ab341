"""Letters: which characters can be drawn, and the same on every machine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import PIL
import pytest

import nanobanana_cli
from nanobanana_cli.sandbox import lettering, picture, typeface
from nanobanana_cli.sandbox.typeface import Face, Typeface, drawable, face_of

_PILLOW = [int(number) for number in PIL.__version__.split(".")[:3]]
_PACKAGE = Path(nanobanana_cli.__file__).parent
# A prompt → the beginning of the SHA-256 of its pixels.
_PROMPTS = {
    "a red fox": "22dab256ad6e17b0",
    "crème brûlée": "068b60facab069e6",
    "Рыжая лиса": "6fb67e703b8004d9",
    "一只狐狸 雪 여우": "158859142f4e3f11",
    "שועל (2) ثعلب": "cac1e367c8b9c826",
    "लोमड़ी สุนัข 🦊": "f775f620c5782191",
}

# Draws each prompt and tells what was opened, and which folders were looked through.
_WATCH = """
import json, sys
from nanobanana_cli.sandbox import picture
picture.draw("", (64, 64))
seen = []
def watch(event, arguments):
    if event in ("open", "os.scandir", "os.listdir"):
        seen.append(str(arguments[0]))
sys.addaudithook(watch)
for prompt in json.loads(sys.argv[1]):
    picture.draw(prompt, (256, 144))
print(json.dumps(sorted(set(seen))))
"""


def test_no_font_but_its_own_is_looked_for() -> None:
    prompts = json.dumps([*_PROMPTS, "𒀀𒀁", "\U0010ffff"])
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, prompts],
        check=True,
        capture_output=True,
        cwd=_PACKAGE.parent,
    )
    fonts = [str(_PACKAGE / "sandbox/fonts" / face.value) for face in Face if face.value]
    assert json.loads(done.stdout) == sorted(fonts)


@pytest.mark.parametrize("face", Face)
def test_letters_are_set_without_libraries_of_the_system(face: Face) -> None:
    # The other layout engine loads fribidi, if there is one.
    assert typeface._font(face, 30).layout_engine == 0


def test_words_do_not_change_their_looks_midway() -> None:
    plain, accented = Typeface("a red fox", 64), Typeface("a red fox, é", 64)
    assert plain.length("a red fox") != accented.length("a red fox")
    assert Typeface("a red fox, 狐", 64).length("a red fox") == plain.length("a red fox")
    assert accented.length("é狐x") == sum(accented.length(char) for char in "é狐x")


def test_small_letters_keep_their_distances() -> None:
    small, large = Typeface("a red fox", 8), Typeface("a red fox", 64)
    assert small.length("a red fox") == large.length("a red fox") / 8
    assert small.mask((60, 12), [(0, 9, "a red fox")]).size == (60, 12)


# 11.3, 12.0 and 13.0 draw alike.
@pytest.mark.skipif(_PILLOW > [13, 0, 0], reason="a newer Pillow may draw otherwise")
@pytest.mark.parametrize("prompt", _PROMPTS)
def test_pixels_are_those_of_every_machine_with_this_pillow(prompt: str) -> None:
    pixels = picture.draw(prompt, (256, 144)).tobytes()
    assert hashlib.sha256(pixels).hexdigest()[:16] == _PROMPTS[prompt]


@pytest.mark.parametrize(
    ("prompt", "drawn"),
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
def test_what_the_fonts_lack_is_put_into_words(prompt: str, drawn: str) -> None:
    assert drawable(prompt) == drawn


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
    drawn = drawable(prompt)
    assert "[" not in drawn
    assert {found for char in drawn if (found := face_of(char)) is not Face.PLAIN} == {face}


def test_what_the_sandbox_itself_writes_is_in_pillows_font() -> None:
    assert {face_of(char) for char in lettering.MARK + "…"} == {Face.PLAIN}
