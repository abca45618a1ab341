"""Manifests of every form, and all that can be wrong with them, through `nb batch --dry-run`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Nb, Run
from hypothesis import given, settings
from hypothesis import strategies as st
from support import pngs

from nanobanana_cli.batch.manifest import readers
from nanobanana_cli.batch.manifest.diagnostics import ManifestError

FORMS = {
    "images.toml": (
        '[defaults]\naspect = "16:9"\n[[image]]\nprompt = "a fox"\noutput = "fox.png"\n'
        '[[image]]\nprompt = "an owl"\noutput = "owl.jpg"\naspect = "1:1"\ncount = 2\n'
    ),
    "images.jsonl": (
        '{"prompt": "a fox", "output": "fox.png", "aspect": "16:9"}\n\n'
        '{"prompt": "an owl", "output": "owl.jpg", "count": 2}\n'
    ),
    "images.csv": "prompt,output,aspect,count\na fox,fox.png,16:9,\n\nan owl,owl.jpg,,2\n",
}


def plan(nb: Nb, name: str, content: str | bytes, *options: str, **more: Any) -> Run:
    data = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(data)
    return nb("batch", name, "--dry-run", "--json", *options, **more)


def rows(run: Run) -> list[dict[str, Any]]:
    assert run.code == 0, run.err
    return [json.loads(line) for line in run.out.splitlines()]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_forms_say_the_same(nb: Nb, name: str, mark: str) -> None:
    found = [
        (row["path"], row["prompt"], row["aspect"])
        for row in rows(plan(nb, name, mark + FORMS[name]))
    ]
    assert found == [
        ("fox.png", "a fox", "16:9"),
        ("owl-1.jpg", "an owl", "1:1"),
        ("owl-2.jpg", "an owl", "1:1"),
    ]


OWL = ("owl.jpg", "an owl, awake", "1:1")
FOX = ("fox.png", "a fox", "16:9")
PEOPLES = {
    "semicolons.csv": "prompt;output;aspect\na fox;fox.png;16:9\nan owl, awake;owl.jpg;\n",
    "tabs.csv": "prompt\toutput\taspect\r\na fox\tfox.png\t16:9\r\nan owl, awake\towl.jpg\t\r\n",
    "tabs.tsv": "prompt\toutput\taspect\na fox\tfox.png\t16:9\nan owl, awake\towl.jpg\n",
    "excel.csv": "sep=;\nprompt;output;aspect\na fox;fox.png;16:9\nan owl, awake;owl.jpg;\n",
    "wide.csv": (
        'prompt,output,aspect,,\na fox,fox.png,16:9,,\n,,,,\n"an owl, awake",owl.jpg,,,,,\n'
    ),
    "private.csv": (
        '_who,prompt,output,aspect,_why\nme,a fox,fox.png,16:9,\n,"an owl, awake",owl.jpg,,x\n'
    ),
    "array.json": (
        '[\n {"prompt": "a fox", "output": "fox.png", "aspect": "16:9", "_x": 1},\n'
        ' {"prompt": "an owl, awake",\n  "output": "owl.jpg"}\n]\n'
    ),
    "pretty.jsonl": (
        '{\n "prompt": "a fox",\n "output": "fox.png",\n "aspect": "16:9"\n}\n'
        '{\n "prompt": "an owl, awake",\n "output": "owl.jpg"\n}\n'
    ),
    "lines.json": (
        '{"prompt": "a fox", "output": "fox.png", "aspect": "16:9"}\n'
        '{"prompt": "an owl, awake", "output": "owl.jpg"}\n'
    ),
    "private.toml": (
        '_x = 1\n[_y]\na = 1\n[[image]]\nprompt = "a fox"\noutput = "fox.png"\naspect = "16:9"\n'
        '_z = 1\n[[image]]\nprompt = "an owl, awake"\noutput = "owl.jpg"\n'
    ),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", PEOPLES)
def test_forms_as_people_make_them(nb: Nb, name: str, encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    found = rows(plan(nb, name, (mark + PEOPLES[name]).encode(encoding)))
    assert [(row["path"], row["prompt"], row["aspect"]) for row in found] == [FOX, OWL]


def test_an_array_on_stdin(nb: Nb) -> None:
    run = nb("batch", "-", "--dry-run", "--json", stdin=PEOPLES["array.json"].encode())
    assert [(row["row"], row["path"]) for row in rows(run)] == [(2, "fox.png"), (3, "owl.jpg")]


def test_a_list_of_images_among_semicolons(nb: Nb) -> None:
    for name in ("a.png", "b.png"):
        Path(name).write_bytes(pngs.png(pngs.Shape(8, 8)))
    content = 'prompt;images;output\na fox;"a.png; b.png";fox.png\n'
    assert len(rows(plan(nb, "images.csv", content))) == 1


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        (
            "images.csv",
            'prompt,output\n"a fox,f.png\n"an owl",o.png,x\n"a" hare,h.png\nb,b.png\n"c,c.png\n',
            ["2: not valid CSV", "3: has 3 cells", "4: not valid CSV", "6: not valid CSV"],
        ),
        (
            "images.json",
            '[\n {"prompt": "a" "x"},\n {"promt": "b"},\n {"prompt": NaN},\n {"prompt": "c"\n]',
            [
                "2: not valid JSON: Expecting ',' delimiter",
                "3: promt: unknown key",
                "4: not valid JSON: NaN is not a number in JSON",
                "6: not valid JSON: Expecting ',' delimiter",
            ],
        ),
        (
            "images.json",
            '[{"prompt": "a"}',
            ["1: not valid JSON: the array must end"],
        ),
        (
            "images.toml",
            (
                '[[image]]\nprompt = "a\noutput = "x.png"\n[[image]]\nprompt = "b" "c"\n'
                'system = """\nx = 1\n[y]\n"""\nimages = [\n "a.png"\n "b.png"\n]\n'
                '[[image]\nprompt = "d"\nprompt = "e"\n'
            ),
            [
                "2: not valid TOML",
                "5: not valid TOML",
                "12: not valid TOML",
                "14: not valid TOML",
                "16: not valid TOML: Cannot overwrite a value",
            ],
        ),
        (
            "images.toml",
            "[defaults]\n[[image]]\n[defaults]\n",
            ["3: not valid TOML: Cannot"],
        ),
        ("images.toml", '[[image]]\nprompt = """\nfox\n[[image]]\n', ["2: not valid TOML: "]),
        (
            "images.toml",
            f"[[image]]\nprompt = 'a'\nseed = 0x{'f' * 5000}\n",
            ["3: not valid TOML: a number is too large"],
        ),
    ],
)
def test_all_syntax_errors_at_once(nb: Nb, name: str, content: str, lines: list[str]) -> None:
    run = plan(nb, name, content)
    found = run.err.splitlines()
    assert run.code == 2
    assert found[len(lines)].startswith(f"nb: {name} has "), run.err
    for line, expected in zip(found, lines, strict=False):
        assert line.startswith(f"{name}:{expected}"), run.err


