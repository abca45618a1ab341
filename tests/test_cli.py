"""The tree of commands: one order everywhere, and each option declared once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import Nb

from nanobanana_cli.cli import _COMMANDS, command_tree
from nanobanana_cli.completion.describe import describe


def test_help_and_completion_have_the_order_of_the_table(nb: Nb) -> None:
    shown = re.findall(r"^│ (\w+)  ", nb("--help").out.partition("─ Commands ─")[2], re.MULTILINE)
    tree: Any = command_tree()
    completed = describe(tree, tree.make_context("nb", [], resilient_parsing=True)).commands
    assert shown == list(_COMMANDS)
    assert [command.name for command in completed] == list(_COMMANDS)


@pytest.mark.parametrize("name", [name for name in _COMMANDS if name not in ("completion", "help")])
def test_a_command_that_works_alone_is_the_same_in_the_whole_tree(name: str) -> None:
    alone: Any = command_tree(name)
    whole: Any = command_tree()
    assert alone.list_commands(None) == [name]
    assert [param.opts for param in alone.commands[name].params] == [
        param.opts for param in whole.commands[name].params
    ]


def test_no_command_has_two_options_of_one_name() -> None:
    tree: Any = command_tree()
    for command in tree.commands.values():
        names = [name for param in command.params for name in param.opts]
        assert len(names) == len(set(names))
