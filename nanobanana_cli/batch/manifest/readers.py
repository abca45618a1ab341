"""TOML, JSON Lines, CSV and plain text → rows. What is wrong is noted and reading goes on, so that
all mistakes are told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from nanobanana_cli.batch.manifest import toml
from nanobanana_cli.batch.manifest.decoded import converted, stand_in
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.rows import KEYS, Row
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of

STDIN = "-"
_LIST_SEPARATOR = ";"


class Manifest(msgspec.Struct, frozen=True):
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
    mistakes: Diagnostics


def kind_of(name: str) -> str:
    """The kind of a manifest by its name: `toml`, `jsonl`, `csv` or `text`.

    Raises:
        UsageError: the ending says none of these.
    """
    if name == STDIN:
        return "jsonl"
    suffix = Path(name).suffix.lower()
    if suffix not in _KINDS:
        raise UsageError(
            f"{name}: a manifest's name ends in " + ", ".join(_KINDS),
            hint=one_of(suffix, _KINDS, "") or "`nb batch --init` writes an example",
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
    where = toml.places(shown, text) if kind == "toml" else _line_places(shown)
    mistakes = Diagnostics(shown, where)
    defaults = Row()
    if kind == "toml":
        document = toml.document(text, mistakes)
        defaults = toml.defaults(document, mistakes)
        rows = list(toml.rows(document, defaults, mistakes))
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


def _text_rows(text: str, _mistakes: Diagnostics) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        prompt = line.strip()
        if prompt and not prompt.startswith("#"):
            yield number, Row(prompt=prompt)


# JSON Lines.


def _jsonl_rows(text: str, mistakes: Diagnostics) -> Iterator[tuple[int, Row]]:
    decode = msgspec.json.Decoder(Row).decode
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.isspace():
            continue
        try:
            yield number, decode(line)
        except (msgspec.DecodeError, RecursionError):
            yield from _diagnosed_line(line, number, mistakes)


def _diagnosed_line(line: str, number: int, mistakes: Diagnostics) -> Iterator[tuple[int, Row]]:
    try:
        raw = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        mistakes.add(number, "", f"is not JSON: {_first_words(error)}")
        return
    yield from converted(raw, number, mistakes)


def _first_words(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ") or type(error).__name__


# CSV: a head of keys, then a row a record.


def _csv_rows(text: str, mistakes: Diagnostics) -> Iterator[tuple[int, Row]]:
    import csv
    import io

    # A prompt of several lines is the same prompt where git checks it out with other line ends.
    lines = io.StringIO(text.replace("\r\n", "\n"), newline="")
    reader = csv.reader(lines, strict=True)
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


def _head(names: list[str], line: int, mistakes: Diagnostics) -> list[str]:
    for name in dict.fromkeys(names):
        if not name:
            mistakes.add(line, "", f"column {names.index(name) + 1} has no name")
        elif name in ("vars", "matrix"):
            mistakes.add(line, name, "does not fit into a cell; write a column vars.NAME")
        elif name not in KEYS and not name.startswith("vars."):
            known = (*KEYS, "vars." + name.rpartition(".")[2])
            mistakes.add(line, name, "is not a key", one_of(name, known, ""))
        elif names.count(name) > 1:
            mistakes.add(line, name, "is there more than once")
    if "prompt" not in names:
        mistakes.add(line, "", "no column is named prompt")
    return names


def _csv_row(
    head: list[str], cells: list[str], line: int, mistakes: Diagnostics
) -> Iterator[tuple[int, Row]]:
    if len(cells) > len(head):
        mistakes.add(
            line,
            "",
            f"has {len(cells)} cells, and the head names {len(head)}: "
            "put quotes around a text with commas",
        )
        return
    # What is wrong with the head is told once.
    raw: dict[str, Any] = {} if "prompt" in head else {"prompt": stand_in(line)}
    variables: dict[str, str] = {}
    for name, cell in zip(head, cells, strict=False):
        if name.startswith("vars."):
            variables[name.removeprefix("vars.")] = cell
        elif name in KEYS and cell.strip():
            raw[name] = cell
    if "images" in raw:
        raw["images"] = [part.strip() for part in raw["images"].split(_LIST_SEPARATOR)]
    yield from converted(raw, line, mistakes, strict=False, variables=variables)


_KINDS = {
    ".toml": "toml",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".txt": "text",
}
_READERS: dict[str, Callable[[str, Diagnostics], Iterable[tuple[int, Row]]]] = {
    "jsonl": _jsonl_rows,
    "csv": _csv_rows,
    "text": _text_rows,
}
