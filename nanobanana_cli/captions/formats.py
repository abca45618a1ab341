r"""A text in the form that the next tool reads, inert there whatever it holds.

Every function takes any text: it is made plain first, and then escaped for its target. Template
engines run before Markdown and HTML are read, so their brackets are spelt another way, too.
"""

from __future__ import annotations

import csv
import html
import io
import os
import re
from urllib.parse import quote

import msgspec

from nanobanana_cli.captions.clean import HARMFUL, strip_unsafe

FORMS = ("text", "json", "markdown", "html", "csv")
CSV_COLUMNS = ("path", "text", "width", "height")

# CommonMark takes a backslash before any ASCII punctuation. Besides its own characters these are
# what template engines ({{ {% {#), mathematics ($) and tables (|) look for.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>&!|~$%#^]")
_TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "`": "&#96;"})
# Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@")


class Caption(msgspec.Struct, frozen=True):
    """A text and the picture that it belongs to.

    Args:
        path: the picture's file, as it is to be named.
        text: any text.
        width, height: pixels; None when not known.
    """

    path: str
    text: str
    width: int | None = None
    height: int | None = None


def relative(path: str, base: str | None) -> str:
    """The path as seen from the folder `base`; the path itself without one."""
    return os.path.relpath(path, base) if base is not None else path


def as_markdown(item: Caption) -> str:
    """`![text](path)`."""
    text = _MARKDOWN.sub(lambda match: "\\" + match.group(), strip_unsafe(item.text))
    return f"![{text}]({_url(item.path)})"


def as_html(item: Caption) -> str:
    """`<img src="path" alt="text" width="640" height="480">`; no size where it is not known."""
    size = ""
    if item.width and item.height:
        size = f' width="{item.width}" height="{item.height}"'
    text = html.escape(strip_unsafe(item.text)).translate(_TEMPLATE)
    return f'<img src="{_url(item.path)}" alt="{text}"{size}>'


def as_csv(item: Caption) -> str:
    """One row of `CSV_COLUMNS` by RFC 4180, without its line end.

    What a spreadsheet would take for a formula is kept from it without changing its meaning: a
    text gets a space in front, a path `./`.
    """
    text = strip_unsafe(item.text)
    path = one_line(item.path)
    if text.startswith(_FORMULA):
        text = " " + text
    if path.startswith(_FORMULA) and path != "-":
        path = "./" + path
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([path, text, item.width, item.height])
    return buffer.getvalue()


def one_line(text: str) -> str:
    """Text with what no column can hold, or would steer a terminal, spelt out (`\\x1b`)."""
    return HARMFUL.sub(lambda match: ascii(match.group())[1:-1], text)


def _url(path: str) -> str:
    """The path as a relative or absolute URL path: everything but letters, digits and `/_.-~` is
    percent-encoded, so it needs no further escaping in Markdown or HTML."""
    posix = path.replace(os.sep, "/")
    # Two slashes in front would name a host.
    return quote(os.fsencode(re.sub("^/+", "/", posix)), safe="/")
