"""TOML, JSON Lines, CSV and plain text → rows. What is wrong is noted and reading goes on, so that
all mistakes are told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from nanobanana_cli.batch.mistakes import ManifestError, Mistakes
from nanobanana_cli.batch.row import KEYS, Row, wrong_type
from nanobanana_cli.catalog import nearest
from nanobanana_cli.errors import UsageError

STDIN = "-"
_TOP_LEVEL = ("defaults", "vars", "matrix", "image")
_LIST_SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest's rows.

    Args:
        name: as the user named it.
        folder: where its relative paths start.
        rows: pairs of the row's number (its line, or in TOML which image it is) and the row,
            defaults filled in, placeholders not.
        defaults: what rows that do not say have taken over.
        mistakes: what was wrong so far; checks add to it.
    """

    name: str
    folder: Path
    rows: list[tuple[int, Row]]
    defaults: Row
    mistakes: Mistakes


def kind_of(name: str) -> str:
    """The kind of a manifest by its name: `toml`, `jsonl`, `csv` or `text`.

    Raises:
        UsageError: the ending says none of these.
    """
    if name == STDIN:
        return "jsonl"
    suffix = Path(name).suffix.lower()
    if suffix not in _KINDS:
        near = nearest(suffix, _KINDS) if suffix else None
        raise UsageError(
            f"{name}: a manifest's name ends in " + ", ".join(_KINDS),
            hint=f"did you mean {near}?" if near else "`nb batch --init` writes an example",
        )
    return _KINDS[suffix]


def parse(name: str, data: bytes, folder: Path) -> Manifest:
    """Read a manifest.

    Args:
        name: the file's name, or `-` for JSON Lines on stdin.
        data: its content, UTF-8 with or without a byte order mark.
        folder: where its relative paths start.

    Raises:
        UsageError: the name's ending is none that is known.
        ManifestError: the file as a whole cannot be read.
    """
    kind = kind_of(name)
    shown = "stdin" if name == STDIN else name
    text = _decoded(shown, data)
    where = _toml_places(shown, text) if kind == "toml" else _line_places(shown)
    mistakes = Mistakes(shown, where)
    defaults = Row()
    if kind == "toml":
        document = _document(text, mistakes)
        defaults = _defaults(document, mistakes)
        rows = list(_toml_rows(document, defaults, mistakes))
    else:
        rows = list(_READERS[kind](text, mistakes))
    if not rows and not mistakes:
        mistakes.add(0, "", "holds no images")
    return Manifest(shown, folder, rows, defaults, mistakes)


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(name, [f"{name}:{line}: is not UTF-8"]) from None


def _line_places(name: str) -> Callable[[int, str], str]:
    return lambda row, _key: f"{name}:{row}" if row else name


# Plain text: a prompt a line.


def _text_rows(text: str, _mistakes: Mistakes) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        prompt = line.strip()
        if prompt and not prompt.startswith("#"):
            yield number, Row(prompt=prompt)


# JSON Lines.


def _jsonl_rows(text: str, mistakes: Mistakes) -> Iterator[tuple[int, Row]]:
    decode = msgspec.json.Decoder(Row).decode
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.isspace():
            continue
        try:
            yield number, decode(line)
        except (msgspec.DecodeError, RecursionError):
            yield from _diagnosed_line(line, number, mistakes)


def _diagnosed_line(line: str, number: int, mistakes: Mistakes) -> Iterator[tuple[int, Row]]:
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        mistakes.add(number, "", f"is not JSON: {_first_words(error)}")
        return
    yield from _converted(raw, number, mistakes)


