"""Write the prompt and the sandbox's mark on a picture."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right

from PIL import Image, ImageDraw, ImageFilter

from nanobanana_cli.sandbox.typeface import LEADING, Typeface, drawable

MARK = "nb sandbox · not a real model"
_MAX_LINES = 8
_WHITE = (255, 255, 255)
# Chinese and Japanese are broken anywhere but before and after some marks.
_OPENING, _CLOSING = "「『（【《〈〔［｛", "、。，．・：；！？）」』】》〉〕］｝…ー々"
_EASTERN = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNBROKEN = re.compile(f"[{_OPENING}]*[{_EASTERN}][{_CLOSING}]*|[^{_EASTERN}]+[{_CLOSING}]*")


def write(image: Image.Image, prompt: str) -> None:
    """Write the prompt into the sky and the mark into the lower right corner, in place."""
    _write_title(image, prompt)
    _write_mark(image)


def _write_title(image: Image.Image, prompt: str) -> None:
    width, height = image.size
    text = drawable(prompt)
    area = int(width * 0.86), int(height * 0.36)
    lines, face = _fit(text, area, _scale(image))
    if not lines:
        return
    tall = face.leading * len(lines)
    # Letters of some scripts reach out of their line, and shadows out of all.
    margin = face.leading // 3
    left = max(0, int(width * 0.07) - margin)
    top = int(height * 0.06 + (area[1] - tall) / 2) - margin
    letters = _mask(lines, face, (width - 2 * left, tall + 2 * margin), margin)
    # Only the box of the letters is blurred: at 4K a blur of the whole picture takes seconds.
    shadow = letters.reduce(4).filter(ImageFilter.GaussianBlur(max(1, face.leading / 40)))
    shadow = shadow.resize(letters.size).point(lambda level: min(255, level * 2) * 0.45)
    image.paste((0, 0, 0), (left, top), shadow)
    image.paste(_WHITE, (left, top), letters)


def _mask(lines: list[str], face: Typeface, size: tuple[int, int], margin: int) -> Image.Image:
    """Return the letters, white on black, each line in the middle."""
    ascent, descent = face.metrics
    # A font for many scripts reaches further than a line is high, so it is centred by its metrics.
    baseline = margin + round((face.leading + ascent - descent) / 2)
    places = (
        ((size[0] - face.length(line)) / 2, baseline + number * face.leading, line)
        for number, line in enumerate(lines)
    )
    return face.mask(size, places)


def _scale(image: Image.Image) -> float:
    """Return the side of a square of the same area, in pixels."""
    return math.sqrt(image.width * image.height)


def _fit(text: str, area: tuple[int, int], scale: float) -> tuple[list[str], Typeface]:
    """Break the text into lines at the largest size that fits, shortened if none does.

    Cut words only when smaller letters would no longer be readable.
    """
    words = _words(text)
    smallest = max(11, round(scale / 42))
    size = max(smallest, min(round(scale / 9), int(area[1] / LEADING)))
    while True:
        face = Typeface(text, size)
        most = max(1, min(_MAX_LINES, area[1] // face.leading))
        lines = _wrap(words, face, area[0])
        whole = all(face.length(word) <= area[0] for _, word in words)
        if len(lines) <= most and (whole or size <= scale / 20):
            return lines, face
        if size <= smallest:
            return _shorten(lines[:most], face, area[0]), face
        size = max(smallest, int(size * 0.9))


def _words(text: str) -> list[tuple[str, str]]:
    """Return what stays together on a line, each with its separator from the one before."""
    return [
        ("" if number else " ", piece)
        for word in text.split()
        for number, piece in enumerate(_UNBROKEN.findall(word))
    ]


def _wrap(words: list[tuple[str, str]], face: Typeface, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for space, word in words:
        longer = line + space + word if line else word
        if face.length(longer) <= width:
            line = longer
            continue
        *cut, rest = _pieces(word, face, width)
        lines += [line, *cut] if line else cut
        line = rest
    return [*lines, line] if line else lines


def _pieces(word: str, face: Typeface, width: int) -> list[str]:
    """Return a word in pieces that fit on a line each."""
    pieces = []
    while face.length(word) > width and len(word) > 1:
        cut = bisect_right(
            range(1, len(word)), width, key=lambda end: math.ceil(face.length(word[:end]))
        )
        # Never between a letter and the mark on it.
        while cut > 1 and unicodedata.category(word[cut]).startswith("M"):
            cut -= 1
        pieces.append(word[: max(1, cut)])
        word = word[max(1, cut) :]
    return [*pieces, word]


def _shorten(lines: list[str], face: Typeface, width: int) -> list[str]:
    last = lines[-1]
    while last and face.length(last + "…") > width:
        last = last[:-1]
    return [*lines[:-1], last.rstrip(" ,.;:、。，") + "…"]


def _write_mark(image: Image.Image) -> None:
    width, height = image.size
    size = max(9, round(_scale(image) / 48))
    face = Typeface(MARK, size)
    while face.length(MARK) + 3 * size > width and size > 7:
        size -= 1
        face = Typeface(MARK, size)
    pad = size * 0.75
    pill = round(face.length(MARK) + 2 * pad), round(size * 1.9)
    # Drawn three times as large and reduced, for smooth ends.
    mask = Image.new("L", (pill[0] * 3, pill[1] * 3))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, mask.width - 1, mask.height - 1), pill[1] * 1.5, fill=150
    )
    corner = width - pill[0] - size, height - pill[1] - size
    image.paste((10, 12, 22), corner, mask.reduce(3))
    ascent, descent = face.metrics
    letters = face.mask(pill, [(pad, (pill[1] + ascent - descent) / 2, MARK)])
    image.paste(_WHITE, corner, letters)
