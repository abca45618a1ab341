"""Estimate what calls cost, hold `--max-cost`, and ask before they cost much."""

from __future__ import annotations

from collections.abc import Sequence

from nanobanana_cli.catalog import prices
from nanobanana_cli.errors import OverBudget, UsageError
from nanobanana_cli.money import dollars
from nanobanana_cli.settings import Settings
from nanobanana_cli.types import ContentRequest
from nanobanana_cli.ui import prompt
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal


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
    if limit is None or not count:
        return
    each = prices.estimate(request, settings.tariff).micro
    if each is None:
        where = settings.tariff.provider or settings.base_url
        raise OverBudget(
            f"the price of {_thing(request, 1)} by {request.model} at {where} is "
            "unknown, so --max-cost cannot be kept",
            hint="leave --max-cost out, or take a model whose price `nb models` shows"
            if settings.tariff.provider
            else "`nb config set price` names what a call costs at this address, in dollars",
        )
    if each * count > limit:
        raise OverBudget(
            f"{estimate(request, settings, count)}, and --max-cost is {dollars(limit, zero='$0')}",
            hint="ask for fewer images, or raise --max-cost",
        )


def is_limited(request: ContentRequest, settings: Settings, count: int) -> bool:
    """Return whether the exact number of calls matters to `check` or `confirm`."""
    micro = spending(prices.estimate(request, settings.tariff).micro)
    return settings.max_cost is not None or micro * count > settings.confirm_above


def confirm(
    request: ContentRequest, settings: Settings, count: int, terminal: Terminal, *, yes: bool
) -> None:
    """Get consent for calls that could cost more than `confirm-above`.

    Args:
        request, settings, count: as for `check`, which comes first.
        terminal: asks, if it is one.
        yes: consent was given with `--yes`.

    Raises:
        UsageError: consent was declined, or nobody can be asked.
    """
    price = prices.estimate(request, settings.tariff)
    could = f"{_thing(request, count)} could cost {price.times(count)}"
    if price.micro is None:
        guess = dollars(prices.UNKNOWN * count)
        could = f"the price of {_thing(request, count)} is unknown, perhaps {guess}"
    confirm_spending(could, count * spending(price.micro), settings, terminal, yes=yes)


def confirm_spending(
    could: str, micro: int, settings: Settings, terminal: Terminal, *, yes: bool
) -> None:
    """Get consent for what could cost more than `confirm-above`.

    A limit is consent to what it allows, unless it is from a project file alone, which comes with
    a repository.

    Args:
        could: the number of calls and the amount: `300 images could cost $17.40`.
        micro: that amount in micro-dollars, with calls of unknown price as `spending` counts them.
        settings, terminal, yes: as for `confirm`.

    Raises:
        UsageError: consent was declined, or nobody can be asked.
    """
    project = settings.project
    is_limited = settings.max_cost is not None and (
        project is None
        or settings.origins["max-cost"] != str(project.path)
        or "max-cost" in settings.user.values
    )
    if yes or is_limited or micro <= settings.confirm_above:
        return
    answer = prompt.confirm(terminal, f"{could}; go on?")
    if answer:
        return
    if answer is None:
        above = dollars(settings.confirm_above, zero="$0")
        raise UsageError(
            f"{could}, more than {above}, and nobody can be asked",
            hint="--yes allows it, and so does --max-cost where prices are known",
        )
    raise UsageError(f"{could}: declined", hint="ask for fewer")


def spending(micro: int | None) -> int:
    """Return micro-dollars that count for consent: an unknown price is taken to be high."""
    return prices.UNKNOWN if micro is None else micro


def estimate(request: ContentRequest, settings: Settings, count: int) -> str:
    """Return an estimate for people: `3 images would cost $0.174`."""
    price = prices.estimate(request, settings.tariff)
    if price.micro is None:
        return f"the price of {_thing(request, count)} is unknown"
    return f"{_thing(request, count)} would cost {price.times(count)}"


def spent(costs: Sequence[int | None], settings: Settings) -> str | None:
    """Return what answers with texts have cost, for people; None if nothing.

    Args:
        costs: micro-dollars of each; None if unknown.
        settings: those of the calls.
    """
    known = [each for each in costs if each is not None]
    if len(known) < len(costs):
        price = dollars(None)
    elif not sum(known):
        return None
    else:
        # What WisGate takes for a text is known less exactly than what tokens cost.
        tariff = settings.tariff
        is_exact = tariff.per_call is not None or prices.are_estimates(tariff)
        price = prices.amount(sum(known), "" if is_exact else "at most")
    return f"{counted(len(costs), 'answer')}, {price}"


def _thing(request: ContentRequest, count: int) -> str:
    return counted(count, "image" if "IMAGE" in request.modalities else "text")
