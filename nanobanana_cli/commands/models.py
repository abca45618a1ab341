"""`nb models`: show what each model accepts and costs, and whether it still lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
import typer

from nanobanana_cli import catalog
from nanobanana_cli.catalog import Model, prices
from nanobanana_cli.commands import options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.money import dollars, usd
from nanobanana_cli.suggest import shown
from nanobanana_cli.ui.terminal import Terminal


class ModelLine(msgspec.Struct, frozen=True, kw_only=True):
    """The abilities and prices of a model.

    Args:
        id: the model's id.
        default: whether it is the default at the first provider shown.
        default_at: the providers at which it is the default.
        aliases: other names for `-m`.
        state: whether Google still serves it.
        state_since: since when, or from when on.
        successor: the model to use instead.
        aspects, sizes: what it accepts.
        max_references: the limit of reference images.
        thinking: the levels that it accepts.
        default_thinking: the level without --thinking.
        search: whether it can search the web.
        search_kinds: what it can search.
        prices_usd: provider → image size → dollars; null if not known.
    """

    id: str
    title: str
    default: bool
    default_at: list[str]
    aliases: list[str]
    state: str
    state_since: str | None
    successor: str | None
    aspects: list[str]
    sizes: list[str]
    max_references: int
    thinking: list[str]
    default_thinking: str | None
    search: bool
    search_kinds: list[str]
    prices_usd: dict[str, dict[str, float | None]]


def command(
    ctx: typer.Context,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME", help="Show only the prices of this provider."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare with the models that the provider itself lists."),
    ] = False,
    base_url: options.BaseUrl = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON line for each model.", rich_help_panel="Streams"
        ),
    ] = False,
    color: options.Color = None,
) -> None:
    """Show what each model accepts and costs, and whether Google still serves it.

    In a pipe, print a line per model with TABs between id, name, aspect ratios, sizes, reference
    images, thinking levels, kinds of search, state, and the price at each provider.

    With --check, ask the provider for its own list, which is free, and print a line for each model
    that either of the two lists: listed, missing or new, then its id. Exit 3 if the model in force
    is missing.

    Examples:
      nb models
      nb models --provider google --json
      nb models --provider google --check
    """
    terminal: Terminal = ctx.obj
    terminal.configure(color=color)
    if check:
        from nanobanana_cli.commands import model_check

        model_check.run(terminal, {"provider": provider, "base-url": base_url}, as_json=json)
        return
    if base_url is not None:
        raise UsageError("--base-url needs --check", hint="nb models --check --base-url URL")
    _show(terminal, _providers(provider), as_json=json)


def _show(terminal: Terminal, providers: Sequence[str], *, as_json: bool) -> None:
    models = catalog.MODELS.values()
    if as_json:
        for model in models:
            terminal.json(_model_line(model, providers))
    elif terminal.stdout.isatty():
        # Pad the first column, so that the tables line up.
        width = max(len(model.id) for model in models)
        for model in models:
            head = (model.id.ljust(width), _title(model, providers))
            terminal.table(head, _facts(model, providers))
    else:
        terminal.table((), (_line(model, providers) for model in models))


def _model_line(model: Model, providers: Sequence[str]) -> ModelLine:
    defaults = [name for name in providers if _is_default(model, name)]
    return ModelLine(
        id=model.id,
        title=model.title,
        default=providers[0] in defaults,
        default_at=defaults,
        aliases=sorted({alias for name in providers for alias in _aliases(model, name)}),
        state=model.state,
        state_since=model.since or None,
        successor=model.successor or None,
        aspects=list(model.aspects),
        sizes=list(model.sizes),
        max_references=model.max_references,
        thinking=list(model.thinking),
        default_thinking=model.default_thinking or None,
        search=bool(model.search),
        search_kinds=list(model.search),
        prices_usd={
            provider: {size: usd(price) for size, price in _prices(model, provider)}
            for provider in providers
        },
    )


def _providers(chosen: str | None) -> Sequence[str]:
    """Return the providers whose prices to show; raise UsageError for an unknown one."""
    from nanobanana_cli.settings import validators

    if chosen is None:
        return [provider.name for provider in catalog.PROVIDERS.values() if provider.needs_key]
    try:
        return [validators.provider(chosen)]
    except validators.InvalidValue as wrong:
        raise UsageError(f"--provider {shown(chosen)} {wrong.reason}", hint=wrong.hint) from None


def _is_default(model: Model, provider: str) -> bool:
    return catalog.PROVIDERS[provider].default_model == model.id


def _aliases(model: Model, provider: str) -> list[str]:
    aliases = catalog.PROVIDERS[provider].aliases
    return [alias for alias, meant in aliases.items() if meant == model.id]


def _title(model: Model, providers: Sequence[str]) -> str:
    defaults = [name for name in providers if _is_default(model, name)]
    if not defaults:
        return model.title
    where = f" at {' and '.join(defaults)}" if len(providers) > 1 else ""
    return f"{model.title} (default{where})"


def _facts(model: Model, providers: Sequence[str]) -> list[tuple[str, str]]:
    """Return the rows of a model's table on a terminal, with an empty one at the end."""
    names = sorted({alias for provider in providers for alias in _aliases(model, provider)})
    return [
        (
            "  state at Google",
            _state(model) + (f", see {model.successor}" if model.successor else ""),
        ),
        *([("  also called", " ".join(names))] if names else []),
        ("  aspect ratios", " ".join(model.aspects)),
        ("  sizes", _sizes(model, providers)),
        ("  reference images", f"up to {model.max_references}"),
        ("  thinking", _thinking(model)),
        ("  search", _search(model)),
        *((f"  price at {provider}", _price(model, provider)) for provider in providers),
        ("", ""),
    ]


def _line(model: Model, providers: Sequence[str]) -> list[str]:
    return [
        model.id,
        _title(model, providers),
        " ".join(model.aspects),
        " ".join(model.sizes),
        str(model.max_references),
        _thinking(model),
        _search(model),
        _state(model),
        *(_price(model, provider) for provider in providers),
    ]


def _state(model: Model) -> str:
    """Return such as `retired 2026-06-25`: at Google, which gateways may outlive."""
    return f"{model.state} {model.since}".rstrip()


def _sizes(model: Model, providers: Iterable[str]) -> str:
    """Return the sizes, with those of a provider that accepts others."""
    own = (
        f"; at {provider} {' '.join(model.own_sizes[provider])}"
        for provider in providers
        if provider in model.own_sizes
    )
    return " ".join(model.sizes) + "".join(own)


def _thinking(model: Model) -> str:
    """Return the levels, the default one marked."""
    if model.always_thinks:
        return "always on"
    levels = (
        f"{level} (default)" if level == model.default_thinking else level
        for level in model.thinking
    )
    return " ".join(levels) or "no"


def _search(model: Model) -> str:
    return " ".join(model.search) or "no"


def _price(model: Model, provider: str) -> str:
    """Return `$0.058` if all sizes cost the same, else the price of each size."""
    found = _prices(model, provider)
    if len({price for _, price in found}) == 1:
        return _amount(found[0][1])
    return ", ".join(f"{size} {_amount(price)}" for size, price in found)


def _prices(model: Model, provider: str) -> list[tuple[str, int | None]]:
    sizes = catalog.sizes(model.id, provider)
    return [(size, prices.of_image(provider, model.id, size)) for size in sizes]


def _amount(price: int | None) -> str:
    return "unknown" if price is None else dollars(price)
