"""Read the texts that a person wrote: one, or a CSV file of paths and texts."""

from __future__ import annotations

import codecs
import csv
import io

import msgspec

from nanobanana_cli.captions.prompts import is_language
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.escape import strip_unsafe

# Spreadsheets separate cells by what is free in their language's numbers.
_SEPARATORS = (",", ";", "\t")
_COLUMNS = ("path", "text")


class TypedText(msgspec.Struct, frozen=True):
    """A text of an image.

    Args:
        where: the file and the row, for messages.
        path: the image, as it is written there.
        text: one line; empty where the cell is.
        lang: from a column `lang`; None without one.
    """

    where: str
    path: str
    text: str
    lang: str | None = None


def read(name: str, data: bytes) -> str | list[TypedText]:
    """Return the text in a file, or the texts in a CSV file as `--as csv` writes it.

    That has a header with the columns `path`, `text` and perhaps `lang`, and any others; or the
    name ends in `.csv` or `.tsv`, and its rows are a path and a text.

    Args:
        name: the file's name, or `-`.
        data: its bytes: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        UsageError: it is in another encoding, or not such a table.
    """
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text", hint="save it as UTF-8") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=lambda each: (len(_columns(first, each)), first.count(each)))
    columns = _columns(first, separator)
    if not columns and not name.lower().endswith((".csv", ".tsv")):
        return strip_unsafe(text)
    columns = columns or {"path": 0, "text": 1}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [
            _row(f"{name}:{reader.line_num}", cells, columns)
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: not valid CSV: {error}") from None
    return rows[1:] if _columns(first, separator) else rows


def _columns(line: str, separator: str) -> dict[str, int]:
    """Return the place of each known column in a header; none if it is not a header."""
    names = [cell.strip().casefold() for cell in next(csv.reader([line], delimiter=separator), [])]
    if not all(name in names for name in _COLUMNS):
        return {}
    return {name: names.index(name) for name in (*_COLUMNS, "lang") if name in names}


def _row(where: str, cells: list[str], columns: dict[str, int]) -> TypedText:
    found = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
    path, text, lang = (found.get(name) for name in (*_COLUMNS, "lang"))
    if not path or text is None:
        raise UsageError(
            f"{where}: a row needs a path and a text", hint='put a text with a comma into "quotes"'
        )
    if lang and not is_language(lang):
        raise UsageError(f"{where}: {lang!r} is not a language", hint="German, de or de-CH")
    return TypedText(where, path, strip_unsafe(text), lang or None)
