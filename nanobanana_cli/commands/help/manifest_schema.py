"""Make the JSON Schema of manifests: `[defaults]` and `[[image]]` in TOML, or an array of rows.

It refuses what `nb batch` refuses in a row by itself, and nothing else, except what depends on the
model, on files, and on other rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from nanobanana_cli import catalog
from nanobanana_cli.batch.manifest.rows import AXES, Row
from nanobanana_cli.batch.manifest.validate import MAX_COUNT
from nanobanana_cli.catalog import MODELS, PROVIDERS
from nanobanana_cli.commands.help.schemas import DIALECT, Schema, described
from nanobanana_cli.generation import fit
from nanobanana_cli.generation.inputs import RANGES
from nanobanana_cli.images.formats import CHOICES
from nanobanana_cli.settings.validators import ASPECT_NAMES, AUTO, SIZE_ALIASES

_ROW, _SHAPE = {"$ref": "#/$defs/Row"}, {"$ref": "#/$defs/ShapeOfKnownModel"}
_ANY_NAME: Schema = {"^_": {}}
_NOT_BLANK = {"type": ["string", "null"], "pattern": r"\S"}
_STRING = {"type": "string"}
# JSON has no other way to say that what is given must not be given together.
_GIVEN = {"type": "string", "minLength": 1}
_ONE_PROMPT = {
    "not": {
        "required": ["prompt", "prompt_file"],
        "properties": {"prompt": _STRING, "prompt_file": _STRING},
    }
}
_ONE_SHAPE = [
    {"not": {"required": ["fit", key], "properties": {"fit": _GIVEN, key: _GIVEN}}}
    for key in ("aspect", "size")
]
_HAS_PROMPT = {
    "anyOf": [
        {"required": [key], "properties": {key: _STRING}} for key in ("prompt", "prompt_file")
    ]
}


def schema() -> Schema:
    """Return the schema."""
    found = described(Row)
    row = found["$defs"]["Row"]
    row["patternProperties"] = _ANY_NAME
    row.update(_ONE_PROMPT, allOf=_ONE_SHAPE)
    for key, field in row["properties"].items():
        field.pop("default", None)
        field.update(_values().get(key, {}))
    matrix = row["properties"]["matrix"]
    several = {axis: {"type": "array", "items": _axis(kind)} for axis, kind in AXES.items()}
    matrix["anyOf"][0]["properties"] = several
    known = {"properties": {"model": {"$ref": "#/$defs/KnownModel"}}}
    shape = {"aspect": _words([AUTO, *catalog.ASPECTS], [*ASPECT_NAMES, ""])}
    shape["size"] = _words(catalog.SIZES, [*SIZE_ALIASES, ""])
    found["$defs"]["KnownModel"] = {"enum": _known_models()}
    found["$defs"]["ShapeOfKnownModel"] = {"if": known, "then": {"properties": shape}}
    rows = {"allOf": [_ROW, _SHAPE]}
    return {
        "$schema": DIALECT,
        "title": "A manifest of nb batch",
        "$defs": found["$defs"],
        "if": {"type": "array"},
        "then": {"items": {**rows, **_HAS_PROMPT}},
        "else": {
            "type": "object",
            "properties": {
                "defaults": {**rows, "description": "Values for rows without their own."},
                "vars": row["properties"]["vars"],
                "matrix": matrix,
                "image": {"type": "array", "items": _ROW, "description": "The rows."},
            },
            "patternProperties": _ANY_NAME,
            "additionalProperties": False,
            # A row without a model has that of the defaults, whose ratios nb may not know.
            "if": {"properties": {"defaults": known}},
            "then": {"properties": {"image": {"items": _SHAPE}}},
        },
    }


def _values() -> dict[str, Schema]:
    """Return what the values of keys must be, besides their type."""
    ranges = {name: {"minimum": low, "maximum": high} for name, (low, high) in RANGES.items()}
    return {
        **ranges,
        "prompt": _NOT_BLANK,
        "count": {"minimum": 1, "maximum": MAX_COUNT},
        "fit": {"type": ["string", "null"], "pattern": f"^({fit.PATTERN})?$"},
        "thinking": _words(catalog.THINKING_LEVELS),
        "format": _words([*CHOICES, "jpg"], [""]),
    }


def _axis(kind: type) -> Schema:
    return {"type": "integer"} if kind is int else _STRING


def _known_models() -> list[str]:
    """Return the names of models whose ratios and sizes are known."""
    aliases = (alias for each in PROVIDERS.values() for alias in each.aliases)
    return [*MODELS, *(f"models/{name}" for name in MODELS), *dict.fromkeys(aliases)]


def _words(words: Iterable[str], others: Iterable[str] = ()) -> Schema:
    """Return a schema for words in any case; editors offer the first ones as they are spelt."""
    words = list(words)
    pattern = "|".join(map(_pattern, [*words, *others]))
    return {"anyOf": [{"enum": [*words, None]}, {"type": "string", "pattern": f"^({pattern})$"}]}


def _pattern(word: str) -> str:
    """Return a regular expression for a word in any case, or a ratio with any sign."""
    letters = (f"[{each.upper()}{each.lower()}]" if each.isalpha() else each for each in word)
    return "".join(letters).replace(".", r"\.").replace(":", "[:xX×]")
