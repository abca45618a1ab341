"""Help screens: complete, aligned at every width, and without surprises from what they show."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from conftest import Nb
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.errors import OutputClosed
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.help import HelpCommand, HelpGroup, Look, screen
from nanobanana_cli.ui.terminal import Terminal

_CODES = re.compile(r"\x1b\[[0-9;]*m")


def _tree() -> Any:
    app = typer.Typer(name="nb", cls=HelpGroup, add_completion=False)

    @app.callback()
    def root() -> None:
        """Images from the shell.

        Examples:
        nb generate "a [red] fox" :smile: --aspect 16:9 --size 2K -o fox.png --provider sandbox
        """

    @app.command(cls=HelpCommand)
    def generate(
        prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to draw.")],
        aspect: Annotated[
            str,
            typer.Option(
                "--aspect", "-a", metavar="RATIO", help="A ratio.", rich_help_panel="Picture"
            ),
        ] = "1:1",
        color: Annotated[
            bool | None, typer.Option("--color/--no-color", help="Colour [always].")
        ] = None,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
        model: Annotated[
            str | None, typer.Option("--model", metavar="AN-UNUSUALLY-LONG-METAVAR", help="Which.")
        ] = None,
    ) -> None:
        """Make an image.

        The second paragraph
        is one.

        Example:

        $EDITOR  "$(nb config path)"
        """

    @app.command(cls=HelpCommand, hidden=True)
    def unseen() -> None:
        """Not to be seen."""

    return typer.main.get_command(app)


def _generate(width: int = 80, *, unicode: bool = True, color: bool = False) -> str:
    tree = _tree()
    root = tree.make_context("nb", [], resilient_parsing=True)
    command = tree.commands["generate"]
    context = command.make_context("generate", [], parent=root, resilient_parsing=True)
    return screen(command, context, Look(width=width, unicode=unicode, color=color))


def test_everything_has_its_place() -> None:
    assert _generate().splitlines() == [
        " Usage: nb generate [OPTIONS] PROMPT",
        "",
        " Make an image.",
        "",
        " The second paragraph is one.",
        "",
        " Example:",
        "",
        ' $EDITOR  "$(nb config path)"',
        "",
        "╭─ Arguments ──────────────────────────────────────────────────────────────────╮",
        "│ PROMPT                            What to draw. [required]                   │",
        "╰──────────────────────────────────────────────────────────────────────────────╯",
        "╭─ Picture ────────────────────────────────────────────────────────────────────╮",
        "│ -a, --aspect RATIO                A ratio. [default: 1:1]                    │",
        "╰──────────────────────────────────────────────────────────────────────────────╯",
        "╭─ Options ────────────────────────────────────────────────────────────────────╮",
        "│     --color / --no-color          Colour [always].                           │",
        "│     --model AN-UNUSUALLY-LONG-METAVAR                                        │",
        "│                                   Which.                                     │",
        "│     --help                        Show this message and exit.                │",
        "╰──────────────────────────────────────────────────────────────────────────────╯",
    ]


def test_a_group_shows_its_commands_and_its_example_as_it_stands() -> None:
    tree = _tree()
    shown = screen(tree, tree.make_context("nb", [], resilient_parsing=True), Look(width=60))
    assert (
        ' nb generate "a [red] fox" :smile: --aspect 16:9 --size 2K -o fox.png --provider sandbox\n'
    ) in shown
    assert "│ generate    Make an image.                               │\n" in shown
    assert "unseen" not in shown


@pytest.mark.parametrize("width", [40, 53, 80, 120])
def test_boxes_close_at_every_width(width: int) -> None:
    boxed = [line for line in _generate(width).splitlines() if line[0:1] in set("╭│╰")]
    assert boxed
    assert {len(line) for line in boxed} == {width}


def test_colour_changes_nothing_but_colour() -> None:
    coloured = _generate(color=True)
    assert "\x1b[1;36m--aspect\x1b[0m" in coloured
    assert _CODES.sub("", coloured) == _generate()


def test_without_unicode_the_box_is_ascii() -> None:
    assert _generate(unicode=False).isascii()
    assert "+- Picture ---" in _generate(unicode=False)


@given(text=st.text(), width=st.integers(40, 120))
def test_no_text_breaks_the_box(text: str, width: int) -> None:
    app = typer.Typer(cls=HelpGroup)

    @app.command(cls=HelpCommand, help=text)
    def only(value: str | None = typer.Option(None, "--value", help=text)) -> None: ...

    command: Any = typer.main.get_command(app)
    context = command.make_context("only", [], resilient_parsing=True)
    lines = screen(command, context, Look(width=width)).splitlines()
    panel = lines[max(n for n, line in enumerate(lines) if line.startswith("╭")) :]
    assert {len(line) for line in panel} == {width}
    assert all(escape(line) == line for line in lines)


@pytest.mark.parametrize(
    ("env", "choice", "coloured"),
    [
        ({}, None, False),
        ({"FORCE_COLOR": "1"}, None, True),
        ({"FORCE_COLOR": "0"}, None, False),
        ({"CLICOLOR_FORCE": "1"}, None, True),
        ({"CLICOLOR_FORCE": "0"}, None, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, None, False),
        ({"FORCE_COLOR": "1"}, False, False),
        ({"NO_COLOR": "1"}, True, True),
    ],
)
def test_colour_follows_the_environment(
    env: dict[str, str], choice: bool | None, coloured: bool
) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert Look.of(Terminal(env, stdout, stdout, stdout), choice).color is coloured


def test_the_output_decides_encoding_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert Look.of(Terminal({}, latin, latin, latin)) == Look(120, color=False, unicode=False)


@pytest.mark.parametrize("argv", [["--help"], []])
def test_help_goes_to_stdout_and_is_a_success(nb: Nb, argv: list[str]) -> None:
    run = nb(*argv)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(" Usage: nb [OPTIONS] COMMAND")


def test_a_closed_stdout_is_told_as_such() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stdout:
        terminal = Terminal({}, stdout, stdout, stdout)
        with pytest.raises(OutputClosed):
            _tree().main(["--help"], standalone_mode=False, obj=terminal)


def test_rich_is_not_needed() -> None:
    program = "import sys, nanobanana_cli.ui.help; print([m for m in sys.modules if 'rich' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert done.stdout.strip() == b"[]"
