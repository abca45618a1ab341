"""What `nb models` shows of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nanobanana_cli import catalog
from nanobanana_cli.catalog import Model
from nanobanana_cli.errors import UsageError
from nanobanana_cli.money import MICRO, dollars
from nanobanana_cli.settings import validators
from nanobanana_cli.ui.terminal import Terminal


def show(terminal: Terminal, provider: str | None, *, as_json: bool) -> None:
    """Every model: JSON lines, a small table each on a terminal, or a line each in a pipe.

    Args:
        provider: whose prices; None means all who charge.

    Raises:
        UsageError: there is no such provider.
    """
    providers = _providers(provider)
    models = catalog.MODELS.values()
    if as_json:
        for model in models:
            terminal.json(record(model, providers))
    elif terminal.stdout.isatty():
        # The tables' first columns line up when their heads are as wide as the longest.
        width = max(len(model.id) for model in models)
        for model in models:
            head = (model.id.ljust(width), _title(model))
            terminal.table(head, _facts(model, providers))
    else:
        terminal.table((), (_line(model, providers) for model in models))


def record(model: Model, providers: Iterable[str]) -> dict[str, object]:
    """What `--json` says of a model; prices in dollars by image size, null when unknown."""
    return {
        "id": model.id,
        "title": model.title,
        "default": model.id == catalog.DEFAULT_MODEL,
        "aspects": list(model.aspects),
        "sizes": list(model.sizes),
        "max_references": model.max_references,
        "thinking": list(model.thinking),
        "search": model.search,
        "prices_usd": {
            provider: {
                size: None if price is None else price / MICRO
                for size, price in _prices(model, provider)
            }
            for provider in providers
        },
    }


def _providers(chosen: str | None) -> Sequence[str]:
    if chosen is None:
        return [provider.name for provider in catalog.PROVIDERS.values() if provider.needs_key]
    try:
        return [validators.provider(chosen)]
    except validators.InvalidValue as wrong:
        raise UsageError(f"--provider {chosen} {wrong.reason}", hint=wrong.hint) from None


def _title(model: Model) -> str:
    return f"{model.title} (default)" if model.id == catalog.DEFAULT_MODEL else model.title


def _facts(model: Model, providers: Iterable[str]) -> list[tuple[str, str]]:
    """The rows of a model's table on a terminal; the last, empty one parts it from the next."""
    return [
        ("  aspect ratios", " ".join(model.aspects)),
        ("  sizes", " ".join(model.sizes)),
        ("  reference images", f"up to {model.max_references}"),
        *((f"  price at {provider}", _price(model, provider)) for provider in providers),
        ("", ""),
    ]


def _line(model: Model, providers: Iterable[str]) -> list[str]:
    return [
        model.id,
        _title(model),
        " ".join(model.aspects),
        " ".join(model.sizes),
        str(model.max_references),
        *(_price(model, provider) for provider in providers),
    ]


def _price(model: Model, provider: str) -> str:
    """`$0.058` when it is the same for every size, else size by size."""
    prices = _prices(model, provider)
    if len({price for _, price in prices}) == 1:
        return _amount(prices[0][1])
    return ", ".join(f"{size} {_amount(price)}" for size, price in prices)


def _prices(model: Model, provider: str) -> list[tuple[str, int | None]]:
    return [(size, catalog.price(provider, model.id, size)) for size in model.sizes]


def _amount(price: int | None) -> str:
    return "unknown" if price is None else dollars(price)
