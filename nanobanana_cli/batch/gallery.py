"""The contact sheet: one page of HTML that needs nothing from elsewhere.

Prompts and paths come from anyone: each is escaped, stands in an element of its own direction, and
the page's policy lets no script run but its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from importlib.resources import files as resources
from pathlib import Path
from urllib.parse import quote

import msgspec

from nanobanana_cli import files
from nanobanana_cli.money import dollars
from nanobanana_cli.ui.escape import replace_harmful

# A thumbnail has about 15 kB: with more of them, no browser opens the page any more.
MOST = 2000
_TOGETHER = 32
_LONG_PROMPT = 280
# By this, which stands near the beginning, a page is known to be one of these.
_MARK = '<meta name="generator" content="nb">'
_BEGINNING = 2048


class Entry(msgspec.Struct, frozen=True):
    """One image of the sheet.

    Args:
        name: its path, as the manifest's reader knows it.
        prompt, model, aspect, size: what was asked.
        price: micro-dollars; None when not known.
        file: the image; None when there is none.
        alt: its alt text; None when it has none.
        problem: why there is no image.
    """

    name: str
    prompt: str
    model: str
    aspect: str
    size: str
    price: int | None
    file: Path | None
    alt: str | None
    problem: str | None


def write(path: Path, title: str, entries: Sequence[Entry]) -> None:
    """Write the page, in place of one that is there.

    Args:
        path: where; links to images are relative to its folder.
        title: what it is about, such as the manifest's name.
        entries: in order; the first 2,000 are shown.

    Raises:
        LocalFileError: it cannot be written.
    """
    folder = os.path.realpath(path.parent)
    cards = list(_cards(entries[:MOST], folder))
    page = "".join(_page(title, entries, cards))
    files.replace(path, page.encode("utf-8", "replace"))


def is_one(path: Path) -> bool:
    """Whether a file is a contact sheet, as `write` makes it; what cannot be read is none."""
    try:
        with path.open("rb") as file:
            return _MARK.encode() in file.read(_BEGINNING)
    except OSError:
        return False


def _page(title: str, entries: Sequence[Entry], cards: Sequence[str]) -> Iterator[str]:
    style, script = _resource("gallery.css"), _resource("gallery.js")
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    failed = sum(entry.problem is not None for entry in entries)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{_MARK}\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}: contact sheet</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{_bdi(title)}</h1>\n<p>{_summary(entries, failed)}</p>\n"
        '<form class="tools" role="search" hidden>\n<div class="field">'
        '<label for="filter">Filter</label>'
        '<input id="filter" type="search" autocomplete="off" spellcheck="false"></div>\n'
    )
    if failed:
        yield (
            '<label class="only"><input id="failed-only" type="checkbox">'
            "Only what is missing</label>\n"
        )
    yield '<output id="shown" for="filter" aria-live="polite"></output>\n</form>\n</header>\n'
    yield '<main>\n<ul class="grid" role="list">\n'
    yield from cards
    yield f"</ul>\n</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _summary(entries: Sequence[Entry], failed: int) -> str:
    parts = [f"{len(entries) - failed} of {len(entries)} images"]
    known = [entry.price for entry in entries if entry.problem is None]
    if known and None not in known:
        parts.append(dollars(sum(price or 0 for price in known)))
    if len(entries) > MOST:
        parts.append(f"the first {MOST} are shown")
    return " · ".join(parts)


def _cards(entries: Sequence[Entry], folder: str) -> Iterator[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(entries), _TOGETHER):
            # A few at a time: each is the whole image in memory.
            yield from pool.map(
                lambda entry: "".join(_card(entry, folder)), entries[start : start + _TOGETHER]
            )


def _card(entry: Entry, folder: str) -> Iterator[str]:
    image = _image(entry, folder) if entry.file and entry.problem is None else None
    if image is not None:
        yield f"<li><figure>{image}"
    else:
        problem = entry.problem or "the file is gone or damaged"
        yield '<li class="failed"><figure><p class="problem"><strong>No image</strong> '
        yield f"{_bdi(problem)}</p>"
    yield f'<figcaption><h2><bdi dir="ltr">{_text(entry.name)}</bdi></h2>'
    yield f"{_prompt(entry.prompt)}<dl>"
    if entry.alt:
        yield f"<dt>Alt text</dt><dd>{_bdi(entry.alt)}</dd>"
    for name, value in (
        ("Model", entry.model),
        ("Ratio", entry.aspect),
        ("Size", entry.size),
        ("Price", dollars(entry.price)),
    ):
        yield f"<dt>{name}</dt><dd>{_bdi(value)}</dd>"
    yield "</dl></figcaption></figure></li>\n"


def _image(entry: Entry, folder: str) -> str | None:
    """The thumbnail, which leads to the image; None when there is nothing to show."""
    from nanobanana_cli.images.resize import thumbnail

    assert entry.file is not None
    try:
        small = thumbnail(entry.file.read_bytes())
    except (OSError, ValueError):
        return None
    source = f"data:{small.mime_type};base64," + base64.b64encode(small.data).decode("ascii")
    link = quote(os.path.relpath(os.path.realpath(entry.file), folder).replace(os.sep, "/"))
    alt = _text(entry.alt or entry.prompt)
    return (
        f'<a href="./{link}"><img src="{source}" alt="{alt}" width="{small.width}" '
        f'height="{small.height}" decoding="async"></a>'
    )


def _prompt(prompt: str) -> str:
    if len(prompt) <= _LONG_PROMPT:
        return f'<p class="prompt">{_bdi(prompt)}</p>'
    beginning = prompt[:_LONG_PROMPT].rsplit(None, 1)[0]
    return (
        f"<details><summary>{_bdi(beginning)} …</summary>"
        f'<p class="prompt">{_bdi(prompt)}</p></details>'
    )


def _bdi(text: str) -> str:
    return f'<bdi dir="auto">{_text(text)}</bdi>'


def _text(text: str) -> str:
    return escape(replace_harmful(text))


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _resource(name: str) -> str:
    return resources("nanobanana_cli.batch").joinpath(name).read_text("utf-8")
