"""Google's own client, unchanged, is the judge."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from google import genai
from google.genai import errors, types

from nanobanana_cli.catalog import DEFAULT_MODEL, MODELS
from nanobanana_cli.sandbox import picture as sandbox_picture
from nanobanana_cli.sandbox.server import Sandbox

_KEY = "sandbox-key"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(key=_KEY) as server:
        yield server


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[genai.Client]:
    with _client(sandbox) as found:
        yield found


def _client(sandbox: Sandbox, key: str = _KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=sandbox.url))


def _config(
    *modalities: str, aspect_ratio: str | None = None, size: str = "512"
) -> types.GenerateContentConfig:
    image = types.ImageConfig(aspect_ratio=aspect_ratio, image_size=size)
    return types.GenerateContentConfig(response_modalities=list(modalities), image_config=image)


def _parts(response: types.GenerateContentResponse) -> list[types.Part]:
    return list(response.parts or ())


def test_gets_an_image(client: genai.Client) -> None:
    config = _config("IMAGE", aspect_ratio="16:9", size="2K")
    reply = client.models.generate_content(model=DEFAULT_MODEL, contents="a red fox", config=config)
    [part] = _parts(reply)
    assert part.inline_data is not None
    assert part.inline_data.mime_type == "image/png"
    assert part.inline_data.data == sandbox_picture.render("a red fox", "16:9", "2K")
    assert reply.model_version == DEFAULT_MODEL
    assert reply.response_id
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.candidates_token_count == 1680


def test_gets_image_and_text(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=DEFAULT_MODEL, contents="a red fox", config=_config("TEXT", "IMAGE")
    )
    assert [part.text is None for part in _parts(reply)] == [False, True]


def test_gets_text_alone_when_it_asks_for_no_image(client: genai.Client) -> None:
    reply = client.models.generate_content(model=DEFAULT_MODEL, contents="a red fox")
    assert (reply.text or "").startswith("A red fox")


def test_has_its_image_described(client: genai.Client) -> None:
    data = sandbox_picture.render("a red fox", "1:1", "0.5K")
    picture = types.Part.from_bytes(data=data, mime_type="image/png")
    content = types.UserContent(parts=[picture, types.Part.from_text(text="Describe it.")])
    reply = client.models.generate_content(
        model=DEFAULT_MODEL,
        contents=content,
        config=_config("TEXT"),
    )
    assert (reply.text or "").startswith("A red fox")


def test_every_option_of_its_config_is_known(client: genai.Client) -> None:
    search = types.SearchTypes(web_search=types.WebSearch(), image_search=types.ImageSearch())
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio="1:4", image_size="512"),
        system_instruction="in watercolour",
        temperature=0.4,
        top_p=0.9,
        top_k=40,
        seed=7,
        max_output_tokens=4096,
        stop_sequences=["stop"],
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH),
        tools=[types.Tool(google_search=types.GoogleSearch(search_types=search))],
        service_tier=types.ServiceTier.FLEX,
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH,
            )
        ],
    )
    reply = client.models.generate_content(model=DEFAULT_MODEL, contents="a fox", config=config)
    assert len(_parts(reply)) == 1


def test_chats_with_its_own_pictures(client: genai.Client) -> None:
    chat = client.chats.create(model=DEFAULT_MODEL, config=_config("TEXT", "IMAGE"))
    chat.send_message("a red fox")
    [_, part] = _parts(chat.send_message("now an owl"))
    assert part.inline_data is not None
    assert part.inline_data.data == sandbox_picture.render("now an owl", "1:1", "0.5K")


def test_lists_and_gets_models(client: genai.Client) -> None:
    assert [model.name for model in client.models.list()] == [f"models/{name}" for name in MODELS]
    pager = client.models.list(config=types.ListModelsConfig(page_size=2))
    assert [model.name for model in pager] == [f"models/{name}" for name in MODELS]
    model = client.models.get(model=DEFAULT_MODEL)
    assert model.display_name == "Nano Banana 2"
    assert model.supported_actions == ["generateContent"]


@pytest.mark.parametrize(
    ("model", "config", "code", "words"),
    [
        ("gemini-0", _config("IMAGE"), 404, "models/gemini-0 is not found"),
        (DEFAULT_MODEL, _config("IMAGE", aspect_ratio="7:3"), 400, "aspect_ratio must be one of"),
        ("gemini-2.5-flash-image", _config("IMAGE", size="4K"), 400, "image_size must be"),
        (DEFAULT_MODEL, _config("AUDIO"), 400, "response modalities (AUDIO)"),
        (
            DEFAULT_MODEL,
            types.GenerateContentConfig(candidate_count=2),
            400,
            "Multiple candidates is not enabled",
        ),
    ],
)
def test_gets_errors(
    client: genai.Client,
    model: str,
    config: types.GenerateContentConfig,
    code: int,
    words: str,
) -> None:
    with pytest.raises(errors.ClientError, match=re.escape(words)) as wrong:
        client.models.generate_content(model=model, contents="a fox", config=config)
    assert wrong.value.code == code


def test_a_wrong_key_is_a_400(sandbox: Sandbox) -> None:
    with _client(sandbox, "wrong") as client, pytest.raises(errors.ClientError) as wrong:
        client.models.generate_content(model=DEFAULT_MODEL, contents="a fox")
    assert (wrong.value.code, wrong.value.status) == (400, "INVALID_ARGUMENT")
    assert wrong.value.message == "API key not valid. Please pass a valid API key."


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("429", errors.ClientError), ("503", errors.ServerError), ("500", errors.ServerError)],
)
def test_gets_faults_by_a_marker(
    client: genai.Client, fault: str, kind: type[errors.APIError]
) -> None:
    with pytest.raises(kind) as wrong:
        client.models.generate_content(model=DEFAULT_MODEL, contents=f"a fox [[fault:{fault}]]")
    assert wrong.value.code == int(fault)


def test_gets_a_refusal(client: genai.Client) -> None:
    reply = client.models.generate_content(
        model=DEFAULT_MODEL, contents="a fox [[fault:safety]]", config=_config("IMAGE")
    )
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY
    assert _parts(reply) == []
