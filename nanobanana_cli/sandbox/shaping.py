"""Scripts whose characters change or move beside each other.

A font's own rules for them need a layout engine that differs from machine to machine. Two rules
are enough to read them: Arabic letters join, and some vowel signs of Indian scripts step before
their consonant. Consonants of the latter that would merge stand side by side, with a virama.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

# Keeps two Arabic letters from joining, and is not to be seen itself.
NON_JOINER = "\u200c"

_ARABIC = re.compile(r"[\u0600-\u06ff]")
_TATWEEL = "\u0640"
# Lam and alef make one letter.
_LETTER = re.compile("\u0644[\u0622\u0623\u0625\u0627]|.")
# The characters that are one form of one letter, or of lam with alef.
_FORMS = ((0xFB50, 0xFBB1), (0xFBD3, 0xFBE9), (0xFBFC, 0xFBFF), (0xFE80, 0xFEFC))

# Blocks laid out alike: Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Malayalam.
_BLOCKS = (0x900, 0x980, 0xA00, 0xA80, 0xB80, 0xD00)
_CONSONANTS = "".join(f"{chr(block + 0x15)}-{chr(block + 0x39)}" for block in _BLOCKS)
_NUKTAS = "".join(chr(block + 0x3C) for block in _BLOCKS)
_STEPPING = "\u093f\u09bf\u09c7\u09c8\u0a3f\u0abf\u0bc6\u0bc7\u0bc8\u0d46\u0d47\u0d48"
# Those whose first half steps before the consonant.
_SPLITTING = "\u09cb\u09cc\u0bca\u0bcb\u0bcc\u0d4a\u0d4b\u0d4c"
_SYLLABLE = re.compile(f"([{_CONSONANTS}][{_NUKTAS}]?)([{_STEPPING}{_SPLITTING}])")


def shaped(text: str) -> str:
    """A text in characters that can be set side by side, still in the order of reading."""
    if _ARABIC.search(text):
        text = _joined(text)
    return _SYLLABLE.sub(_vowel_first, text).replace(NON_JOINER, "")


def _vowel_first(syllable: re.Match[str]) -> str:
    halves = unicodedata.normalize("NFD", syllable[2])
    return halves[0] + syllable[1] + halves[1:]


def _joined(text: str) -> str:
    forms = _forms()
    letters: list[str] = _LETTER.findall(text)
    shapes = [forms.get(letter, {}) for letter in letters]
    ties = ["initial" in one and "final" in other for one, other in pairwise(({}, *shapes, {}))]
    names = [_NAMES[sides] for sides in pairwise(ties)]
    return "".join(
        shape.get(name, letter) for letter, shape, name in zip(letters, shapes, names, strict=True)
    )


# Whether it joins the letter before, and the one after → the form.
_NAMES = {
    (False, False): "isolated",
    (False, True): "initial",
    (True, True): "medial",
    (True, False): "final",
}


@cache
def _forms() -> Mapping[str, Mapping[str, str]]:
    """Letter → name of the form → its character, by Unicode's own table."""
    forms = {_TATWEEL: dict.fromkeys(_NAMES.values(), _TATWEEL)}
    for code in (code for first, last in _FORMS for code in range(first, last + 1)):
        name, *letters = unicodedata.decomposition(chr(code)).split()
        letter = "".join(chr(int(number, 16)) for number in letters)
        forms.setdefault(letter, {})[name.strip("<>")] = chr(code)
    return forms
