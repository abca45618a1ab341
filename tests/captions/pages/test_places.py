"""Texts that are put into a page come out of it exactly, and no other byte changes."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nanobanana_cli.captions.pages import page
from nanobanana_cli.ui.escape import strip_unsafe

MARKDOWN = [
    "![](fox.png)",
    'Before ![](fox.png "title") after.\r\n',
    "\ufeff# ![][fox]\n\n[fox]: fox.png",
    "> * ![ ](<fox.png>)\n>   more",
    "| a | b |\n|---|---|\n| ![](fox.png) | c |\n",
    "[![](fox.png)](https://example.org)",
    "*a ![](fox.png) b*\n**c** `![](fox.png)`",
    "<p>\n<img src='fox.png'>\n</p>",
    "A <img src=fox.png> in a line",
    "> <img\n> src=fox.png\n> />",
]
HTML = [
    '<img src="fox.png">',
    "<p>\r\n<img src='fox.png' />\r\n",
    "<IMG SRC=fox.png>",
    '\ufeff<img\n  src="fox.png"\n/>',
    "<img src=fox.png width=1/>",
    "<img/src='fox.png'/>",
]
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("ab c.!\\`*_[](){}<>&\"'|~$^=#;:amp0-", max_size=20),
    st.lists(
        st.sampled_from(
            ["&amp;", "<b>", "![x](y)", "**", "__a__", "{{ x }}", "{%", "$x$", "~~", "]", "\\", "`",
             "http://a.b", "<!--", "-->", '"', "'", "/>", "a_b", "[^1]", "|", "&#65;", ":fox:"]
        ),
        max_size=6,
    ).map(" ".join),
)  # fmt: skip


class _Alts(HTMLParser):
    """The alt texts of a page, as a browser has them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs).get("alt"))


def _edited(name: str, source: str, text: str) -> str:
    data = source.encode()
    Path(name).write_bytes(data)
    one = page.read(name)
    (number,) = (at for at, image in enumerate(one.images) if image.alt is None)
    edited, lost = one.edited({number: text})
    assert not lost
    place = one.images[number].place
    assert place is not None
    # What is around the place is as it was.
    before, after = source[: place.start].encode(), source[place.end :].encode()
    assert edited.startswith(before)
    assert edited.endswith(after)
    return edited.decode()


@pytest.mark.parametrize("source", MARKDOWN)
@settings(max_examples=50)
@given(st.data())
@example(None)
def test_markdown(source: str, data: st.DataObject | None) -> None:
    text = strip_unsafe(data.draw(TEXTS)) if data else "An owl [sic], \"R&D\" <b> \\* 'x' | {{ y }}"
    edited = _edited("page.md", source, text)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    alts = _Alts(parser.render(edited.removeprefix("\ufeff"))).found
    # An empty text is that of a decorative image, which says nothing as it is.
    assert alts == [text] or (not text and alts == [" "])


@pytest.mark.parametrize("source", HTML)
@settings(max_examples=50)
@given(st.data())
@example(None)
def test_html(source: str, data: st.DataObject | None) -> None:
    text = strip_unsafe(data.draw(TEXTS)) if data else "An owl [sic], \"R&D\" <b> \\* 'x' &amp;"
    assert _Alts(_edited("page.html", source, text)).found == [text]


@settings(max_examples=50)
@given(TEXTS.map(strip_unsafe), st.sampled_from(["iso-8859-1", "windows-1252", "iso-8859-5"]))
def test_an_encoding_that_lacks_a_character(text: str, encoding: str) -> None:
    data = f'<meta charset="{encoding}"><p>\u00a0</p><img src="fox.png">'.encode(encoding)
    Path("page.html").write_bytes(data)
    one = page.read("page.html")
    edited, lost = one.edited({0: text})
    assert not lost
    assert edited.startswith(data[:-1])
    assert edited.endswith(b">")
    assert _Alts(edited.decode(one.encoding)).found == [text]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A fox, R&D and 3 < 4", "![A fox, R&D and 3 &lt; 4](fox.png)"),
        ("a_b costs $5, *new* [sic]", r"![a_b costs $5, \*new\* \[sic\]](fox.png)"),
        ("$x$ and &amp;", "![&#36;x&#36; and &amp;amp;](fox.png)"),
        ("{{ x }} | ~~y", "![&#123;&#123; x &#125;&#125; &#124; &#126;&#126;y](fox.png)"),
        ('"Fox"', '!["Fox"](fox.png)'),
    ],
)  # fmt: skip
def test_only_what_must_be_is_escaped_in_markdown(text: str, written: str) -> None:
    assert _edited("page.md", "![](fox.png)", text) == written
