"""Make file names from prompts, and tell which names cannot be written."""

from __future__ import annotations

import os
import re
import sys
import unicodedata

_MOST_CHARACTERS = 60
# File systems allow 255 bytes; this leaves room for `-12345.alt.txt`.
_MOST_BYTES = 200
# Enough characters to read; a prompt can have a megabyte.
_MOST_READ = 1000
# Windows reserves these for devices, whatever their suffix.
_RESERVED = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
    }
)
_REFUSED_BY_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]')
# Letters and marks that Unicode calls default-ignorable: they are invisible.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# These do not end a word: `the fox's den` gives `the-foxs-den`.
_APOSTROPHES = "'\u2019"


def slug(prompt: str) -> str:
    """Return a file name without suffix, made from a prompt: `A red fox!` gives `a-red-fox`.

    Keep letters and digits of any script, in lower case and composed form (NFC), joined by single
    hyphens; at most 60 characters and 200 bytes of UTF-8, cut between words where that leaves at
    least half. Never empty, hidden, an option, or a Windows device.
    """
    read = prompt.strip()[:_MOST_READ]
    # ASCII is thirty times as fast, which a manifest of 100,000 prompts needs.
    words = _ASCII_WORD.findall(read.lower().replace("'", "")) if read.isascii() else _words(read)
    name = _shortened(unicodedata.normalize("NFC", "-".join(words))) or "image"
    return f"{name}-image" if name in _RESERVED else name


def unwritable(path: str, *, windows: bool = os.name == "nt") -> str:
    """Return why no file can have this path, as the end of a sentence about it; "" if one can.

    Args:
        path: with `/` between its names; a drive is not part of it.
        windows: also apply the rules of Windows.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        return f"has {character!a}, which this locale cannot write: {error.encoding}"
    if windows and (found := _REFUSED_BY_WINDOWS.search(path)):
        return f"has {found[0]!r}, which no name has on Windows"
    for name in path.split("/") if windows else ():
        if name.partition(".")[0].rstrip().lower() in _RESERVED:
            return f"has the name {name}, which is a device on Windows"
        if name not in (".", "..") and name.endswith((".", " ")):
            return f"has the name {name!r}, but on Windows none ends in a dot or space"
    return ""


def _words(text: str) -> list[str]:
    words: list[str] = [""]
    # A name that this locale cannot write would lose an image that is paid for.
    encoding = sys.getfilesystemencoding()
    for character in _composed(text).encode(encoding, "replace").decode(encoding):
        if _visible(character, after=words[-1]):
            words[-1] += character
        elif words[-1] and character not in _APOSTROPHES:
            words.append("")
    return [word for word in words if word]


def _composed(text: str) -> str:
    # Lower case can decompose a letter (İ), and composing can make one that has a lower case form.
    previous = None
    while text != previous:
        previous, text = text, unicodedata.normalize("NFC", text.lower())
    return text


def _visible(character: str, *, after: str) -> bool:
    """Return whether a character is a letter, a digit, or a mark on one."""
    if character in _INVISIBLE:
        return False
    category = unicodedata.category(character)
    return category[0] in "LN" or (category in ("Mn", "Mc") and bool(after))


def _shortened(name: str) -> str:
    cut = name[:_MOST_CHARACTERS].encode()[:_MOST_BYTES].decode(errors="ignore")
    if cut == name:
        return name
    if name[len(cut)] != "-" and (end := cut.rfind("-")) >= len(cut) // 2:
        cut = cut[:end]
    # A letter without its marks would be another letter.
    while cut and unicodedata.category(name[len(cut)])[0] == "M":
        cut = cut[:-1]
    return cut.strip("-")