@pytest.mark.parametrize(
    ("written", "meant"),
    [("ratio", "aspect"), ("n", "count"), ("Filename", "output"), ("aspect-ratio", "aspect")],
)
@pytest.mark.parametrize("form", ["images.jsonl", "images.csv", "images.toml"])
def test_synonyms_are_named(nb: Nb, form: str, written: str, meant: str) -> None:
    content = {
        "images.jsonl": json.dumps({"prompt": "a fox", written: "x"}),
        "images.csv": f"prompt,{written}\na fox,x\n",
        "images.toml": f'[[image]]\nprompt = "a fox"\n{written} = "x"\n',
    }[form]
    run = plan(nb, form, content)
    assert run.code == 2
    assert f"{written}: unknown key; did you mean {meant}?" in run.err.splitlines()[0]


def test_an_empty_cell_gives_a_placeholder_no_value(nb: Nb) -> None:
    run = plan(nb, "images.csv", "prompt,vars.a\na {a},fox\nan {a},\n")
    assert run.err.startswith("images.csv:3: {a} has no value in vars or matrix")


def test_the_empty_columns_of_a_whole_sheet_take_no_time(nb: Nb) -> None:
    lines = ["prompt,output", *(f"a fox,{number}.png" for number in range(200))]
    started = time.process_time()
    run = plan(nb, "images.csv", "".join(f"{line}{',' * 16_382}\n" for line in lines))
    assert [row["path"] for row in rows(run)] == [f"{number}.png" for number in range(200)]
    # It took half a minute.
    assert time.process_time() - started < 5


