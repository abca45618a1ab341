"""Hold what can be typed after `nb` as plain data, for the writers of the scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from nanobanana_cli.completion.values import Values


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


def _letters(options: Iterable[Option]) -> str:
    return "".join(name[1] for option in options for name in option.names if name[1] != "-")
