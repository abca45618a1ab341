"""Parse TOML manifests: [defaults], [vars], [matrix] and [[image]]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.rows import Row, convert
from nanobanana_cli.settings import toml_lines
from nanobanana_cli.suggest import one_of

_TOP_LEVEL = ("defaults", "vars", "matrix", "image")
_STATEMENT = re.compile(r"""\s*(?:\[|[\w."'-][\w. "'-]*=)""")
_KEY = re.compile(r"""\s*\[{0,2}\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[].=]""")
_MOST_SPANNED = 40  # statements that a string or list may seem to hold
_MOST_ERRORS = 100


def parse(text: str, diagnostics: Diagnostics) -> tuple[Row, list[tuple[int, Row]]]:
    """Return the defaults, and the number (from 1) and row of each image, defaults filled in.

    Raises:
        ManifestError: the text is not TOML.
    """
    try:
        content = toml_lines.load(text)
    except RecursionError:
        message = f"{diagnostics.name}: not valid TOML: nested too deeply"
        raise ManifestError(diagnostics.name, [message]) from None
    except ValueError:
        found = [f":{line}: not valid TOML: {reason}" for line, reason in _syntax_errors(text)]
        raise ManifestError(
            diagnostics.name, [diagnostics.name + message for message in found]
        ) from None
    for name in content:
        if name not in _TOP_LEVEL and not name.startswith("_"):
            diagnostics.add(0, name, "unknown top-level key", one_of(name, _TOP_LEVEL, ""))
    defaults = _defaults(content, diagnostics)
    images = content.get("image", [])
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        diagnostics.add(0, "image", "must be tables, each under [[image]]")
        return defaults, []
    rows = []
    for number, raw in enumerate(images or ([{}] if defaults.prompt else []), 1):
        if row := convert(raw, number, diagnostics):
            rows.append((number, row.over(defaults)))
    return defaults, rows


def _syntax_errors(text: str) -> list[tuple[int, str]]:
    """Return the line of each syntax error, and what is wrong there.

    The parser stops at the first, so that each statement is parsed by itself, or together with
    those after it that its string or list may span. What only the whole shows, such as a key that
    is there twice, is found with the wrong statements left out.
    """
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _STATEMENT.match(line)]
    starts = [*([] if starts[:1] == [0] else [0]), *starts, len(lines)]
    found: list[tuple[int, str]] = []
    at = 0
    while at < len(starts) - 1 and len(found) < _MOST_ERRORS:
        ends = range(at + 1, min(at + _MOST_SPANNED, len(starts)))
        errors = ((end, _error(lines[starts[at] : starts[end]])) for end in ends)
        whole = next((end for end, error in errors if error is None), None)
        if whole is None:
            line, reason = _error(lines[starts[at] : starts[at + 1]]) or (1, "")
            found.append((starts[at] + line, reason))
            lines[starts[at] : starts[at + 1]] = [""] * (starts[at + 1] - starts[at])
        at = whole or at + 1
    while len(found) < _MOST_ERRORS and (error := _error(lines)):
        found.append(error)
        if not lines[error[0] - 1] or lines[error[0] - 1].lstrip().startswith("["):
            break
        lines[error[0] - 1] = ""
    return sorted(found)


def _error(lines: list[str]) -> tuple[int, str] | None:
    """Return the line of the first error, from 1, and the reason; None if all is well."""
    import tomllib

    try:
        toml_lines.load("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        reason = str(error)[: place.start()] if place else str(error)
        # Where an open string or list begins is what helps.
        return int(place[1]) if place and place[1] else 1, reason
    except RecursionError:
        return 1, "nested too deeply"
    except ValueError:
        return 1, "a number is too large"
    return None


def _defaults(content: dict[str, Any], diagnostics: Diagnostics) -> Row:
    """Return [defaults] with [vars] and [matrix] merged in."""
    table = content.get("defaults", {})
    if not isinstance(table, dict):
        diagnostics.add(0, "defaults", "must be a table")
        return Row()
    merged = Row()
    for raw in (table, {name: content[name] for name in ("vars", "matrix") if name in content}):
        if row := convert(raw, 0, diagnostics):
            merged = row.over(merged)
    return merged


def locator(name: str, text: str) -> Callable[[int, str], str]:
    """Return a function that names the location of a row's key; lines are found on demand."""
    lines = text.split("\n")
    starts: list[int] = []
    outside: dict[str, int] = {}

    def locate(row: int, key: str) -> str:
        if row == 0:
            if key and not outside:
                outside.update(_lines_outside(lines))
            line = outside.get(key.rpartition(".")[2]) if key else None
            return f"{name}:{line}" if line else name
        if not starts:
            starts.extend(_image_lines(lines))
        if row > len(starts):
            return f"{name}: image {row}"
        return f"{name}:{_key_line(lines, starts, row, key)}: image {row}"

    return locate


def _lines_outside(lines: list[str]) -> dict[str, int]:
    """Return the first line of each key, and of each table's header, outside any [[image]]."""
    found: dict[str, int] = {}
    inside = False
    for number, line in enumerate(lines, 1):
        if header := re.match(r"\s*\[{1,2}\s*([A-Za-z_][\w-]*)\s*[].]", line):
            inside = header[1] == "image"
        if not inside and (key := _KEY.match(line)):
            found.setdefault(next(name for name in key.groups() if name is not None), number)
    return found


def _image_lines(lines: list[str]) -> Iterator[int]:
    """Yield the line of each `[[image]]`, except inside multi-line strings."""
    quote = ""
    for number, line in enumerate(lines, 1):
        if not quote and re.match(r"\s*\[\[\s*[\"']?image[\"']?\s*\]\]", line):
            yield number
        for mark in re.findall(r'"""|\'\'\'', line):
            if mark == quote:
                quote = ""
            elif not quote:
                quote = mark


def _key_line(lines: list[str], starts: list[int], row: int, key: str) -> int:
    """Return the line of a key in an image's table, or of the table when it is not found."""
    start = starts[row - 1]
    end = starts[row] - 1 if row < len(starts) else None
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]")
    for number, line in enumerate(lines[start:end], start + 1):
        if key and pattern.match(line):
            return number
    return start
