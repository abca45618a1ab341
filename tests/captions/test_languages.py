"""A text is in another language only where its letters or commonest words say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanobanana_cli.captions.languages import candidates, is_other, is_surely, matches, tag_of

_TEXTS = Path(__file__).parent / "texts"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A red fox in the snow", {"en"}),
        ("Ein Rotfuchs im Schnee", {"de"}),
        ("雪の中のキツネ", {"ja"}),
        ("雪中的狐狸", {"zh", "ja"}),
        ("눈 속의 여우", {"ko"}),
        ("Logo Acme", set()),
        ("", set()),
        # What is quoted may be in any language.
        ('Schild mit "No entry" und "Do not enter the building"', {"de"}),
        ("The sign that says 禁煙", {"en"}),
    ],
)
def test_candidates(text: str, found: set[str]) -> None:
    assert candidates(text) == found


def test_what_shows_no_sign_is_in_no_other_language() -> None:
    assert not is_other("Logo Acme", "de")
    assert not is_surely("Logo Acme", "de")
    assert not is_other("A fox", "sw")
    assert is_other("A fox in the snow", "de-CH")


def test_good_texts_are_seldom_taken_for_another_language() -> None:
    lines = [
        line for path in sorted(_TEXTS.glob("*.jsonl")) for line in path.read_text().splitlines()
    ]
    good = [sample for sample in map(json.loads, lines) if sample["rule"] is None]
    wrong = [sample for sample in good if is_other(sample["text"], sample["lang"])]
    # Most of these quote another language, such as titles of books.
    assert len(wrong) <= 0.03 * len(good), wrong
    others = {"de": "en", "en": "de", "fr": "en", "es": "de", "ja": "en", "ru": "de", "zh": "fr"}
    found = [
        is_other(each["text"], others[each["lang"]]) for each in good if each["lang"] in others
    ]
    assert sum(found) >= 0.5 * len(found)


@pytest.mark.parametrize(
    ("wanted", "tag", "is_match"),
    [
        ("de", "de", True),
        ("de", "DE-ch", True),
        ("de-CH", "de", True),
        ("pt-BR", "pt-PT", False),
        ("zh-Hans", "zh-Hant", False),
        ("d", "de", False),
    ],
)
def test_a_tag_matches_a_more_exact_one(wanted: str, tag: str, *, is_match: bool) -> None:
    assert matches(wanted, tag) == is_match


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("German", "de"),
        ("français", "fr"),
        ("日本語", "ja"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("Elvish", None),
    ],
)
def test_names_have_tags(name: str, tag: str | None) -> None:
    assert tag_of(name) == tag
