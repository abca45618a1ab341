"""Read manifests in TOML, JSON, CSV or plain text.

Errors are collected and reading goes on, so that all of them are reported together.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from nanobanana_cli.batch.manifest import delimited, toml
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.rows import Row, convert
from nanobanana_cli.errors import UsageError, syntax_reason
from nanobanana_cli.suggest import one_of

STDIN = "-"
# Suffix → format.
FORMATS = {
    ".toml": "toml",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "text",
}
_OBJECT = re.compile(r"^[ \t,]*(?=\{)", re.MULTILINE)
_BETWEEN = re.compile(r"[\s,]*")


class Manifest(msgspec.Struct, frozen=True):
    """A manifest's rows.

    Args:
        rows: the number of each row (its line, or in TOML the number of the image) and the row,
            defaults filled in, placeholders not.
        defaults: the values that rows without their own have taken.
        diagnostics: the errors so far; later checks add to them.
    """

    rows: list[tuple[int, Row]]
    defaults: Row
    diagnostics: Diagnostics


def format_of(name: str) -> str:
    """Return the format of a manifest by its name: `toml`, `json`, `csv`, `tsv` or `text`.

    Raises:
        UsageError: the suffix is none of the known ones.
    """
    if name == STDIN:
        return "json"
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"{name}: a manifest's name must end in " + ", ".join(FORMATS),
            hint=one_of(suffix, FORMATS, "") or "`nb batch --init` writes an example",
        )
    return FORMATS[suffix]


def parse(name: str, data: bytes) -> Manifest:
    """Read a manifest.

    Args:
        name: the file's name, or `-` for JSON on stdin.
        data: its content: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Raises:
        UsageError: the name's suffix is unknown.
        ManifestError: the file as a whole cannot be read.
    """
    file_format = format_of(name)
    shown = "stdin" if name == STDIN else name
    text = _decode(shown, data)
    defaults = Row()
    if file_format == "toml":
        diagnostics = Diagnostics(shown, toml.locator(shown, text))
        defaults, rows = toml.parse(text, diagnostics)
    else:
        diagnostics = Diagnostics(shown, lambda row, _key: f"{shown}:{row}" if row else shown)
        rows = list(_READERS[file_format](text, diagnostics))
    if not rows and not diagnostics:
        diagnostics.add(0, "", "contains no images")
    return Manifest(rows, defaults, diagnostics)


def _decode(name: str, data: bytes) -> str:
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding, title = ("utf-16", "UTF-16") if is_wide else ("utf-8-sig", "UTF-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.start + 1].decode("cp1252", "ignore")
        kind = "UTF-16 without a byte order mark" if b"\0" in data else f"Windows-1252 ({found})"
        hint = f"; it looks like {kind}: save the file as UTF-8" if found else ""
        message = f"{name}:{line}: not valid {title}" + ("" if is_wide else hint)
        raise ManifestError(name, [message]) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        message = f"{name}:{line}: contains a NUL character: save the file as UTF-8"
        raise ManifestError(name, [message])
    return text


def _text_rows(text: str, diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    """Read one prompt from each line."""
    is_first = True
    for number, line in enumerate(text.split("\n"), 1):
        prompt = line.strip()
        if not prompt or prompt.startswith("#"):
            continue
        if is_first and (suffix := _form_of(prompt)):
            better = Path(diagnostics.name).with_suffix(suffix).name
            message = "is a line of another form, not a prompt"
            diagnostics.add(number, "", message, f"name the file {better}")
            return
        is_first = False
        yield number, Row(prompt=prompt)


def _form_of(line: str) -> str:
    """Return the suffix of the form that a file's first line belongs to; "" for plain text."""
    if delimited.is_header(line):
        return ".tsv" if "\t" in line else ".csv"
    if re.match(r'\{\s*"prompt"\s*:', line):
        return ".jsonl"
    return ".toml" if re.match(r"\[\[image\]\]|\[defaults\]", line) else ""


def _json_rows(text: str, diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    """Read JSON Lines, a JSON array, or objects that span lines."""
    start = text.lstrip()
    if start.startswith("[") or start.partition("\n")[0].strip() == "{":
        yield from _json_objects(text, diagnostics)
        return
    decode = msgspec.json.Decoder(Row).decode
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.isspace():
            continue
        row: Row | None
        try:
            row = decode(line)
        except (ValueError, RecursionError):
            row = _diagnosed(line, number, diagnostics)
        if row is not None:
            yield number, row


def _diagnosed(line: str, number: int, diagnostics: Diagnostics) -> Row | None:
    try:
        return convert(msgspec.json.decode(line), number, diagnostics)
    except (ValueError, RecursionError) as error:
        reason = syntax_reason(error).removeprefix("JSON is malformed: ")
        diagnostics.add(number, "", f"not valid JSON: {reason}")
        return None


def _json_objects(text: str, diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    """Read objects one after the other, and after an error from the next line that begins one."""
    decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
    is_array = text.lstrip().startswith("[")
    position = text.index("[") + 1 if is_array else 0
    line, counted = 1, 0
    while True:
        position = _end(_BETWEEN.match(text, position))
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] in (("", "]") if is_array else ("",)):
            break
        try:
            raw, position = decode(text, position)
        except (ValueError, RecursionError) as error:
            place = error.pos if isinstance(error, json.JSONDecodeError) else position
            reason = error.msg if isinstance(error, json.JSONDecodeError) else syntax_reason(error)
            wrong = line + text.count("\n", position, place)
            diagnostics.add(wrong, "", f"not valid JSON: {reason}")
            following = _OBJECT.search(text, text.find("\n", position) + 1 or len(text))
            if following is None:
                return
            position = following.end()
        else:
            if row := convert(raw, line, diagnostics):
                yield line, row
    if is_array and text[position:].strip() != "]":
        diagnostics.add(line, "", "not valid JSON: the array must end with the file")


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


_READERS: dict[str, Callable[[str, Diagnostics], Iterator[tuple[int, Row]]]] = {
    "json": _json_rows,
    "csv": delimited.rows,
    "tsv": partial(delimited.rows, separator="\t"),
    "text": _text_rows,
}
