"""Describe what can be typed after `nb`, from Typer's tree: the scripts know nothing of Typer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperArgument, TyperGroup, TyperOption

from nanobanana_cli.completion import values
from nanobanana_cli.completion.tree import Argument, Command, Option
from nanobanana_cli.completion.values import Values


def describe(command: Any, ctx: Any) -> Command:
    """Describe a Typer command and everything under it.

    Args:
        command: the outermost group.
        ctx: a Typer context of it.

    Raises:
        KeyError: the table in `values` lacks an option or argument.
    """
    return _command(command, ctx, ())


def _command(command: Any, ctx: Any, path: tuple[str, ...]) -> Command:
    shown = [param for param in command.get_params(ctx) if not param.hidden]
    options = (param for param in shown if isinstance(param, TyperOption))
    arguments = (param for param in shown if isinstance(param, TyperArgument))
    return Command(
        path=path,
        about=_sentence(command.short_help or command.help or ""),
        options=tuple(option for param in options for option in _options(param)),
        arguments=tuple(argument(param, " ".join(path), ctx) for param in arguments),
        commands=tuple(_children(command, ctx, path)),
    )


def argument(param: TyperArgument, command: str, ctx: Any) -> Argument:
    """Describe an argument; raise KeyError if the table in `values` lacks it.

    Args:
        command: such as `config set`.
        ctx: a context of the tree.
    """
    name = param.name or ""
    return Argument(
        metavar=_metavar(param.metavar or name.upper()),
        takes=_topics(ctx) if command == "help" else values.of_argument(command, name),
        repeatable=param.nargs == -1,
    )


def _topics(ctx: Any) -> Values:
    """Return what `nb help` takes: the commands, and the guide."""
    commands = ctx.find_root().command.commands
    topics = {name: _sentence(each.help or "") for name, each in commands.items()}
    return Values({**topics, "agents": "a guide for coding agents"})


def _children(command: Any, ctx: Any, path: tuple[str, ...]) -> Iterator[Command]:
    if not isinstance(command, TyperGroup):
        return
    for name in command.list_commands(ctx):
        child: Any = command.get_command(ctx, name)
        if child and not child.hidden:
            child_ctx = child.make_context(name, [], parent=ctx, resilient_parsing=True)
            yield _command(child, child_ctx, (*path, name))


def _options(param: TyperOption) -> Iterator[Option]:
    about = _sentence(param.help or "")
    if param.is_flag or param.count:
        for names in (param.opts, param.secondary_opts):
            if names:
                yield Option(spellings(names), about, repeatable=param.count)
    else:
        yield Option(
            names=spellings(param.opts),
            about=about,
            takes=takes(param),
            metavar=_metavar(param.metavar or "VALUE"),
            repeatable=param.multiple,
        )


def takes(param: TyperOption) -> Values:
    """Return the values of an option; raise KeyError if the table in `values` lacks it."""
    name = max(param.opts, key=len)
    if param.metavar in values.PATH_METAVARS:
        return values.of_path(name, param.metavar)
    if param.type.name.startswith(("int", "float")):
        return values.FREE
    return values.of_option(name)


def spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Sort the long ones first; Typer's order of `--help` and `-h` varies from run to run."""
    return tuple(sorted(names, key=lambda name: (not name.startswith("--"), name)))


def _metavar(text: str) -> str:
    """Strip the signs for optional and repeatable."""
    return text.strip("[].")


def _sentence(text: str) -> str:
    """Return the first sentence of a help text on one line, without full stop and default."""
    first = re.split(r"[.;](?:\s|$)|\s\[|\n\n", " ".join(text.split("\n")).strip(), maxsplit=1)[0]
    return " ".join(first.split())
