"""Estimate what calls cost, and hold `--max-cost`."""

from __future__ import annotations

from nanobanana_cli import catalog
from nanobanana_cli.errors import OverBudget
from nanobanana_cli.money import dollars
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest


def check(request: ContentRequest, settings: Settings, count: int) -> None:
    """Raise unless `--max-cost` allows the calls.

    Args:
        request: the request of each call.
        settings: the provider and the limit in force.
        count: the number of calls.

    Raises:
        OverBudget: they could cost more, or their price is unknown.
    """
    limit = settings.max_cost
    if limit is None:
        return
    each = _price(request, settings)
    if each is None:
        raise OverBudget(
            f"the price of {_thing(request, 1)} by {request.model} at {settings.provider} is "
            "unknown, so --max-cost cannot be kept",
            hint="leave --max-cost out, or take a model whose price `nb models` shows",
        )
    if each * count > limit:
        raise OverBudget(
            f"{estimate(request, settings, count)}, "
            f"and --max-cost is {dollars(limit, zero='nothing')}",
            hint="ask for fewer images, or raise --max-cost",
        )


def estimate(request: ContentRequest, settings: Settings, count: int) -> str:
    """Return an estimate for people: `3 images would cost $0.174`."""
    each = _price(request, settings)
    if each is None:
        return f"the price of {_thing(request, count)} is unknown"
    return f"{_thing(request, count)} would cost {dollars(each * count, zero='nothing')}"


def _price(request: ContentRequest, settings: Settings) -> int | None:
    return catalog.price(settings.provider, request.model, request.size or "")


def _thing(request: ContentRequest, count: int) -> str:
    kind = "image" if "IMAGE" in request.modalities else "text"
    return f"1 {kind}" if count == 1 else f"{count} {kind}s"
