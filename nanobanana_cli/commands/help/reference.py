"""Describe all that can be typed after `nb`, and what comes of it, as one JSON document."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from typer.core import TyperArgument, TyperGroup, TyperOption

from nanobanana_cli import __version__
from nanobanana_cli.commands.help import manifest_schema, schemas
from nanobanana_cli.commands.help.printed import PRINTED, records
from nanobanana_cli.commands.help.records import (
    ArgumentReference,
    CommandReference,
    HelpDocument,
    KindReference,
    OptionReference,
    SettingReference,
    StatusReference,
    VariableReference,
)
from nanobanana_cli.completion.describe import argument, spellings, takes
from nanobanana_cli.completion.manual import EXIT_STATUSES, VARIABLES
from nanobanana_cli.errors import ExitCode, Interrupted, NbBaseError
from nanobanana_cli.settings.names import DEFAULTS, TYPES, USER_DEFAULTS, variable_of

# Typer's names of types → what is typed.
_TYPES = {"str": "text", "int": "integer", "int range": "integer", "float": "number"}
_TYPES |= {"float range": "number", "boolean": "flag"}
_NAMES = {str: "text", int: "integer", float: "number", bool: "flag"}
# They define errors besides those of `errors`.
_WITH_ERRORS = (
    "batch.manifest.diagnostics",
    "batch.throttle",
    "captions.embedded",
    "captions.save",
    "generation.destinations",
)
_Path = tuple[str, ...]
_DEFAULT = re.compile(r"(.*?)(?: ?\[default: (.*)\])?")


def everything(tree: Any) -> HelpDocument:
    """Return the description of a whole command tree."""
    return HelpDocument(
        version=__version__,
        commands=list(commands(tree)),
        exit_statuses=list(_statuses()),
        settings=list(_settings()),
        variables=[VariableReference(each.name, _plain(each.about)) for each in VARIABLES],
        schemas=_schemas(),
    )


def _schemas() -> Mapping[str, schemas.Schema]:
    lines = {name: schemas.of_line(record) for name, record in records().items()}
    return {**lines, "manifest": manifest_schema.schema()}


def commands(tree: Any, words: Sequence[str] = ()) -> Iterator[CommandReference]:
    """Yield the commands below the group that words lead to, or the one that they begin with."""
    ctx = tree.make_context("nb", [], resilient_parsing=True)
    for path, command, own in _walk(tree, ctx, ()):
        if all(map(str.__eq__, path, words)):
            yield _command(path, command, own)


def _walk(
    command: Any, ctx: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield path, command and context of each command that is no group."""
    if not isinstance(command, TyperGroup):
        yield path, command, ctx
        return
    for name in command.list_commands(ctx):
        child: Any = command.get_command(ctx, name)
        own = child.make_context(name, [], parent=ctx, resilient_parsing=True)
        yield from _walk(child, own, (*path, name))


def _command(path: tuple[str, ...], command: Any, ctx: Any) -> CommandReference:
    params = [each for each in command.get_params(ctx) if not each.hidden]
    name = " ".join(path)
    return CommandReference(
        name=name,
        help=inspect.cleandoc(command.help or ""),
        arguments=[
            _argument(each, name, ctx) for each in params if isinstance(each, TyperArgument)
        ],
        options=[_option(each) for each in params if isinstance(each, TyperOption)],
        prints=PRINTED.get(name, {}),
    )


def _argument(param: TyperArgument, command: str, ctx: Any) -> ArgumentReference:
    found = argument(param, command, ctx)
    return ArgumentReference(
        name=found.metavar,
        help=param.help or "",
        choices=list(found.takes.choices) or None,
        repeatable=found.repeatable,
    )


def _option(param: TyperOption) -> OptionReference:
    about = _DEFAULT.fullmatch(param.help or "")
    assert about is not None
    names = [*spellings(param.opts), *spellings(param.secondary_opts)]
    choices = [] if param.is_flag else list(takes(param).choices)
    typed: Any = param.type
    default: Any = param.default
    return OptionReference(
        names=names,
        type=_TYPES.get(typed.name, "text"),
        help=about[1],
        default=about[2] or default,
        metavar=param.metavar,
        choices=choices or None,
        minimum=getattr(typed, "min", None),
        maximum=getattr(typed, "max", None),
        repeatable=param.multiple,
    )


def _statuses() -> Iterator[StatusReference]:
    for module in _WITH_ERRORS:
        import_module(f"nanobanana_cli.{module}")
    for code, (about, charged) in EXIT_STATUSES.items():
        kinds = {
            each.kind: each for each in reversed([*_errors(NbBaseError)]) if code in _codes(each)
        }
        found = [
            KindReference(each.kind, _first_sentence(each), each.charged)
            for each in reversed(kinds.values())
        ]
        yield StatusReference(int(code), _plain(about), charged, found)


def _errors(base: type[NbBaseError]) -> Iterator[type[NbBaseError]]:
    for each in base.__subclasses__():
        yield each
        yield from _errors(each)


def _codes(error: type[NbBaseError]) -> tuple[int, ...]:
    if error is Interrupted:
        return (ExitCode.HANGUP, ExitCode.INTERRUPT, ExitCode.TERMINATED)
    return (error.code,)


def _first_sentence(error: type[NbBaseError]) -> str:
    return _plain(" ".join((error.__doc__ or "").split("\n\n")[0].split()))


def _settings() -> Iterator[SettingReference]:
    for name in TYPES:
        variable = variable_of(name) if name in DEFAULTS else ""
        yield SettingReference(
            name=name,
            types=[_NAMES[each] for each in TYPES[name]],
            default={**DEFAULTS, **USER_DEFAULTS}.get(name) or None,
            variable=variable or None,
        )


def _plain(text: str) -> str:
    """Return a text without the marks around code."""
    return text.replace("`", "")
