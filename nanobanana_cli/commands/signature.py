"""Make a command's signature from its options record, and fill the record with what was typed."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import typer

from nanobanana_cli.ui.terminal import Terminal

R = TypeVar("R", bound=msgspec.Struct)


def takes(record: type[R]) -> Callable[[Callable[[R, Terminal], None]], Callable[..., None]]:
    """Make a Typer callback of a function that takes a command's options and the terminal.

    Args:
        record: the command's options; every field has a default.
    """

    def decorate(function: Callable[[R, Terminal], None]) -> Callable[..., None]:
        def callback(ctx: typer.Context, **values: Any) -> None:
            terminal: Terminal = ctx.obj
            streams = ("quiet", "verbose", "color")
            terminal.configure(**{name: values[name] for name in streams if name in values})
            function(_filled(record(), values), terminal)

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *_parameters(record())]
        callback.__doc__ = function.__doc__
        callback.__annotations__ = {each.name: each.annotation for each in parameters}
        callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return callback

    return decorate


def settings_of(options: msgspec.Struct) -> dict[str, str | None]:
    """Return the options that override a setting, by the setting's name; None if not given."""
    from nanobanana_cli.settings.resolve import DEFAULTS

    typed = dict(_values(options))
    return {name: typed.get(name.replace("-", "_")) for name in DEFAULTS}


def _parameters(group: msgspec.Struct) -> Iterator[inspect.Parameter]:
    """Yield a parameter for each option of a group, and of the groups in it."""
    annotations = inspect.get_annotations(type(group))
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if isinstance(value, msgspec.Struct):
            yield from _parameters(value)
            continue
        if panel := getattr(group, "panel", None):
            annotations[name].__metadata__[0].rich_help_panel = panel
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=annotations[name]
        )


def _values(group: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if isinstance(value, msgspec.Struct):
            yield from _values(value)
        else:
            yield name, value


def _filled(group: R, values: dict[str, Any]) -> R:
    """Return a group of the same type with the values that were typed."""
    fields = {}
    for name in group.__struct_fields__:
        value = getattr(group, name)
        is_group = isinstance(value, msgspec.Struct)
        fields[name] = _filled(value, values) if is_group else values[name]
    return type(group)(**fields)
