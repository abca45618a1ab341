"""Define what `nb help --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nanobanana_cli.errors import Charged


class OptionReference(msgspec.Struct, frozen=True):
    """An option.

    Args:
        names: its spellings; the second of --color and --no-color turns it off.
        type: text, integer, number or flag; a flag takes no value.
        help: what it does.
        default: in words, where it depends on something; null for nothing.
        metavar: what its value is called in help.
        choices: the values to choose from; null if there are others.
        minimum, maximum: the limits of a number.
        repeatable: whether it may be given several times.
    """

    names: list[str]
    type: str
    help: str
    default: str | int | float | bool | None
    metavar: str | None
    choices: list[str] | None
    minimum: float | None
    maximum: float | None
    repeatable: bool


class ArgumentReference(msgspec.Struct, frozen=True):
    """A word without an option in front of it.

    Args:
        name: what it is called in help.
        help: what it is.
        choices: the values to choose from; null if there are others.
        repeatable: whether several may follow.
    """

    name: str
    help: str
    choices: list[str] | None
    repeatable: bool


class CommandReference(msgspec.Struct, frozen=True):
    """A command.

    Args:
        name: the words after nb; a group such as config has none but its commands'.
        help: its help text, with examples.
        options: what it takes.
        arguments: in their order.
        prints: the names of the schemas of what it prints with --json: option that makes the
            difference, or "" without any, to names. Empty where it takes no --json.
    """

    name: str
    help: str
    arguments: list[ArgumentReference]
    options: list[OptionReference]
    prints: Mapping[str, Sequence[str]]


class KindReference(msgspec.Struct, frozen=True):
    """An error.

    Args:
        kind: as in error.kind of a JSON line.
        help: what happened.
        charged: whether such a call was charged, unless the error itself knows better.
    """

    kind: str
    help: str
    charged: Charged


class StatusReference(msgspec.Struct, frozen=True):
    """An exit status.

    Args:
        code: the status.
        help: what it means.
        charged: whether the call was charged.
        kinds: the errors that end so.
    """

    code: int
    help: str
    charged: str
    kinds: list[KindReference]


class SettingReference(msgspec.Struct, frozen=True):
    """A setting of the configuration file.

    Args:
        name: for nb config set.
        types: of its value in the file.
        default: null where it depends on something, or where there is none.
        variable: the environment variable that sets it, too.
    """

    name: str
    types: list[str]
    default: str | None
    variable: str | None


class VariableReference(msgspec.Struct, frozen=True):
    """An environment variable."""

    name: str
    help: str


class HelpDocument(msgspec.Struct, frozen=True):
    """All of nb.

    Args:
        version: of nb.
        commands: those that do something, groups left out.
        exit_statuses: how commands end.
        settings: what nb config set sets.
        variables: of the environment.
        schemas: JSON Schemas of JSON lines, by the names that commands give, and of manifests.
    """

    version: str
    commands: list[CommandReference]
    exit_statuses: list[StatusReference]
    settings: list[SettingReference]
    variables: list[VariableReference]
    schemas: Mapping[str, dict[str, Any]]
