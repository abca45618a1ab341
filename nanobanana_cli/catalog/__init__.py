"""Know the models, with what they accept and cost, and the providers, with their addresses.

Options, checks, completions, `nb models` and the sandbox all read these facts here. Sources: the
public documentation of WisGate and Google. `model_table` and `providers` hold the facts, `prices`
computes what a call costs.
"""

from __future__ import annotations

from nanobanana_cli.catalog.model_table import (
    ASPECTS,
    MODELS,
    SIZES,
    TEXT_MODELS,
    THINKING_LEVELS,
    Model,
)
from nanobanana_cli.catalog.providers import DEFAULT_MODEL, DEFAULT_PROVIDER, PROVIDERS, Provider

__all__ = [
    "ASPECTS",
    "DEFAULT_ASPECT",
    "DEFAULT_MODEL",
    "DEFAULT_PROVIDER",
    "DEFAULT_SIZE",
    "MODELS",
    "PROVIDERS",
    "SIZES",
    "TEXT_MODELS",
    "THINKING_LEVELS",
    "Model",
    "Provider",
    "model_id",
    "pixels",
    "sizes",
    "state_of",
    "successor",
]

DEFAULT_ASPECT = "1:1"
DEFAULT_SIZE = "1K"

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


def model_id(text: str, provider: str) -> str:
    """Return the id that a typed model means at a provider: `pro`, `models/…` and plain ids."""
    plain = text.removeprefix("models/")
    return PROVIDERS[provider].aliases.get(plain.lower(), plain)


def sizes(model: str, provider: str) -> tuple[str, ...]:
    """Return the image sizes that a model accepts at a provider; () if the model is unknown."""
    known = MODELS.get(model)
    return known.own_sizes.get(provider, known.sizes) if known else ()


def successor(model: str) -> str | None:
    """Return the living model that replaces a retired or deprecated one, or None."""
    known = MODELS.get(model)
    return (known.successor or None) if known else None


def state_of(model: str) -> str | None:
    """Return why a model may soon not answer, with its successor; None if it lives or is unknown.

    It is about Google; a gateway may serve the model longer.
    """
    known = MODELS.get(model)
    if known is None or known.state == "living":
        return None
    what = "was shut down" if known.state == "retired" else "has been deprecated"
    day = f"on {known.since}" if known.state == "retired" else f"since {known.since}"
    return f"{model} {what} at Google {day}; its successor is {known.successor}"
