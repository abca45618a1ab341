"""The manual pages: up to date, well-formed, complete, and as they are shown to readers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from support.completions import COMMAND, MAN
from support.tools import require

from nanobanana_cli.cli import _COMMANDS, command_tree
from nanobanana_cli.completion import man
from nanobanana_cli.completion.describe import describe
from nanobanana_cli.completion.manual import EXIT_STATUSES
from nanobanana_cli.errors import ExitCode
from nanobanana_cli.ui.help import HelpCommand, HelpGroup, paragraphs

_ROOT = MAN.parent
_PAGES = sorted(MAN.iterdir())
_SECTIONS = (
    "NAME SYNOPSIS DESCRIPTION COMMANDS OPTIONS EXAMPLES",
    "EXIT STATUS",
    "ENVIRONMENT FILES",
    "SEE ALSO",
)


def _shown(page: Path | str, width: int = 80) -> str:
    """What a reader sees of a page, without bold and italics."""
    given, text = (page, None) if isinstance(page, Path) else ("/dev/stdin", page)
    command = [require("mandoc"), "-T", "utf8", "-O", f"width={width}", str(given)]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return re.sub(".\b", "", run.stdout)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def test_there_is_a_page_for_each_command() -> None:
    names = ["nb.1", *(f"nb-{name}.1" for name in _COMMANDS)]
    assert [page.name for page in _PAGES] == sorted(names)


def test_the_pages_are_those_of_the_tree() -> None:
    written = {page.name: page.read_text("ascii") for page in _PAGES}
    assert written == man.pages(command_tree()), f"out of date: {COMMAND}"


def test_the_pages_are_the_same_each_time() -> None:
    assert man.pages(command_tree()) == man.pages(command_tree())


def test_mandoc_finds_nothing_to_complain_about() -> None:
    command = [require("mandoc"), "-T", "lint", *map(str, _PAGES)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("", "")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_the_sections_have_their_usual_order(page: Path) -> None:
    titles = re.findall(r"^\.SH (.*)$", page.read_text("ascii"), re.MULTILINE)
    known = [*_SECTIONS[0].split(), _SECTIONS[1], *_SECTIONS[2].split(), _SECTIONS[3]]
    assert titles == [title for title in known if title in titles]
    assert set(known) - set(titles) <= {"COMMANDS", "FILES"}
    if page.name in ("nb.1", "nb-config.1"):
        assert "COMMANDS" in titles


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_no_line_is_wider_than_a_terminal(page: Path) -> None:
    assert [line for line in _shown(page).splitlines() if len(line) > 80] == []


def test_every_option_and_example_can_be_found_and_copied() -> None:
    tree: Any = command_tree()
    ctx = tree.make_context("nb", [], resilient_parsing=True)
    shown = {page.stem: _shown(page, width=200) for page in _PAGES}
    for command in describe(tree, ctx).walk():
        text = shown["-".join(["nb", *command.path[:1]])]
        assert {name for option in command.options for name in option.names} <= set(
            re.findall(r"(?<!\S)--?[\w-]+", text.replace(",", " "))
        )
    for words in [[], *([name] for name in _COMMANDS)]:
        command_ = tree.commands[words[0]] if words else tree
        text = shown["-".join(["nb", *words])]
        for lines, is_example in paragraphs(command_.help):
            for line in lines if is_example else ():
                if line not in ("Example:", "Examples:"):
                    example = line.strip().partition("   # ")[0].rstrip()
                    assert f"       {example}" in text


_ODD = r"""-x \fBbold\fR \n \\ 'a' "b" `c` ^ ~ a.b …×狐 .TH 'br \(aq %s $HOME 100%"""


def _odd_page() -> str:
    app = typer.Typer(name="nb", cls=HelpGroup)

    @app.callback()
    def root() -> None:
        """Root."""

    def odd(
        file: Annotated[str, typer.Option("--file", metavar="FILE", help=f"{_ODD} FILE.")] = "",
    ) -> None: ...

    lines = ["Odd things.", "", f".SH {_ODD}", "", f"'br {_ODD}", ""]
    lines += ["Examples:", f"  .SH {_ODD}", f"  'br {_ODD}", "  nb odd -o -"]
    odd.__doc__ = "\n".join(lines)
    app.command(cls=HelpCommand)(odd)
    return man.pages(typer.main.get_command(app))["nb-odd.1"]


def test_what_has_a_meaning_in_man_pages_is_shown_as_it_is() -> None:
    page = _odd_page()
    assert page.isascii()
    assert re.findall(r"^\.SH .*", page, re.MULTILINE)[-1] == ".SH SEE ALSO"
    text = _squeezed(_shown(page, width=200))
    # Backticks make code bold in prose.
    prose = _ODD.replace("`", "")
    assert f".SH {prose}" in text
    assert f"'br {prose}" in text
    assert f"--file FILE {prose} FILE." in text
    assert f".SH {_ODD} 'br {_ODD} nb odd -o -" in text


def test_the_exit_statuses_are_those_of_the_front_page() -> None:
    readme = (_ROOT / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([\d, ]+) \| (.*) \|$", readme, re.MULTILINE))
    signals = (ExitCode.INTERRUPT, ExitCode.TERMINATED, ExitCode.HANGUP)
    ours = {
        str(int(status)): " | ".join(told)
        for status, told in EXIT_STATUSES.items()
        if status not in signals
    }
    meanings, charges = zip(*(EXIT_STATUSES[status] for status in signals), strict=True)
    ours[", ".join(str(int(each)) for each in signals)] = f"{', '.join(meanings)} | {charges[0]}"
    assert rows == ours
    assert set(EXIT_STATUSES) == set(ExitCode)


def test_the_page_of_nb_has_every_variable_that_the_documentation_names() -> None:
    text = (_ROOT / "docs" / "configuration.md").read_text("utf-8")
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", tables))
    assert {"NB_MODEL", "NB_CONFIG", "NO_COLOR", "WISDOM_GATE_KEY"} <= named
    assert named <= set(re.findall(r"[A-Z][A-Z_]+", _shown(MAN / "nb.1")))


def test_variables_stand_for_options_that_exist() -> None:
    page = (MAN / "nb.1").read_text("ascii").replace("\\-", "-")
    named = set(re.findall(r"^As \\fB(--[\w-]+)", page, re.MULTILINE))
    tree: Any = command_tree()
    known = {
        name for command in tree.commands.values() for each in command.params for name in each.opts
    }
    assert named
    assert named <= known


def test_a_table_in_a_help_is_in_the_description_as_it_is() -> None:
    description, _, rest = _shown(MAN / "nb-sandbox.1").partition("\nOPTIONS\n")
    assert re.search(r"^       HTTP      307 400 ", description, re.MULTILINE)
    assert "HTTP" not in rest


def test_a_command_names_what_matters_to_it_alone() -> None:
    models, batch = _shown(MAN / "nb-models.1"), _shown(MAN / "nb-batch.1")
    assert "NB_PROVIDER" in models
    assert "NB_ASPECT" not in models
    assert "images.ledger.jsonl" not in models
    assert "NB_ASPECT" in batch
    assert "images.ledger.jsonl" in batch
    assert "nb(1) lists the others" in models
    assert "nb(1) lists the others" not in batch
