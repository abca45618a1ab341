"""Choose the final name of each image, and report paths that are invalid or used twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from nanobanana_cli.batch import paths
from nanobanana_cli.batch.contents import FileContents
from nanobanana_cli.batch.history import History, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics

_FINGERPRINTED = re.compile(r"-[0-9a-f]{8}$")


def assign_names(items: Sequence[Item], history: History, listing: paths.Listing) -> list[Item]:
    """Return the images with their final names.

    A name that several prompts make, or that a row gives its own file, gets a part of the
    fingerprint: the same on every machine, whatever rows are added, removed or moved. But an image
    keeps the name under which it was made for as long as its row asks for the same.

    Args:
        items: all images of a manifest.
        history: the content of the ledgers; a name counts only where a row's prompt makes it.
        listing: the files in the output folder.
    """
    if all(item.plain is None for item in items):
        return list(items)
    namer = _Namer(items, history, listing)
    return [item if item.plain is None else namer.named(item, item.plain) for item in items]


class _Namer:
    """Choose between the two names of a row without a file name: plain, or with a fingerprint."""

    def __init__(self, items: Sequence[Item], history: History, listing: paths.Listing) -> None:
        self._history = history
        self._listing = listing
        self._contents = FileContents(listing.root)
        # Calls whose outcome is unknown may have made their image, too.
        self._recorded = {
            (_stem(row), call.fingerprint)
            for made in (history.written, history.doubts)
            for row, calls in made.items()
            for call in calls
        }
        # Usually none has, and looking up each takes time.
        self._any_fingerprinted = any(_FINGERPRINTED.search(stem) for stem, _ in self._recorded)
        # Plain names that collide, and the fingerprint of the image that keeps each.
        self._owners: dict[str, str | None] = {}
        given = {_stem(item.target) for item in items if item.plain is None}
        groups: dict[str, list[tuple[Item, str]]] = defaultdict(list)
        for item in items:
            if item.plain is not None:
                groups[_stem(item.plain)].append((item, item.plain))
        for stem, group in groups.items():
            is_given = stem in given
            if len(group) > 1 or is_given:
                owner = self._owner(stem, group, is_given=is_given)
                names = _colliding([plain for _, plain in group], is_given=is_given)
                self._owners.update(dict.fromkeys(names, owner))

    def named(self, item: Item, plain: str) -> Item:
        """Return an image under its final name."""
        stem, suffix = paths.split(plain)
        # Of the names with a part of a fingerprint, the image keeps the one that it was made under.
        names = [f"{stem}-{each[:8]}{suffix}" for each in item.fingerprints]
        known = [name for name in names if self._any_fingerprinted and self._knows(name, item)]
        is_owner = self._owners.get(plain, item.fingerprint) == item.fingerprint
        keeps_plain = is_owner and (
            not known or (self._knows(plain, item) and self._exists(item, plain))
        )
        target = plain if keeps_plain else [*known, *names][0]
        return item if target == item.target else replace(item, target=target)

    def _owner(self, stem: str, group: Sequence[tuple[Item, str]], *, is_given: bool) -> str | None:
        """Return the fingerprint of the image that was made under a plain name, if one was."""
        recorded = {
            item.fingerprint: (item, plain)
            for item, plain in group
            if any((stem, each) in self._recorded for each in item.fingerprints)
        }
        if len(recorded) == 1 and not is_given:
            return next(iter(recorded))
        # Each had the name for a time; the image of the last one exists.
        existing = [key for key, (item, plain) in recorded.items() if self._exists(item, plain)]
        return min(existing or (() if is_given else recorded), default=None)

    def _knows(self, target: str, item: Item) -> bool:
        return any((_stem(target), each) in self._recorded for each in item.fingerprints)

    def _exists(self, item: Item, plain: str) -> bool:
        """Return whether the image that was made under the plain name exists, or may exist."""
        if self._history.doubts_for(plain, item.fingerprints):
            return True
        own = paths.candidates(plain)
        return any(
            made.fingerprint in item.fingerprints and self._is_there(made)
            for made in self._history.made_for(plain)
            if made.path in own
        )

    def _is_there(self, made: Written) -> bool:
        try:
            self._listing.check(made.path)
        except paths.InvalidPath:
            return False
        return self._contents.is_image(made.path, made.sha256, made.shown)


def _colliding(names: Sequence[str], *, is_given: bool) -> Sequence[str]:
    """Return the names that may be one file: `fox.png` and `fox.webp` are not."""
    if is_given or any(name.endswith(paths.ANY_SUFFIX) for name in names):
        return names
    count = Counter(name.lower() for name in names)
    return [name for name in names if count[name.lower()] > 1]


def _stem(target: str) -> str:
    return paths.split(target)[0].lower()


def check_paths(
    items: Sequence[Item], diagnostics: Diagnostics, listing: paths.Listing, reserved: Iterable[str]
) -> None:
    """Report each path that an image cannot have, or that two images would have.

    Args:
        items: the images, under their final names.
        diagnostics: collects the errors.
        listing: the files in the output folder.
        reserved: paths below it of the run's own files: manifest, ledger, gallery.
    """
    claims = paths.PathClaims(reserved)
    for item in items:
        own = (("output", item.target), ("alt_file", item.alt_file), ("chat", item.chat_file))
        for key, target in own:
            if target is None:
                continue
            for path in paths.candidates(target):
                try:
                    listing.check(path)
                except paths.InvalidPath as error:
                    diagnostics.add(item.row, key, f"{path} {error}")
            if other := claims.claim(item.row, target):
                diagnostics.add(item.row, key, _collision(item, target, *other))
    for row, target, file in claims.inside_files():
        diagnostics.add(row, "output", f"{target} is inside {file}, which is another row's file")


def _collision(item: Item, mine: str, row: int, target: str) -> str:
    if row == 0:
        return f"{mine} is the manifest, its ledger or the gallery"
    whose = "this row" if row == item.row else f"row {row}"
    if target == mine:
        return f"{target} is also the output of {whose}"
    if not set(paths.candidates(mine)).isdisjoint(paths.candidates(target)):
        return f"{mine} and {target} of {whose} may be the same file: * may become any format"
    return f"{mine} and {target} of {whose} are the same file where case or Unicode form is ignored"
