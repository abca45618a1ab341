"""The neutral description of the command tree, and the table of values."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
import typer

from nanobanana_cli.batch.manifest import readers
from nanobanana_cli.catalog import ASPECTS, MODELS, PROVIDERS, SIZES
from nanobanana_cli.cli import command_tree
from nanobanana_cli.completion.describe import describe
from nanobanana_cli.completion.tree import Argument, Command, Option
from nanobanana_cli.completion.values import FILES, FREE, IMAGES, of_option
from nanobanana_cli.settings.names import TYPES


def _describe(app: typer.Typer) -> Command:
    tree: Any = typer.main.get_command(app)
    return describe(tree, tree.make_context("nb", [], resilient_parsing=True))


@pytest.fixture(scope="module")
def real() -> dict[str, Command]:
    tree = command_tree()
    root = describe(tree, tree.make_context("nb", [], resilient_parsing=True))
    return {command.name: command for command in root.walk()}


def _toy() -> typer.Typer:
    app = typer.Typer()

    @app.callback()
    def root() -> None:
        """The whole. And more."""

    @app.command()
    def generate(
        prompt: Annotated[str, typer.Argument(metavar="[PROMPT]...")],
        output: Annotated[str, typer.Option("--output", "-o", metavar="PATH", help="A file.")] = "",
        seed: Annotated[
            list[int] | None, typer.Option("--seed", help="Luck; or not. [default: 1]")
        ] = None,
        color: Annotated[bool, typer.Option("--color/--no-color", help="Colour.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q")] = False,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
    ) -> None:
        """Make
        an image: 1.5 MB, say.

        With details.
        """

    @app.command(hidden=True)
    def unseen() -> None: ...

    return app


def test_a_command_is_described_in_plain_data() -> None:
    tree = _describe(_toy())
    assert (tree.name, tree.about) == ("", "The whole")
    assert [command.name for command in tree.walk()] == ["", "generate"]
    (generate,) = tree.commands
    assert generate.about == "Make an image: 1.5 MB, say"
    assert generate.arguments == (Argument("PROMPT", FREE),)
    assert generate.options == (
        Option(("--output", "-o"), "A file", FILES, "PATH"),
        Option(("--seed",), "Luck", FREE, "VALUE", repeatable=True),
        Option(("--color",), "Colour"),
        Option(("--no-color",), "Colour"),
        Option(("--quiet", "-q"), ""),
        Option(("--help",), "Show this message and exit"),
    )


@pytest.mark.parametrize(
    ("word", "follows"),
    [
        ("--output", True),
        ("-o", True),
        ("-qo", True),
        ("-oq", False),
        ("-ofile", False),
        ("--output=x", False),
        ("--quiet", False),
        ("-q", False),
        ("-", False),
        ("--", False),
    ],
)
def test_it_is_known_whose_value_comes_next(word: str, follows: bool) -> None:
    (generate,) = _describe(_toy()).commands
    assert bool(re.search(generate.value_follows(), word)) is follows


def test_flags_alone_take_no_value(real: dict[str, Command]) -> None:
    assert real[""].value_follows() == ""


def test_an_option_whose_values_nobody_has_settled_is_refused() -> None:
    app = typer.Typer()

    @app.command()
    def generate(new: Annotated[str, typer.Option("--brand-new")] = "") -> None: ...

    with pytest.raises(KeyError, match="--brand-new"):
        _describe(app)


def test_the_catalog_is_offered(real: dict[str, Command]) -> None:
    taken = {option.names[0]: option.takes for option in real["generate"].options if option.takes}
    assert tuple(taken["--aspect"].choices) == ASPECTS
    assert tuple(taken["--size"].choices) == SIZES
    aliases = ("nb2", "nb2.1", "pro", "lite")
    assert tuple(taken["--model"].choices) == (*MODELS, *aliases)
    assert list(taken["--provider"].choices) == list(PROVIDERS)
    assert taken["--output"] == taken["--prompt-file"] == FILES
    assert taken["--image"] == IMAGES
    assert ".chat.json" in (taken["--continue"].suffixes or ())


def test_what_a_setting_takes_is_what_its_option_takes(real: dict[str, Command]) -> None:
    name, value = real["config set"].arguments
    offered = value.takes.after
    assert offered.keys() <= name.takes.choices.keys()
    for option in real["batch"].options:
        setting = option.names[0].removeprefix("--")
        if setting in TYPES and option.takes not in (None, FREE):
            assert offered[setting] == option.takes
    switches = {setting for setting, types in TYPES.items() if types == (bool,)}
    assert {"alt", "keep-replies"} <= switches
    for setting in switches:
        assert list(offered[setting].choices) == ["true", "false"]
    assert "retries" not in offered


def test_of_files_those_are_offered_that_can_be_read(real: dict[str, Command]) -> None:
    (manifest,), (target,) = real["batch"].arguments, real["caption"].arguments
    assert set(manifest.takes.suffixes or ()) == set(readers.FORMATS)
    assert target.takes == IMAGES
    assert {".png", ".jpg", ".webp", ".heic"} <= set(IMAGES.suffixes or ())


def test_choices_need_no_quoting_in_any_shell(real: dict[str, Command]) -> None:
    taken = [option.takes for command in real.values() for option in command.options]
    taken += [argument.takes for command in real.values() for argument in command.arguments]
    choices = [choice for values in taken if values for choice in values.choices]
    assert choices
    assert all(re.fullmatch(r"[A-Za-z0-9.:_-]+", choice) for choice in choices)


def test_a_size_is_described_by_its_pixels() -> None:
    assert of_option("--aspect").choices["16:9"] == "1376x768 pixels at 1K"
    assert of_option("--size").choices["2K"] == "2048x2048 pixels at 1:1"
