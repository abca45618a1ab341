"""The schemas of JSON lines. That each line of the suite is as they say, `conftest.Nb` checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Nb
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from support import schemas

SCHEMAS = schemas.published()["schemas"]
LINES = ("generate", "a red fox", "--provider", "sandbox", "-o", "fox.png", "--json")


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_by_itself(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_each_command_with_json_lines_says_which() -> None:
    for command in schemas.published()["commands"]:
        takes_json = any("--json" in option["names"] for option in command["options"])
        assert takes_json == bool(command["prints"]) or command["name"] == "sandbox"
        options = {name for option in command["options"] for name in option["names"]}
        assert set(command["prints"]) <= {*options, ""}
        assert {name for names in command["prints"].values() for name in names} <= set(SCHEMAS)


def test_each_schema_is_of_a_line_that_a_command_prints() -> None:
    commands = schemas.published()["commands"]
    printed = {name for each in commands for names in each["prints"].values() for name in names}
    assert printed == set(SCHEMAS) - {"manifest"}


def test_each_field_of_results_and_rows_is_described() -> None:
    for name in ("result", "row", "plan", "status", "finding"):
        schema = SCHEMAS[name]
        own = schema["$defs"][schema["$ref"].rpartition("/")[2]]
        undescribed = [
            key for key, field in own["properties"].items() if "description" not in field
        ]
        assert not undescribed, name


def _mutated(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the line with one thing wrong: without a field, with another one, of another type."""
    for name, value in line.items():
        yield {key: other for key, other in line.items() if key != name}
        yield {**line, name: {} if not isinstance(value, dict) else "text"}
        yield {key if key != name else f"{name}s": other for key, other in line.items()}
    yield {**line, "extra": 1}


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_line_with_anything_wrong_is_refused(nb: Nb, more: tuple[str, ...]) -> None:
    run = nb(*LINES, *more)
    schemas.check_lines([*LINES, *more], run.raw, run.err)
    mutated = list(_mutated(json.loads(run.out)))
    assert len(mutated) > 10
    for each in mutated:
        with pytest.raises(AssertionError):
            schemas.check_lines([*LINES, *more], json.dumps(each).encode(), "")


def test_fields_of_later_versions_are_allowed_to_others(nb: Nb) -> None:
    line = json.loads(nb(*LINES).out)
    Draft202012Validator(SCHEMAS["result"]).validate({**line, "later": 1})


def test_a_failed_line_has_an_error_with_a_status_and_a_charge(nb: Nb) -> None:
    argv = ("generate", "a fox [[fault:safety]]", "--provider", "sandbox", "--json")
    run = nb(*argv)
    line = json.loads(run.out)
    for name, value in (("charged", "perhaps"), ("code", 99), ("kind", None)):
        wrong = {**line, "error": {**line["error"], name: value}}
        with pytest.raises(AssertionError):
            schemas.check_lines(argv, json.dumps(wrong).encode(), "")


def test_a_dry_run_with_json_is_one_line_without_a_key(nb: Nb) -> None:
    run = nb(*LINES[:2], "--json", "--dry-run", env={"WISDOM_GATE_KEY": "wg-secret-key"})
    assert run.code == 0
    assert run.out.count("\n") == 1
    request = json.loads(run.out)
    assert request["headers"]["x-goog-api-key"] == "$WISDOM_GATE_KEY"
    assert request["body"]["contents"][0]["parts"] == [{"text": "a red fox"}]
    assert "nothing was sent; 1 image would cost $0.058" in run.err
