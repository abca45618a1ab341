"""The body is the wire's, field by field, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nanobanana_cli.api.request import build, path
from nanobanana_cli.types import ContentRequest, Parameters, Reference

FOX = ContentRequest("A red fox", "some-model", aspect="16:9", size="2K")


def body(request: ContentRequest, provider: str = "wisgate") -> dict[str, Any]:
    parsed = json.loads(build(request, provider))
    assert isinstance(parsed, dict)
    return parsed


def test_an_image_is_asked_for_with_exactly_these_fields() -> None:
    assert body(FOX) == {
        "contents": [{"role": "user", "parts": [{"text": "A red fox"}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        },
    }


def test_references_follow_the_text_in_order() -> None:
    references = (Reference("a", "image/png", b"\x00A"), Reference("b", "image/jpeg", b"B" * 100))
    parts = body(replace(FOX, references=references))["contents"][0]["parts"]
    assert parts == [{"text": "A red fox"}] + [
        {"inlineData": {"mimeType": r.mime_type, "data": base64.b64encode(r.data).decode()}}
        for r in references
    ]


@pytest.mark.parametrize(
    ("change", "where", "value"),
    [
        ({"thinking": "high"}, "thinkingConfig", {"thinkingLevel": "high"}),
        ({"temperature": 0.5}, "temperature", 0.5),
        ({"temperature": 0.0}, "temperature", 0.0),
        ({"seed": 0}, "seed", 0),
    ],
)
def test_what_is_set_is_sent(change: dict[str, Any], where: str, value: object) -> None:
    assert body(replace(FOX, parameters=Parameters(**change)))["generationConfig"][where] == value


def test_search_and_system_stand_beside_the_contents() -> None:
    sent = body(replace(FOX, parameters=Parameters(search=True, system="Be brief")))
    assert sent["tools"] == [{"google_search": {}}]
    assert sent["systemInstruction"] == {"parts": [{"text": "Be brief"}]}


def test_text_alone_has_no_image_config() -> None:
    config = body(replace(FOX, modalities=("TEXT",)))["generationConfig"]
    assert config == {"responseModalities": ["TEXT"]}


def test_without_a_ratio_and_a_size_none_is_sent() -> None:
    config = body(replace(FOX, aspect=None, size=None))["generationConfig"]
    assert config["imageConfig"] == {}


def test_text_and_image_keep_their_order() -> None:
    config = body(replace(FOX, modalities=("TEXT", "IMAGE")))["generationConfig"]
    assert config["responseModalities"] == ["TEXT", "IMAGE"]


@pytest.mark.parametrize(
    ("provider", "size", "spelt"),
    [
        ("wisgate", "0.5K", "0.5K"),
        ("google", "0.5K", "512"),
        ("google", "4K", "4K"),
        ("sandbox", "0.5K", "0.5K"),
    ],
)
def test_sizes_are_spelt_as_the_provider_spells_them(provider: str, size: str, spelt: str) -> None:
    config = body(replace(FOX, size=size), provider)["generationConfig"]
    assert config["imageConfig"]["imageSize"] == spelt


@given(st.text(st.characters()))
def test_any_prompt_makes_compact_ascii_json(prompt: str) -> None:
    sent = build(replace(FOX, prompt=prompt, parameters=Parameters(system=prompt)), "wisgate")
    assert sent.isascii()
    assert b'": ' not in sent.replace(json.dumps(prompt).encode(), b"")
    assert json.loads(sent)["contents"][0]["parts"][0]["text"] == prompt


def test_a_lone_surrogate_does_no_harm() -> None:
    assert body(replace(FOX, prompt="\ud800"))["contents"][0]["parts"] == [{"text": "\ud800"}]


def test_the_model_is_quoted_in_the_path() -> None:
    assert path("gemini-3.1-flash-image") == "/v1beta/models/gemini-3.1-flash-image:generateContent"
    assert path("../a b?c#d") == "/v1beta/models/..%2Fa%20b%3Fc%23d:generateContent"
