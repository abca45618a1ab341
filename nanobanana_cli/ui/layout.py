"""Word numbers of things, and fit text into the columns of a terminal. Pure."""

from __future__ import annotations

import re
import unicodedata

# A word and the space before it. What stands in backticks, and a command at the end, is one word:
# the terminal breaks it where it must, and it can be copied whole.
_WORDS = re.compile(r"(\s*)((?<=: )(?:[A-Z_]+=\S+ )*nb .*$|(?:`[^`]*`|\S)+)")
# Narrower terminals break lines as they like.
_NARROWEST = 20


def counted(count: int, what: str) -> str:
    """Return a number of things: `1 page`, `2 pages`."""
    return f"{count} {what}{'s' * (count != 1)}"


def cells(text: str) -> int:
    """Return how many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def shortened(text: str, width: int) -> str:
    """Return the text, cut to `width` columns with an ellipsis if it takes more."""
    if cells(text) <= width:
        return text
    left, kept = width - 1, 0
    for char in text:
        left -= _cells(char)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip()}…" if width > 0 else ""


def wrapped(text: str, width: int, indent: int = 0) -> str:
    """Return the text with its lines broken at words.

    A text that begins with a space is a block of its own, and stays as it is.

    Args:
        text: one line.
        width: columns of the terminal.
        indent: columns before the first line, and before the others.
    """
    if width < _NARROWEST or indent + cells(text) <= width or text[:1].isspace():
        return text
    lines, line = [], ""
    for match in _WORDS.finditer(text):
        gap, word = match.groups()
        if line and indent + cells(line + gap + word) > width:
            lines.append(line)
            line = word
        else:
            line += gap + word
    return ("\n" + " " * indent).join([*lines, line])
