"""Turns a prompt into characters that can be painted.

The font that Pillow carries has little more than ASCII. Accents are dropped, symbols are named in
words, and for another script a font of the system is used, when it has one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from PIL import ImageFont

# Tried in order, for scripts that the carried font lacks; Linux, macOS, Windows.
_FACES = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "Hiragino Sans GB.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "Arial Unicode.ttf",
    "segoeui.ttf",
)
# More characters than any picture has room for.
_MOST = 1200
_LATIN = re.compile(r"LATIN (SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})\b")
_PLAIN = {"ß": "ss", "„": "“", "¿": "?", "¡": "!", "\N{MINUS SIGN}": "-"}
_INVISIBLE = ("Cf", "Mn", "Me", "Cs", "Co", "Cn")


def paintable(prompt: str) -> tuple[str, str | None]:
    """The prompt in characters that a font has, and that font's file.

    Returns:
        The text, on one line; and the name of a system font, or None for Pillow's own.
    """
    text = " ".join(prompt.split())
    if len(text) > _MOST:
        text = text[:_MOST] + "…"
    plain = "".join(_simplify(char) for char in text)
    missing = {char for char in plain if not _has(None, char)}
    face = _face_for(frozenset(missing)) if missing else None
    if face:
        return plain, face
    return re.sub(r" {2,}", " ", _spell_out(plain)).strip(), None


def _simplify(char: str) -> str:
    """One character without accents; a symbol in words; nothing for what is invisible."""
    if char.isascii():
        return char if char.isprintable() else " "
    if char in _PLAIN:
        return _PLAIN[char]
    if _has(None, char):
        return char
    category = unicodedata.category(char)
    if category == "Pd":
        return "-"
    if category in _INVISIBLE:
        return ""
    letters = _LATIN.match(unicodedata.name(char, ""))
    if letters:
        return letters[2].lower() if letters[1] == "SMALL" else letters[2]
    if category == "So":
        return f" ({unicodedata.name(char, 'symbol').lower()}) "
    return char


def _spell_out(text: str) -> str:
    """Runs of characters without a font → the name of their script in brackets."""
    pieces: list[str] = []
    for char in text:
        if char == " " or _has(None, char):
            pieces.append(char)
            continue
        script = unicodedata.name(char, "other").split()[0].lower()
        name = f"[{'CJK' if script == 'cjk' else script.capitalize()} text]"
        if not (pieces and pieces[-1].strip() == name):
            pieces.append(f" {name} ")
    return "".join(pieces)


def _face_for(missing: frozenset[str]) -> str | None:
    """The first system font that has all of these characters."""
    for face in _FACES:
        if _opened(face) and all(_has(face, char) for char in missing):
            return face
    return None


@cache
def _opened(face: str | None) -> ImageFont.FreeTypeFont | None:
    try:
        font = ImageFont.truetype(face, 24) if face else ImageFont.load_default(24)
    except OSError:
        return None
    return font if isinstance(font, ImageFont.FreeTypeFont) else None


@lru_cache(maxsize=4096)
def _has(face: str | None, char: str) -> bool:
    """Whether a font has a character: what it lacks looks like what no font has."""
    font = _opened(face)
    if font is None:
        return char.isascii()
    return char == " " or bytes(font.getmask(char)) != bytes(font.getmask("\uffff"))
