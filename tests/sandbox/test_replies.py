"""The texts: short, of the picture, and not the bare prompt."""

from __future__ import annotations

import io

import pytest
from google.genai import types
from PIL import Image

from nanobanana_cli.catalog import DEFAULT_MODEL, MODELS
from nanobanana_cli.sandbox import picture, replies
from nanobanana_cli.sandbox.validation import Request

_MODEL = MODELS[DEFAULT_MODEL]


def _described(image: bytes) -> str:
    return replies.describe(Request(_MODEL, "what is it?", references=(image,)))


@pytest.mark.parametrize("prompt", ["fox", "a red fox.", "an owl, a fox and a badger " * 20, ""])
def test_a_prompt_makes_a_short_phrase(prompt: str) -> None:
    text = replies.describe(Request(_MODEL, prompt))
    assert len(text) <= 125
    assert text[0].isupper()
    assert "rolling hills" in text


def test_a_picture_of_the_sandbox_is_described_by_its_prompt() -> None:
    fox = picture.render("a red fox", "16:9", "0.5K")
    assert _described(fox) == replies.describe(Request(_MODEL, "a red fox"))
    assert _described(fox).startswith("A red fox, ")


@pytest.mark.parametrize(
    ("kind", "colour", "size", "text"),
    [
        ("PNG", (30, 60, 200), (1376, 768), "A mostly blue landscape picture, 1376 by 768 pixels"),
        ("JPEG", (5, 5, 5), (40, 60), "A mostly black portrait picture, 40 by 60 pixels"),
        ("WEBP", (240, 150, 180), (50, 50), "A mostly pink square picture, 50 by 50 pixels"),
    ],
)
def test_another_picture_is_described_by_its_looks(
    kind: str, colour: tuple[int, int, int], size: tuple[int, int], text: str
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    assert _described(buffer.getvalue()) == text


def test_a_picture_that_cannot_be_read_still_gets_a_text() -> None:
    assert "cannot read" in _described(b"\0\0\0\x18ftypheic")


def test_a_picture_with_text_is_about_what_was_drawn() -> None:
    owl = picture.render("an owl", "1:1", "0.5K")
    request = Request(_MODEL, "a fox", modalities=("TEXT", "IMAGE"), references=(owl,))
    assert replies.describe(request).startswith("A fox, ")


def test_the_reply_has_no_field_that_google_does_not_know() -> None:
    request = Request(_MODEL, "a fox", size="0.5K", modalities=("TEXT", "IMAGE"))
    reply = replies.body(request, replies.parts(request))
    found = types.GenerateContentResponse.model_validate(reply)
    assert found.usage_metadata is not None
    assert found.usage_metadata.total_token_count == sum(
        detail.token_count or 0
        for details in (
            found.usage_metadata.prompt_tokens_details,
            found.usage_metadata.candidates_tokens_details,
        )
        for detail in details or ()
    )
