"""Each form, judged by a reader of it: whatever the text holds, the reader gets the text."""

from __future__ import annotations

import csv
import io
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nanobanana_cli.captions.formats import (
    CSV_COLUMNS,
    Caption,
    as_csv,
    as_html,
    as_markdown,
    relative,
)
from nanobanana_cli.ui.escape import strip_unsafe

NASTY = (
    "\"quotes\" 'single' <b>tag</b> &amp; ](evil) ![x](y) `code` *em* __u__ \\ back\nline\r\n"
    "\0\x1b[31mred\x1b[0m \u202eabc\u2066 {{ 7*7 }} {% raw %} {# c #} <% x %> $x$ | a~~b~~ "
    "🦊 👩\u200d🚀"
)
PATHS = ["fox.png", "a b/(1) [x].png", "ü/ä.png", "q\"uo'te<>.png", "a:b.png", "{{x}}.png"]
ANY = st.one_of(st.text(), st.text(st.sampled_from("\\`*_{}[]<>()#+-.!|~&$%^=:\"'/@ a\n\0")))


class Reader(HTMLParser):
    """What a browser would make of a fragment."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rest = ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.rest += data


def markdown(text: str) -> tuple[str, str]:
    """Address and text of the one image that a line of Markdown is."""
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    (image,) = blocks[1].children or []
    assert image.type == "image"
    assert all(child.type in {"text", "text_special"} for child in image.children or [])
    return str(image.attrs["src"]), "".join(child.content for child in image.children or [])


def bytes_of(url: str) -> bytes:
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    return unquote_to_bytes(parts.path)


@given(ANY, st.sampled_from(PATHS))
@example(NASTY, PATHS[0])
def test_markdown_shows_the_text(text: str, path: str) -> None:
    made = as_markdown(Caption(path, text))
    url, shown = markdown(made)
    assert shown == strip_unsafe(text)
    assert bytes_of(url) == path.encode()
    for bracket in ("{{", "{%", "{#", "<%", "}}", "%}"):
        assert bracket not in made


@given(ANY, st.sampled_from(PATHS))
@example(NASTY, PATHS[0])
def test_html_shows_the_text(text: str, path: str) -> None:
    made = as_html(Caption(path, text, 640, 480))
    reader = Reader(made)
    ((tag, attributes),) = reader.tags
    assert (tag, reader.rest) == ("img", "")
    assert attributes["alt"] == strip_unsafe(text)
    assert bytes_of(attributes["src"] or "") == path.encode()
    assert (attributes["width"], attributes["height"]) == ("640", "480")
    assert len(attributes) == 4
    for bracket in ("{{", "{%", "{#", "<%", "}}", "%}"):
        assert bracket not in made


@given(ANY, st.sampled_from([*PATHS, "=cmd().png", "-x.png"]))
@example(NASTY, PATHS[0])
def test_csv_holds_the_text(text: str, path: str) -> None:
    made = as_csv(Caption(path, text, 640))
    ((got_path, got_text, width, height),) = csv.reader(io.StringIO(made), strict=True)
    assert got_text.removeprefix(" ") == strip_unsafe(text)
    assert os.path.normpath(got_path) == os.path.normpath(path)
    assert (width, height) == ("640", "")
    assert not (got_text + "x").startswith(("=", "+", "-", "@"))
    assert not got_path.startswith(("=", "+", "-", "@"))
    assert "\n" not in made


def test_each_form_as_it_looks() -> None:
    item = Caption("img/red fox.png", 'A "red" fox [1]', 1376, 768)
    assert as_markdown(item) == '![A "red" fox \\[1\\]](img/red%20fox.png)'
    assert (
        as_html(item) == '<img src="img/red%20fox.png" alt="A &quot;red&quot; fox [1]" '
        'width="1376" height="768" />'
    )
    assert as_csv(item) == 'img/red fox.png,"A ""red"" fox [1]",1376,768'
    assert CSV_COLUMNS == ("path", "text", "width", "height")


def test_without_known_pixels_html_names_none() -> None:
    assert as_html(Caption("a.heic", "x")) == '<img src="a.heic" alt="x" />'


@pytest.mark.parametrize(
    ("lang", "written"), [("de", ' lang="de"'), ("zh-Hant-TW", ' lang="zh-Hant-TW"')]
)
def test_html_says_the_language_where_its_tag_is_known(lang: str, written: str) -> None:
    assert as_html(Caption("a.png", "x", lang=lang)) == f'<img src="a.png" alt="x"{written} />'
    assert as_html(Caption("a.png", "", lang=lang)) == '<img src="a.png" alt="" />'
    assert "lang" not in as_html(Caption("a.png", "x", lang="Klingon"))


@given(ANY, ANY)
def test_a_long_description_is_the_caption_of_a_figure(short: str, text: str) -> None:
    made = as_html(Caption("a.png", text, 640, 480, "de", short))
    reader = Reader(made)
    (figure, _), (image, attributes), (caption, _) = reader.tags
    assert (figure, image, caption) == ("figure", "img", "figcaption")
    assert attributes["alt"] == strip_unsafe(short)
    assert reader.rest == strip_unsafe(text)
    assert "\n" not in made


@pytest.mark.parametrize("path", ["//host/a.png", "///host/a.png"])
def test_a_path_never_becomes_a_host(path: str) -> None:
    assert as_html(Caption(path, "x")).startswith('<img src="/host/a.png"')


def test_a_name_that_is_no_utf_8_keeps_its_bytes() -> None:
    path = os.fsdecode(b"\xff.png")
    assert "(%FF.png)" in as_markdown(Caption(path, "x"))


def test_paths_can_be_told_from_another_folder() -> None:
    assert relative("site/img/fox.png", None) == "site/img/fox.png"
    assert relative("site/img/fox.png", "site") == str(Path("img/fox.png"))
    assert relative("fox.png", "site") == str(Path("../fox.png"))
