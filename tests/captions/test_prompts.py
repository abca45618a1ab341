"""The instructions for the model."""

from __future__ import annotations

import pytest

from nanobanana_cli.captions.prompts import (
    STYLES,
    TextSpec,
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
        assert f"About {STYLES[style].aim} characters." in text


def test_length_language_and_context_are_named() -> None:
    spec = TextSpec(max_chars=80, lang="Swiss German", context="A page on foxes.")
    text = for_picture(spec)
    assert "At most 80 characters. Language: Swiss German." in text
    assert "<context>\nA page on foxes.\n</context>" in text
    assert "Language" not in for_picture(TextSpec())
    assert "context" not in for_picture(TextSpec())


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
        ("German", None),
        (None, None),
    ],
)
def test_a_tag_is_told_from_a_name(lang: str | None, tag: str | None) -> None:
    assert TextSpec(lang=lang).tag == tag