def test_a_key_to_ignore_stands_in_for_no_prompt(nb: Nb) -> None:
    run = plan(nb, "images.jsonl", '{"_prompt": "a fox"}\n')
    assert run.err.startswith("images.jsonl:1: has no prompt\n")


def test_text_is_a_prompt_a_line(nb: Nb) -> None:
    run = plan(nb, "prompts.txt", "a red fox\r\n\n# not this\n  an owl  \n", "--size", "2K")
    found = [(row["path"], row["prompt"], row["size"]) for row in rows(run)]
    assert found == [("a-red-fox.*", "a red fox", "2K"), ("an-owl.*", "an owl", "2K")]


def test_stdin_is_json_lines(nb: Nb) -> None:
    run = nb("batch", "-", "--dry-run", "--json", stdin=b'{"prompt": "a fox"}\n')
    assert rows(run)[0]["path"] == "a-fox.*"


def test_all_keys(nb: Nb) -> None:
    row = {
        "prompt": "a fox",
        "output": "deep/fox.webp",
        "aspect": "8:1",
        "size": "512",
        "model": "gemini-3.1-flash-image-preview",
        "format": "webp",
        "images": [],
        "count": 1,
        "thinking": "high",
        "search": True,
        "system": "be brief",
        "temperature": 1,
        "seed": 7,
    }
    found = rows(plan(nb, "images.jsonl", json.dumps(row)))[0]
    assert (found["path"], found["size"]) == ("deep/fox.webp", "0.5K")


def test_paths_are_relative_to_the_manifest(nb: Nb) -> None:
    Path("shop").mkdir()
    assert rows(plan(nb, "shop/images.jsonl", FORMS["images.jsonl"]))[0]["path"] == "shop/fox.png"


def test_output_folder_can_be_another(nb: Nb) -> None:
    Path("out").mkdir()
    found = rows(plan(nb, "images.jsonl", FORMS["images.jsonl"], "-o", "out"))
    assert found[0]["path"] == "out/fox.png"


def test_defaults_yield_to_rows_and_options_to_both(nb: Nb) -> None:
    run = plan(nb, "images.toml", FORMS["images.toml"], "--aspect", "4:3", "--size", "4K")
    assert [(row["aspect"], row["size"]) for row in rows(run)[:2]] == [
        ("16:9", "4K"),
        ("1:1", "4K"),
    ]


