"""List the models, with what they accept and cost, and the providers, with their addresses.

Options, checks, completions, `nb models` and the sandbox all read these facts here. Sources: the
public documentation of WisGate and Google.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

SIZES = ("0.5K", "1K", "2K", "4K")
THINKING_LEVELS = ("minimal", "high")
DEFAULT_ASPECT = "1:1"
DEFAULT_SIZE = "1K"
DEFAULT_MODEL = "gemini-3.1-flash-image-preview"
DEFAULT_PROVIDER = "wisgate"

# Pixels at 1K, landscape and square; portrait is the transpose.
_PIXELS_1K = {
    "1:1": (1024, 1024),
    "3:2": (1264, 848),
    "4:3": (1200, 896),
    "5:4": (1152, 928),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
    "4:1": (2048, 512),
    "8:1": (3072, 384),
}
_SCALE = {"0.5K": 0.5, "1K": 1, "2K": 2, "4K": 4}

_COMMON_ASPECTS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_EXTREME_ASPECTS = ("1:4", "4:1", "1:8", "8:1")
ASPECTS = _COMMON_ASPECTS + _EXTREME_ASPECTS


class Provider(msgspec.Struct, frozen=True):
    """A service that speaks the protocol.

    Args:
        name: as in `--provider`.
        base_url: the address to append `/v1beta/models/…` to; "" for the embedded sandbox, which
            takes a free port.
        key_variables: environment variables that may hold its key, in order.
        key_page: the web page that issues keys.
        size_names: its names of image sizes, where they differ from ours.
    """

    name: str
    base_url: str
    key_variables: tuple[str, ...] = ()
    key_page: str = ""
    size_names: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def needs_key(self) -> bool:
        """Return whether calls need a key."""
        return bool(self.key_variables)


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "wisgate": Provider(
            name="wisgate",
            base_url="https://wisgate.ai",
            key_variables=("WISDOM_GATE_KEY",),
            key_page="https://wisgate.ai/hall/tokens",
        ),
        "google": Provider(
            name="google",
            base_url="https://generativelanguage.googleapis.com",
            key_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            key_page="https://aistudio.google.com/apikey",
            # Google answers `0.5K` with a 400.
            size_names={"0.5K": "512"},
        ),
        "sandbox": Provider(name="sandbox", base_url=""),
    }
)


class Model(msgspec.Struct, frozen=True):
    """A model, with what it is known to accept and its price.

    Args:
        id: as in the address.
        title: its name for people.
        aspects, sizes: the values it accepts, in display order.
        max_references: input images per call.
        prices: provider → image size → micro-dollars per image; unknown if missing.
        thinking: the thinking levels it is known to accept.
        search: whether it is known to accept grounding in search.
    """

    id: str
    title: str
    aspects: tuple[str, ...]
    sizes: tuple[str, ...]
    max_references: int
    prices: Mapping[str, Mapping[str, int]]
    thinking: tuple[str, ...] = ()
    search: bool = False


_FLASH_31_GOOGLE = {"0.5K": 45_000, "1K": 67_000, "2K": 101_000, "4K": 151_000}

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
                prices={"wisgate": dict.fromkeys(SIZES, 58_000), "google": _FLASH_31_GOOGLE},
                thinking=THINKING_LEVELS,
                search=True,
            ),
            Model(
                id="gemini-3.1-flash-image",
                title="Nano Banana 2, general release",
                aspects=ASPECTS,
                sizes=SIZES,
                max_references=14,
                prices={"google": _FLASH_31_GOOGLE},
                thinking=THINKING_LEVELS,
                search=True,
            ),
            Model(
                id="gemini-nano-banana-2.1",
                title="Nano Banana 2.1",
                aspects=ASPECTS,
                sizes=("1K", "2K", "4K"),
                max_references=14,
                prices={"google": {"1K": 34_000, "4K": 113_000}},
            ),
            Model(
                id="gemini-3-pro-image-preview",
                title="Nano Banana Pro",
                aspects=_COMMON_ASPECTS,
                sizes=("1K", "2K", "4K"),
                max_references=14,
                prices={"google": {"1K": 134_000, "2K": 134_000, "4K": 240_000}},
            ),
            Model(
                id="gemini-2.5-flash-image",
                title="Nano Banana",
                aspects=_COMMON_ASPECTS,
                sizes=("1K",),
                max_references=3,
                prices={"google": {"1K": 39_000}},
            ),
        )
    }
)


def pixels(aspect: str, size: str) -> tuple[int, int]:
    """Return the documented width and height in pixels of an aspect ratio and image size.

    Real replies differ by some pixels, so use these for drawing and notes, never to reject.

    Raises:
        KeyError: the ratio or the size is not in the catalog.
    """
    scale = _SCALE[size]
    if aspect in _PIXELS_1K:
        width, height = _PIXELS_1K[aspect]
    else:
        height, width = _PIXELS_1K[":".join(reversed(aspect.split(":")))]
    return int(width * scale), int(height * scale)


def price(provider: str, model: str, size: str) -> int | None:
    """Return micro-dollars per image, 0 in the sandbox, or None if the price is unknown."""
    if provider == "sandbox":
        return 0
    known = MODELS.get(model)
    return known.prices.get(provider, {}).get(size) if known else None
