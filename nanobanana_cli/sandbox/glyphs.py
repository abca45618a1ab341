"""Turns a prompt into characters that can be painted.

What the fonts have is painted as it is. Of what they lack, accents are dropped, digits become those
of ASCII, symbols are named in words, and text in another script is replaced by the script's name.
"""

from __future__ import annotations

import re
import unicodedata

from nanobanana_cli.sandbox.typeface import face_of

# More characters than any picture has room for.
_MOST = 1200
_LATIN = re.compile(r"LATIN (SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})\b")
_INVISIBLE = ("Cc", "Cf", "Mn", "Me", "Cs", "Co", "Cn")
_SYMBOLS = ("So", "Sm", "Sk")


def paintable(prompt: str) -> str:
    """The prompt on one line, in characters that the fonts have, in the order of reading."""
    text = " ".join(prompt.split())
    if len(text) > _MOST:
        text = text[:_MOST] + "…"
    if text.isascii() and text.isprintable():
        return text
    plain = "".join(_simplify(char) for char in unicodedata.normalize("NFC", text))
    return " ".join(_spell_out(plain).split())


def _simplify(char: str) -> str:
    """A character that a font has, or what stands for it; nothing for what is invisible."""
    if face_of(char):
        return char
    category = unicodedata.category(char)
    if category in _INVISIBLE:
        return " " if category == "Cc" else ""
    if category == "Pd":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    letters = _LATIN.match(unicodedata.name(char, ""))
    if letters:
        return letters[2].lower() if letters[1] == "SMALL" else letters[2]
    if category in _SYMBOLS:
        return f" ({unicodedata.name(char, 'symbol').lower()}) "
    return char


def _spell_out(text: str) -> str:
    """Runs of characters without a font → the name of their script in brackets."""
    pieces: list[str] = []
    named = ""
    for char in text:
        if face_of(char):
            pieces.append(char)
            named = named if char == " " else ""
            continue
        script = unicodedata.name(char, "other").split()[0].lower()
        name = f"[{'CJK' if script == 'cjk' else script.capitalize()} text]"
        if name != named:
            pieces.append(f" {name} ")
        named = name
    return "".join(pieces)
