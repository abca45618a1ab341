"""Describe what is to be done for each image of a batch, and match images with what is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch import asked, form_1
from nanobanana_cli.batch.history import DoubtfulCall, History, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.reuse import AtHand
from nanobanana_cli.catalog import DEFAULT_ASPECT
from nanobanana_cli.types import ContentRequest

State: TypeAlias = Literal[
    "make",
    "changed",
    "remake",
    "reuse",
    "text",
    "unchanged",
    "refused",
    "bad-reply",
    "unknown",
    "exists",
    "waiting",
]


class Step(msgspec.Struct, frozen=True, gc=False):
    """An image, and what to do for it.

    Args:
        item: the image.
        state: `make` (missing), `changed` (exists, but the request or the file is another),
            `remake` (asked for), `reuse` (at hand under another name), `text` (lacks its text
            alone), `unchanged`, `exists` (a file that nb did not make); or why it may have been
            paid for without being there: `refused`, `bad-reply`, `unknown`; `waiting` for an image
            that it is made from and that this run does not make.
        price: micro-dollars of what is to be done; None when not known.
        reason: the reason for the state, in a few words; "" when the state says it all.
        kept: why the existing file is only replaced with `--force`; "" when it may be replaced.
        path: the existing file, relative to the output folder; None when there is none.
        sha256: of that file.
        doubts: the calls for this image that may have been paid for.
        recovered: the one of these calls that made the existing file, in a run that was killed
            before it could record it.
        beside: the record of the existing file, where only the ledger of another manifest has it.
        found: the image at hand.
        lacks_text: its text is missing.
        text_request: what to ask for it, without the image.
        after: the positions of the images that it is made from and that are to be made first; until
            then, what is asked for is not known.
        content: SHA-256 by which images that are made from this one know it: as the model made it,
            whatever metadata or format it has now; None when it is not there.
        text: that text, where a ledger has it; "" where it is beside the image at hand.
    """

    item: Item
    state: State
    price: int | None
    reason: str = ""
    kept: str = ""
    path: str | None = None
    sha256: str | None = None
    doubts: tuple[DoubtfulCall, ...] = ()
    recovered: DoubtfulCall | None = None
    beside: Written | None = None
    found: AtHand | None = None
    lacks_text: bool = False
    text_request: ContentRequest | None = None
    text: str | None = None
    after: tuple[int, ...] = ()
    content: str | None = None

    @property
    def asks_text(self) -> ContentRequest | None:
        """The request for the text alone, if the image is in its place."""
        return self.text_request if self.found is None else None

    @property
    def goes_on_from(self) -> int | None:
        """The position of the image whose conversation it goes on from, if a row makes that."""
        return dict(self.item.parents).get(0) if self.item.continues else None

    @property
    def needs_call(self) -> bool:
        """True if it takes a call to do what is to be done."""
        is_at_hand = self.state == "unchanged" or self.found is not None
        return self.text_request is not None or not (is_at_hand or self.lacks_text)


def recorded(items: Sequence[Item], history: History, *, takes_sandbox: bool) -> list[Item]:
    """Return the items with all fingerprints under which the ledgers have what they ask for.

    Args:
        items: the images.
        history: the content of the ledgers.
        takes_sandbox: images of a sandbox will do.
    """
    found = []
    for item in items:
        prints = tuple(dict.fromkeys(_recorded(item, history, takes_sandbox)))
        found.append(replace(item, recorded=prints) if prints else item)
    return found


def _recorded(item: Item, history: History, takes_sandbox: bool) -> Iterator[str]:
    alike = list(history.alike.get(asked.key(item.asked), ())) if history.alike else []
    if item.is_guess:
        # What its reference image is may be in any record of the row.
        alike = [each.fingerprint for each in history.made_for(item.target)]
        alike += [each.fingerprint for each in history.doubts_for(item.target, None)]
        yield from (each for each in alike if each in history.form_1)
    for each in alike:
        then = history.asked.get(each)
        if then is not None and each != item.fingerprint and is_same(then, item):
            yield each
    if history.form_1 and not (item.is_guess or item.continues):
        known = form_1.fingerprints(item, takes_sandbox=takes_sandbox)
        yield from (each for each in known if each in history.form_1)


def is_same(then: asked.Asked, item: Item) -> bool:
    """Return whether a recorded request asks for the same as an item."""
    names = asked.changed(then, item.asked)
    if names == ["aspect"] and item.leaves_aspect:
        return asked.is_value(then, "aspect", DEFAULT_ASPECT)
    return not names
