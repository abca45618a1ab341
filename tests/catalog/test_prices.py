"""What a call will cost, and what it has cost: tables of whole micro-dollars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli import catalog
from nanobanana_cli.catalog import MODELS, prices
from nanobanana_cli.types import ContentRequest, Parameters, Reference, Reply, Tariff, Usage

GOOGLE = Tariff("google")
WISGATE = Tariff("wisgate")
PREVIEW = "gemini-3.1-flash-image-preview"
NB2_1 = "gemini-nano-banana-2.1"


def ask(
    model: str = PREVIEW,
    size: str | None = "1K",
    *,
    references: int = 0,
    text: bool = False,
    image: bool = True,
    **parameters: object,
) -> ContentRequest:
    return ContentRequest(
        prompt="a red fox",
        model=model,
        modalities=("TEXT", "IMAGE") if text and image else ("IMAGE",) if image else ("TEXT",),
        aspect="1:1" if image else None,
        size=size if image else None,
        references=(Reference("a.png", "image/png", b""),) * references,
        parameters=Parameters(**parameters),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("request_", "tariff", "expected"),
    [
        (ask(size="4K"), WISGATE, (58_000, "")),
        (ask(references=14, search=True), WISGATE, (58_000, "")),
        (ask(image=False), WISGATE, (58_000, "at most")),
        (ask("gemini-3-pro-image-preview"), WISGATE, (None, "")),
        (ask("gemini-9"), WISGATE, (None, "")),
        (ask("gemini-9"), GOOGLE, (None, "")),
        (ask("gemini-9"), Tariff("sandbox"), (0, "")),
        (ask(), Tariff(None), (None, "")),
        (ask("gemini-9"), Tariff(None, 40_000), (40_000, "")),
        # The image, 3 tokens of prompt, 100 of thinking.
        (ask(), GOOGLE, (67_000 + 2 + 300, "about")),
        (ask(references=2), GOOGLE, (67_000 + 1_122 + 300, "about")),
        (ask(thinking="high"), GOOGLE, (67_000 + 2 + 4_500, "about")),
        (ask(search=True), GOOGLE, (67_000 + 2 + 300 + 14_000, "about")),
        (ask(text=True), GOOGLE, (67_000 + 2 + 300 + 180, "about")),
        # 2.1 thinks at its medium level unless told otherwise.
        (ask(NB2_1, "4K"), GOOGLE, (113_400 + 5 + 3_750, "about")),
        (ask(NB2_1, thinking="minimal"), GOOGLE, (33_600 + 5 + 750, "about")),
        (ask("gemini-2.5-flash-image"), GOOGLE, (39_000, "about")),
    ],
)
def test_an_estimate(
    request_: ContentRequest, tariff: Tariff, expected: tuple[int | None, str]
) -> None:
    price = prices.estimate(request_, tariff)
    assert price.micro is None or abs(price.micro - (expected[0] or 0)) <= 1
    assert (price.micro is None, price.word) == (expected[0] is None, expected[1])


@pytest.mark.parametrize("model", [each.id for each in MODELS.values()])
def test_a_caption_costs_little_at_google(model: str) -> None:
    price = prices.estimate(ask(model, references=1, image=False), GOOGLE)
    assert price.micro is not None
    assert 0 < price.micro <= 2_000
    assert price.word == "about"


def test_the_number_of_references_may_be_known_alone() -> None:
    assert prices.estimate(ask(), GOOGLE, 3) == prices.estimate(ask(references=3), GOOGLE)


def told(
    prompt: int | None,
    output: int | None,
    thinking: int | None = 0,
    *,
    text_tokens: int = 0,
    queries: int = 0,
) -> Reply:
    usage = Usage(prompt, output, thinking, 0)
    return Reply(b"", usage=usage, text_tokens=text_tokens, queries=queries)


@pytest.mark.parametrize(
    ("request_", "reply", "tariff", "cost"),
    [
        (ask(size="2K"), told(8, 1680), GOOGLE, 4 + 100_800),
        (ask(), told(1, 1120), GOOGLE, 67_201),  # half a micro-dollar counts as one
        (ask(), told(8, 1120, 300), GOOGLE, 4 + 67_200 + 900),
        (ask(), told(8, 1120, None), GOOGLE, 4 + 67_200),
        (ask(text=True), told(8, 1180, text_tokens=60), GOOGLE, 4 + 67_200 + 180),
        (ask(search=True), told(8, 1120, queries=2), GOOGLE, 4 + 67_200 + 28_000),
        (ask(image=False), told(1200, 40), GOOGLE, 600 + 120),
        (ask(NB2_1), told(8, 1120), GOOGLE, 12 + 33_600),
        (ask("gemini-3-pro-image"), told(8, 1120, 500), GOOGLE, 16 + 134_400 + 6_000),
        (ask("gemini-3.1-flash-lite-image"), told(8, 1120), GOOGLE, 2 + 33_600),
        # Without counts, the catalog's.
        (ask(), told(None, 1120), GOOGLE, 67_000),
        (ask(), told(8, None), GOOGLE, 67_000),
        (ask(), Reply(b""), GOOGLE, 67_000),
        (ask("gemini-2.5-flash-image"), told(8, 1290), GOOGLE, 39_000),
        (ask("gemini-9"), told(8, 1120), GOOGLE, None),
        # A gateway bills in its own way.
        (ask(), told(8, 1120), WISGATE, 58_000),
        (ask(image=False), told(8, 40), WISGATE, 58_000),
        (ask(), told(8, 1120), Tariff(None), None),
        (ask(), told(8, 1120), Tariff("google", 40_000), 40_000),
        (ask(), told(8, 1120), Tariff("sandbox"), 0),
    ],
)
def test_the_cost_of_an_answer(
    request_: ContentRequest, reply: Reply, tariff: Tariff, cost: int | None
) -> None:
    assert prices.cost(request_, reply, tariff) == cost


@given(micro=st.integers(0, 10**9), count=st.integers(1, 1000), word=st.sampled_from(["", "about"]))
def test_an_amount_that_is_shown_is_never_too_low(micro: int, count: int, word: str) -> None:
    shown = prices.amount(micro * count, word)
    number = 0.0 if shown == "free" else float(shown.partition("$")[2])
    assert round(number * 1_000_000) >= micro * count
    step = 10_000 if word and micro * count >= 1_000_000 else 100
    assert round(number * 1_000_000) - micro * count < step


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_the_table_is_consistent(model: catalog.Model) -> None:
    assert set(model.prices.get("google", {})) == set(model.sizes)
    assert bool(model.since) == (model.state != "living") == bool(model.successor)
    if model.successor:
        assert MODELS[model.successor].state == "living"
    assert catalog.successor(model.id) == (model.successor or None)
    assert set(model.thinking) <= set(catalog.THINKING_LEVELS)
    assert model.default_thinking in ("", *model.thinking)


@pytest.mark.parametrize("provider", catalog.PROVIDERS.values(), ids=lambda each: each.name)
def test_defaults_and_aliases_are_in_the_table(provider: catalog.Provider) -> None:
    assert provider.default_model in MODELS
    assert set(provider.aliases.values()) <= set(MODELS)


def test_google_starts_with_a_living_model() -> None:
    assert MODELS[catalog.PROVIDERS["google"].default_model].state == "living"


@pytest.mark.parametrize(
    ("micro", "word", "shown"),
    [
        (67_101, "about", "about $0.0672"),
        (999_901, "about", "about $1.00"),
        (24_600_101, "about", "about $24.61"),
        (24_600_100, "", "$24.6001"),
        (58_000, "", "$0.058"),
        (0, "about", "free"),
    ],
)
def test_an_estimate_has_cents_from_a_dollar_on(micro: int, word: str, shown: str) -> None:
    assert prices.amount(micro, word) == shown
