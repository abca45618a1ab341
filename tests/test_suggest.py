"""The hint for a mistyped value."""

from __future__ import annotations

import pytest

from nanobanana_cli.suggest import one_of

FORMATS = ("auto", "png", "JPEG")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("pgn", "did you mean png? one of auto, png, JPEG"),
        ("jpg", "did you mean JPEG? one of auto, png, JPEG"),
        (" PNG\n", "did you mean png? one of auto, png, JPEG"),
        ("", "one of auto, png, JPEG"),
        ("tiff", "one of auto, png, JPEG"),
    ],
)
def test_the_nearest_choice_comes_first(typed: str, hint: str) -> None:
    assert one_of(typed, FORMATS) == hint


def test_another_text_can_replace_the_list() -> None:
    assert one_of("pgn", FORMATS, "see `nb --help`") == "did you mean png? see `nb --help`"
    assert one_of("pgn", FORMATS, "") == "did you mean png?"
    assert one_of("tiff", FORMATS, "") == ""
