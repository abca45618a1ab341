"""Describe the images of a page, and the places in its source where their texts go."""

from __future__ import annotations

import re
from bisect import bisect_right

import msgspec

# Front matter: YAML, TOML, JSON; Eleventy takes words after the dashes.
_FRONT_MATTER = re.compile(
    r" ?(?:---[^\n-]*\n.*?^---[ \t\r]*(?:\n|\Z)"
    r"|\+\+\+[ \t\r]*\n.*?^\+\+\+[ \t\r]*(?:\n|\Z)"
    r"|\{[ \t\r]*\n.*?^\}[ \t\r]*(?:\n|\Z))",
    re.DOTALL | re.MULTILINE,
)
# What a site generator shows as it stands, or not at all.
_SHOWN = re.compile(
    r"\{\{([<%])-?\s*highlight\b.*?\{\{\1-?\s*/\s*highlight\s*-?[>%]\}\}"
    r"|\{%-?\s*(raw|highlight|comment|verbatim)\b.*?%\}.*?\{%-?\s*end\2\s*-?%\}"
    r"|\{\{/\*.*?\*/\}\}|\{#-?\s.*?#\}",
    re.DOTALL,
)
_MDX_COMMENT = re.compile(r"\{\s*/\*.*?\*/\s*\}", re.DOTALL)
_TEMPLATE = re.compile(r"\{\{|\{%|<[%?]|%7B%7B|\$\{|=\s*\{", re.IGNORECASE)
# Of Markdown: what could begin something else than text. An entity where a backslash is not
# understood everywhere, or where a site generator or MDX would take braces for its own.
_BACKSLASHED = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"<": "&lt;", "{": "&#123;", "}": "&#125;", "|": "&#124;"}
_AS_ENTITY = re.compile(r"[<{}|]|~(?=~)|(?<=~)~|&(?=#?\w+;)")
# Two of them are around a formula.
_DOLLARS = re.compile(r"\$.*\$")


class Place(msgspec.Struct, frozen=True):
    """A place in the source of a page where an alt text goes.

    Args:
        start, end: what it replaces, in characters; equal where it replaces nothing.
        quote: of an HTML attribute, which the text then becomes; "" in Markdown.
    """

    start: int
    end: int
    quote: str = ""

    def filled(self, text: str) -> str:
        """Return what is written there, so that the page's parser finds exactly this text."""
        if self.quote:
            return f" alt={self.quote}{_in_attribute(text, self.quote)}{self.quote}"
        entities = _AS_ENTITY.sub(lambda found: _entity(found[0]), text)
        if _DOLLARS.search(text):
            entities = entities.replace("$", "&#36;")
        # An entity has none of the characters that a backslash is for.
        return _BACKSLASHED.sub(r"\\\g<0>", entities)


class PageImage(msgspec.Struct, frozen=True):
    """An image in a page.

    Args:
        line: where, from 1.
        src: its address as the page has it.
        alt: its text; "" for a decorative image; None if the page has none.
        place: where a text goes; None if there is one, or it must be left to a person.
        reason: why it is left to a person.
        is_sure: False if a template or a component may give it a text.
        at: its place in the source, in characters; None if that is not known.
    """

    line: int
    src: str
    alt: str | None
    place: Place | None = None
    reason: str | None = None
    is_sure: bool = True
    at: int | None = None


class Lines:
    """The lines of a text, to number the places in it.

    Args:
        text: whose lines end with LF.
    """

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def number(self, at: int) -> int:
        """Return the number of a place's line, from 1; places are in characters."""
        return bisect_right(self._starts, at)

    def start(self, number: int) -> int:
        """Return the place where a line begins, by its number from 1."""
        return self._starts[number - 1]


def has_template(text: str) -> bool:
    """Return whether a part of a page holds what a site generator or MDX fills in."""
    return _TEMPLATE.search(text) is not None


def masked(text: str, *, is_mdx: bool) -> str:
    """Return a page with spaces for front matter, code that is shown, and comments.

    Places and lines stay as they are.
    """
    if text.startswith("\ufeff"):
        text = " " + text[1:]
    if front := _FRONT_MATTER.match(text):
        text = _blank(front) + text[front.end() :]
    text = _SHOWN.sub(_blank, text)
    return _MDX_COMMENT.sub(_blank, text) if is_mdx else text


def unused(word: str, text: str) -> str:
    """Return a word that begins like this one, and does not occur in a text of any case."""
    lower = text.lower()
    while word in lower:
        word += "q"
    return word


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _in_attribute(text: str, quote: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace("{", "&#123;").replace("}", "&#125;")
    return text.replace('"', "&quot;") if quote == '"' else text.replace("'", "&#39;")


def _entity(character: str) -> str:
    return _ENTITIES.get(character) or ("&amp;" if character == "&" else f"&#{ord(character)};")
