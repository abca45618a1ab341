"""Judge what `--json` prints, and manifests, by the JSON Schemas of `nb help --json`."""

from __future__ import annotations

import codecs
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from nanobanana_cli.cli import command_tree
from nanobanana_cli.commands.help import reference

# A longer manifest is made by a test of speed or memory.
_LONGEST = 50_000
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@cache
def published() -> dict[str, Any]:
    """Return what `nb help --json` prints."""
    found: dict[str, Any] = msgspec.to_builtins(reference.everything(command_tree()))
    return found


@cache
def _judge(name: str) -> Draft202012Validator:
    """Return a judge of lines that allows no further fields."""
    return Draft202012Validator(closed(published()["schemas"][name]))


def closed(schema: Any) -> Any:
    """Return a schema of lines that allows no field but those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {**more, **{name: closed(value) for name, value in schema.items()}}


def names_for(argv: Sequence[str]) -> tuple[str, ...] | None:
    """Return the schemas for what a command line prints; None where that is not JSON lines."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    as_json = "--json" in words or "--as=json" in words
    as_json |= ("--as", "json") in pairwise(words)
    if not as_json or "--curl" in words or "--help" in words:
        return None
    prints = _printed().get(" ".join(words[:2])) or _printed().get(words[0], {})
    found = (prints[option] for option in prints if not option or option in words)
    return tuple(next(found, ()))


@cache
def _printed() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return {each["name"]: each["prints"] for each in published()["commands"]}


def check_lines(argv: Sequence[str], out: bytes, err: str) -> None:
    """Raise AssertionError unless each JSON line of a run is as its schema says."""
    names = names_for(argv)
    if names is None:
        return
    for line in _lines(argv, out, err):
        assert names, f"commands/help/printed.py has no record for {line}"
        record = json.loads(line)
        found = [best_match(_judge(name).iter_errors(record)) for name in names]
        reasons = [f"{each.json_path}: {each.message}" for each in found if each]
        assert len(reasons) < len(found), "\n".join([line, *reasons])


def _lines(argv: Sequence[str], out: bytes, err: str) -> Iterator[str]:
    if ("-o", "-") in pairwise(argv) or "-o-" in argv or "--output=-" in argv:
        yield from (line for line in err.splitlines() if line.startswith("{"))
    else:
        yield from out.decode("ascii").splitlines()


def check_manifest(argv: Sequence[str], code: int) -> None:
    """Raise AssertionError if a manifest that a run could use is not as its schema says."""
    names = [each for each in argv[1:] if each.endswith((".toml", ".json", ".jsonl"))]
    if argv[:1] != ["batch"] or code == 2 or len(names) != 1:
        return
    data = Path(names[0]).read_bytes() if Path(names[0]).is_file() else b""
    if 0 < len(data) < _LONGEST:
        text = data.decode("utf-16" if data[:2] in _WIDE else "utf-8-sig")
        found = manifest_error(names[0], text)
        assert found is None, f"{text}\n{found}"


def manifest_error(name: str, text: str) -> str | None:
    """Return what is wrong with a manifest in TOML or JSON, by its schema; None for nothing."""
    content = tomllib.loads(text) if name.endswith(".toml") else _rows(text)
    found = best_match(_manifests().iter_errors(content))
    return found and f"{found.json_path}: {found.message}"


def _rows(text: str) -> Any:
    """Return an array of objects, or objects one after the other."""
    rows = []
    while text := text.lstrip():
        row, end = json.JSONDecoder().raw_decode(text)
        rows.append(row)
        text = text[end:]
    return rows[0] if rows and isinstance(rows[0], list) else rows


@cache
def _manifests() -> Draft202012Validator:
    return Draft202012Validator(published()["schemas"]["manifest"])
