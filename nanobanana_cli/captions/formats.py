"""Format a text as Markdown, HTML or CSV, so that nothing in it acts there.

Every function accepts any text, strips it and escapes it for its target. Template engines run
before Markdown and HTML are read, so their brackets are escaped, too.
"""

from __future__ import annotations

import csv
import html
import io
import os
import re
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from nanobanana_cli.ui.escape import escape, strip_unsafe

FORMS = ("text", "json", "json-map", "markdown", "html", "csv", "csv-bom")
CSV_COLUMNS = ("path", "text", "width", "height")

# CommonMark allows a backslash before any ASCII punctuation. Besides its own characters these are
# what template engines ({{ {% {#), mathematics ($) and tables (|) look for.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>&!|~$%#^]")
_TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "`": "&#96;"})
# What `lang` takes, by its shape (BCP 47): a language's name is longer.
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
# Spreadsheets read a cell that starts with one of these as a formula.
_FORMULA = ("=", "+", "-", "@")


class Caption(msgspec.Struct, frozen=True):
    """A text and the image it belongs to.

    Args:
        path: the image file, as it is to be named.
        text: any text.
        width, height: pixels; None when not known.
        lang: the text's language as it was asked for.
        short: the alt text of an image whose long description this is; None for any other text.
    """

    path: str
    text: str
    width: int | None = None
    height: int | None = None
    lang: str | None = None
    short: str | None = None


def relative(path: str, base: str | None) -> str:
    """Return the path relative to the folder `base`; without one, the path itself."""
    return os.path.relpath(path, base) if base is not None else path


def as_markdown(caption: Caption) -> str:
    """Return `![text](path)`."""
    text = _MARKDOWN.sub(lambda match: "\\" + match.group(), strip_unsafe(caption.text))
    return f"![{text}]({_url(caption.path)})"


def as_html(caption: Caption) -> str:
    """Return `<img src="path" alt="text" width="640" height="480" lang="en" />`.

    Size and language are there when they are known. A long description is the `<figcaption>` of a
    `<figure>`.
    """
    size = lang = ""
    if caption.width and caption.height:
        size = f' width="{caption.width}" height="{caption.height}"'
    if caption.text and caption.lang and _TAG.fullmatch(caption.lang):
        lang = f' lang="{caption.lang}"'
    text = _html(caption.text)
    if caption.short is None:
        return f'<img src="{_url(caption.path)}" alt="{text}"{size}{lang} />'
    image = f'<img src="{_url(caption.path)}" alt="{_html(caption.short)}"{size} />'
    return f"<figure{lang}>{image}<figcaption>{text}</figcaption></figure>"


def as_csv(caption: Caption, more: Sequence[str] = ()) -> str:
    """Return one row of `CSV_COLUMNS`, and `more` cells, by RFC 4180, without its line end.

    A cell that a spreadsheet would read as a formula gets a harmless prefix: a text a space, a
    path `./`.
    """
    text = strip_unsafe(caption.text)
    path = escape(caption.path)
    if text.startswith(_FORMULA):
        text = " " + text
    if path.startswith(_FORMULA) and path != "-":
        path = "./" + path
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(
        [path, text, caption.width, caption.height, *more]
    )
    return buffer.getvalue()


def _html(text: str) -> str:
    return html.escape(strip_unsafe(text)).translate(_TEMPLATE)


def _url(path: str) -> str:
    """Return the path as a URL path, percent-encoded but for letters, digits and `/_.-~`.

    So it needs no further escaping in Markdown or HTML.
    """
    posix = path.replace(os.sep, "/")
    # Two slashes in front would name a host.
    return quote(os.fsencode(re.sub("^/+", "/", posix)), safe="/")
