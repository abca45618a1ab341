"""Find the images of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

import msgspec

from nanobanana_cli.captions.pages.places import Lines, PageImage, Place, has_template

# Elements whose content is text, not elements.
_RAW_TEXT = frozenset({"textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"})
_COMPONENT = re.compile(r"<(?!IMG\b)[A-Z][\w.]*")
_FROM_TEMPLATE = "a template sets its attributes"


class Tag(msgspec.Struct, frozen=True):
    """A start tag of an image.

    Args:
        raw: its source.
        attributes: name in lower case → value; None for one without a value.
        start: where it begins in what was parsed, in characters.
        is_component: of MDX or Astro, so that only its author knows its properties.
    """

    raw: str
    attributes: dict[str, str | None]
    start: int
    is_component: bool = False


def tags(text: str, *, components: bool) -> list[Tag]:
    """Return the tags of images in a text of HTML.

    Args:
        text: HTML, or a part of it that starts and ends between two tags.
        components: take components that may show an image, too.
    """
    parser = _Parser(text, components)
    parser.feed(text)
    parser.close()
    return parser.found


def scan(text: str, *, components: bool) -> list[PageImage]:
    """Return the images of an HTML page, or of a template for one."""
    lines = Lines(text)
    found = (image_of(tag, text, tag.start, lines) for tag in tags(text, components=components))
    return [image for image in found if image is not None]


def image_of(tag: Tag, text: str, start: int, lines: Lines) -> PageImage | None:
    """Return the image of a tag; None if it has a text, or a name, that is not in `alt`.

    Args:
        tag: as `tags` returns it.
        text: the source of the page.
        start: where the tag begins in it.
        lines: those of the page.
    """
    given = tag.attributes
    src = _source(given)
    image = PageImage(lines.number(start), src, None, at=start)
    if "alt" in given and not tag.is_component:
        return msgspec.structs.replace(image, alt=given["alt"] or "")
    if any(_names(name) for name in given) or any(
        given.get(name) for name in ("aria-label", "aria-labelledby")
    ):
        return None
    if tag.is_component:
        reason = f"{tag.raw.split()[0].strip('</>')} is a component"
        return msgspec.structs.replace(image, reason=reason, is_sure=False)
    if given.get("role") in ("none", "presentation") or given.get("aria-hidden") == "true":
        return msgspec.structs.replace(image, alt="")
    if has_template(tag.raw) or any(name.startswith(("{", ":", "v-bind")) for name in given):
        is_sure = not re.search(r"\{\{|\{%|<[%?]|\{\.\.\.|v-bind=", tag.raw)
        reason = _FROM_TEMPLATE
        return msgspec.structs.replace(image, reason=reason, is_sure=is_sure)
    return msgspec.structs.replace(image, place=_place(tag.raw, text, start))


def _source(attributes: dict[str, str | None]) -> str:
    src = attributes.get("src") or ""
    # What loads late shows a stand-in first.
    if not src or src.startswith("data:"):
        src = attributes.get("data-src") or src
    return src.strip()


def _names(name: str) -> bool:
    """Return whether an attribute sets `alt`: `:alt`, `v-bind:alt`, `[alt]`, `{alt}`."""
    return name != "alt" and re.fullmatch(r"[\w-]*[:\[{(]+(?:attr\.)?alt[\])}]*", name) is not None


def _place(raw: str, text: str, start: int) -> Place:
    """Return the place after the last attribute; after the name if the source is not as parsed."""
    quote = "'" if "'" in raw and '"' not in raw else '"'
    source = next(
        (each for each in (raw, raw.replace("\n", "\r\n")) if text.startswith(each, start)), None
    )
    if source is None:
        at = start + len("<img")
        return Place(at, at, quote)
    inner = source[:-1]
    # In `src=a/`, the slash is a part of the value.
    if re.search(r"(?:<img|[\s\"'])/$", inner, re.IGNORECASE):
        inner = inner[:-1]
    at = start + len(inner.rstrip())
    return Place(at, at, quote)


class _Parser(HTMLParser):
    """Collect the tags of images."""

    def __init__(self, text: str, components: bool) -> None:
        super().__init__()
        self.found: list[Tag] = []
        self._components = components
        self._lines = Lines(text)
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        if self._inside is not None:
            return
        if tag in _RAW_TEXT and not raw.endswith("/>"):
            self._inside = tag
        line, column = self.getpos()
        # Of attributes with the same name, the first counts.
        given = dict(reversed([*attrs]))
        start = self._lines.start(line) + column
        if self._components and _COMPONENT.match(raw):
            if given.keys() & {"src", "image"} and not given.get("alt"):
                self.found.append(Tag(raw, given, start, is_component=True))
        elif tag == "img":
            self.found.append(Tag(raw, given, start))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None
