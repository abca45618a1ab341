"""The final name of each image, and that no two of them are one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from nanobanana_cli.batch import names
from nanobanana_cli.batch.item import Item, Settings
from nanobanana_cli.batch.mistakes import Mistakes


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An image whose name is not final: as `Item`, and whether the user named the file.

    A name that was made from the prompt may meet another.
    """

    row: int
    prompt: str
    settings: Settings
    images: tuple[str, ...]
    system: str | None
    seed: int | None
    fingerprint: str
    target: str
    named: bool


def named_apart(drafts: Sequence[Draft]) -> list[Item]:
    """The images with their final names.

    A name that several prompts make gets a part of the fingerprint each, so that it stays when
    rows are added, taken away or moved.
    """
    made = Counter(draft.target.lower() for draft in drafts if not draft.named)
    taken = {names.split(draft.target)[0].lower() for draft in drafts if draft.named}
    return [_named_apart(draft, made, taken) for draft in drafts]


def _named_apart(draft: Draft, made: Counter[str], taken: set[str]) -> Item:
    target = draft.target
    if not draft.named:
        stem, suffix = names.split(target)
        if made[target.lower()] > 1 or stem.lower() in taken:
            target = f"{stem}-{draft.fingerprint[:8]}{suffix}"
    return Item(
        draft.row,
        draft.prompt,
        draft.settings,
        draft.images,
        draft.system,
        draft.seed,
        draft.fingerprint,
        target,
    )


def check_places(items: Sequence[Item], mistakes: Mistakes, folders: names.Folders) -> None:
    """Note each path that an image cannot go to, or that two images would go to."""
    claims = names.Claims()
    for item in items:
        for path in names.candidates(item.target):
            try:
                folders.check(path)
            except names.Misplaced as error:
                mistakes.add(item.row, "output", f"{path} {error}")
        if other := claims.claim(item.row, item.target):
            mistakes.add(item.row, "output", _collision(item, *other))
    for row, target, file in claims.inside_files():
        mistakes.add(row, "output", f"{target} is inside {file}, which is a file of another row")


def _collision(item: Item, row: int, target: str) -> str:
    whose = "this row" if row == item.row else f"row {row}"
    if target == item.target:
        return f"{target} is the output of {whose} too"
    return (
        f"{item.target} and {target} of {whose} are one file where case or Unicode form is not kept"
    )
