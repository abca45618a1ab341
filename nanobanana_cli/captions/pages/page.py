"""Read one page, find its images, and put texts into it: of all else, no byte changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions.pages import html, markdown
from nanobanana_cli.captions.pages.files import MARKDOWN, TEMPLATES
from nanobanana_cli.captions.pages.places import PageImage, masked
from nanobanana_cli.captions.prompts import around
from nanobanana_cli.errors import LocalFileError, UsageError

# Bytes; a larger one was written by a program.
_MOST = 2_000_000
_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
# What browsers take these for (https://encoding.spec.whatwg.org/#names-and-labels).
_WINDOWS = dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "windows-1252")


class Page(msgspec.Struct, frozen=True):
    """A page, as it was read.

    Args:
        path: its file.
        data: its bytes.
        encoding: what they are in.
        text: the same in characters.
        images: those in it, in order.
    """

    path: str
    data: bytes
    encoding: str
    text: str
    images: tuple[PageImage, ...]

    def context(self, image: PageImage) -> str:
        """Return the title, the heading and the paragraphs around an image."""
        at = image.at or 0
        return around(self.text, at, at)

    def edited(self, texts: Mapping[int, str]) -> tuple[bytes, set[int]]:
        """Return the page with texts, and the images whose place takes none as it is.

        Args:
            texts: number of an image → its text, "" for a decorative one.
        """
        done = self._shown({n: text for n, text in texts.items() if self._changes(n, text)})
        done = done if self._shows(done) else {}
        lost = {number for number, text in texts.items() if text and number not in done}
        return self._with(done), lost

    def save(self, data: bytes) -> None:
        """Write the page, whole, in place of what was read.

        Raises:
            UsageError: it cannot be read again.
            LocalFileError: it cannot be written, or has changed since.
        """
        path = Path(self.path)
        if files.read(path, "page", limit=_MOST) != self.data:
            raise LocalFileError(
                f"{self.path} has changed meanwhile, and is left as it is",
                hint="run it again: the texts are kept, so that it costs nothing",
            )
        files.replace(path, data)

    def _changes(self, number: int, text: str) -> bool:
        """Return whether a text changes the page; an empty one is there already in Markdown."""
        place = self.images[number].place
        return place is not None and bool(text or place.quote)

    def _shown(self, texts: Mapping[int, str]) -> dict[int, str]:
        """Return the texts that come out exactly; one that does not keeps no other from its place.

        The page is parsed a few times for each that does not.
        """
        if not texts or self._shows(texts):
            return {**texts}
        numbers = [*texts]
        if len(numbers) == 1:
            return {}
        middle = len(numbers) // 2
        return {
            number: text
            for half in (numbers[:middle], numbers[middle:])
            for number, text in self._shown({number: texts[number] for number in half}).items()
        }

    def _with(self, texts: Mapping[int, str]) -> bytes:
        places = [(self.images[number].place, text) for number, text in texts.items()]
        fillings = sorted(
            (place.start, place.end, place.filled(text)) for place, text in places if place
        )
        pieces, done = list[bytes](), 0
        for start, end, filling in fillings:
            # What the encoding of an HTML page lacks becomes a character reference.
            pieces += [
                self.text[done:start].encode(self.encoding),
                filling.encode(self.encoding, "xmlcharrefreplace"),
            ]
            done = end
        return b"".join([*pieces, self.text[done:].encode(self.encoding)])

    def _shows(self, texts: Mapping[int, str]) -> bool:
        """Return whether the page with texts, parsed again, has these and is else the same."""
        found = _images(self.path, self._with(texts).decode(self.encoding))
        wanted = [
            (image.src, texts.get(number, image.alt)) for number, image in enumerate(self.images)
        ]
        return wanted == [(image.src, image.alt) for image in found]


def read(path: str) -> Page:
    """Read a page.

    Raises:
        UsageError: it cannot be read, is too large, or not text in a known encoding.
        LocalFileError: the device failed.
    """
    data = files.read(Path(path), "page", limit=_MOST)
    encoding, text = _decoded(path, data)
    return Page(path, data, encoding, text, tuple(_images(path, text)))


def _decoded(path: str, data: bytes) -> tuple[str, str]:
    """Return the encoding of a page, and its text."""
    declared = _CHARSET.search(data[:4096])
    is_markdown = path.lower().endswith(MARKDOWN)
    names = ["utf-8"]
    if declared and not is_markdown:
        name = declared[1].decode("ascii").lower()
        names.append(_WINDOWS.get(name, name))
    for name in names:
        try:
            text = data.decode(name)
            # An encoding with states could change what is around a text.
            if "\0" not in text and text.encode(name) == data:
                return name, text
        except (UnicodeError, LookupError):
            continue
    raise UsageError(f"page {path} is not UTF-8 text", hint="save it as UTF-8")


def _images(path: str, text: str) -> list[PageImage]:
    suffix = Path(path).suffix.lower()
    is_mdx = suffix == ".mdx"
    source = masked(text, is_mdx=is_mdx)
    if suffix in MARKDOWN:
        return markdown.scan(source, is_mdx=is_mdx)
    images = html.scan(source, components=suffix == ".astro")
    if suffix not in TEMPLATES:
        return images
    return [
        replace(image, place=None, reason=image.reason or "it is in a template") for image in images
    ]