ERRORS = {
    "images.jsonl": (
        (
            '{"prompt": "a fox", "aspect": "16:8"}\n'
            '{"promt": "a fox", "prompt": "b"}\n'
            "not json\n"
            '{"prompt": "  ", "count": "two"}\n'
            '["a fox"]\n'
            '{"prompt": "c", "size": "3K", "thinking": "hihg", "temperature": 3, "seed": 1e3}\n'
            '{"prompt": "d", "images": ["none.png"], "output": "../d.png"}\n'
            '{"output": "e.gif", "count": 0}\n'
            '{"prompt": "f", "output": "/f.png"}\n'
            '{"prompt": "g", "output": "g.png", "format": "webp"}\n'
            '{"prompt": "h", "model": "gemini-2.5-flash-image", "size": "4K", "search": true}\n'
        ),
        [
            "images.jsonl:1: aspect: 16:8 is not an aspect ratio of",
            "images.jsonl:2: promt: unknown key; did you mean prompt?",
            "images.jsonl:3: not valid JSON",
            "images.jsonl:4: count: must be a whole number, not 'two'",
            "images.jsonl:4: prompt: is empty",
            "images.jsonl:5: must be an object",
            "images.jsonl:6: seed: must be a whole number, not 1000.0",
            "images.jsonl:6: size: 3K is not an image size of",
            "images.jsonl:6: thinking: hihg is not a thinking level; did you mean high?",
            "images.jsonl:6: temperature: 3 is not between 0 and 2",
            "images.jsonl:7: images: image none.png",
            "images.jsonl:7: output: '../d.png' leaves the output folder",
            "images.jsonl:8: has no prompt",
            "images.jsonl:8: count: 0 is not between 1 and 1000",
            "images.jsonl:8: output: e.gif must end in one of",
            "images.jsonl:9: output: '/f.png' is absolute",
            "images.jsonl:10: format: webp does not match output g.png",
            "images.jsonl:11: size: 4K is not an image size of gemini-2.5-flash-image",
            "images.jsonl:11: search: is not known to work with gemini-2.5-flash-image",
        ],
    ),
    "images.toml": (
        (
            'other = 1\n[defaults]\nsize = "9K"\n[[images]]\n'
            '[[image]]\nprompt = """\n[[image]]\n"""\naspect = "1:5"\n\n'
            '[[image]]\nprompt = "x"\ncuont = 2\n\n'
            '  [[ image ]]\noutput = "a.png"\n[matrx]\na = [1]\n'
        ),
        [
            "images.toml:1: other: unknown top-level key",
            "images.toml:3: defaults.size: 9K is not an image size",
            "images.toml:4: images: unknown top-level key; did you mean image?",
            "images.toml:17: matrx: unknown top-level key; did you mean matrix?",
            "images.toml:9: image 1: aspect: 1:5 is not an aspect ratio",
            "images.toml:13: image 2: cuont: unknown key; did you mean count?",
            "images.toml:15: image 3: has no prompt",
        ],
    ),
    "images.csv": (
        (
            "Promt,ouput,count,vras.x,count,\n"
            'a fox, with comma,x.png,1,,2,\n"two\nlines",y.png,many\nb,,-1\n'
        ),
        [
            "images.csv:1: Promt: unknown key; did you mean prompt?",
            "images.csv:1: ouput: unknown key; did you mean output?",
            "images.csv:1: count: appears more than once",
            "images.csv:1: vras.x: unknown key; did you mean vars.x?",
            "images.csv:1: no column is named prompt",
            "images.csv:2: has 6 cells, but the header has 5; put quotes around text with commas",
            "images.csv:3: count: must be a whole number, not 'many'",
            "images.csv:5: count: -1 is not between 1 and 1000",
        ],
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_all_errors_at_once(nb: Nb, name: str) -> None:
    content, expected = ERRORS[name]
    run = plan(nb, name, content)
    found = run.err.splitlines()
    assert run.code == 2
    assert found[-2] == f"nb: {name} has {len(found) - 2} errors"
    for line in expected:
        assert any(each.startswith(line) for each in found), (line, run.err)
    assert len(found) - 2 == len(expected), run.err


def test_an_error_hides_no_other(nb: Nb) -> None:
    unfilled = {"prompt": "{x}", "output": "{x}.png", "images": ["{x}.png", "none.png"]}
    rows = [
        {**unfilled, "size": "3K"},
        {**unfilled, "alt_file": "../x.txt"},
        {"prompt": "a", "output": "a.png", "aspect": "1:5"},
        {"prompt": "b", "output": "a.png", "count": 1, "seed": "x"},
        {"prompt": "c", "output": "A.png"},
    ]
    run = plan(nb, "images.jsonl", "\n".join(map(json.dumps, rows)))
    found = [line.split(": ")[:2] for line in run.err.splitlines()[:-2]]
    assert [(place.rpartition(":")[2], what.split()[0]) for place, what in found] == [
        ("1", "{x}"),
        ("1", "size"),
        ("1", "images"),
        ("2", "{x}"),
        ("2", "alt_file"),
        ("2", "images"),
        ("3", "aspect"),
        ("4", "seed"),
        ("4", "output"),
        ("5", "output"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_cell_of_several_lines(nb: Nb, end: str) -> None:
    content = f'prompt,output{end}"a fox{end}in snow",x.png{end}b,y.png{end}'
    found = rows(plan(nb, "images.csv", content))
    assert [row["prompt"] for row in found] == ["a fox\nin snow", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images.toml", '[[image]]\nprompt = "x\n', "images.toml:2: not valid TOML"),
        ("images.toml", "image = 3", "image: must be tables"),
        ("images.toml", "defaults = 3", "defaults: must be a table"),
        ("images.toml", "a = " + "[" * 5000, "images.toml"),
        ("images.jsonl", b'{"prompt": "a"}\n\xff', "images.jsonl:2: not valid UTF-8"),
        (
            "images.csv",
            b"prompt\nB\xe4r\n",
            "looks like Windows-1252 (ä): save the file as UTF-8",
        ),
        ("images.txt", "a fox".encode("utf-16-le"), "txt:1: contains a NUL character"),
        (
            "images.csv",
            "prompt\nweiß\n".encode("utf-16-le"),
            "csv:2: not valid UTF-8; it looks like UTF-16 without a byte order mark",
        ),
        ("images.txt", b"\xff\xfea", "txt:1: not valid UTF-16"),
        ("images.csv", "prompt;output\na;a.png\nprompt;output;\n", "csv:3: repeats the header"),
        ("images.csv", "prompt,,output\na,,a.png\n", "csv:1: column 2 has no name"),
        (
            "images.txt",
            "prompt\toutput\na\ta.png\n",
            "txt:1: is a line of another form, not a prompt;",
        ),
        ("images.txt", "\nprompt,output\na,a.png\n", "txt:2: is a line of another form"),
        ("images.txt", "prompt\toutput\n", "name the file images.tsv\n"),
        ("images.txt", '{"prompt": "x"}\n', "name the file images.jsonl\n"),
        ("images.txt", "[[image]]\n", "name the file images.toml\n"),
        ("images.jsonl", "[" * 100_000, "images.jsonl:1: not valid JSON: nested too deeply"),
        ("images.jsonl", '{"a": ' * 99_999, "images.jsonl:1: not valid JSON: nested too deeply"),
        ("images.jsonl", "\n\n", "contains no images"),
        ("images.csv", 'prompt\n"x', "not valid CSV"),
        ("images.csv", "sep=;;\nprompt;;output\n", "csv:1: ;; does not separate cells; write"),
        ("images.tsv", 'sep="\nprompt"output\n', 'tsv:1: " does not separate cells'),
        ("images.csv", "prompt,prompt\na,b", "prompt: appears more than once"),
        ("images.csv", "prompt,vars\na,b", "vars: does not fit in a cell"),
        ("images.txt", "# nothing\n", "contains no images"),
    ],
)
def test_unusable(nb: Nb, name: str, content: str | bytes, message: str) -> None:
    run = plan(nb, name, content)
    assert (run.code, run.out) == (2, "")
    assert message in run.err


@pytest.mark.parametrize("name", ["images.yaml", "images", "images.tml"])
def test_unknown_form(nb: Nb, name: str) -> None:
    run = plan(nb, name, "")
    assert run.code == 2
    assert "a manifest's name must end in .toml, .jsonl" in run.err


def test_a_wrong_option_is_not_an_error_of_the_manifest(nb: Nb) -> None:
    run = plan(nb, "images.txt", "a fox\n", "--format", "pgn")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("nb: --format pgn is not a format that nb writes\nhint: did you mean")


def test_missing_manifest(nb: Nb) -> None:
    run = nb("batch", "none.toml")
    assert run.code == 2
    assert "none.toml" in run.err


def test_no_manifest(nb: Nb) -> None:
    run = nb("batch")
    assert run.code == 2
    assert "nb batch --init" in run.err


def test_a_thousand_errors_are_cut_short(nb: Nb) -> None:
    run = plan(nb, "images.jsonl", '{"promt": "x"}\n' * 1000)
    assert "images.jsonl has 1000 errors" in run.err
    assert len(run.err.splitlines()) < 110


@given(
    st.binary(max_size=200),
    st.sampled_from(["a.toml", "a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt"]),
)
@settings(max_examples=300)
def test_any_bytes_are_rows_or_errors(data: bytes, name: str) -> None:
    try:
        found = readers.parse(name, data)
        found.diagnostics.check()
    except ManifestError:
        return
    assert found.rows
