"""Make text from a server, a file name or a prompt safe to show. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

# Characters that control a terminal, or mislead a parser or reader: C0 and C1 controls,
# bidirectional marks and overrides, line and paragraph separators, the byte order mark and
# noncharacters; lone surrogates are added below. Joiners are left out: emoji and several scripts
# need them.
_HARMFUL = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xFDD0, 0xFDF0),
    0xFEFF,
    0xFFFE,
    0xFFFF,
}

# Terminal escape sequences, whole, so that no `[31m` stays behind: CSI, OSC, short ones.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]"
)
_WHITE_SPACE = re.compile("[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")


class _Table(dict[int, str]):
    """Translate harmful characters; filled as characters are met, for `str.translate`.

    Args:
        substitute: returns what replaces a harmful character.
        kept: characters that are not harmful here.
    """

    def __init__(self, substitute: Callable[[str], str], kept: str = "") -> None:
        self._substitute = substitute
        self._kept = kept

    def __missing__(self, code: int) -> str:
        char = chr(code)
        harmful = (code in _HARMFUL or 0xD800 <= code < 0xE000) and char not in self._kept
        self[code] = self._substitute(char) if harmful else char
        return self[code]


_escaped = _Table(lambda char: repr(char)[1:-1])
_stripped = _Table(lambda _: "")
# HTML handles white space and directional marks itself.
_replaced = _Table(lambda _: "\ufffd", kept="\t\n\u061c\u200e\u200f\u2028\u2029\ufeff")


def escape(text: str) -> str:
    r"""Return the text on one line, with harmful characters spelled out (`\x1b`)."""
    return text if text.isascii() and text.isprintable() else text.translate(_escaped)


def strip_harmful(text: str) -> str:
    """Return the text without harmful characters."""
    return text.translate(_stripped)


def strip_unsafe(text: str) -> str:
    """Return the text on one line, without escape sequences and harmful characters."""
    text = _WHITE_SPACE.sub(" ", _ESCAPES.sub("", text))
    # Again, since what was between two spaces may be gone.
    return _WHITE_SPACE.sub(" ", strip_harmful(text)).strip()


def replace_harmful(text: str) -> str:
    """Return the text for HTML, with U+FFFD in place of harmful characters."""
    return text.translate(_replaced)


def one_line(text: str, longest: int = 240) -> str:
    """Return the text with white space collapsed, cut to `longest` characters."""
    # A lone surrogate, which JSON can smuggle in, cannot be printed.
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
