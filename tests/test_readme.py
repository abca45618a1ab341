"""README, help and the command tree say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import readme
from conftest import Nb
from support.texts import save

from nanobanana_cli import catalog
from nanobanana_cli.errors import ExitCode

TEXT = readme.README.read_text("utf-8")
# What is written by hand; the help screens come from the code.
PROSE = TEXT.split("<!-- help -->")[0]


def test_the_generated_parts_are_up_to_date() -> None:
    assert readme.generated(TEXT) == TEXT, "run python tests/readme.py"


def test_every_exit_status_is_in_the_table() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", PROSE, re.MULTILINE)
    listed = {int(code) for row in rows for code in row.split(", ")}
    assert listed == set(ExitCode)


@pytest.mark.parametrize(
    "variable", [name for each in catalog.PROVIDERS.values() for name in each.key_variables]
)
def test_every_key_variable_is_named(variable: str) -> None:
    assert f"`{variable}`" in PROSE


def _examples() -> list[str]:
    """Every `nb` command in a code span or block of the prose, without what is piped around it."""
    spans = re.findall(r"`((?:echo [^`]*)?nb [^`]+)`", PROSE)
    blocks = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", PROSE, re.DOTALL))
    lines = re.findall(
        r"(?:^|[ /|])(nb (?:generate|caption|batch|config|models|sandbox|completion).*)", blocks
    )
    return sorted({*spans, *lines})


@pytest.mark.parametrize("example", _examples())
def test_every_example_is_understood(nb: Nb, example: str) -> None:
    words = shlex.split(example.replace("\\|", "|").replace("COMMAND", "generate"), comments=True)
    start = words.index("nb") + 1
    ends = [index for index, word in enumerate(words) if word in ("|", "&", ">", "&&")]
    command = words[start : min(ends, default=len(words))]
    # With --help a command is parsed and not run.
    run = nb(*command, "--help")
    assert run.code == 0, run.err
    assert "Usage: nb" in run.out


def _block(name: str) -> list[list[str]]:
    """The commands of a marked block, as words."""
    _, _, rest = PROSE.partition(f"<!-- {name} -->\n```sh\n")
    lines = rest.split("```")[0].splitlines()
    return [shlex.split(line)[1:] for line in lines]


def test_the_examples_for_a_site_and_its_check_do_as_they_say(nb: Nb) -> None:
    save("static/img/red fox.png", "static/img/whale.jpg")
    Path("content").mkdir()
    Path("content/index.md").write_text("# Animals")
    (check,) = _block("check")
    run = nb(*check)
    assert run.code == 3
    assert run.out.startswith("static/img/red fox.png\tit has no alt text\n")
    write, (*gallery, arrow, target) = _block("site")
    assert nb(*write, "--provider", "sandbox").code == 0
    assert (arrow, target) == (">", "content/gallery.md")
    # There is no key, so a call would fail.
    run = nb(*gallery)
    assert [line.rsplit("](")[1] for line in run.out.splitlines()] == [
        "img/red%20fox.png)",
        "img/whale.jpg)",
    ]
    assert nb(*check).code == 0
