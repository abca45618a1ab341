"""Draw images on terminals that show them, by the protocol of Kitty or of iTerm2.

Sources: https://sw.kovidgoyal.net/kitty/graphics-protocol/ and
https://iterm2.com/documentation-images.html.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

Protocol = Literal["kitty", "iterm2"]

# Programs between nb and the terminal; they pass no images on, or only where that is set up.
_BETWEEN = ("TMUX", "STY", "ZELLIJ", "NVIM", "VIM_TERMINAL", "INSIDE_EMACS")
_BY_TERM: Mapping[str, Protocol] = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "wezterm": "iterm2",
}
# Terminals that show no images by these protocols, and may have been started from one that does:
# then its variables are still there.
_WITHOUT = ("VTE_VERSION", "XTERM_VERSION", "ALACRITTY_WINDOW_ID", "WT_SESSION")
_BY_PROGRAM: Mapping[str, Protocol] = {
    "ghostty": "kitty",
    "iTerm.app": "iterm2",
    "WezTerm": "iterm2",
}
# 22.04, the first with Kitty's protocol.
_FIRST_KONSOLE = 220400
# Of a PNG: iTerm2 takes up to a mebibyte of base64.
MOST_BYTES = 700_000
# The most base64 in one escape sequence of Kitty's protocol.
_CHUNK = 4096
# Where the terminal does not say, a window has so many columns and rows, and a cell about so many
# pixels.
_WINDOW, _CELL = (80, 24), (8, 16)
# Rows for what is above and below an image.
_OTHER_ROWS = 3
_LARGEST, _SMALLEST = 512, 16


def protocol(env: Mapping[str, str]) -> Protocol | None:
    """Return the protocol by which a terminal shows images; None if it does not say that it does.

    The environment decides. To ask the terminal would mean to read its answer from stdin, and with
    it what the user typed ahead.

    Args:
        env: the environment. `TERM` is of the innermost terminal; other variables may be left from
            one that started it.
    """
    term = env.get("TERM", "")
    if any(env.get(name) for name in _BETWEEN) or term.startswith(("screen", "tmux")):
        return None
    if term in _BY_TERM:
        return _BY_TERM[term]
    if not term.startswith("xterm") or any(env.get(name) for name in _WITHOUT):
        return None
    if program := env.get("TERM_PROGRAM"):
        return _BY_PROGRAM.get(program)
    # The only one that comes along through ssh.
    if env.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    konsole = env.get("KONSOLE_VERSION", "")
    is_konsole = konsole.isdecimal() and int(konsole) >= _FIRST_KONSOLE
    return "kitty" if is_konsole or env.get("KITTY_WINDOW_ID") else None


def sequence(png: bytes, by: Protocol) -> str:
    """Return what to write to a terminal to show an image at the cursor, without the line's end."""
    text = base64.b64encode(png).decode("ascii")
    if by == "iterm2":
        return f"\x1b]1337;File=inline=1;size={len(png)};preserveAspectRatio=1:{text}\a"
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    parts = []
    for number, chunk in enumerate(chunks):
        # a=T: transmit and display. f=100: PNG. q=2: answer nothing, as nobody reads it.
        first = "a=T,f=100," if number == 0 else ""
        more = int(number < len(chunks) - 1)
        parts.append(f"\x1b_G{first}q=2,m={more};{chunk}\x1b\\")
    return "".join(parts)


def longest_side(stream: TextIO) -> int:
    """Return how many pixels an image may be wide and high to fit on a terminal, at most 512."""
    rows, columns, width, height = _window(stream)
    columns, rows = columns or _WINDOW[0], rows or _WINDOW[1]
    width = width or columns * _CELL[0]
    height = height or rows * _CELL[1]
    usable = height * (rows - _OTHER_ROWS) // rows
    return max(_SMALLEST, min(_LARGEST, width, usable))


def _window(stream: TextIO) -> tuple[int, int, int, int]:
    """Return rows, columns, and width and height in pixels, which are 0 where they are unknown."""
    if sys.platform == "win32":
        import os

        columns, rows = os.get_terminal_size(stream.fileno())
        return rows, columns, 0, 0
    else:  # noqa: RET505 - for mypy, which takes the rest for unreachable on Windows otherwise
        import fcntl
        import struct
        import termios

        found = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
        return struct.unpack("HHHH", found)
