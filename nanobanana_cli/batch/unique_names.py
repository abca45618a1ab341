"""The final name of each image, and that no two of them are one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from nanobanana_cli.batch import paths
from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.plan import sha256_of


def named_apart(items: Sequence[Item], past: History, folders: paths.Listing) -> list[Item]:
    """The images with their final names.

    A name that several prompts make, or that a row has for its own file, gets a part of the
    fingerprint: the same on every machine, whatever rows are added, taken away or moved. But what
    was made under a name keeps it for as long as its row asks for the same.

    Args:
        items: all images of a manifest.
        past: what the ledgers say; a name counts only where a row's prompt makes it.
        folders: what is in the output folder.
    """
    if all(item.plain is None for item in items):
        return list(items)
    namer = _Namer(items, past, folders)
    return [namer.named(item) for item in items]


class _Namer:
    """Chooses between the two names that a row without one can have."""

    def __init__(self, items: Sequence[Item], past: History, folders: paths.Listing) -> None:
        self._past = past
        self._folders = folders
        # What a call was made for whose outcome nobody knows may be there, too.
        self._recorded = {
            (_stem(row), call.fingerprint)
            for made in (past.written, past.unknown)
            for row, calls in made.items()
            for call in calls
        }
        # Mostly none is, and looking for each takes its time.
        self._is_any_apart = any(stem.endswith(f"-{key[:8]}") for stem, key in self._recorded)
        # Plain names that are wanted more than once, and the fingerprint that keeps each.
        self._keepers: dict[str, str | None] = {}
        given = {_stem(item.target) for item in items if item.plain is None}
        for stem, group in _groups(items, given).items():
            keeper = self._keeper(stem, group, is_given=stem in given)
            meeting = _meeting(group, is_given=stem in given)
            self._keepers.update(dict.fromkeys(meeting, keeper))

    def named(self, item: Item) -> Item:
        """An image under its final name."""
        if item.plain is None:
            return item
        target = _apart(item.plain, item.fingerprint) if self._moves(item) else item.plain
        return item if target == item.target else replace(item, target=target)

    def _moves(self, item: Item) -> bool:
        """Whether an image has the name with the fingerprint."""
        assert item.plain is not None
        if self._keepers.get(item.plain, item.fingerprint) != item.fingerprint:
            return True
        if not self._is_any_apart or not self._is_recorded(
            _apart(item.plain, item.fingerprint), item
        ):
            return False
        return not self._is_recorded(item.plain, item) or not self._is_there(item)

    def _keeper(self, stem: str, group: Sequence[Item], *, is_given: bool) -> str | None:
        """Whose image was made under the plain name that a group of rows makes."""
        recorded = {
            item.fingerprint: item for item in group if (stem, item.fingerprint) in self._recorded
        }
        if len(recorded) == 1 and not is_given:
            return next(iter(recorded))
        # Each of them was alone once; the last one's image is there.
        there = [key for key, item in recorded.items() if self._is_there(item)]
        return min(there or (() if is_given else recorded), default=None)

    def _is_recorded(self, target: str, item: Item) -> bool:
        return (_stem(target), item.fingerprint) in self._recorded

    def _is_there(self, item: Item) -> bool:
        """Whether what was made under the plain name is there, or may be."""
        assert item.plain is not None
        if self._past.unknown_for(item.plain, item.fingerprint):
            return True
        own = paths.candidates(item.plain)
        return any(
            made.fingerprint == item.fingerprint and self._sha256(made.path) == made.sha256
            for made in self._past.made_for(item.plain)
            if made.path in own
        )

    def _sha256(self, path: str) -> str | None:
        try:
            self._folders.check(path)
        except paths.InvalidPath:
            return None
        return sha256_of(self._folders.root / path)


def _groups(items: Sequence[Item], given: AbstractSet[str]) -> dict[str, list[Item]]:
    """By stem, the images whose prompts make a name that another row has or makes."""
    often = Counter(_stem(item.plain) for item in items if item.plain is not None)
    groups: dict[str, list[Item]] = {}
    for item in items:
        if item.plain is not None:
            stem = _stem(item.plain)
            if often[stem] > 1 or stem in given:
                groups.setdefault(stem, []).append(item)
    return groups


def _meeting(group: Sequence[Item], *, is_given: bool) -> list[str]:
    """Those plain names of a group that stand for one file: `fox.png` and `fox.webp` do not."""
    plain = [item.plain for item in group if item.plain is not None]
    if is_given or any(name.endswith(paths.ANY_SUFFIX) for name in plain):
        return plain
    often = Counter(name.lower() for name in plain)
    return [name for name in plain if often[name.lower()] > 1]


def _apart(plain: str, fingerprint: str) -> str:
    stem, suffix = paths.split(plain)
    return f"{stem}-{fingerprint[:8]}{suffix}"


def _stem(target: str) -> str:
    return paths.split(target)[0].lower()


def check_places(
    items: Sequence[Item], mistakes: Diagnostics, folders: paths.Listing, reserved: Iterable[str]
) -> None:
    """Note each path that an image cannot go to, or that two images would go to.

    Args:
        items: the images, under their final names.
        mistakes: told of them.
        folders: what is in the output folder.
        reserved: paths below it that are the run's own: manifest, ledger, contact sheet.
    """
    claims = paths.PathClaims(reserved)
    for item in items:
        for target in (item.target, item.alt_file):
            if target is not None:
                _check_place(item, target, claims, mistakes, folders)
    for row, target, file in claims.inside_files():
        mistakes.add(row, "output", f"{target} is inside {file}, which is a file of another row")


def _check_place(
    item: Item, target: str, claims: paths.PathClaims, mistakes: Diagnostics, folders: paths.Listing
) -> None:
    key = "output" if target == item.target else "alt_file"
    for path in paths.candidates(target):
        try:
            folders.check(path)
        except paths.InvalidPath as error:
            mistakes.add(item.row, key, f"{path} {error}")
    if other := claims.claim(item.row, target):
        mistakes.add(item.row, key, _collision(item, target, *other))


def _collision(item: Item, mine: str, row: int, target: str) -> str:
    if row == 0:
        return f"{mine} is the manifest, its ledger or the contact sheet"
    whose = "this row" if row == item.row else f"row {row}"
    if target == mine:
        return f"{target} is the output of {whose} too"
    if not set(paths.candidates(mine)).isdisjoint(paths.candidates(target)):
        return f"{mine} and {target} of {whose} may be one file: * is what the image turns out as"
    return f"{mine} and {target} of {whose} are one file where case or Unicode form is not kept"
