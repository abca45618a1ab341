"""Make JSON Schemas of what commands print with `--json`, from the records that they print."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FIELDS = re.compile(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)


def of_line(record: type[msgspec.Struct]) -> Schema:
    """Return the schema of a JSON line.

    It allows further fields, since later versions may add some. A field with a default is always
    there; one that may be left out has none.
    """
    schema = described(record)
    for each in schema["$defs"].values():
        fields = each.get("properties", {})
        required = {*each.get("required", ()), *(n for n in fields if "default" in fields[n])}
        if fields:
            each["required"] = [name for name in fields if name in required]
        for field in fields.values():
            field.pop("default", None)
    return schema


def described(record: type[msgspec.Struct]) -> Schema:
    """Return a record's schema; its docstring describes the fields."""
    raw = msgspec.json.schema(record)
    found: Schema = {"$schema": DIALECT, **raw}
    for name, each in found["$defs"].items():
        docs = [each.pop("description", "")]
        if name == record.__name__:
            docs = [base.__doc__ or "" for base in record.__mro__ if base.__module__ != "builtins"]
        for doc in reversed(docs):
            text, _, arguments = inspect.cleandoc(doc).partition("\n\nArgs:\n")
            each["description"] = _plain(text)
            for field, about in _fields(arguments):
                if field in each.get("properties", {}):
                    each["properties"][field]["description"] = about
    _simplify(found)
    return found


def _fields(arguments: str) -> Iterator[tuple[str, str]]:
    for match in _FIELDS.finditer(arguments):
        for name in match[1].split(", "):
            yield name, _plain(match[2])


def _plain(text: str) -> str:
    """Return a text on one line, without the marks around code."""
    return " ".join(text.split()).replace("`", "")


def _simplify(schema: Any) -> None:
    """Write `anyOf` of plain types as a list of types, which is a third as long."""
    if isinstance(schema, list):
        for each in schema:
            _simplify(each)
    elif isinstance(schema, dict):
        for each in schema.values():
            _simplify(each)
        choices = schema.get("anyOf", ())
        if choices and all(isinstance(each, dict) and each.keys() == {"type"} for each in choices):
            del schema["anyOf"]
            schema["type"] = [each["type"] for each in choices]
