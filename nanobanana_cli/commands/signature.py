"""Make a command's signature from its options record, fill the record, and write it out again."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeVar

import msgspec
import typer
from typer.core import TyperArgument
from typer.models import OptionInfo

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal

R = TypeVar("R", bound=msgspec.Struct)

# With one of these, no command makes a call, so that errors say nothing of a charge.
_CALLS_NOTHING = (
    "accept",
    "check",
    "curl",
    "decorative",
    "dry_run",
    "init",
    "prune",
    "read",
    "status",
)
# What help calls the value of an option or argument that is the name of a file.
_NAMED = ("file", "folder", "manifest")
# Manifests have these, too, so that their values are checked where both are read.
_SAY_MORE = ("-i", "--continue")


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
            terminal.shows_charge &= not any(values.get(name) for name in _CALLS_NOTHING)
            _check_values(ctx, values)
            function(_filled(record(), values), terminal)

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *_parameters(record())]
        callback.__doc__ = function.__doc__
        callback.__annotations__ = {each.name: each.annotation for each in parameters}
        callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return callback

    return decorate


def _check_values(ctx: typer.Context, values: Mapping[str, Any]) -> None:
    """Check what Typer lets through.

    Raises:
        BadParameter: for `nan` and `inf`, which no comparison with a limit finds.
        UsageError: for an empty name of a file, which would stand for the current folder.
    """
    for param in ctx.command.params:
        value = values.get(param.name or "")
        if isinstance(value, float) and not isfinite(value):
            raise typer.BadParameter(f"'{value}' is not a valid float", ctx, param)
        if "" not in (value if isinstance(value, list | tuple) else [value]):
            continue
        noun, name = param.make_metavar(ctx).strip("[].").lower(), min(param.opts, key=len)
        if noun not in _NAMED or name in _SAY_MORE:
            continue
        if isinstance(param, TyperArgument):
            raise UsageError(f"an empty name is not a {noun}", hint=f"name the {noun}")
        hint = f"its value is empty: name the {noun}, or leave {name} out"
        raise UsageError(f"{name} needs a {noun}", hint=hint)


def settings_of(options: msgspec.Struct) -> dict[str, str | None]:
    """Return the options that override a setting, by the setting's name; None if not given."""
    from nanobanana_cli.settings.names import DEFAULTS

    typed = dict(_values(options))
    # A field called `format` would hide the function.
    typed["format"] = typed.get("image_format")
    return {name: _as_typed(typed.get(name.replace("-", "_"))) for name in DEFAULTS}


def _as_typed(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower()


def command_line(name: str, options: msgspec.Struct) -> str:
    """Return the command with the options that were given, for a hint that names it.

    Args:
        name, options: as for `command_words`.

    Returns:
        One line, quoted for a shell.
    """
    from shlex import join

    return join(command_words(name, options))


def command_words(name: str, options: msgspec.Struct) -> list[str]:
    """Return the words of a command with the options that were given.

    What has its default is left out, and so is the query of an address, often a secret.

    Args:
        name: the command, such as `batch`.
        options: its record; `msgspec.structs.replace` makes another command of it.
    """
    words, last = ["nb", *name.split()], list[str]()
    for value, default, option in _fields(options):
        if value == default:
            continue
        for each in value if isinstance(value, list | tuple) else [value]:
            text = without_query(str(each))
            flag, _, negative = option.partition("/")
            if not flag and text.startswith("-") and text != "-":
                last += ["--", text]
            elif not flag:
                words.append(text)
            elif isinstance(each, bool):
                words.append(flag if each else negative)
            else:
                words += [f"{flag}={text}"] if text.startswith("-") else [flag, text]
    return words + last


def _fields(group: msgspec.Struct) -> Iterator[tuple[Any, Any, str]]:
    """Yield value, default and long option of each field of a group; "" for an argument."""
    defaults, annotations = type(group)(), inspect.get_annotations(type(group))
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if isinstance(value, msgspec.Struct):
            yield from _fields(value)
            continue
        info = annotations[name].__metadata__[0]
        # Typer takes the first name of an option in the place of its default.
        flags = (info.default, *(info.param_decls or ())) if isinstance(info, OptionInfo) else ()
        flag = next((each for each in map(str, flags) if each.startswith("--")), "")
        yield value, getattr(defaults, name), flag


def without_query(text: str) -> str:
    """Return a text without the query of an address, which may hold a secret."""
    scheme, found, rest = text.partition("://")
    if not found or "?" not in rest or not scheme.isalpha():
        return text
    return text.partition("?")[0] + "?…"


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


def with_values(options: R, values: Mapping[str, Any]) -> R:
    """Return a command's record with other values, by the names of its options."""
    return _filled(options, {**dict(_values(options)), **values})


def _filled(group: R, values: dict[str, Any]) -> R:
    """Return a group of the same type with the values that were typed."""
    fields = {}
    for name in group.__struct_fields__:
        value = getattr(group, name)
        is_group = isinstance(value, msgspec.Struct)
        fields[name] = _filled(value, values) if is_group else values[name]
    return type(group)(**fields)
