"""Define the row of a manifest, and convert decoded values to rows."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.generation import inputs
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import Parameters

Value = str | int | float

# Keys that a matrix can set; its other names fill placeholders alone.
AXES = {"model": str, "aspect": str, "size": str, "seed": int}


class Row(Parameters, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One row, with the keys of the options of `nb generate`.

    Args:
        prompt: what to draw; may contain `{placeholders}`.
        prompt_file: the file that holds the prompt, relative to the manifest.
        output: a file, or a folder if it ends in `/`; relative to the manifest, or to `-o`.
        aspect: the ratio, such as 16:9, or landscape; auto follows the first reference image.
        size: 0.5K, 1K, 2K or 4K.
        fit: exactly so many pixels, such as 1200x630, in place of aspect and size.
        transparent: make the background transparent, and keep the original beside it.
        model: the model's id, or an alias.
        format: auto, by the output's name, or as the image comes; png, jpeg or webp.
        images: reference images, relative to the manifest.
        alt: also ask for alt text, and write it beside the image.
        alt_file: the same, but into this file, relative to the output folder.
        count: how many images, each of them a call.
        continue: go on from the conversation of an image, which another row may make; relative to
            the manifest.
        chat: keep the conversation beside the image, for --continue; rows that others go on from
            keep it anyway.
        vars: a value for each placeholder.
        matrix: several values for each placeholder or key; the row stands for all combinations.
        id, note: carried into JSON lines and the gallery; part of no request.
    """

    prompt: str | None = None
    prompt_file: str | None = None
    output: str | None = None
    aspect: str | None = None
    size: str | None = None
    fit: str | None = None
    transparent: bool | None = None
    model: str | None = None
    format: str | None = None
    images: list[str] | str | None = None
    alt: bool | None = None
    alt_file: str | None = None
    count: int | None = None
    continues: str | None = msgspec.field(default=None, name="continue")
    chat: bool | None = None
    vars: dict[str, Value] | None = None
    matrix: dict[str, list[Value]] | None = None
    id: str | int | None = None
    note: str | None = None

    def parameters(self) -> Parameters:
        """Return the request parameters among the row's values."""
        return inputs.normalized(Parameters(*_PARAMETERS(self)))

    def over(self, defaults: Row) -> Row:
        """Return this row with unset keys taken from `defaults`; vars and matrix are merged.

        What a row says in its way (a prompt, a value, an axis) replaces the ways of the defaults.
        """
        values = {
            name: mine if (mine := getattr(self, name)) is not None else getattr(defaults, name)
            for name in self.__struct_fields__
        }
        for name in ("vars", "matrix"):
            if getattr(self, name) is not None and getattr(defaults, name) is not None:
                values[name] = getattr(defaults, name) | getattr(self, name)
        for name, other in (("prompt", "prompt_file"), ("prompt_file", "prompt")):
            if getattr(self, name) is not None:
                values[other] = getattr(self, other)
        if self.fit:
            values |= {"aspect": self.aspect, "size": self.size}
        elif not (self.aspect is None and self.size is None):
            values["fit"] = None
        for name in AXES.keys() & (values["matrix"] or {}).keys():
            if getattr(self, name) is None:
                values[name] = None
            elif name not in (self.matrix or {}):
                values["matrix"] = {k: v for k, v in values["matrix"].items() if k != name}
        return Row(**values)


_TYPES = {field.encode_name: field.type for field in msgspec.structs.fields(Row)}
KEYS = tuple(_TYPES)

_PARAMETERS = attrgetter(*Parameters.__struct_fields__)

_TYPE_NAMES = {
    str | None: "a string",
    bool | None: "true or false",
    int | None: "a whole number",
    float | None: "a number",
    list[str] | str | None: "a list of paths",
    str | int | None: "a string or a whole number",
    dict[str, Value] | None: "a table of strings and numbers",
    dict[str, list[Value]] | None: "a table of lists of strings and numbers",
}

_HINTS = {"fit": "such as 1200x630; each size is a row of its own"}

# What people and other tools call the keys.
_SYNONYMS = {
    "prompt": ("text", "description", "caption"),
    "output": ("out", "file", "filename", "file_name", "path", "output_file", "output_path"),
    "aspect": ("ratio", "aspect_ratio", "aspectratio", "shape"),
    "size": ("resolution", "image_size", "imagesize", "quality"),
    "fit": ("crop", "dimensions", "height", "pixels", "width"),
    "transparent": ("transparency", "cutout", "cut_out", "no_background", "remove_background"),
    "images": ("image", "reference", "references", "ref", "refs", "input", "inputs"),
    "count": ("n", "number", "num", "num_images", "copies", "variants"),
    "continue": ("continues", "continue_from", "follows"),
    "chat": ("conversation", "keep_chat"),
    "alt": ("alt_text", "alttext"),
    "format": ("type", "mime", "mime_type", "extension"),
    "thinking": ("thinking_level", "thinkinglevel", "reasoning"),
    "search": ("grounding", "google_search"),
    "system": ("system_prompt", "system_instruction", "instructions"),
    "temperature": ("temp",),
    "vars": ("variables", "values", "params"),
    "matrix": ("axes", "axis", "grid"),
    "id": ("key", "slug", "sku"),
    "note": ("notes", "comment", "comments", "remark"),
}
_KEY_OF = {synonym: key for key, synonyms in _SYNONYMS.items() for synonym in synonyms}


def suggested_key(name: str, *more: str) -> str:
    """Return a hint for an unknown key: `did you mean aspect?` for `ratio`; "" for no idea.

    Args:
        name: as written.
        more: names that would be right besides the keys.
    """
    key = _KEY_OF.get(name.strip().lower().replace("-", "_").replace(" ", "_"))
    return f"did you mean {key}?" if key else one_of(name, (*KEYS, *more), "")


def convert(raw: Any, number: int, diagnostics: Diagnostics, *, strict: bool = True) -> Row | None:
    """Return a row made of decoded values; report and leave out those that are wrong.

    Args:
        raw: as decoded; None is returned unless it is a dictionary. Keys that begin with `_` are
            ignored.
        number: the row's number, for errors.
        diagnostics: collects the errors.
        strict: False accepts `"3"` as a number, as in CSV.
    """
    if isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if not key.startswith("_")}
    try:
        return msgspec.convert(raw, Row, strict=strict)
    except (msgspec.ValidationError, ValueError):
        pass
    if not isinstance(raw, dict):
        diagnostics.add(number, "", 'must be an object, such as {"prompt": "a red fox"}')
        return None
    # The prompt may be under a misspelt key.
    valid: dict[str, Any] = {} if "prompt_file" in raw else {"prompt": stand_in_prompt(number)}
    for key, value in raw.items():
        if key not in KEYS:
            diagnostics.add(number, key, "unknown key", suggested_key(key))
            continue
        try:
            msgspec.convert(value, _TYPES[key], strict=strict)
            valid[key] = value
        except (msgspec.ValidationError, ValueError):
            shown = repr(value) if len(repr(value)) <= 60 else repr(value)[:59] + "…"
            message = f"must be {_TYPE_NAMES[_TYPES[key]]}, not {shown}"
            diagnostics.add(number, key, message, _HINTS.get(key, ""))
    return msgspec.convert(valid, Row, strict=strict)


def stand_in_prompt(number: int) -> str:
    """Return a prompt for a row whose own is not known, so that the rest is checked too."""
    return f"the prompt of row {number}"
