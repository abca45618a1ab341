"""TOML manifests: [defaults], [vars], [matrix] and [[image]]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from nanobanana_cli.batch.manifest.decoded import converted
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.rows import Row
from nanobanana_cli.suggest import one_of

_TOP_LEVEL = ("defaults", "vars", "matrix", "image")


def document(text: str, mistakes: Diagnostics) -> dict[str, Any]:
    """What the file says, as TOML has it.

    Raises:
        ManifestError: it is not TOML.
    """
    import tomllib

    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = f":{place[1]}" if place else ""
        message = str(error)[: place.start()] if place else str(error) or "nested too deeply"
        raise ManifestError(
            mistakes.name, [f"{mistakes.name}{line}: is not TOML: {message}"]
        ) from None
    for name in content:
        if name not in _TOP_LEVEL:
            mistakes.add(0, name, "is not a table of a manifest", one_of(name, _TOP_LEVEL, ""))
    return content


def defaults(content: dict[str, Any], mistakes: Diagnostics) -> Row:
    """What holds for images that do not say: [defaults], with [vars] and [matrix] joined in."""
    table = content.get("defaults", {})
    if not isinstance(table, dict):
        mistakes.add(0, "defaults", "must be a table")
        return Row()
    own = {name: content[name] for name in ("vars", "matrix") if name in content}
    joined = Row()
    for raw in (table, own):
        for _, row in converted(raw, 0, mistakes):
            joined = row.over(joined)
    return joined


def rows(content: dict[str, Any], joined: Row, mistakes: Diagnostics) -> Iterator[tuple[int, Row]]:
    """The number of each [[image]], from 1, and its row with the defaults filled in."""
    images = content.get("image", [])
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        mistakes.add(0, "image", "must be tables, each under [[image]]")
        return
    for number, raw in enumerate(images or ([{}] if joined.prompt else []), 1):
        for _, row in converted(raw, number, mistakes):
            yield number, row.over(joined)


def places(name: str, text: str) -> Callable[[int, str], str]:
    """Names a row's place; finds lines only once a mistake asks for one."""
    starts: list[int] = []

    def where(row: int, key: str) -> str:
        if row == 0:
            line = _line_outside(text, key.rpartition(".")[2]) if key else None
            return f"{name}:{line}" if line else name
        if not starts:
            starts.extend(_image_lines(text))
        if row > len(starts):
            return f"{name}: image {row}"
        return f"{name}:{_key_line(text, starts, row, key)}: image {row}"

    return where


def _line_outside(text: str, key: str) -> int | None:
    """The line of a key, or of a table's head, that is in no [[image]]; None when not found."""
    pattern = re.compile(rf"\s*\[{{0,2}}\s*[\"']?{re.escape(key)}[\"']?\s*[].=]")
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.match(r"\s*\[{1,2}\s*([A-Za-z_][\w-]*)\s*[].]", line):
            inside = head[1] == "image"
        if not inside and pattern.match(line):
            return number
    return None


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
