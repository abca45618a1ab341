"""What a request has to look like, and how the service says that it does not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from nanobanana_cli.catalog import DEFAULT_MODEL
from nanobanana_cli.sandbox import picture
from nanobanana_cli.sandbox.errors import ApiError
from nanobanana_cli.sandbox.validation import Request, parse

_PNG = base64.b64encode(picture.render("a fox", "1:1", "0.5K")).decode()
_UNKNOWN = "Invalid JSON payload received. Unknown name "
_PATH = "contents[0].parts[1].inline_data.data"
_OLDER = "gemini-2.5-flash-image"


def _request(*parts: dict[str, Any], config: Any = None, **rest: Any) -> dict[str, Any]:
    turn = {"role": "user", "parts": list(parts) or [{"text": "a red fox"}]}
    return {"contents": [turn], "generationConfig": config or {}, **rest}


def _parse(request: object, model: str = DEFAULT_MODEL) -> Request:
    return parse(model, json.dumps(request).encode())


def _refusal(request: object, model: str = DEFAULT_MODEL) -> dict[str, Any]:
    with pytest.raises(ApiError) as wrong:
        _parse(request, model)
    error = wrong.value.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == wrong.value.code
    return error


def _image(**changes: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": _PNG, **changes}}


def test_reads_what_is_asked() -> None:
    config = {
        "responseModalities": ["IMAGE", "TEXT"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        "thinkingConfig": {"thinkingLevel": "high"},
        "temperature": 2,
        "seed": 7,
        "candidateCount": 1,
    }
    found = _parse(_request({"text": "a red fox"}, _image(), config=config))
    assert (found.prompt, found.aspect, found.size) == ("a red fox", "16:9", "2K")
    assert found.modalities == ("TEXT", "IMAGE")
    assert found.references == (base64.b64decode(_PNG),)


def test_snake_case_single_values_and_nulls_are_fine() -> None:
    found = _parse(
        {
            "contents": {"parts": {"text": "a fox"}},
            "generation_config": {
                "response_modalities": ["Image"],
                "image_config": {"aspect_ratio": "4:1", "image_size": "512"},
                "temperature": None,
                "seed": "7",
            },
            "system_instruction": {"parts": {"text": "be brief"}},
            "tools": [{"google_search": {"search_types": {"web_search": {}}}}],
        }
    )
    assert (found.aspect, found.size, found.modalities) == ("4:1", "0.5K", ("IMAGE",))


def test_without_config_the_reply_is_text_and_the_picture_square() -> None:
    found = _parse(_request())
    assert (found.modalities, found.aspect, found.size) == (("TEXT",), "1:1", "1K")


def test_the_prompt_is_taken_out_of_its_frame_and_the_marker_off() -> None:
    text = "Draw this: <prompt>\na red fox [[fault:safety]]</prompt>\nThen describe it."
    found = _parse(_request({"text": text}))
    assert (found.prompt, found.marker) == ("a red fox", "safety")


def test_the_last_turn_is_what_counts() -> None:
    request = _request({"text": "an owl"})
    request["contents"].append({"role": "model", "parts": [{"text": "here"}]})
    request["contents"].append({"role": "user", "parts": [{"text": "now a fox"}]})
    assert _parse(request).prompt == "now a fox"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            _request(config={"imageConfig": {"x": 1}}),
            f"{_UNKNOWN}\"x\" at 'generation_config.image_config': Cannot find field.",
        ),
        (
            _request(size="2K"),
            f'{_UNKNOWN}"size": Cannot find field.',
        ),
        (
            _request({"text": "a", "colour": "red"}),
            f"{_UNKNOWN}\"colour\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        (
            _request(config={"temperature": "hot"}),
            "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
        ),
        (
            _request(config={"seed": 1.5}),
            "Invalid value at 'generation_config.seed' (TYPE_INT32), 1.5",
        ),
        (
            _request({"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "!!"}}),
            f"Invalid value at '{_PATH}' (TYPE_BYTES), Base64 decoding failed for \"!!\"",
        ),
        ([], "Invalid value at 'request' (a message), a list"),
        ({"contents": 5}, "Invalid value at 'contents[0]' (a message), 5"),
    ],
)
def test_json_that_does_not_fit(request_: object, message: str) -> None:
    error = _refusal(request_)
    assert error["message"] == message
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["details"][0]["fieldViolations"][0]["description"] == message


def test_all_unknown_names_are_listed() -> None:
    message = _refusal(_request(config={"a": 1, "b": 2}))["message"]
    assert message.count("Cannot find field.") == 2


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "contents is not specified"),
        ({"contents": [{"parts": []}]}, "parts must not be empty"),
        (_request({"text": ""}), "required oneof field 'data'"),
        ({"contents": [{"role": "me", "parts": [{"text": "a"}]}]}, "valid role: user, model"),
        (_request(config={"candidateCount": 2}), "Multiple candidates is not enabled"),
        (_request(config={"temperature": 2.1}), "temperature must be in the range"),
        (_request(config={"temperature": "NaN"}), "temperature must be in the range"),
        (_request(config={"imageConfig": {"aspectRatio": "7:3"}}), "must be one of '1:1', '2:3'"),
        (_request(config={"imageConfig": {"imageSize": "2k"}}), "'0.5K', '1K', '2K', or '4K'"),
        (_request(config={"responseModalities": ["PICTURE"]}), 'Modality), "PICTURE"'),
        (_request(config={"responseModalities": ["AUDIO"]}), "modalities (AUDIO) is not supported"),
        (_request(config={"thinkingConfig": {"thinkingLevel": "huge"}}), 'ThinkingLevel), "huge"'),
        (_request(config={"thinkingConfig": {"thinkingLevel": "LOW"}}), "level LOW is not support"),
        (_request({"text": "a"}, _image(mimeType="image/gif")), "Unsupported MIME type: image/gif"),
        (_request({"text": "a"}, _image(data="AAAA")), "Unable to process input image"),
        (_request({"text": "a"}, _image(data="AAAA", mimeType="image/heic")), "Unable to process"),
        (_request({"text": "a"}, *[_image()] * 15), "Too many images in the request: 15"),
    ],
)
def test_values_that_the_service_does_not_take(request_: object, words: str) -> None:
    error = _refusal(request_)
    assert words in error["message"]
    assert error["code"] == 400


@pytest.mark.parametrize(
    ("asked", "drawn", "aspect"), [({}, "16:9", "16:9"), ({"aspectRatio": "1:1"}, "16:9", "1:1")]
)
def test_a_ratio_left_out_follows_the_first_reference(
    asked: dict[str, str], drawn: str, aspect: str
) -> None:
    data = base64.b64encode(picture.render("a fox", drawn, "0.5K")).decode()
    request = _request({"text": "a"}, _image(data=data), _image(), config={"imageConfig": asked})
    assert _parse(request).aspect == aspect


def test_a_reference_of_unknown_shape_leaves_the_picture_square() -> None:
    data = base64.b64encode(b"\0\0\0\x18ftypheic").decode()
    request = _request({"text": "a"}, _image(data=data, mimeType="image/heic"))
    assert _parse(request).aspect == "1:1"


def test_new_fields_are_known() -> None:
    request = _request(config={"responseFormat": {"image": {"aspectRatio": "1:1"}}})
    search: dict[str, object] = {"searchTypes": {"webSearch": {}, "imageSearch": {}}}
    _parse({**request, "serviceTier": "flex", "tools": [{"googleSearch": search}]})
    error = _refusal({**request, "tools": [{"googleSearch": {"searchType": {}}}]})
    assert "Unknown name \"searchType\" at 'tools[0].google_search'" in error["message"]


def test_search_is_not_for_every_model() -> None:
    error = _refusal({**_request(), "tools": [{"google_search": {}}]}, _OLDER)
    assert error["message"] == f"Search as tool is not enabled for models/{_OLDER}"
    tools: list[dict[str, Any]] = [{"googleSearch": {"searchTypes": {"imageSearch": {}}}}]
    error = _refusal({**_request(), "tools": tools}, "gemini-3-pro-image")
    assert error["message"] == "Image search is not enabled for models/gemini-3-pro-image"


@pytest.mark.parametrize("level", ["minimal", "MEDIUM", "High"])
def test_the_newest_model_thinks_on_three_levels(level: str) -> None:
    request = _request(config={"thinkingConfig": {"thinkingLevel": level}, "imageConfig": {}})
    assert _parse(request, "gemini-nano-banana-2.1").model.id == "gemini-nano-banana-2.1"


def test_the_smallest_size_is_not_for_every_model() -> None:
    request = _request(config={"imageConfig": {"imageSize": "512"}})
    error = _refusal(request, "gemini-nano-banana-2.1")
    assert "image_size must be one of '1K', '2K', or '4K'." in error["message"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"imageConfig": {"imageSize": "4K"}}, "image_size must be one of '1K', or '2K'."),
        ({"imageConfig": {"aspectRatio": "8:1"}}, "or '21:9'."),
        ({"thinkingConfig": {"thinkingLevel": "high"}}, "not supported for this model"),
    ],
)
def test_what_one_model_takes_another_does_not(config: dict[str, Any], words: str) -> None:
    _parse(_request(config={**config, "imageConfig": {}}))
    assert words in _refusal(_request(config=config), _OLDER)["message"]


def test_an_unknown_model_is_not_found() -> None:
    error = _refusal(_request(), "gemini-0")
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    assert "models/gemini-0 is not found for API version v1beta" in error["message"]


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"\xff", b'{"contents": NaN}', b"[" * 100_000, b'"\\ud800"']
)
def test_a_body_that_is_no_json(body: bytes) -> None:
    with pytest.raises(ApiError) as wrong:
        parse(DEFAULT_MODEL, body)
    assert wrong.value.code == 400
