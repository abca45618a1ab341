"""Harmless faults of a text, mended: what steers a terminal, white space, labels, quotes."""

from __future__ import annotations

import re

# Escape sequences of terminals, whole, so that no `[31m` stays behind: CSI, OSC, short ones.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]"
)
_WHITE_SPACE = re.compile("[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Controls, bidirectional marks and overrides, the byte order mark, lone surrogates, and what is no
# character at all. Joiners stay: emoji and several scripts are spelt with them.
HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef\ufffe\uffff"
    "\ud800-\udfff]"
)

_LABELS = (
    "alt",
    r"alt[ -]?text",
    "alternative text",
    "alt[ -]?tag",
    "image description",
    "description",
    "caption",
    "title",
    "tags",
    "alternativtext",
    "bildbeschreibung",
    "texte alternatif",
    "texto alternativo",
    "testo alternativo",
    "alternatieve tekst",
    "tekst alternatywny",
)
_LABEL = re.compile(
    rf"[*_#`\s]*(?:{'|'.join(_LABELS)})[*_`\s]*[:\uff1a](?:[*_`]+(?=\s|$))?\s*", re.IGNORECASE
)
# Opening and closing, in the main languages.
_QUOTES = (
    ('"', '"'),
    ("'", "'"),
    ("`", "`"),
    ("\u201c", "\u201d"),
    ("\u201e", "\u201c"),
    ("\u201e", "\u201d"),
    ("\u201d", "\u201d"),
    ("\u2018", "\u2019"),
    ("\u201a", "\u2018"),
    ("\u00ab", "\u00bb"),
    ("\u00bb", "\u00ab"),
    ("\u2039", "\u203a"),
    ("\u300c", "\u300d"),
)


def strip_unsafe(text: str) -> str:
    """One line of text with nothing in it that steers a terminal, a parser or the eye.

    Escape sequences, control characters, bidirectional marks and lone surrogates are gone; runs of
    white space are one space.
    """
    text = _WHITE_SPACE.sub(" ", _ESCAPES.sub("", text))
    # Again, since what stood between two spaces may be gone.
    return _WHITE_SPACE.sub(" ", HARMFUL.sub("", text)).strip()


def clean(text: str) -> str:
    """A model's answer as the text that was asked for: plain, without label and outer quotes."""
    text, before = strip_unsafe(text), None
    while text != before:
        before = text
        text = _without_quotes(_LABEL.sub("", text, count=1) if _LABEL.match(text) else text)
    return text


def _without_quotes(text: str) -> str:
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        whole = len(text) > 1 and text[0] == opening and text[-1] == closing
        # `"Stop" and "Go"` is not quoted as a whole.
        if whole and opening not in inner and closing not in inner:
            return inner.strip()
    return text
