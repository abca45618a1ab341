"""The letters are the same on every machine, whatever fonts and libraries that has."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import PIL
import pytest

import nanobanana_cli
from nanobanana_cli.sandbox import picture, typeface
from nanobanana_cli.sandbox.typeface import Face, Typeface

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

# Paints each prompt and tells what was opened, and which folders were looked through.
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
