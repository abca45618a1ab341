"""Clean a model's answer: strip what is unsafe to show, labels and outer quotes."""

from __future__ import annotations

import re

from nanobanana_cli.ui.escape import strip_harmful

# Terminal escape sequences, whole, so that no `[31m` stays behind: CSI, OSC, short ones.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]"
)
_WHITE_SPACE = re.compile("[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")

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
    """Return the text on one line, without escape sequences and harmful characters."""
    text = _WHITE_SPACE.sub(" ", _ESCAPES.sub("", text))
    # Again, since what was between two spaces may be gone.
    return _WHITE_SPACE.sub(" ", strip_harmful(text)).strip()


def clean(text: str) -> str:
    """Return a model's answer without labels, outer quotes and unsafe characters."""
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
