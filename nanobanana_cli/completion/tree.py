"""Describe what can be typed after `nb` as plain data, taken from Typer's tree.

The scripts' writers know nothing of Typer, and this module knows nothing of shells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from typer.core import TyperArgument, TyperGroup, TyperOption

from nanobanana_cli.completion import values
from nanobanana_cli.completion.values import Values

# What an option's value is called when it names a file or folder.
_FILE_METAVARS = ("FILE", "FOLDER", "PATH")


class Option(msgspec.Struct, frozen=True):
    """An option.

    Args:
        names: each of its spellings, `--aspect` before `-a`; `--color` and `--no-color` are
            two options here.
        about: its help, in one short sentence.
        takes: its values; None for a flag.
        metavar: the name of its value in help.
        repeatable: giving it twice says more than giving it once.
    """

    names: tuple[str, ...]
    about: str
    takes: Values | None = None
    metavar: str = ""
    repeatable: bool = False


class Argument(msgspec.Struct, frozen=True):
    """A positional argument.

    Args:
        metavar: its name in help.
        takes: its values.
        repeatable: more of the same may follow.
    """

    metavar: str
    takes: Values
    repeatable: bool = False


class Command(msgspec.Struct, frozen=True):
    """A command, or a group of them.

    Args:
        path: the words that lead to it, `("config", "set")`; empty for `nb` itself.
        about: its help, in one short sentence.
        options, arguments: what it takes, in the order of its help.
        commands: its subcommands; a group has some, a command none.
    """

    path: tuple[str, ...]
    about: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """The path as one string: `config set`."""
        return " ".join(self.path)

    def walk(self) -> Iterator[Command]:
        """Yield this command, then everything under it."""
        yield self
        for command in self.commands:
            yield from command.walk()

    def value_follows(self) -> str:
        """Return a regular expression for words whose value is the next word; "" without any.

        It matches `--aspect` and `-a`, and `-qa`, but not `-a16:9`. Bash, fish and Python read it
        alike.
        """
        valued = [option for option in self.options if option.takes]
        flags = _letters(option for option in self.options if not option.takes)
        letters = _letters(valued)
        words = [name for option in valued for name in option.names if name.startswith("--")]
        if letters:
            words.insert(0, f"-[{flags}]*[{letters}]" if flags else f"-[{letters}]")
        return f"^({'|'.join(words)})$" if words else ""


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
        arguments=tuple(_argument(param, " ".join(path)) for param in arguments),
        commands=tuple(_children(command, ctx, path)),
    )


def _argument(param: TyperArgument, command: str) -> Argument:
    name = param.name or ""
    return Argument(
        metavar=_metavar(param.metavar or name.upper()),
        takes=values.of_argument(command, name),
        repeatable=param.nargs == -1,
    )


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
                yield Option(_spellings(names), about, repeatable=param.count)
    else:
        yield Option(
            names=_spellings(param.opts),
            about=about,
            takes=_takes(param),
            metavar=_metavar(param.metavar or "VALUE"),
            repeatable=param.multiple,
        )


def _takes(param: TyperOption) -> Values:
    if param.metavar in _FILE_METAVARS:
        return values.FILES
    if param.type.name.startswith(("int", "float")):
        return values.FREE
    return values.of_option(max(param.opts, key=len))


def _spellings(names: Iterable[str]) -> tuple[str, ...]:
    """Sort the long ones first; Typer's order of `--help` and `-h` varies from run to run."""
    return tuple(sorted(names, key=lambda name: (not name.startswith("--"), name)))


def _metavar(text: str) -> str:
    """Strip the signs for optional and repeatable."""
    return text.strip("[].")


def _sentence(text: str) -> str:
    """Return the first sentence of a help text on one line, without full stop and default."""
    first = re.split(r"[.;](?:\s|$)|\s\[|\n\n", " ".join(text.split("\n")).strip(), maxsplit=1)[0]
    return " ".join(first.split())


def _letters(options: Iterable[Option]) -> str:
    return "".join(name[1] for option in options for name in option.names if name[1] != "-")
