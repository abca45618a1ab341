"""`nb help --json`: everything that can be typed, and what comes of it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Nb, NbProcess
from support import docs, schemas

import nanobanana_cli
from nanobanana_cli.errors import ExitCode, NbBaseError
from nanobanana_cli.settings.config_files import allowed_entries
from nanobanana_cli.settings.names import TYPES

REFERENCE = schemas.published()


def _command(name: str) -> dict[str, Any]:
    (found,) = (each for each in REFERENCE["commands"] if each["name"] == name)
    return dict(found)


def _option(command: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in _command(command)["options"] if name in each["names"])
    return dict(found)


def test_it_is_one_line_of_json(nb: Nb) -> None:
    run = nb("help", "--json")
    assert (run.code, run.err) == (0, "")
    assert run.out.count("\n") == 1
    assert json.loads(run.out) == REFERENCE


def test_options_have_type_choices_default_and_limits() -> None:
    aspect = _option("generate", "--aspect")
    assert aspect["names"] == ["--aspect", "-a"]
    assert (aspect["type"], aspect["metavar"], aspect["default"]) == ("text", "RATIO", "auto")
    assert "21:9" in aspect["choices"]
    assert aspect["help"].endswith("else 1:1.")
    count = _option("generate", "--count")
    assert [count[name] for name in ("type", "default", "minimum", "maximum", "repeatable")] == [
        "integer", 1, 1, 100, False,
    ]  # fmt: skip
    assert _option("generate", "--image")["repeatable"]
    assert _option("generate", "--color")["names"] == ["--color", "--no-color"]
    assert _option("generate", "--force")["type"] == "flag"
    assert _option("generate", "--force")["default"] is False


def test_arguments_have_their_choices() -> None:
    (shell,) = _command("completion")["arguments"]
    assert (shell["name"], shell["choices"][0], shell["repeatable"]) == ("SHELL", "bash", False)
    (topic,) = _command("help")["arguments"]
    assert topic["repeatable"]
    assert {"generate", "agents"} <= set(topic["choices"])


def test_every_help_page_is_there() -> None:
    heads = re.findall(r"^## nb (.+)$", docs.CLI.read_text("utf-8"), re.MULTILINE)
    assert {each["name"] for each in REFERENCE["commands"]} == set(heads) - {"config"}


def test_a_command_or_a_group_can_be_asked_for(nb: Nb) -> None:
    assert [json.loads(line) for line in nb("help", "generate", "--json").out.splitlines()] == [
        _command("generate")
    ]
    names = [json.loads(line)["name"] for line in nb("help", "config", "--json").out.splitlines()]
    # As in `nb help completion bash`, what follows a command is not looked at.
    assert json.loads(nb("help", "completion", "bash", "--json").out) == _command("completion")
    pages = re.findall(r"^## nb (config .+)$", docs.CLI.read_text("utf-8"), re.MULTILINE)
    assert names == pages


@pytest.mark.parametrize(
    ("words", "hint"),
    [("generte", "did you mean generate?"), ("config foo", "see `nb config --help`")],
)
def test_an_unknown_word_is_an_error_with_a_suggestion(nb: Nb, words: str, hint: str) -> None:
    plain, run = nb("help", *words.split()), nb("help", *words.split(), "--json")
    assert (run.code, run.out) == (2, "")
    assert f"hint: {hint}" in run.err
    assert run.err == plain.err


def _errors(base: type[NbBaseError]) -> Iterator[type[NbBaseError]]:
    for each in base.__subclasses__():
        if each.__module__.startswith("nanobanana_cli."):
            yield each
        yield from _errors(each)


def test_every_exit_status_and_every_kind_of_error_is_there(nb_process: NbProcess) -> None:
    for module in pkgutil.walk_packages(nanobanana_cli.__path__, "nanobanana_cli."):
        importlib.import_module(module.name)
    # In a process of its own, which has imported nothing besides.
    statuses = json.loads(nb_process("help", "--json").out)["exit_statuses"]
    assert {each["code"] for each in statuses} == set(ExitCode)
    printed = {(each["code"], kind["kind"]) for each in statuses for kind in each["kinds"]}
    signals = {129, 130, 143}
    expected = {(int(each.code), each.kind) for each in _errors(NbBaseError)} - {(1, "interrupted")}
    assert printed == expected | {(code, "interrupted") for code in signals}


def test_every_setting_is_there_with_its_variable() -> None:
    settings = {each["name"]: each for each in REFERENCE["settings"]}
    assert set(settings) == set(TYPES)
    assert set(allowed_entries("wisgate")) <= set(settings)
    assert settings["max-cost"]["variable"] == "NB_MAX_COST"
    assert (settings["retries"]["types"], settings["retries"]["default"]) == (["integer"], "3")
    assert settings["confirm-above"]["variable"] is None


def test_every_variable_that_the_code_reads_is_there() -> None:
    package = docs.ROOT / "nanobanana_cli"
    code = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    read = set(re.findall(r"""["'](NB_[A-Z_]+|[A-Z]+_(?:GATE|API)_KEY)["']""", code))
    assert read <= {each["name"] for each in REFERENCE["variables"]}


def test_it_takes_little_time_and_loads_nothing_heavy(nb_process: NbProcess) -> None:
    run = nb_process("help", "agents", env={"PYTHONPROFILEIMPORTTIME": "1"})
    loaded = {line.rpartition("|")[2].strip() for line in run.err.splitlines()}
    assert loaded
    assert loaded.isdisjoint({"requests", "rich", "PIL", "msgspec.json_schema"})
