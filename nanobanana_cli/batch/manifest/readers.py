"""Read manifests in TOML, JSON Lines, CSV or plain text.

Errors are collected and reading goes on, so that all of them are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from nanobanana_cli.batch.manifest import toml
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.rows import KEYS, Row, convert, stand_in_prompt
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of

STDIN = "-"
_LIST_SEPARATOR = ";"
_FORMATS = {".toml": "toml", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".txt": "text"}


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
    """Return the format of a manifest by its name: `toml`, `jsonl`, `csv` or `text`.

    Raises:
        UsageError: the suffix is none of the known ones.
    """
    if name == STDIN:
        return "jsonl"
    suffix = Path(name).suffix.lower()
    if suffix not in _FORMATS:
        raise UsageError(
            f"{name}: a manifest's name must end in " + ", ".join(_FORMATS),
            hint=one_of(suffix, _FORMATS, "") or "`nb batch --init` writes an example",
        )
    return _FORMATS[suffix]


def parse(name: str, data: bytes) -> Manifest:
    """Read a manifest.

    Args:
        name: the file's name, or `-` for JSON Lines on stdin.
        data: its content, UTF-8 with or without a byte order mark.

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
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(name, [f"{name}:{line}: not valid UTF-8"]) from None


def _text_rows(text: str, _diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    """Read one prompt from each line."""
    for number, line in enumerate(text.split("\n"), 1):
        prompt = line.strip()
        if prompt and not prompt.startswith("#"):
            yield number, Row(prompt=prompt)


def _jsonl_rows(text: str, diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    decode = msgspec.json.Decoder(Row).decode
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.isspace():
            continue
        row: Row | None
        try:
            row = decode(line)
        except (msgspec.DecodeError, RecursionError):
            row = _diagnosed(line, number, diagnostics)
        if row is not None:
            yield number, row


def _diagnosed(line: str, number: int, diagnostics: Diagnostics) -> Row | None:
    try:
        return convert(msgspec.json.decode(line), number, diagnostics)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = str(error).removeprefix("JSON is malformed: ") or type(error).__name__
        diagnostics.add(number, "", f"not valid JSON: {reason}")
        return None


def _csv_rows(text: str, diagnostics: Diagnostics) -> Iterator[tuple[int, Row]]:
    """Read a header row of keys, then one row from each record."""
    import csv
    import io

    # A prompt of several lines stays the same prompt where git checks out other line ends.
    lines = io.StringIO(text.replace("\r\n", "\n"), newline="")
    reader = csv.reader(lines, strict=True)
    start = 1
    header: list[str] | None = None
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if header is None:
                    header = [cell.strip() for cell in cells]
                    _check_header(header, start, diagnostics)
                elif row := _csv_row(header, cells, start, diagnostics):
                    yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        diagnostics.add(start, "", f"not valid CSV: {error}")


def _check_header(names: list[str], line: int, diagnostics: Diagnostics) -> None:
    for name in dict.fromkeys(names):
        if not name:
            diagnostics.add(line, "", f"column {names.index(name) + 1} has no name")
        elif name in ("vars", "matrix"):
            diagnostics.add(line, name, "does not fit in a cell; name a column vars.NAME instead")
        elif name not in KEYS and not name.startswith("vars."):
            known = (*KEYS, "vars." + name.rpartition(".")[2])
            diagnostics.add(line, name, "unknown key", one_of(name, known, ""))
        elif names.count(name) > 1:
            diagnostics.add(line, name, "appears more than once")
    if "prompt" not in names:
        diagnostics.add(line, "", "no column is named prompt")


def _csv_row(
    header: list[str], cells: list[str], line: int, diagnostics: Diagnostics
) -> Row | None:
    if len(cells) > len(header):
        message = f"has {len(cells)} cells, but the header has {len(header)}"
        diagnostics.add(line, "", message, "put quotes around text with commas")
        return None
    # Errors in the header are reported once.
    raw: dict[str, Any] = {} if "prompt" in header else {"prompt": stand_in_prompt(line)}
    variables: dict[str, str] = {}
    for name, cell in zip(header, cells, strict=False):
        if name.startswith("vars."):
            variables[name.removeprefix("vars.")] = cell
        elif name in KEYS and cell.strip():
            raw[name] = cell
    if "images" in raw:
        raw["images"] = [part.strip() for part in raw["images"].split(_LIST_SEPARATOR)]
    if variables:
        raw["vars"] = variables
    return convert(raw, line, diagnostics, strict=False)


_READERS: dict[str, Callable[[str, Diagnostics], Iterator[tuple[int, Row]]]] = {
    "jsonl": _jsonl_rows,
    "csv": _csv_rows,
    "text": _text_rows,
}
