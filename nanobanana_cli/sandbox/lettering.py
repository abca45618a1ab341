"""Writes the prompt and the sandbox's mark on a picture."""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from nanobanana_cli.sandbox import glyphs

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MARK = "nb sandbox · not a real model"
_MAX_LINES = 8
_LEADING = 1.25
_PAPER = (255, 255, 255)


def write(image: Image.Image, prompt: str) -> None:
    """Put the prompt into the sky and the mark into the lower right corner, in place."""
    _title(image, prompt)
    _mark(image)


def _title(image: Image.Image, prompt: str) -> None:
    width, height = image.size
    text, face = glyphs.paintable(prompt)
    room = int(width * 0.86), int(height * 0.36)
    lines, font, leading = _fit(text, face, room, _scale(image))
    if not lines:
        return
    block = leading * len(lines)
    top = int(height * 0.06 + (room[1] - block) / 2)
    left = int(width * 0.07)
    # Only the box of the letters is blurred: at 4K a blur of the whole picture takes seconds.
    box = (left, top, left + room[0], top + block + leading // 3)
    letters = Image.new("L", (box[2] - box[0], box[3] - box[1]))
    pen = ImageDraw.Draw(letters)
    for number, line in enumerate(lines):
        x = (letters.width - font.getlength(line)) / 2
        pen.text((x, number * leading), line, font=font, fill=255)
    shadow = letters.reduce(4).filter(ImageFilter.GaussianBlur(max(1, leading / 40)))
    shadow = shadow.resize(letters.size).point(lambda level: min(255, level * 2) * 0.45)
    image.paste((0, 0, 0), box[:2], shadow)
    image.paste(_PAPER, box[:2], letters)


def _scale(image: Image.Image) -> float:
    """The side of a square of the same area, in pixels."""
    return math.sqrt(image.width * image.height)


def _fit(
    text: str, face: str | None, room: tuple[int, int], scale: float
) -> tuple[list[str], Font, int]:
    """The text broken into lines at the largest size that fits, shortened if none does.

    Words are cut only when smaller letters would no longer be readable.
    """
    smallest = max(11, round(scale / 42))
    size = max(smallest, min(round(scale / 9), int(room[1] / _LEADING)))
    while True:
        font = _font(face, size)
        leading = round(size * _LEADING)
        most = max(1, min(_MAX_LINES, room[1] // leading))
        lines = _wrap(text, font, room[0])
        whole = all(font.getlength(word) <= room[0] for word in text.split())
        if len(lines) <= most and (whole or size <= scale / 20):
            return lines, font, leading
        if size <= smallest:
            return _shorten(lines[:most], font, room[0]), font, leading
        size = max(smallest, int(size * 0.9))


def _wrap(text: str, font: Font, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in _words(text, font, width):
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, line] if line else lines


def _words(text: str, font: Font, width: int) -> list[str]:
    """Words, those too long for a line (or written without spaces) cut into pieces."""
    pieces = []
    for word in text.split():
        rest = word
        while font.getlength(rest) > width and len(rest) > 1:
            cut = bisect_right(
                range(1, len(rest)), width, key=lambda n: math.ceil(font.getlength(rest[:n]))
            )
            pieces.append(rest[: max(1, cut)])
            rest = rest[max(1, cut) :]
        pieces.append(rest)
    return pieces


def _shorten(lines: list[str], font: Font, width: int) -> list[str]:
    last = lines[-1]
    while last and font.getlength(last + "…") > width:
        last = last[:-1]
    return [*lines[:-1], last.rstrip(" ,.;:") + "…"]


def _mark(image: Image.Image) -> None:
    width, height = image.size
    size = max(9, round(_scale(image) / 48))
    font = _font(None, size)
    while font.getlength(MARK) + 3 * size > width and size > 7:
        size -= 1
        font = _font(None, size)
    pad = size * 0.75
    pill = round(font.getlength(MARK) + 2 * pad), round(size * 1.9)
    # Drawn three times as large and reduced, for smooth ends.
    mask = Image.new("L", (pill[0] * 3, pill[1] * 3))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, mask.width - 1, mask.height - 1), pill[1] * 1.5, fill=150
    )
    corner = width - pill[0] - size, height - pill[1] - size
    image.paste((10, 12, 22), corner, mask.reduce(3))
    middle = corner[0] + pill[0] / 2, corner[1] + pill[1] / 2
    ImageDraw.Draw(image).text(middle, MARK, font=font, fill=_PAPER, anchor="mm")


@lru_cache(maxsize=128)
def _font(face: str | None, size: int) -> Font:
    return ImageFont.truetype(face, size) if face else ImageFont.load_default(size)
