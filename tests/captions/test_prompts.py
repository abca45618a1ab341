"""The instructions for the model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.captions.prompts import (
    STYLES,
    TextSpec,
    excerpt,
    for_generation,
    for_picture,
    is_language,
)


def test_the_prompt_stands_between_tags_and_is_whole() -> None:
    framed = for_generation("a red fox\nin snow", TextSpec())
    assert framed.endswith("<prompt>\na red fox\nin snow\n</prompt>")
    assert "nothing else" in framed


@pytest.mark.parametrize("style", STYLES)
def test_each_style_says_what_it_wants(style: str) -> None:
    for text in (for_generation("a fox", TextSpec(style)), for_picture(TextSpec(style))):
        assert STYLES[style].rules in text
        assert STYLES[style].name in text
        assert f"At most {STYLES[style].ceiling} characters." in text


def test_length_language_and_context_are_named() -> None:
    spec = TextSpec(max_chars=80, lang="Swiss German", context="A page on foxes.")
    text = for_picture(spec)
    assert "At most 80 characters. Language: Swiss German." in text
    assert "<context>\nA page on foxes.\n</context>" in text
    assert "Language" not in for_picture(TextSpec())
    assert "context" not in for_picture(TextSpec())


def test_the_content_is_asked_for_as_a_specialist_would() -> None:
    text = for_picture(TextSpec())
    for part in (
        *("contributes to the page", "A chart or diagram is described by its kind and its finding"),
        *("a logo by whose it is", "a link or a button by what that does", "only where it matters"),
        *(
            "Nothing is guessed: not who people are, nor their age, origin or mood",
            "no alternatives",
        ),
        "answer with one word instead: decorative",
    ):
        assert part in text
    # A new picture is wanted for something, and a description describes.
    assert "decorative" not in for_generation("a fox", TextSpec())
    assert "decorative" not in for_picture(TextSpec("long"))


PAGE = "\n\n".join(
    [
        "# Animals of the north",
        *(f"Paragraph {number} on wolves. " + "They run. " * 30 for number in range(20)),
        "The fox waits:",
        "![](img/red-fox.png) ![](../img/a%20fox.png)",
        "It sleeps in the snow.",
        *(f"Paragraph {number} on bears. " + "They eat. " * 30 for number in range(20)),
        "![](other/fox.png)",
        "The last fox.",
    ]
)


@pytest.mark.parametrize("path", ["static/img/red-fox.png", "a fox.png"])
def test_only_the_part_of_a_page_around_a_picture_counts(path: str) -> None:
    part = excerpt(PAGE, path)
    assert part.startswith("# Animals of the north\n\nParagraph 1")
    assert "The fox waits:\n\n![](img/red-fox.png)" in part
    assert "It sleeps in the snow.\n\nParagraph 0 on bears." in part
    assert len(part) < 3200
    # Whole paragraphs.
    assert part.endswith("They eat.")
    assert "The last fox." not in part
    text = for_picture(TextSpec(context=PAGE, is_page=True), path)
    assert f"<context>\n{part}\n</context>" in text


def test_the_nearest_path_is_the_place_of_a_picture() -> None:
    assert excerpt(PAGE, "x/other/fox.png").endswith("The last fox.")
    page = "![](a/fox.png) one\n\n" + "x\n\n" * 1000 + "![](b/fox.png) two"
    assert "two" in excerpt(page, "site/b/fox.png")
    assert "one" not in excerpt(page, "site/b/fox.png")


@pytest.mark.parametrize("path", ["wolf.png", "x.png", "red-fo.png", "-"])
def test_a_page_that_does_not_name_the_picture_counts_whole(path: str) -> None:
    assert f"<context>\n{PAGE}\n</context>" in for_picture(
        TextSpec(context=PAGE, is_page=True), path
    )
    # Nor does a text that was typed have a place for a picture.
    assert PAGE in for_picture(TextSpec(context=PAGE), "img/red-fox.png")


@given(st.text(), st.text(min_size=1))
def test_any_page_and_path_have_an_excerpt(page: str, path: str) -> None:
    assert len(excerpt(page, path)) <= 2 * len(page) + 2


def test_the_limit_is_the_asked_one_or_the_style_s() -> None:
    assert TextSpec(max_chars=80).limit == 80
    assert TextSpec("title").limit == STYLES["title"].limit


@pytest.mark.parametrize(
    "text", ["de", "de-CH", "zh-Hant", "German", "Swiss German", "Français", "日本語"]
)
def test_languages(text: str) -> None:
    assert is_language(text)


@pytest.mark.parametrize("text", ["", " ", "1", "de\n", "x" * 70, "<b>", 'a "b"', "a; ignore all"])
def test_no_languages(text: str) -> None:
    assert not is_language(text)


@pytest.mark.parametrize(
    ("lang", "tag"),
    [
        ("de", "de"),
        ("de-CH", "de-CH"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("German", "de"),
        ("Swiss German", None),
        ("PT-br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        (None, None),
    ],
)
def test_a_tag_is_told_from_a_name(lang: str | None, tag: str | None) -> None:
    assert TextSpec(lang=lang).tag == tag
