"""List the models, with their state, what they accept, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from nanobanana_cli.catalog.providers import DEFAULT_MODEL

SIZES = ("0.5K", "1K", "2K", "4K")
THINKING_LEVELS = ("minimal", "medium", "high")

_COMMON_ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_EXTREME_ASPECTS = ("1:4", "4:1", "1:8", "8:1")
ASPECTS = _COMMON_ASPECTS + _EXTREME_ASPECTS

State = Literal["living", "deprecated", "retired"]


class TokenPrices(msgspec.Struct, frozen=True):
    """Prices by token, in micro-dollars per million tokens.

    Args:
        input: the request: texts and reference images.
        text: texts and thinking in the reply.
        image: images in the reply.
    """

    input: int
    text: int
    image: int


class Model(msgspec.Struct, frozen=True):
    """A model, with what it is known to accept and its price.

    Args:
        id: as in the address.
        title: its name for people.
        aspects, sizes: the values it accepts, in display order.
        max_references: input images per call.
        prices: provider → image size → micro-dollars per image; unknown if missing.
        tokens: what Google bills by; None if unknown.
        thinking: the thinking levels it is known to accept.
        default_thinking: the level without a request for one; "" if unknown.
        always_thinks: it thinks, and takes no level.
        search: the kinds of search it is known to accept for grounding.
        state: whether Google still serves it. Gateways keep some models longer.
        since: the date of that state, ISO 8601; "" for `living`.
        successor: the living model that replaces it; "" if none does.
        own_sizes: provider → sizes, where a provider accepts others.
    """

    id: str
    title: str
    aspects: tuple[str, ...]
    sizes: tuple[str, ...]
    max_references: int
    prices: Mapping[str, Mapping[str, int]]
    tokens: TokenPrices | None = None
    thinking: tuple[str, ...] = ()
    default_thinking: str = ""
    always_thinks: bool = False
    search: tuple[str, ...] = ()
    state: State = "living"
    since: str = ""
    successor: str = ""
    own_sizes: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


_BANANA_2 = TokenPrices(input=500_000, text=3_000_000, image=60_000_000)
_BANANA_2_PRICES = {"0.5K": 45_000, "1K": 67_000, "2K": 101_000, "4K": 151_000}
_PRO = TokenPrices(input=2_000_000, text=12_000_000, image=120_000_000)
_PRO_PRICES = {"1K": 134_000, "2K": 134_000, "4K": 240_000}
_LARGE_SIZES = ("1K", "2K", "4K")
_SHUT_DOWN_IN_JUNE = "2026-06-25"

# Models that read images and write texts. Google's page on 3.6 names this one's price, its page of
# deprecations names it as the replacement of 2.5 Flash.
TEXT_MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "gemini-3.5-flash-lite": Model(
            id="gemini-3.5-flash-lite",
            title="Gemini 3.5 Flash-Lite",
            aspects=(),
            sizes=(),
            max_references=14,
            prices={},
            tokens=TokenPrices(input=300_000, text=2_500_000, image=0),
            thinking=THINKING_LEVELS,
            default_thinking="minimal",
        )
    }
)

# WisGate charges $0.058 a request for its default model, whatever the size. It names no price for
# the others, except two that contradict each other for Pro ($0.068, $0.096): they are unknown.
MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.id: model
        for model in (
            Model(
                id=DEFAULT_MODEL,
                title="Nano Banana 2",
                aspects=ASPECTS,
                sizes=SIZES,
                max_references=14,
                prices={"wisgate": dict.fromkeys(SIZES, 58_000), "google": _BANANA_2_PRICES},
                tokens=_BANANA_2,
                thinking=("minimal", "high"),
                search=("web", "image"),
                state="retired",
                since=_SHUT_DOWN_IN_JUNE,
                successor="gemini-nano-banana-2.1",
            ),
            Model(
                id="gemini-3.1-flash-image",
                title="Nano Banana 2, general release",
                aspects=ASPECTS,
                sizes=SIZES,
                max_references=14,
                prices={"google": _BANANA_2_PRICES},
                tokens=_BANANA_2,
                thinking=("minimal", "high"),
                search=("web", "image"),
                # Perhaps off since 29 October 2026: sources disagree.
                state="deprecated",
                since="2026-10-06",
                successor="gemini-nano-banana-2.1",
            ),
            Model(
                id="gemini-nano-banana-2.1",
                title="Nano Banana 2.1",
                aspects=ASPECTS,
                sizes=_LARGE_SIZES,
                max_references=14,
                prices={"google": {"1K": 33_600, "2K": 50_400, "4K": 113_400}},
                tokens=TokenPrices(input=1_500_000, text=7_500_000, image=30_000_000),
                thinking=THINKING_LEVELS,
                default_thinking="medium",
                search=("web", "image"),
            ),
            Model(
                id="gemini-3-pro-image",
                title="Nano Banana Pro",
                aspects=_COMMON_ASPECTS,
                sizes=_LARGE_SIZES,
                max_references=14,
                prices={"google": _PRO_PRICES},
                tokens=_PRO,
                always_thinks=True,
                search=("web",),
            ),
            Model(
                id="gemini-3-pro-image-preview",
                title="Nano Banana Pro, preview",
                aspects=_COMMON_ASPECTS,
                sizes=_LARGE_SIZES,
                max_references=14,
                prices={"google": _PRO_PRICES},
                tokens=_PRO,
                search=("web",),
                state="retired",
                since=_SHUT_DOWN_IN_JUNE,
                successor="gemini-3-pro-image",
            ),
            Model(
                id="gemini-3.1-flash-lite-image",
                title="Nano Banana 2 Lite",
                aspects=_COMMON_ASPECTS,
                sizes=("1K",),
                max_references=14,
                prices={"google": {"1K": 33_600}},
                tokens=TokenPrices(input=250_000, text=1_500_000, image=30_000_000),
                thinking=("minimal", "high"),
            ),
            Model(
                id="gemini-2.5-flash-image",
                title="Nano Banana",
                aspects=_COMMON_ASPECTS,
                sizes=("1K",),
                max_references=3,
                prices={"google": {"1K": 39_000}},
                state="retired",
                since="2026-10-02",
                successor="gemini-nano-banana-2.1",
                own_sizes={"wisgate": ("1K", "2K")},
            ),
        )
    }
)
