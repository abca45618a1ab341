"""The scripts as files: up to date, well-formed, and the same from every source."""

from __future__ import annotations

import re
import subprocess

import pytest
from support.completions import COMMAND, FOLDER
from support.tools import require

from nanobanana_cli.cli import command_tree
from nanobanana_cli.completion import FILES, SHELLS, script


def test_there_is_a_script_for_each_shell() -> None:
    assert FILES.keys() == SHELLS.keys()
    assert {path.name for path in FOLDER.iterdir()} == set(FILES.values())


@pytest.mark.parametrize("shell", FILES)
def test_the_scripts_are_those_of_the_tree(shell: str) -> None:
    written = (FOLDER / FILES[shell]).read_bytes()
    assert written == script(shell, command_tree()).encode(), f"out of date: {COMMAND}"


def test_zsh_finds_its_mark_in_the_first_line() -> None:
    assert script("zsh", command_tree()).startswith("#compdef nb nanobanana\n")


def test_no_python_is_started() -> None:
    for shell in SHELLS:
        assert not re.search(r"python|\$\(nb|`nb|_COMPLETE", script(shell, command_tree()))


def test_bash_passes_shellcheck() -> None:
    path = FOLDER / FILES["bash"]
    done = subprocess.run([require("shellcheck"), path], capture_output=True, text=True)
    assert done.stdout == ""


def test_powershell_tables_have_no_key_twice() -> None:
    # PowerShell's keys are alike when they differ in case alone, and a doubled one is an error.
    tables = re.findall(
        r"\$\w+ = @\{\n(.*?)\n    \}", script("powershell", command_tree()), re.DOTALL
    )
    assert len(tables) == 4
    for table in tables:
        keys = [key.lower() for key in re.findall(r"^        '(.*)' = ", table, re.MULTILINE)]
        assert keys
        assert len(keys) == len(set(keys))


def test_powershell_brackets_and_quotes_are_balanced() -> None:
    text = script("powershell", command_tree())
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|#.*", "", text)
    for left, right in ("()", "{}", "[]"):
        assert bare.count(left) == bare.count(right)
    assert "'" not in bare
