"""Text that cannot steer a terminal, be it from a server, a file name or a prompt. Pure."""

from __future__ import annotations

# Characters that change how a terminal shows what follows them: C0 and C1 controls, bidirectional
# marks and overrides, line and paragraph separators, the byte order mark, lone surrogates.
_HARMFUL = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    0xFEFF,
}


class _EscapeTable(dict[int, str]):
    """A `str.translate` table, so that harmless text costs one pass in C."""

    def __missing__(self, code: int) -> str:
        harmful = code in _HARMFUL or 0xD800 <= code < 0xE000
        self[code] = repr(chr(code))[1:-1] if harmful else chr(code)
        return self[code]


_visible = _EscapeTable()


def escape(text: str) -> str:
    r"""The text on one line, with everything that could steer a terminal spelt out (`\x1b`)."""
    return text if text.isascii() and text.isprintable() else text.translate(_visible)
