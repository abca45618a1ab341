"""Read manifests in CSV and TSV: a header of keys, then a row in each record."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.rows import KEYS, Row, convert, stand_in_prompt, suggested_key

VARIABLE = "vars."
# Spreadsheets separate cells by what is free in their language's numbers.
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "TABs"}
_SEPARATOR_LINE = "sep="  # for Excel, before the header
_LIST_SEPARATOR = ";"


def is_header(line: str) -> bool:
    """Return whether a line is the header of a table rather than a prompt."""
    return any(
        "prompt" in cells and all(map(_is_known, cells))
        for separator in _SEPARATORS
        for cells in [[cell.strip().strip('"') for cell in line.split(separator)]]
    )


def rows(
    text: str, diagnostics: Diagnostics, separator: str | None = None
) -> Iterator[tuple[int, Row]]:
    """Yield the line and the row of each record; report those that are wrong, and read on.

    Args:
        text: the whole file.
        diagnostics: collects the errors.
        separator: between cells; None finds out.
    """
    # A prompt of several lines stays the same prompt where git checks out other line ends.
    lines = io.StringIO(text.replace("\r\n", "\n"), newline="").readlines()
    start = 0
    if lines and lines[0].lower().startswith(_SEPARATOR_LINE):
        separator, start = lines[0][len(_SEPARATOR_LINE) :].strip("\r\n") or separator, 1
        if separator and (len(separator) > 1 or separator.isalnum() or separator in '" '):
            diagnostics.add(1, "", f"{separator} does not separate cells", "write sep=; or sep=,")
            return
    separator = separator or _separator(lines)
    header: list[str] | None = None
    while start < len(lines):
        begun = start
        reader = csv.reader(
            (lines[number] for number in range(begun, len(lines))), strict=True, delimiter=separator
        )
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if header is None:
                        header = _header(cells, start + 1, diagnostics)
                    elif row := _row(header, cells, start + 1, diagnostics, separator):
                        yield start + 1, row
                start = begun + reader.line_num
        except csv.Error as error:
            hint = 'write "" for a quote inside quotes'
            diagnostics.add(start + 1, "", f"not valid CSV: {error}", hint)
            if header is None:
                return
            # An open quote swallows lines that may be right.
            start += 1


def _separator(lines: list[str]) -> str:
    """Return what separates the header into the most known keys, or else the most cells."""
    first = next((line for line in lines if line.strip()), "")

    def keys_and_cells(separator: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
        return sum(map(_is_known, cells)), len(cells)

    return max(_SEPARATORS, key=keys_and_cells)


def _is_known(name: str) -> bool:
    return name in KEYS or name.startswith(VARIABLE)


def _without_empty_end(cells: list[str], least: int = 0) -> list[str]:
    end = len(cells)
    while end > least and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _header(cells: list[str], line: int, diagnostics: Diagnostics) -> list[str]:
    """Return the names of the columns, without empty ones at the end; report wrong ones."""
    names = [cell.strip() for cell in _without_empty_end(cells)]
    for name in dict.fromkeys(names):
        if not name:
            diagnostics.add(line, "", f"column {names.index(name) + 1} has no name")
        elif name.startswith("_"):
            continue
        elif name in ("vars", "matrix"):
            diagnostics.add(line, name, "does not fit in a cell; name a column vars.NAME instead")
        elif not _is_known(name):
            variable = VARIABLE + name.rpartition(".")[2]
            diagnostics.add(line, name, "unknown key", suggested_key(name, variable))
        elif names.count(name) > 1:
            diagnostics.add(line, name, "appears more than once")
    if "prompt" not in names and "prompt_file" not in names:
        diagnostics.add(line, "", "no column is named prompt")
    return names


def _row(
    header: list[str], cells: list[str], line: int, diagnostics: Diagnostics, separator: str
) -> Row | None:
    cells = _without_empty_end(cells, len(header))
    if len(cells) > len(header):
        message = f"has {len(cells)} cells, but the header has {len(header)}"
        what = _SEPARATORS.get(separator, separator)
        diagnostics.add(line, "", message, f"put quotes around text with {what}")
        return None
    if [cell.strip() for cell in _without_empty_end(cells)] == header:
        diagnostics.add(line, "", "repeats the header", "remove this line")
        return None
    # Errors in the header are reported once.
    has_prompt = "prompt" in header or "prompt_file" in header
    raw: dict[str, Any] = {} if has_prompt else {"prompt": stand_in_prompt(line)}
    variables: dict[str, str] = {}
    for name, cell in zip(header, cells, strict=False):
        # An empty cell sets nothing: a placeholder for it has no value.
        if name.startswith(VARIABLE) and cell:
            variables[name.removeprefix(VARIABLE)] = cell
        elif name in KEYS and cell.strip():
            raw[name] = cell
    if "images" in raw:
        raw["images"] = [part.strip() for part in raw["images"].split(_LIST_SEPARATOR)]
    if variables:
        raw["vars"] = variables
    return convert(raw, line, diagnostics, strict=False)
