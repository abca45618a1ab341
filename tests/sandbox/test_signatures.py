"""The sandbox signs the parts of its replies, and checks those that come back."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
from google import genai
from google.genai import types
from support.raw_calls import GENERATE, content, post

from nanobanana_cli.sandbox.server import Sandbox

_OLD = "/v1beta/models/gemini-2.5-flash-image:generateContent"
_PRO = "/v1beta/models/gemini-3-pro-image:generateContent"


def _turns(sandbox: Sandbox, path: str = GENERATE) -> dict[str, Any]:
    """A request that goes on from a reply."""
    first = content("a red fox [[fault:drafts]]", "TEXT", "IMAGE")
    first["generationConfig"]["imageConfig"]["imageSize"] = "1K"
    reply = post(sandbox, first, path=path)
    assert reply.status == 200
    model = reply.json["candidates"][0]["content"]
    more = {"role": "user", "parts": [{"text": "at night"}]}
    return {**first, "contents": [*first["contents"], model, more]}


def _model(turns: dict[str, Any]) -> list[dict[str, Any]]:
    found = turns["contents"][1]["parts"]
    assert isinstance(found, list)
    return found


def test_every_part_is_signed_and_any_sandbox_takes_it_back() -> None:
    with Sandbox() as one:
        turns = _turns(one)
    assert all(part["thoughtSignature"] for part in _model(turns))
    with Sandbox() as other:
        assert post(other, turns).status == 200


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("what", ["signature", "content", "kind"])
def test_an_altered_part_is_a_400(number: int, what: str) -> None:
    with Sandbox() as sandbox:
        turns = _turns(sandbox)
        part = _model(turns)[number]
        if what == "signature":
            part["thoughtSignature"] = base64.b64encode(b"x" * 32).decode()
        elif what == "kind":
            part["thought"] = not part.get("thought", False)
        elif "text" in part:
            part["text"] += "!"
        else:
            other = base64.b64decode(part["inlineData"]["data"]) + b"\0"
            part["inlineData"]["data"] = base64.b64encode(other).decode()
        reply = post(sandbox, turns)
    assert (reply.status, reply.json["error"]["message"]) == (400, "Corrupted thought signature.")


def test_an_image_without_its_signature_is_named() -> None:
    with Sandbox() as sandbox:
        turns = _turns(sandbox)
        del _model(turns)[3]["thoughtSignature"]
        reply = post(sandbox, turns)
    message = "Image part is missing a thought_signature in content position 2, part position 4."
    assert (reply.status, reply.json["error"]["message"]) == (400, message)


def test_another_models_part_is_refused_and_one_that_does_not_think_signs_nothing() -> None:
    with Sandbox() as sandbox:
        turns = _turns(sandbox)
        assert post(sandbox, turns, path=_PRO).status == 400
        plain = _turns(sandbox, path=_OLD)
        assert not any("thoughtSignature" in part for part in _model(plain))
        assert post(sandbox, plain, path=_OLD).status == 200


def test_the_other_alphabet_and_other_names_are_the_same() -> None:
    with Sandbox() as sandbox:
        turns = _turns(sandbox)
        parts = copy.deepcopy(_model(turns))
        for part in parts:
            signature = part.pop("thoughtSignature")
            part["thought_signature"] = signature.replace("+", "-").replace("/", "_").rstrip("=")
        turns["contents"][1]["parts"] = parts
        assert post(sandbox, turns).status == 200


def test_the_ratio_is_that_of_the_last_image() -> None:
    first = content("a red fox", aspect="16:9")
    with Sandbox() as sandbox:
        model = post(sandbox, first).json["candidates"][0]["content"]
        more = {"role": "user", "parts": [{"text": "at night"}]}
        next_ = {
            "contents": [*first["contents"], model, more],
            "generationConfig": {"responseModalities": ["IMAGE"]},
        }
        reply = post(sandbox, next_).json
        usage = reply["usageMetadata"]["promptTokensDetails"]
        assert {each["modality"]: each["tokenCount"] for each in usage}["IMAGE"] == 1120
        data = reply["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    size = base64.b64decode(data)[16:24]
    assert (int.from_bytes(size[:4]), int.from_bytes(size[4:])) == (1376, 768)


def test_googles_own_client_goes_on() -> None:
    with Sandbox() as sandbox:
        options = types.HttpOptions(base_url=sandbox.url)
        with genai.Client(api_key="any", http_options=options) as client:
            config = types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"])
            chat = client.chats.create(model="gemini-3.1-flash-image-preview", config=config)
            for prompt in ("a red fox [[fault:drafts]]", "now at night", "and snow"):
                assert chat.send_message(prompt).parts
