"""Manifests of any text: rows, or errors that name a line; never anything else."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from conftest import Nb
from hypothesis import given
from support import fuzzing

from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.item import Item, References
from nanobanana_cli.batch.manifest import readers, rows, validate
from nanobanana_cli.batch.manifest.diagnostics import ManifestError
from nanobanana_cli.batch.paths import Listing
from nanobanana_cli.batch.unique_names import assign_names, check_paths
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui import escape

_NAMES = ("m.toml", "m.jsonl", "m.json", "m.csv", "m.tsv", "m.txt", "-")
_DEFAULTS = validate.Defaults("gemini-3.1-flash-image-preview", "auto", "1K", "auto")
_VALUES = (
    *(
        "1",
        "-1",
        "0x" + "f" * 5000,
        "9" * 5000,
        "1e999",
        "inf",
        "nan",
        "0.5",
        "true",
        "null",
        "2026-01-01",
    ),
    *(
        "2026-13-45T99:99:99Z",
        "[" * 2000,
        "]" * 2000,
        '"a fox"',
        "'b'",
        '"\\ud800"',
        '"\\u0000"',
        '""',
    ),
    *(
        "[]",
        "{}",
        '["a"]',
        '{"a": 1}',
        "{a = 1}",
        '["16:9", "1:1"]',
        "[1, 2]",
        "12345678901234567890",
    ),
    *(
        "a{slug}.png",
        "{index}",
        "{{a}}",
        "{ a }",
        "{a}",
        "{}",
        "../x.png",
        "/etc/x.png",
        "CON",
        "x/",
        "x.gif",
    ),
)
_TOKENS = (
    *rows.KEYS,
    *_VALUES,
    *(
        "=",
        ":",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\r",
        " ",
        "#",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "\\",
        "\0",
    ),
    *(
        "[[image]]",
        "[defaults]",
        "[vars]",
        "[matrix]",
        '"""',
        "'''",
        "sep=;",
        "\ufeff",
        "\u2028",
        "\x1b[31m",
    ),
    *(
        '\n{"prompt": "a fox", "',
        '": ',
        "\n[[image]]\nprompt = 'a fox'\n",
        " = ",
        "prompt,output\n",
        ".png",
    ),
)


def _checked(name: str, data: bytes) -> list[Item]:
    """The images of a manifest; none, once its errors are checked, if it has any."""
    listing = Listing(Path())
    try:
        manifest = readers.parse(name, data)
        items = validate.check(manifest, _DEFAULTS, References(Path(), is_offline=True), listing)
        items = assign_names(items, History(), listing)
        check_paths(items, manifest.diagnostics, listing, ())
        manifest.diagnostics.check()
    except ManifestError as error:
        for line in error.lines():
            fuzzing.check_message(line)
        return []
    except UsageError as error:
        fuzzing.check_message(error.message)
        return []
    return items


def _check(items: list[Item]) -> None:
    for item in items:
        assert item.prompt.strip() == item.prompt != ""
        assert len(item.fingerprint) == 64
        assert ".." not in item.target.split("/")
        assert not item.target.startswith("/")
    assert len({item.target for item in items}) == len(items)


@given(
    st.sampled_from(_NAMES),
    fuzzing.mixed(_TOKENS),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32")),
)
def test_any_text_is_rows_or_errors(name: str, text: str, encoding: str) -> None:
    _check(_checked(name, text.encode(encoding, "replace")))


@given(st.sampled_from(_NAMES), st.binary(max_size=80))
def test_any_bytes_are_rows_or_errors(name: str, data: bytes) -> None:
    _check(_checked(name, data))


_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(("a fox", "16:9", "2K", "", "x/{a}.png", "../x", "png", "{slug}", "\x1b[31m"))
    | st.text(max_size=6)
)
_any = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)
_rows = st.dictionaries(
    st.sampled_from(rows.KEYS) | st.text(max_size=4),
    _scalars | _any,
    max_size=5,
).map(lambda row: {"prompt": "a fox", **row})


@given(st.lists(_rows, max_size=4), st.sampled_from(("m.jsonl", "m.json")))
def test_any_values_are_rows_or_errors(found: list[dict[str, Any]], name: str) -> None:
    lines = [json.dumps(row) for row in found]
    text = "\n".join(lines) if name == "m.jsonl" else f"[{','.join(lines)}]"
    _check(_checked(name, text.encode()))


_words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="{}#_"),
    min_size=1,
    max_size=12,
)
_plain_rows = st.lists(
    st.fixed_dictionaries({"prompt": _words, "note": _words, "id": _words}),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row["prompt"],
)


@given(_plain_rows)
def test_the_same_rows_are_read_from_every_form(found: list[dict[str, str]]) -> None:
    forms = {
        "m.jsonl": "\n".join(json.dumps(row) for row in found),
        "m.json": json.dumps(found, ensure_ascii=False, indent=1),
        "m.toml": "".join(
            "[[image]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in row.items())
            for row in found
        ),
    }
    for name, dialect in (("m.csv", "excel"), ("m.tsv", "excel-tab")):
        table = io.StringIO()
        writer = csv.DictWriter(table, list(found[0]), dialect=dialect)
        writer.writeheader()
        writer.writerows(found)
        forms[name] = table.getvalue()
    for name, text in forms.items():
        items = _checked(name, text.encode())
        read = [{"prompt": each.prompt, "note": each.note, "id": each.id} for each in items]
        assert read == found, name


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@fuzzing.inputs(0.3)
@given(st.sampled_from(_NAMES[:-1]), fuzzing.repeated(_TOKENS))
def test_no_manifest_takes_long(name: str, given: fuzzing.Long) -> None:
    text = given.text(60_000)
    with fuzzing.soon():
        _checked(name, text.encode("utf-8", "replace"))


@fuzzing.inputs(0.2)
@given(st.sampled_from(_NAMES[:-1]), fuzzing.mixed(_TOKENS) | _rows.map(json.dumps))
def test_nb_says_what_is_wrong_with_a_manifest(nb: Nb, name: str, text: str) -> None:
    Path(name).write_bytes(text.encode("utf-8", "replace"))
    key = {"WISDOM_GATE_KEY": fuzzing.CANARY}
    for argv in (("--check",), ("--dry-run", "--json"), ("--status",)):
        run = nb("batch", name, *argv, env=key)
        assert run.code in (0, 2, 3)
        assert "Traceback" not in run.err
        assert fuzzing.CANARY not in run.err + run.out
        for line in (run.err + run.out).replace("\t", " ").split("\n"):
            assert escape.escape(line) == line
