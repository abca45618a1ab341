"""Placeholders, vars and the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Nb
from support.wire_server import Answer, WireServer


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
        ("{{a-b}} {{}} {{ b }}", "{a-b} {} {{ b }}"),
        ("a { b } {a:b} {a b} {-} {0-9}", "a { b } {a:b} {a b} {-} {0-9}"),
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
        ({"prompt": "a {my-style}"}, "{my-style} has no value in vars or matrix"),
        ({"prompt": "a {my.style}"}, "{my.style} has no value in vars or matrix"),
        ({"prompt": "a {}"}, "jsonl:1: {} names no value (write {{}} for braces)"),
        ({"prompt": "{{a}}", "vars": {"a": 1}}, "{{a}} is not how a placeholder is written"),
        ({"prompt": "{{ a }}", "vars": {"a": 1}}, "{{ a }} is not how a placeholder is written"),
        ({"prompt": "{ a }", "matrix": {"a": [1]}}, "{ a } is not how a placeholder is written"),
        ({"prompt": "x", "output": "{ a}.png", "vars": {"a": 1}}, "; write {a}\n"),
        ({"prompt": "x", "output": "{{index}}.png"}, "; write {index}\n"),
        ({"prompt": "a {slug}"}, "{slug} is made from the prompt, so it cannot be in it"),
        ({"prompt": "x", "aspect": "1:1", "matrix": {"aspect": ["1:1"]}}, "is in the matrix too"),
        ({"prompt": "x", "matrix": {"seed": ["7"]}}, "matrix: seed must be whole numbers, not '7'"),
        ({"prompt": "x", "matrix": {"size": [512]}}, "matrix: size must be strings, not 512"),
        ({"prompt": "x", "matrix": {"size": []}}, "matrix: size has no values"),
        ({"prompt": "x", "matrix": {"size": ["9K", "8K"]}}, "size: 8K is not an image size of"),
        ({"prompt": "x", "prompt_file": "x.txt"}, "prompt_file: contradicts prompt; use one"),
        ({"prompt_file": "none.txt"}, "prompt_file: prompt file none.txt: no such file"),
        ({"prompt_file": "-"}, "prompt_file: what a manifest names must be a file, not stdin"),
        ({"prompt_file": "{a}.txt"}, "{a} has no value in vars or matrix"),
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


def test_index_and_slug(nb: Nb) -> None:
    found = prompts(
        nb,
        '[defaults]\noutput = "{index}-{slug}.png"\n[matrix]\nanimal = ["fox", "red owl"]\n'
        '[[image]]\nprompt = "a {animal}"\n[[image]]\nprompt = "number {index}!"\n'
        '[[image]]\nprompt = "a hare"\nvars = {slug = "mine"}\n',
    )
    assert found == [
        ("1-a-fox.png", "a fox"),
        ("2-a-red-owl.png", "a red owl"),
        ("3-number-3.png", "number 3!"),
        ("4-mine.png", "a hare"),
    ]


def test_a_matrix_over_keys(nb: Nb) -> None:
    Path("images.toml").write_text(
        '[defaults]\nsize = "2K"\n[matrix]\naspect = ["1:1", "16:9"]\nseed = [1, 2]\n'
        'model = ["pro"]\nsize = ["1K"]\n'
        '[[image]]\nprompt = "fox"\noutput = "fox-{aspect}-{seed}.png"\n'
        '[[image]]\nprompt = "owl"\nsize = "4K"\naspect = "4:3"\nseed = 3\n'
    )
    run = nb("batch", "images.toml", "--dry-run", "--json")
    assert run.code == 0, run.err
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [(line["path"], line["aspect"], line["size"]) for line in lines] == [
        ("fox-1x1-1.png", "1:1", "1K"),
        ("fox-1x1-2.png", "1:1", "1K"),
        ("fox-16x9-1.png", "16:9", "1K"),
        ("fox-16x9-2.png", "16:9", "1K"),
        ("owl.*", "4:3", "4K"),
    ]
    assert {line["model"] for line in lines} == {"gemini-3-pro-image-preview"}
    assert len({line["fingerprint"] for line in lines}) == 5


def test_the_seed_of_a_matrix_is_sent(nb: Nb) -> None:
    Path("m.jsonl").write_text('{"prompt": "fox", "matrix": {"seed": [1, 2]}}')
    with WireServer(Answer(400)) as server:
        env = {"NB_BASE_URL": server.url, "WISDOM_GATE_KEY": "k" * 20}
        nb("batch", "m.jsonl", env=env)
        bodies = [json.loads(request.body) for request in server.requests]
    assert sorted(body["generationConfig"]["seed"] for body in bodies) == [1, 2]


def test_names_that_a_matrix_over_keys_makes_meet(nb: Nb) -> None:
    row = {"prompt": "fox", "matrix": {"seed": [1, 2]}}
    Path("images.jsonl").write_text(json.dumps({**row, "output": "fox.png"}))
    run = nb("batch", "images.jsonl", "--dry-run")
    assert run.err.startswith("images.jsonl:1: output: fox.png is also the output of this row\n")
    assert next(path for path, _ in prompts(nb, json.dumps(row), "images.jsonl")).startswith("fox-")


def test_prompts_in_files(nb: Nb) -> None:
    Path("shop/prompts").mkdir(parents=True)
    for size in ("1K", "2K"):
        text = f"\ufeffa {{animal}} of {size} at {{light}}\n"
        Path(f"shop/prompts/{size}.txt").write_text(text, encoding="utf-8")
    found = prompts(
        nb,
        '[defaults]\nprompt = "not this"\n[vars]\nlight = "dusk"\n'
        '[matrix]\nanimal = ["fox", "owl"]\nsize = ["1K", "2K"]\n'
        '[[image]]\nprompt_file = "prompts/{size}.txt"\noutput = "{animal}-{size}.png"\n',
        "shop/images.toml",
    )
    assert found == [
        ("shop/fox-1K.png", "a fox of 1K at dusk"),
        ("shop/owl-1K.png", "a owl of 1K at dusk"),
        ("shop/fox-2K.png", "a fox of 2K at dusk"),
        ("shop/owl-2K.png", "a owl of 2K at dusk"),
    ]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"\xff", "not UTF-8"), (None, "is a folder")]
)
def test_prompt_files_without_a_prompt(nb: Nb, content: bytes | None, message: str) -> None:
    if content is None:
        Path("x.txt").mkdir()
    else:
        Path("x.txt").write_bytes(content)
    Path("images.toml").write_text('[[image]]\noutput = "x.png"\nprompt_file = "x.txt"\n')
    run = nb("batch", "images.toml")
    assert run.code == 2
    assert run.err.startswith("images.toml:3: image 1: prompt_file: prompt file x.txt")
    assert message in run.err


def test_an_error_of_a_placeholder_names_its_line(nb: Nb) -> None:
    Path("images.toml").write_text(
        '[vars]\na = 1\n[[image]]\nprompt = "{{a}}"\nsystem = "{b}"\noutput = "{c-d}.png"\n'
    )
    run = nb("batch", "images.toml")
    assert [line.partition(" ")[0] for line in run.err.splitlines()[:3]] == [
        "images.toml:4:",
        "images.toml:5:",
        "images.toml:6:",
    ]


def test_id_and_note_are_filled_and_carried(nb: Nb) -> None:
    Path("images.toml").write_text(
        '[matrix]\na = ["x", "y"]\n[[image]]\nprompt = "{a}"\nid = "sku-{a}"\nnote = "for {a}"\n'
        '[[image]]\nprompt = "z"\nid = 12\n[[image]]\nprompt = "q"\n'
    )
    expected = [
        (1, "sku-x", "for x"),
        (1, "sku-y", "for y"),
        (2, 12, None),
        (3, None, None),
    ]
    for options in (("--dry-run",), ("--provider", "sandbox"), ("--provider", "sandbox")):
        run = nb("batch", "images.toml", "--json", "--concurrency", "1", *options)
        assert run.code == 0, run.err
        lines = map(json.loads, run.out.splitlines())
        found = [(line["row"], line["id"], line["note"]) for line in lines]
        assert sorted(found, key=expected.index) == expected
