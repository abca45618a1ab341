"""The letters of the picture: Pillow's own font, and two that come with nb for what it lacks.

No font of the system is looked at, and Pillow's basic layout sets the letters, since the other one
depends on a library of the system: a picture is the same on every machine.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_FOLDER = Path(__file__).parent / "fonts"
# Large enough for every outline to leave a mark.
_PROBE = 24
_NO_CHARACTER = "\uffff"
# Scripts that need a layout engine: those that run from right to left or whose letters join
# (Hebrew, Arabic, Syriac …), and those of India, whose vowel signs change places.
_NEEDS_LAYOUT = re.compile(r"[\u0590-\u0dff\ufb1d-\ufdff\ufe70-\ufeff]")
# Letters advance by whole pixels. Below this size that shows, so they are set larger and reduced.
_EVEN = 64


class Face(Enum):
    """A font; the value is its file, or "" for Pillow's own."""

    PLAIN = ""
    WORLD = "NotoSans.ttf"
    EAST = "DroidSansFallback.ttf"


@lru_cache(maxsize=4096)
def face_of(char: str) -> Face | None:
    """Return the first font that has a character and can set it, or None."""
    if char.isascii():
        return Face.PLAIN if char.isprintable() else None
    if _NEEDS_LAYOUT.match(char):
        return None
    return next((face for face in Face if _has(face, char)), None)


class Typeface:
    """One size of the letters that a text needs.

    Args:
        text: all that will be set. With one character that Pillow's font lacks among its letters,
            none of them comes from it, so that words do not change their looks midway.
        size: in pixels.
    """

    def __init__(self, text: str, size: int) -> None:
        faces = {face_of(char) for char in text}
        self._base = Face.WORLD if Face.WORLD in faces else Face.PLAIN
        self._fine = -(-_EVEN // size)
        self._size = size * self._fine
        self._advances: dict[str, float] = {}

    @property
    def metrics(self) -> tuple[float, float]:
        """How far letters reach above and below the baseline, in pixels."""
        ascent, descent = _font(self._base, self._size).getmetrics()
        return ascent / self._fine, descent / self._fine

    def length(self, text: str) -> float:
        """The width of a text in pixels."""
        return sum(map(self._advance, text)) / self._fine

    def mask(self, size: tuple[int, int], lines: Iterable[tuple[float, float, str]]) -> Image.Image:
        """Lines of text, white on black.

        Args:
            size: width and height in pixels.
            lines: where each begins, its baseline, and its characters from left to right.
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
    """Whether a font has a character: what it lacks looks like what no font has."""
    return _mask(face, char) != _mask(face, _NO_CHARACTER)


def _mask(face: Face, char: str) -> bytes:
    return bytes(_opened(face).getmask(char))
