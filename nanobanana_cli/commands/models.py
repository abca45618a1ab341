"""`nb models`: show what each model accepts and costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from nanobanana_cli import catalog
from nanobanana_cli.catalog import Model
from nanobanana_cli.commands import options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.money import dollars, usd
from nanobanana_cli.ui.terminal import Terminal


def command(
    ctx: typer.Context,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME", help="Show only the prices of this provider."),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON line for each model.", rich_help_panel="Streams"
        ),
    ] = False,
    color: options.Color = None,
) -> None:
    """Show what each model accepts and what an image costs.

    In a pipe, print a line per model with TABs between id, name, aspect ratios, sizes, reference
    images, and the price at each provider.

    Examples:
      nb models
      nb models --provider google --json
    """
    terminal: Terminal = ctx.obj
    terminal.configure(color=color)
    providers = _providers(provider)
    models = catalog.MODELS.values()
    if json:
        for model in models:
            terminal.json(_record(model, providers))
    elif terminal.stdout.isatty():
        # Pad the first column, so that the tables line up.
        width = max(len(model.id) for model in models)
        for model in models:
            head = (model.id.ljust(width), _title(model))
            terminal.table(head, _facts(model, providers))
    else:
        terminal.table((), (_line(model, providers) for model in models))


def _record(model: Model, providers: Iterable[str]) -> dict[str, object]:
    """Return the JSON line of a model; prices in dollars by image size, null if unknown."""
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
            provider: {size: usd(catalog.price(provider, model.id, size)) for size in model.sizes}
            for provider in providers
        },
    }


def _providers(chosen: str | None) -> Sequence[str]:
    """Return the providers whose prices to show; raise UsageError for an unknown one."""
    from nanobanana_cli.settings import validators

    if chosen is None:
        return [provider.name for provider in catalog.PROVIDERS.values() if provider.needs_key]
    try:
        return [validators.provider(chosen)]
    except validators.InvalidValue as wrong:
        raise UsageError(f"--provider {chosen} {wrong.reason}", hint=wrong.hint) from None


def _title(model: Model) -> str:
    return f"{model.title} (default)" if model.id == catalog.DEFAULT_MODEL else model.title


def _facts(model: Model, providers: Iterable[str]) -> list[tuple[str, str]]:
    """Return the rows of a model's table on a terminal, with an empty one at the end."""
    return [
        ("  aspect ratios", " ".join(model.aspects)),
        ("  sizes", " ".join(model.sizes)),
        ("  reference images", f"up to {model.max_references}"),
        *((f"  price at {provider}", _price(model, provider)) for provider in providers),
        ("", ""),
    ]


def _line(model: Model, providers: Iterable[str]) -> list[str]:
    facts = (" ".join(model.aspects), " ".join(model.sizes), str(model.max_references))
    prices = (_price(model, provider) for provider in providers)
    return [model.id, _title(model), *facts, *prices]


def _price(model: Model, provider: str) -> str:
    """Return `$0.058` if all sizes cost the same, else the price of each size."""
    prices = {size: _amount(catalog.price(provider, model.id, size)) for size in model.sizes}
    if len(set(prices.values())) == 1:
        return next(iter(prices.values()))
    return ", ".join(f"{size} {price}" for size, price in prices.items())


def _amount(price: int | None) -> str:
    return "unknown" if price is None else dollars(price)
