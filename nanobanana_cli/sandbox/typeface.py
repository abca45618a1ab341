"""Set the letters of a picture in Pillow's own font and two that come with nb.

Uses neither the system's fonts nor Pillow's second layout engine, which depends on a library of
the system: a picture is the same on every machine.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# From one line to the next, by the size of the letters.
LEADING = 1.25
_FOLDER = Path(__file__).parent / "fonts"
# Large enough for every outline to leave a mark.
_PROBE = 24
_NO_CHARACTER = "\uffff"
# Scripts that need a layout engine: those that run from right to left or whose letters join
# (Hebrew, Arabic, Syriac …), and those of India, whose vowel signs change places.
_NEEDS_LAYOUT = re.compile(r"[\u0590-\u0dff\ufb1d-\ufdff\ufe70-\ufeff]")
# More characters than fit on any picture.
_MOST = 1200
_LATIN = re.compile(r"LATIN (SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})\b")
_INVISIBLE = ("Cc", "Cf", "Mn", "Me", "Cs", "Co", "Cn")
_SYMBOLS = ("So", "Sm", "Sk")
# Letters advance by whole pixels. Below this size that shows, so they are set larger and reduced.
_EVEN = 64


class Face(Enum):
    """A font; the value is its file, or "" for Pillow's own."""

    PLAIN = ""
    WORLD = "NotoSans.ttf"
    EAST = "DroidSansFallback.ttf"


def drawable(prompt: str) -> str:
    """Return the prompt on one line, in characters that the fonts have.

    Drops accents that the fonts lack, turns digits into those of ASCII, puts symbols into words,
    and names the script of other text in brackets.
    """
    text = " ".join(prompt.split())
    if len(text) > _MOST:
        text = text[:_MOST] + "…"
    if text.isascii() and text.isprintable():
        return text
    plain = "".join(_simplify(char) for char in unicodedata.normalize("NFC", text))
    return " ".join(_spell_out(plain).split())


def _simplify(char: str) -> str:
    """Return a character that a font has, or a substitute; nothing for an invisible one."""
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
    """Replace runs of characters that no font has by the name of their script in brackets."""
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


@lru_cache(maxsize=4096)
def face_of(char: str) -> Face | None:
    """Return the first font that has a character and can set it, or None."""
    if char.isascii():
        return Face.PLAIN if char.isprintable() else None
    if _NEEDS_LAYOUT.match(char):
        return None
    return next((face for face in Face if _has(face, char)), None)


class Typeface:
    """The letters of a text in one size.

    Args:
        text: everything to set. If Pillow's font lacks one of its letters, none comes from it, so
            that words do not change their looks midway.
        size: in pixels.
    """

    def __init__(self, text: str, size: int) -> None:
        faces = {face_of(char) for char in text}
        self.leading = round(size * LEADING)
        self._base = Face.WORLD if Face.WORLD in faces else Face.PLAIN
        self._fine = -(-_EVEN // size)
        self._size = size * self._fine
        self._advances: dict[str, float] = {}

    @property
    def metrics(self) -> tuple[float, float]:
        """Return how far letters reach above and below the baseline, in pixels."""
        ascent, descent = _font(self._base, self._size).getmetrics()
        return ascent / self._fine, descent / self._fine

    def length(self, text: str) -> float:
        """Return the width of a text in pixels."""
        return sum(map(self._advance, text)) / self._fine

    def mask(self, size: tuple[int, int], lines: Iterable[tuple[float, float, str]]) -> Image.Image:
        """Return an image of the lines, white on black.

        Args:
            size: width and height in pixels.
            lines: the left edge, the baseline and the text of each.
        """
        image = Image.new("L", (size[0] * self._fine, size[1] * self._fine))
        pen = ImageDraw.Draw(image)
        for left, baseline, text in lines:
            x, y = left * self._fine, baseline * self._fine
            for font, run in self._runs(text):
                pen.text((x, y), run, font=font, fill=255, anchor="ls")
                x += font.getlength(run)
        return image.reduce(self._fine)

    def _advance(self, char: str) -> float:
        # The basic layout kerns only by a table that none of these fonts has.
        if char not in self._advances:
            self._advances[char] = _font(self._face(char), self._size).getlength(char)
        return self._advances[char]

    def _runs(self, text: str) -> list[tuple[ImageFont.FreeTypeFont, str]]:
        return [(_font(face, self._size), "".join(run)) for face, run in groupby(text, self._face)]

    def _face(self, char: str) -> Face:
        face = face_of(char)
        return self._base if face in (None, Face.PLAIN) else face


@lru_cache(maxsize=128)
def _font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    return _opened(face).font_variant(size=size)


@lru_cache
def _opened(face: Face) -> ImageFont.FreeTypeFont:
    if face is Face.PLAIN:
        font = ImageFont.load_default(_PROBE)
        # Pillow is only ever built without FreeType by hand.
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    # From its bytes: for a path that it cannot open Pillow goes looking among the system's fonts.
    data = io.BytesIO((_FOLDER / face.value).read_bytes())
    return ImageFont.truetype(data, _PROBE, layout_engine=ImageFont.Layout.BASIC)


def _has(face: Face, char: str) -> bool:
    """Return whether a font has a character: a missing one looks like one that no font has."""
    return _mask(face, char) != _mask(face, _NO_CHARACTER)


def _mask(face: Face, char: str) -> bytes:
    return bytes(_opened(face).getmask(char))
