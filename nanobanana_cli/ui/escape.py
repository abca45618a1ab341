"""Make text from a server, a file name or a prompt safe to show. Pure."""

from __future__ import annotations

# Characters that steer a terminal, a parser or the eye: C0 and C1 controls, bidirectional marks
# and overrides, line and paragraph separators, the byte order mark, lone surrogates and
# noncharacters. Joiners are left out: emoji and several scripts need them.
HARMFUL = frozenset(
    {
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200E, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
        *range(0xFDD0, 0xFDF0),
        0xFEFF,
        0xFFFE,
        0xFFFF,
    }
)
# HTML handles white space and directional marks itself; the rest is as harmful there.
HARMFUL_IN_HTML = HARMFUL - {*map(ord, "\t\n\u061c\u200e\u200f\u2028\u2029\ufeff")}


class _EscapeTable(dict[int, str]):
    """A table for `str.translate`, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        self[code] = repr(chr(code))[1:-1] if code in HARMFUL else chr(code)
        return self[code]


_escapes = _EscapeTable()


def escape(text: str) -> str:
    r"""Return the text on one line, with harmful characters spelled out (`\x1b`)."""
    return text if text.isascii() and text.isprintable() else text.translate(_escapes)


def one_line(text: str, longest: int = 240) -> str:
    """Return the text with white space collapsed, cut to `longest` characters."""
    # A lone surrogate, which JSON can smuggle in, cannot be printed.
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
