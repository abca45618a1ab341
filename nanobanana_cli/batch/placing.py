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
    alt_file: str | None


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
        (draft.alt_file or names.alt_file(target)) if draft.settings.alt else None,
    )


def check_places(items: Sequence[Item], mistakes: Mistakes, folders: names.Folders) -> None:
    """Note each path that an image cannot go to, or that two images would go to."""
    claims = names.Claims()
    for item in items:
        for target in (item.target, item.alt_file):
            if target is not None:
                _check_place(item, target, claims, mistakes, folders)
    for row, target, file in claims.inside_files():
        mistakes.add(row, "output", f"{target} is inside {file}, which is a file of another row")


def _check_place(
    item: Item, target: str, claims: names.Claims, mistakes: Mistakes, folders: names.Folders
) -> None:
    key = "output" if target == item.target else "alt_file"
    for path in names.candidates(target):
        try:
            folders.check(path)
        except names.Misplaced as error:
            mistakes.add(item.row, key, f"{path} {error}")
    if other := claims.claim(item.row, target):
        mistakes.add(item.row, key, _collision(item, target, *other))


def _collision(item: Item, mine: str, row: int, target: str) -> str:
    whose = "this row" if row == item.row else f"row {row}"
    if target == mine:
        return f"{target} is the output of {whose} too"
    return f"{mine} and {target} of {whose} are one file where case or Unicode form is not kept"
