"""Write a gallery of a batch: one HTML page that loads nothing from elsewhere.

Prompts and paths are untrusted: each is escaped and isolated in its own text direction, and the
page's policy allows no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from importlib.resources import files as resources
from pathlib import Path
from urllib.parse import quote

import msgspec

from nanobanana_cli import files
from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.captions import sidecar
from nanobanana_cli.errors import Charged, NbError, OutputExists
from nanobanana_cli.images.formats import FORMATS
from nanobanana_cli.images.resize import thumbnail
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result
from nanobanana_cli.ui.escape import replace_harmful

# Read here, and not when the images are made: nb may be upgraded meanwhile.
_STYLE, _SCRIPT = (
    resources("nanobanana_cli.batch").joinpath(name).read_text("utf-8")
    for name in ("gallery.css", "gallery.js")
)
# A thumbnail has about 15 kB: browsers do not open a page with many more of them.
_MAX_SHOWN = 2000
_TOGETHER = 32
_LONG_PROMPT = 280
# Identifies a gallery; it is near the beginning of the page.
_MARK = '<meta name="generator" content="nb">'
_MARK_WITHIN = 2048
_THERE = ("unchanged", "text")


class Entry(msgspec.Struct, frozen=True):
    """One image of a gallery.

    Args:
        name: its path, as shown.
        item: as planned.
        price: micro-dollars; None when not known.
        file: the image; None when it does not exist.
        alt: its alt text; None when it has none.
        problem: why the image does not exist.
        charge: of the call that failed, as a sentence; "" when none did.
    """

    name: str
    item: Item
    price: int | None
    file: Path | None
    alt: str | None
    problem: str | None
    charge: str = ""


def entry(step: Step, result: Result | None, past: History, root: Path) -> Entry:
    """Return the entry of an image.

    Args:
        step: the image, as planned.
        result: of this run; None when it was not made in this run.
        past: the content of the ledgers.
        root: the output folder.
    """
    item = step.item
    planned = root / (step.path or item.target)
    path = Path(result.path) if result and result.path else None
    problem, charge = None, ""
    price = step.price if result is None or result.cost is None else result.cost
    if result is not None and result.error is not None:
        problem = None if result.status == "written" else result.error.message
        charge = _charge(result.error.charged, price)
    elif result is None and (step.state in _THERE or step.kept or step.asks_text):
        path = planned
        made = [each for each in past.made_for(item.target) if each.path == step.path]
        if all(each.is_own for each in made) and not step.recovered:
            price = 0
    elif result is None and (failure := past.failed.get(item.target)):
        problem = failure.message
        charge = _charge(Charged(failure.charged), failure.cost)
    elif result is None:
        problem = step.reason or "not made yet"
        if step.doubts:
            charge = _charge(Charged.MAYBE, step.doubts[-1].cost)
    alt = result.alt if result else None
    if not alt and item.alt_file is not None:
        # The text beside the image may have been edited since.
        with suppress(NbError):
            alt = (sidecar.read(root / item.alt_file) or "").strip()
    return Entry(
        name=str(path or planned),
        item=item,
        price=price,
        file=path,
        alt=alt or None,
        problem=problem,
        charge=charge if problem else "",
    )


def _charge(charged: Charged, price: int | None) -> str:
    """Return whether a call that failed was charged, and how much if so."""
    sentence = charged.sentence
    return sentence if charged is Charged.NO else f"{sentence[:-1]}: {dollars(price)}."


def check(path: Path, *, force: bool) -> None:
    """Raise unless a gallery can be written and replaces nothing but another gallery.

    Args:
        path: the page.
        force: allow any file to be replaced.

    Raises:
        OutputExists: a file exists that is not a gallery.
        LocalFileError: the page cannot be written.
    """
    files.check_output(path)
    if files.taken(path) and not force and not _is_gallery(path):
        raise OutputExists(
            f"{path} exists already and is not a gallery made by nb",
            hint="choose another file; --force replaces it, and images not recorded in a ledger",
        )


def write(path: Path, title: str, entries: Sequence[Entry], *, force: bool) -> None:
    """Write the page; raise as `check` does.

    Args:
        path: the page; links to images are relative to its folder.
        title: such as the manifest's name.
        entries: in order; the first 2,000 are shown.
        force: allow any file to be replaced.
    """
    check(path, force=force)
    folder = os.path.realpath(path.parent)
    cards = list(_cards(entries[:_MAX_SHOWN], folder, _shared(entries)))
    page = "".join(_page(title, entries, cards))
    files.replace(path, page.encode("utf-8", "replace"))


def _is_gallery(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK.encode() in file.read(_MARK_WITHIN)
    except OSError:
        return False


def _page(title: str, entries: Sequence[Entry], cards: Sequence[str]) -> Iterator[str]:
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(_STYLE)}'; script-src '{_hash(_SCRIPT)}'"
    )
    failed = sum(entry.problem is not None for entry in entries)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{_MARK}\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}: gallery</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{_bdi(title)}</h1>\n<p>{_summary(entries, failed)}</p>\n"
        f"{_list(_shared(entries), 'shared')}"
        '<form class="tools" role="search" hidden>\n<div class="field">'
        '<label for="filter">Filter</label>'
        '<input id="filter" type="search" autocomplete="off" spellcheck="false"></div>\n'
    )
    if failed:
        yield '<label class="only"><input id="failed-only" type="checkbox">Missing only</label>\n'
    yield '<output id="shown" for="filter" aria-live="polite"></output>\n</form>\n</header>\n'
    yield '<main>\n<ul class="grid" role="list">\n'
    yield from cards
    yield f"</ul>\n</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"


def _summary(entries: Sequence[Entry], failed: int) -> str:
    parts = [f"{len(entries) - failed} of {len(entries)} images"]
    known = [entry.price for entry in entries if entry.problem is None]
    if known and None not in known:
        parts.append(dollars(sum(price or 0 for price in known)))
    if len(entries) > _MAX_SHOWN:
        parts.append(f"only the first {_MAX_SHOWN} are shown")
    return " · ".join(parts)


def _facts(entry: Entry) -> dict[str, str]:
    """Return what many images share."""
    settings = entry.item.settings
    facts = {"Model": settings.model, "Aspect": settings.aspect, "Size": settings.size}
    return facts | {name.capitalize(): str(each) for name, each in settings.edits.options.items()}


def _shared(entries: Sequence[Entry]) -> dict[str, str]:
    """Return what all images share, to be said once."""
    if len(entries) < 2:
        return {}
    facts = [_facts(entry).items() for entry in entries]
    return {name: value for name, value in facts[0] if all((name, value) in each for each in facts)}


def _list(facts: Mapping[str, str], kind: str = "") -> str:
    if not facts:
        return ""
    rows = (f"<dt>{name}</dt><dd>{_bdi(value)}</dd>" for name, value in facts.items())
    return (f'<dl class="{kind}">' if kind else "<dl>") + "".join(rows) + "</dl>"


def _cards(entries: Sequence[Entry], folder: str, shared: Mapping[str, str]) -> Iterator[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(entries), _TOGETHER):
            # A few at a time: each is the whole image in memory.
            yield from pool.map(
                lambda entry: "".join(_card(entry, folder, shared)),
                entries[start : start + _TOGETHER],
            )


def _card(entry: Entry, folder: str, shared: Mapping[str, str]) -> Iterator[str]:
    image = _image(entry, folder)
    if image is not None:
        yield f"<li><figure>{image}"
    else:
        problem = entry.problem or "the file is missing or damaged"
        yield '<li class="failed"><figure><p class="problem"><strong>No image</strong> '
        yield f"{_bdi(problem)}</p>"
    yield f'<figcaption><h2><bdi dir="ltr">{_text(entry.name)}</bdi></h2>'
    yield _prompt(entry.item.prompt)
    price = {"Charge": entry.charge} if entry.charge else {"Price": dollars(entry.price)}
    facts = {
        "ID": "" if entry.item.id is None else str(entry.item.id),
        "Note": entry.item.note or "",
        "Alt text": entry.alt or "",
        **{name: value for name, value in _facts(entry).items() if name not in shared},
        **price,
    }
    yield _list({name: value for name, value in facts.items() if value})
    yield "</figcaption></figure></li>\n"


def _image(entry: Entry, folder: str) -> str | None:
    """Return the thumbnail, linked to the image; None when it cannot be shown."""
    if entry.file is None or entry.problem is not None:
        return None
    try:
        small = thumbnail(entry.file.read_bytes())
    except (OSError, ValueError):
        return None
    source = f"data:{FORMATS[small.format].mime_type};base64," + base64.b64encode(
        small.data
    ).decode("ascii")
    path = os.path.relpath(os.path.realpath(entry.file), folder).replace(os.sep, "/")
    # As bytes: a folder's name need not be Unicode.
    link = quote(os.fsencode(path))
    alt = _text(entry.alt or entry.item.prompt)
    return (
        f'<a href="./{link}"><img src="{source}" alt="{alt}" width="{small.width}" '
        f'height="{small.height}" decoding="async"></a>'
    )


def _prompt(prompt: str) -> str:
    if len(prompt) <= _LONG_PROMPT:
        return f'<p class="prompt">{_bdi(prompt)}</p>'
    start = prompt[:_LONG_PROMPT].rsplit(None, 1)[0]
    return (
        f'<details><summary>{_bdi(start)} …</summary><p class="prompt">{_bdi(prompt)}</p></details>'
    )


def _bdi(text: str) -> str:
    return f'<bdi dir="auto">{_text(text)}</bdi>'


def _text(text: str) -> str:
    return escape(replace_harmful(text))


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
