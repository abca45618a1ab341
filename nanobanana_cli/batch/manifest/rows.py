"""What a manifest may say of one image."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from nanobanana_cli.types import Parameters

Value = str | int | float


class Row(Parameters, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One row as written: keys as the options of `nb generate`, None where it says nothing.

    Args:
        prompt: what to draw; may hold `{placeholders}`.
        output: a file, or a folder when it ends in `/`, relative to the output folder.
        aspect, size, model, format: as the options.
        images: reference images, relative to the manifest.
        alt: also ask for alt text, and write it beside the image.
        alt_file: the same, into a file of this name, relative to the output folder.
        count: how many images, each of them a call.
        vars: a value for each placeholder.
        matrix: several values for each placeholder; the row is made once for each combination.
    """

    prompt: str | None = None
    output: str | None = None
    aspect: str | None = None
    size: str | None = None
    model: str | None = None
    format: str | None = None
    images: list[str] | str | None = None
    alt: bool | None = None
    alt_file: str | None = None
    count: int | None = None
    vars: dict[str, Value] | None = None
    matrix: dict[str, list[Value]] | None = None

    def parameters(self) -> Parameters:
        """Return the request parameters among the row's values."""
        return Parameters(*_PARAMETERS(self))

    def over(self, defaults: Row) -> Row:
        """This row, with what it leaves open taken from the defaults; vars and matrix joined."""
        values = {
            name: mine if (mine := getattr(self, name)) is not None else getattr(defaults, name)
            for name in KEYS
        }
        for name in ("vars", "matrix"):
            if getattr(self, name) is not None and getattr(defaults, name) is not None:
                values[name] = getattr(defaults, name) | getattr(self, name)
        return Row(**values)


_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Row)}
KEYS = tuple(_FIELDS)

_PARAMETERS = attrgetter(*Parameters.__struct_fields__)

# What a value must be, in words.
_WORDS = {
    str | None: "a text",
    bool | None: "true or false",
    int | None: "a whole number",
    float | None: "a number",
    list[str] | str | None: "a list of paths",
    dict[str, Value] | None: "a table of texts and numbers",
    dict[str, list[Value]] | None: "a table of lists of texts and numbers",
}


def wrong_type(key: str, value: Any, *, strict: bool = True) -> str | None:
    """What a known key's value should have been, in words; None when it fits.

    Args:
        key: one of `KEYS`.
        value: as decoded.
        strict: False takes `"3"` for a number, as in CSV.
    """
    try:
        msgspec.convert(value, _FIELDS[key], strict=strict)
    except (msgspec.ValidationError, ValueError):
        return _WORDS[_FIELDS[key]]
    return None
