"""Turn texts into lines of man(7): escaped, with code in bold, and in short lines."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Iterator

# Columns of the source, which `mandoc -T lint` wants below 80, and of an example as it is shown.
_SOURCE_WIDTH = 76
_EXAMPLE_WIDTH = 73

_ESCAPES = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}
# The name of a value.
VALUE = re.compile(r"(?<!\w)[A-Z]+(?!\w)")
# Code in backticks, options, and words in capitals.
_MARKED = re.compile(rf"`[^`]+`|(?<![\w.-])--?[A-Za-z][\w-]*|{VALUE.pattern}")
_PROSE_APOSTROPHE = re.compile(r"(?<=[a-z])'(?=[a-z])|(?<=s)'(?= )")


def prose(text: str, values: Collection[str] = ()) -> str:
    """Return a help text as one line of man(7).

    Code in backticks and options are bold.

    Args:
        text: the help.
        values: the names of values, for italics.
    """
    done, parts = 0, []
    for match in _MARKED.finditer(text):
        word = match[0]
        parts.append(_escaped_prose(text[done : match.start()]))
        if word[0] in "`-":
            parts.append(f"\\fB{escaped(word.strip('`'))}\\fR")
        else:
            parts.append(f"\\fI{word}\\fR" if word in values else word)
        done = match.end()
    return "".join((*parts, _escaped_prose(text[done:])))


def with_italics(text: str) -> str:
    """Return a usage, such as `[OPTIONS] NAME`, with names of values in italics."""
    return VALUE.sub(lambda match: f"\\fI{match[0]}\\fR", escaped(text))


def _escaped_prose(text: str) -> str:
    """Escape text; an apostrophe within words stays one."""
    pieces = _PROSE_APOSTROPHE.split(text)
    return "'".join(map(escaped, pieces))


def escaped(text: str) -> str:
    """Escape what has a meaning in man(7), and what terminals and printers show as another sign."""
    return "".join(
        _ESCAPES.get(char, char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text
    )


def _protected(line: str) -> str:
    """Keep a line from being a request, as one that begins with a dot or an apostrophe is."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def filled(text: str) -> Iterator[str]:
    """Yield the lines of a paragraph: each sentence begins one."""
    for sentence in re.split(r"(?<=[.!?]) +(?=[A-Z\[\\])", text):
        for line in textwrap.wrap(
            sentence, _SOURCE_WIDTH, break_long_words=False, break_on_hyphens=False
        ):
            yield _protected(line)


def verbatim(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines to be shown as they are; a comment that makes one too wide goes before it."""
    yield ".EX"
    for line in textwrap.dedent("\n".join(lines)).splitlines():
        command, _, comment = line.partition("   # ")
        too_wide = len(line) > _EXAMPLE_WIDTH and comment
        for each in (f"# {comment}", command.rstrip()) if too_wide else (line,):
            yield _protected(escaped(each))
    yield ".EE"