def _first_words(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ") or type(error).__name__


# CSV: a head of keys, then a row a record.


def _csv_rows(text: str, mistakes: Mistakes) -> Iterator[tuple[int, Row]]:
    import csv

    reader = csv.reader(text.split("\n"), strict=True)
    start = 1
    head: list[str] | None = None
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if head is None:
                    head = _head([cell.strip() for cell in cells], start, mistakes)
                else:
                    yield from _csv_row(head, cells, start, mistakes)
            start = reader.line_num + 1
    except csv.Error as error:
        mistakes.add(start, "", f"is not CSV: {error}")


def _head(names: list[str], line: int, mistakes: Mistakes) -> list[str]:
    for name in names:
        if name not in KEYS and not name.startswith("vars."):
            mistakes.add(line, name, "is not a key", nearest(name, KEYS))
        if name in ("vars", "matrix"):
            mistakes.add(line, name, "does not fit into a cell; write a column vars.NAME")
        elif names.count(name) > 1:
            mistakes.add(line, name, "is there more than once")
    return names


def _csv_row(
    head: list[str], cells: list[str], line: int, mistakes: Mistakes
) -> Iterator[tuple[int, Row]]:
    if len(cells) > len(head):
        mistakes.add(
            line,
            "",
            f"has {len(cells)} cells, and the head names {len(head)}: "
            "put quotes around a text with commas",
        )
        return
    raw: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for name, cell in zip(head, cells, strict=False):
        if name.startswith("vars."):
            variables[name.removeprefix("vars.")] = cell
        elif name in KEYS and cell.strip():
            raw[name] = cell
    if "images" in raw:
        raw["images"] = [part.strip() for part in raw["images"].split(_LIST_SEPARATOR)]
    yield from _converted(raw, line, mistakes, strict=False, variables=variables)


# TOML: [defaults], [vars], [matrix] and [[image]].


def _document(text: str, mistakes: Mistakes) -> dict[str, Any]:
    import tomllib

    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = f":{place[1]}" if place else ""
        message = str(error)[: place.start()] if place else str(error) or "nested too deeply"
        raise ManifestError(
            mistakes.name, [f"{mistakes.name}{line}: is not TOML: {message}"]
        ) from None
    for name in document:
        if name not in _TOP_LEVEL:
            mistakes.add(0, name, "is not a table of a manifest", nearest(name, _TOP_LEVEL))
    return document


def _toml_rows(
    document: dict[str, Any], defaults: Row, mistakes: Mistakes
) -> Iterator[tuple[int, Row]]:
    images = document.get("image", [])
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        mistakes.add(0, "image", "must be tables, each under [[image]]")
        return
    for number, raw in enumerate(images or ([{}] if defaults.prompt else []), 1):
        for _, row in _converted(raw, number, mistakes):
            yield number, row.over(defaults)


def _defaults(document: dict[str, Any], mistakes: Mistakes) -> Row:
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        mistakes.add(0, "defaults", "must be a table")
        return Row()
    own = {name: document[name] for name in ("vars", "matrix") if name in document}
    joined = Row()
    for raw in (defaults, own):
        for _, row in _converted(raw, 0, mistakes):
            joined = row.over(joined)
    return joined


def _toml_places(name: str, text: str) -> Callable[[int, str], str]:
    """Names a row's place; finds lines only once a mistake asks for one."""
    starts: list[int] = []

    def where(row: int, key: str) -> str:
        if row == 0:
            return name
        if not starts:
            starts.extend(_image_lines(text))
        if row > len(starts):
            return f"{name}: image {row}"
        return f"{name}:{_key_line(text, starts, row, key)}: image {row}"

    return where


def _image_lines(text: str) -> Iterator[int]:
    """The line of each `[[image]]`, those inside multi-line texts left out."""
    quote = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not quote and re.match(r"\s*\[\[\s*[\"']?image[\"']?\s*\]\]", line):
            yield number
        for mark in re.findall(r'"""|\'\'\'', line):
            if mark == quote:
                quote = ""
            elif not quote:
                quote = mark


def _key_line(text: str, starts: list[int], row: int, key: str) -> int:
    """The line of a key in an image's table; that of the table when it is not found."""
    start = starts[row - 1]
    end = starts[row] - 1 if row < len(starts) else None
    if key:
        pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]")
        for number, line in enumerate(text.split("\n")[start:end], start + 1):
            if pattern.match(line):
                return number
    return start


# What all of them share.


def _converted(
    raw: Any,
    row: int,
    mistakes: Mistakes,
    *,
    strict: bool = True,
    variables: dict[str, str] | None = None,
) -> Iterator[tuple[int, Row]]:
    """The row; what is wrong in it is noted and left out, so that the rest is checked too."""
    if variables:
        raw = {**raw, "vars": variables}
    try:
        yield row, msgspec.convert(raw, Row, strict=strict)
    except (msgspec.ValidationError, ValueError):
        if not isinstance(raw, dict):
            mistakes.add(row, "", 'must be an object, such as {"prompt": "a red fox"}')
            return
        sound = _sound(raw, row, mistakes, strict=strict)
        # The prompt may be under a name that is misspelt.
        stand_in = {"prompt": f"the prompt of row {row}"}
        yield row, msgspec.convert({**stand_in, **sound}, Row, strict=strict)


def _sound(raw: dict[str, Any], row: int, mistakes: Mistakes, *, strict: bool) -> dict[str, Any]:
    """The entries that are as they should be; the others are noted."""
    sound = {}
    for key, value in raw.items():
        if key not in KEYS:
            mistakes.add(row, key, "is not a key", nearest(key, KEYS))
        elif expected := wrong_type(key, value, strict=strict):
            mistakes.add(row, key, f"must be {expected}, not {_shown(value)}")
        else:
            sound[key] = value
    return sound


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


_KINDS = {
    ".toml": "toml",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".txt": "text",
}
_READERS: dict[str, Callable[[str, Mistakes], Iterable[tuple[int, Row]]]] = {
    "jsonl": _jsonl_rows,
    "csv": _csv_rows,
    "text": _text_rows,
}
