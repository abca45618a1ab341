"""Define the JSON line of an image in a page, and name its place for people."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from nanobanana_cli.captions.lint import Problem
from nanobanana_cli.captions.pages.page import Page
from nanobanana_cli.captions.pages.places import PageImage
from nanobanana_cli.types import ErrorRecord, Status
from nanobanana_cli.ui.escape import one_line

# Characters of an address: some hold the whole image.
_LONGEST = 100


class PageLine(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a page: one without alt text or, with `--check`, any.

    Args:
        page: the page; a folder if it could not be searched.
        line: the line of the image, from 1; null for a page that could not be read.
        src: its address as the page has it.
        path: its file; null if there is none here, or it was not looked for.
        status: written into the page; unchanged, so without --apply; skipped, left to a person, or
            not checked; or failed.
        alt: its text; "" for a decorative image.
        alt_path: the file beside it that holds the text.
        reason: why it is left to a person.
        problems: what is wrong with it, with --check.
        cost_usd: the price of the call; 0 without one, null if it is not known.
        error: what failed.
    """

    page: str
    line: int | None = None
    src: str | None = None
    path: str | None = None
    status: Status
    alt: str | None = None
    alt_path: str | None = None
    reason: str | UnsetType = UNSET
    problems: tuple[Problem, ...] | UnsetType = UNSET
    cost_usd: float | UnsetType | None = UNSET
    error: ErrorRecord | UnsetType = UNSET


def place_of(page: Page, image: PageImage) -> str:
    """Return where an image is, for people: `content/fox.md:12: img/fox.png`."""
    return f"{page.path}:{image.line}: {one_line(image.src, _LONGEST)}"
