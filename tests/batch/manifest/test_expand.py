"""Placeholders, vars and the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb


def prompts(nb: Nb, content: str, name: str = "images.toml") -> list[tuple[str, str]]:
    Path(name).write_text(content)
    run = nb("batch", name, "--dry-run", "--json")
    assert run.code == 0, run.err
    lines = map(json.loads, run.out.splitlines())
    return [(line["path"], line["prompt"]) for line in lines]


def test_matrix_makes_every_combination(nb: Nb) -> None:
    found = prompts(
        nb,
        '[vars]\nlight = "dusk"\n[matrix]\nanimal = ["fox", "owl"]\nn = [1, 2.5]\n'
        '[[image]]\nprompt = "{animal} {n} at {light}"\noutput = "{animal}/{n}.png"',
    )
    assert found == [
        ("fox/1.png", "fox 1 at dusk"),
        ("fox/2.5.png", "fox 2.5 at dusk"),
        ("owl/1.png", "owl 1 at dusk"),
        ("owl/2.5.png", "owl 2.5 at dusk"),
    ]


def test_an_image_is_made_only_for_what_it_uses(nb: Nb) -> None:
    found = prompts(
        nb,
        '[matrix]\na = ["x", "y"]\nb = ["1", "2"]\n'
        '[[image]]\nprompt = "just {a}"\n[[image]]\nprompt = "plain"\n',
    )
    assert [prompt for _, prompt in found] == ["just x", "just y", "plain"]


def test_defaults_alone_with_a_matrix(nb: Nb) -> None:
    found = prompts(nb, '[defaults]\nprompt = "a {a}"\n[matrix]\na = ["x", "y"]\n')
    assert found == [("a-x.*", "a x"), ("a-y.*", "a y")]


def test_rows_of_json_have_vars_and_matrix(nb: Nb) -> None:
    row = {"prompt": "{a} {b}", "vars": {"a": 1}, "matrix": {"b": ["x", "y"]}}
    found = prompts(nb, json.dumps(row), "images.jsonl")
    assert [prompt for _, prompt in found] == ["1 x", "1 y"]


def test_columns_are_vars(nb: Nb) -> None:
    found = prompts(nb, 'prompt,vars.a\n"a {a}",fox\n"an {a}",owl\n', "images.csv")
    assert [prompt for _, prompt in found] == ["a fox", "an owl"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("{{name}}", "{name}"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("a { b } {} {a-b}", "a { b } {} {a-b}"),
        ("}}{{", "}}{{"),
    ],
)
def test_other_braces_stay(nb: Nb, written: str, sent: str) -> None:
    row = json.dumps({"prompt": written, "output": "x.png"})
    assert prompts(nb, row, "images.jsonl") == [("x.png", sent)]


def test_a_value_is_not_expanded_again(nb: Nb) -> None:
    row = {"prompt": "{a}", "output": "x.png", "vars": {"a": "{b}", "b": "no"}}
    assert prompts(nb, json.dumps(row), "images.jsonl") == [("x.png", "{b}")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "{anmal}", "vars": {"animal": "fox"}}, "did you mean {animal}?"),
        ({"prompt": "a {fox}"}, "{fox} has no value in vars or matrix"),
        ({"prompt": "{a}", "matrix": {"a": []}}, "matrix: a has no values"),
        ({"prompt": "{a}", "vars": {"a": [1]}}, "vars: must be a table of strings and numbers"),
        ({"prompt": "{a}", "matrix": {"a": "x"}}, "matrix: must be a table of lists"),
        (
            {
                "prompt": "{a}{b}{c}{d}",
                "matrix": {axis: list(range(100)) for axis in "abcd"},
            },
            "matrix: expands to 100,000,000 rows; the limit is 1,000,000",
        ),
        (
            {"prompt": "x", "output": "{a}.png", "vars": {"a": "../../x"}},
            "leaves the output folder",
        ),
    ],
)
def test_errors(nb: Nb, row: dict[str, object], message: str) -> None:
    Path("images.jsonl").write_text(json.dumps(row))
    run = nb("batch", "images.jsonl", "--dry-run")
    assert run.code == 2
    assert message in run.err
