"""Find the images of Markdown: its own, and those of HTML, components and shortcodes in it.

A parser says what is an image, but not where: it knows the lines of a paragraph, not the places in
it. So whatever could be one gets a mark before the page is parsed, which then shows where it came
out: in an image, a tag, a text, or code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions.pages import html
from nanobanana_cli.captions.pages.places import Lines, PageImage, Place, has_template, unused

if TYPE_CHECKING:
    from markdown_it.token import Token

_CANDIDATE = re.compile(
    r"(?P<image>!\[)(?P<blank>[ \t]*)\]"
    # Of others, only the line is of interest; a mark in `![fox]` would be one in its reference.
    r"|(?P<named>!\[)(?=[^\[\]]*\](?:\(|\[[^\]]))"
    r"|(?P<tag>(?i:<img)|<[A-Z][\w.]*)(?=[\s/>])"
    r"|(?P<shortcode>\{\{[<%]-?\s*[\w/.-]+|\{%-?\s*\w+)"
)
_CODE = frozenset({"code_block", "fence", "code_inline"})
_SHORTCODE = re.compile(r"\{\{[<%].*?[>%]\}\}|\{%.*?%\}", re.DOTALL)
_IMAGE_SHORTCODE = re.compile(r"\{[{%][<%]?-?\s*(?:figure|image|img|picture)\b", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_SRC = re.compile(r"\bsrc\s*[=:]\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>%]+)")
_UNPARSED = re.compile(r"!\[[ \t]*\]\([^)\n]*(?:\{\{|\{%)[^\n]*?\)")


class _Found(msgspec.Struct, frozen=True):
    """The findings of the parser in a marked page, in order: images, pieces of HTML, and texts."""

    kind: str
    content: str
    line: int
    src: str = ""


class _Marks(msgspec.Struct, frozen=True):
    """The marks in a page; their last letter says which space belongs to them."""

    word: str
    text: str
    lines: Lines
    candidates: tuple[re.Match[str], ...]

    def marked(self) -> str:
        """Return the page with a mark in each candidate."""
        pieces, done = list[str](), 0
        for number, found in enumerate(self.candidates):
            mark = f"{self.word}{number}"
            at = found.end("image") if found["image"] else found.end()
            # What comes next must still begin a word.
            mark = f"{mark}x" if found["image"] else f"{mark}y " if found["named"] else f" {mark}z"
            pieces += [self.text[done:at], mark]
            done = at
        return "".join([*pieces, self.text[done:]])

    def without(self, text: str) -> str:
        """Return a part of the marked page without marks."""
        word = self.word
        return re.sub(rf"{word}\d+x|{word}\d+y | {word}\d+z", "", text)

    def within(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the candidates whose marks are in a part of the page."""
        for found in re.finditer(rf"{self.word}(\d+)[xyz]", text):
            yield self.candidates[int(found[1])]

    def first(self, text: str) -> re.Match[str] | None:
        """Return the candidate that a part of the page begins with."""
        found = re.match(rf"(?:<[\w.]+ )?{self.word}(\d+)[xyz]", text, re.IGNORECASE)
        return self.candidates[int(found[1])] if found else None


def scan(text: str, *, is_mdx: bool) -> list[PageImage]:
    """Return the images of a Markdown page, in order.

    Args:
        text: the page, masked.
        is_mdx: it is MDX, which has components, and no code by indentation.
    """
    marks = _Marks(unused("nbq", text), text, Lines(text), tuple(_CANDIDATE.finditer(text)))
    images, seen = list[PageImage](), set[int]()
    for each in _parsed(marks.marked(), is_mdx):
        if each.kind == "image":
            images.append(_image(each, marks))
            continue
        if each.kind == "html":
            images += _of_html(each, marks, components=is_mdx)
        for candidate in marks.within(each.content):
            if candidate.start() not in seen:
                seen.add(candidate.start())
                images += _unparsed(candidate, marks)
    return images


def _parsed(text: str, is_mdx: bool) -> Iterator[_Found]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    if is_mdx:
        parser.disable("code")
    yield from _walk(parser.parse(text), 1)


def _walk(tokens: Sequence[Token], line: int) -> Iterator[_Found]:
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "image":
            yield _Found("image", _plain(token.children or ()), line, str(token.attrGet("src")))
        elif token.type in ("html_block", "html_inline"):
            yield _Found("html", token.content, line)
        elif token.type not in _CODE:
            if token.type == "text":
                yield _Found("text", token.content, line)
            yield from _walk(token.children or (), line)


def _plain(tokens: Sequence[Token]) -> str:
    """Return the text of what is in the brackets of an image: its alt text."""
    return "".join(
        "\n"
        if token.type in ("softbreak", "hardbreak")
        else _plain(token.children)
        if token.children
        else token.content
        for token in tokens
    )


def _image(found: _Found, marks: _Marks) -> PageImage:
    src, alt = marks.without(unquote(found.src)), marks.without(found.content)
    candidate = marks.first(found.content)
    line = marks.lines.number(candidate.start()) if candidate else found.line
    if alt.strip():
        return PageImage(line, src, alt)
    if candidate is None or candidate["image"] is None:
        return PageImage(line, src, None, reason="its brackets hold more than a text")
    start, end = candidate.span("blank")
    image = PageImage(line, src, None, Place(start, end), at=start)
    if has_template(src):
        return replace(image, place=None, reason="a template sets its address")
    return image


def _of_html(found: _Found, marks: _Marks, *, components: bool) -> Iterator[PageImage]:
    for tag in html.tags(found.content, components=components):
        candidate = marks.first(tag.raw)
        if candidate is None:
            continue
        given = {
            name: value and marks.without(value)
            for name, value in tag.attributes.items()
            if marks.first(name) is None
        }
        own = replace(tag, raw=marks.without(tag.raw), attributes=given)
        image = html.image_of(own, marks.text, candidate.start(), marks.lines)
        if image is not None:
            yield image


def _unparsed(candidate: re.Match[str], marks: _Marks) -> Iterator[PageImage]:
    """Yield what a site generator makes an image of, if it may be one without a text."""
    start, text = candidate.start(), marks.text
    if candidate["named"] or candidate["tag"]:
        return
    if candidate["image"]:
        whole = _UNPARSED.match(text, start)
        reason, is_sure = "a template sets its address", True
        src = whole[0].partition("(")[2][:-1].strip() if whole else ""
    else:
        whole = _SHORTCODE.match(text, start)
        reason, is_sure = "a shortcode makes it", False
        src = _shortcode_source(whole[0]) if whole else ""
        if src == "":
            return
    if whole is not None:
        yield PageImage(
            marks.lines.number(start), src, None, reason=reason, is_sure=is_sure, at=start
        )


def _shortcode_source(shortcode: str) -> str:
    """Return the image of a shortcode without a text; "" if it has one, or shows no image."""
    is_image = _IMAGE_SHORTCODE.match(shortcode) is not None
    named = _SRC.search(shortcode)
    if re.search(r"\balt\b|\bcaption\s*=", shortcode) or not (is_image or named):
        return ""
    if named:
        return named[1].strip("\"'")
    quoted = [each[0][1:-1] for each in _QUOTED.finditer(shortcode)]
    # The second is the text, as a rule: {% image "fox.jpg", "A fox" %}.
    if len([each for each in quoted if each]) > 1:
        return ""
    return quoted[0] if quoted else " ".join(shortcode.split()[1:-1])
