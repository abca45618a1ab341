"""Groups of options become a command's signature, and come back as one record."""

import inspect
import io
import shlex
from typing import Annotated, Any

import msgspec
import pytest
import typer
from typer import Argument, Option

from nanobanana_cli.commands.batch.options import BatchOptions
from nanobanana_cli.commands.options import Shape, Streams
from nanobanana_cli.commands.signature import command_line, settings_of, takes
from nanobanana_cli.settings.names import DEFAULTS
from nanobanana_cli.ui.terminal import Terminal


class _Luck(msgspec.Struct, frozen=True):
    panel = "Luck"

    often: Annotated[int, Option("--often", "-o", min=1, help="How often.")] = 2
    names: Annotated[list[str] | None, Option("--name")] = None


class _Options(msgspec.Struct, frozen=True):
    prompt: Annotated[str | None, Argument(metavar="PROMPT")] = None
    luck: _Luck = _Luck()
    shape: Shape = Shape()
    streams: Streams = Streams()


def _run(*argv: str) -> tuple[_Options, Terminal]:
    seen: list[tuple[_Options, Terminal]] = []

    @takes(_Options)
    def command(options: _Options, terminal: Terminal) -> None:
        seen.append((options, terminal))

    app = typer.Typer(add_completion=False)
    app.command()(command)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    terminal = Terminal({}, stream, stream, stream)
    tree: Any = typer.main.get_command(app)
    tree.main(list(argv), standalone_mode=False, obj=terminal)
    return seen[0]


def test_what_is_typed_comes_back_in_its_group() -> None:
    options, terminal = _run("a fox", "-o", "3", "--name", "x", "--name", "y", "-a", "1:1", "-q")
    assert options == _Options(
        prompt="a fox",
        luck=_Luck(often=3, names=["x", "y"]),
        shape=Shape(aspect="1:1"),
        streams=Streams(quiet=True),
    )
    assert terminal.quiet
    assert not terminal.verbose


def test_what_is_not_typed_has_its_default() -> None:
    options, terminal = _run()
    assert options == _Options()
    assert not terminal.quiet


def test_the_signature_has_the_order_of_the_groups() -> None:
    @takes(_Options)
    def command(options: _Options, terminal: Terminal) -> None:
        """Do nothing."""

    tree: Any = inspect.signature(command)
    assert list(tree.parameters) == (
        ["ctx", "prompt", "often", "names", "aspect", "size", "json", "quiet", "verbose", "color"]
    )
    assert command.__doc__ == "Do nothing."


def test_a_group_names_the_title_of_its_options() -> None:
    app = typer.Typer(add_completion=False)
    app.command()(takes(_Options)(lambda *_: None))
    tree: Any = typer.main.get_command(app)
    titles = {param.name: param.rich_help_panel for param in tree.params}
    assert (titles["often"], titles["aspect"], titles["json"]) == ("Luck", "Picture", "Streams")


def test_options_that_are_settings_too_are_found_in_any_group() -> None:
    options = _Options(shape=Shape(aspect="16:9"))
    assert settings_of(options) == {**dict.fromkeys(DEFAULTS), "aspect": "16:9"}


@pytest.mark.parametrize(
    "argv",
    [
        "",
        "'a fox'",
        "'it'\"'\"'s $5' --often 3 --name 'x y' --name z --aspect 16:9 --quiet --no-color",
        "--name=-x --json --color -- -5",
        "- --size 2K",
    ],
)
def test_a_command_is_written_as_it_was_typed(argv: str) -> None:
    options, _ = _run(*shlex.split(argv))
    assert command_line("luck", options) == f"nb luck {argv}".rstrip()


def test_a_secret_in_an_address_is_not_written() -> None:
    options, _ = _run("fox", "--name", "https://example.com/a.png?token=secret")
    assert command_line("luck", options) == "nb luck fox --name 'https://example.com/a.png?…'"


def test_another_command_of_the_same_options() -> None:
    options = BatchOptions(manifest="my m.toml", check=True, folder="out", shape=Shape(size="2K"))
    again = msgspec.structs.replace(options, check=False, only=["*.png"])
    assert command_line("batch", again) == (
        "nb batch 'my m.toml' --only '*.png' --output out --size 2K"
    )
