"""Which of a manifest's images a run is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from nanobanana_cli.batch import paths
from nanobanana_cli.batch.item import Item
from nanobanana_cli.errors import UsageError


class Shard(msgspec.Struct, frozen=True):
    """One of several parts that together are the whole, the same on every machine.

    Args:
        number: which, from 1.
        count: of how many.
    """

    number: int
    count: int

    def holds(self, fingerprint: str) -> bool:
        """Whether an image is in this part: decided by what is sent for it alone."""
        return int(fingerprint[:16], 16) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"


def shard(text: str) -> Shard:
    """`2/8` as typed.

    Raises:
        UsageError: it is no such part.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(f"--shard {text} is not a part of a whole", hint="2/8 is the second of 8")
    return Shard(int(match[1]), int(match[2]))


def chosen(
    items: Sequence[Item], only: Sequence[str], part: Shard | None, folders: paths.Listing
) -> list[Item]:
    """Those images whose path matches one of the patterns and that are in the part.

    Args:
        items: the images.
        only: patterns; with none, all match.
        part: the part; None is the whole.
        folders: what is in the output folder: a path matches as the manifest has it, as the file
            that is there, and as either is seen from here.

    Raises:
        UsageError: a pattern matches no image of the manifest.
    """
    matching = {pattern: _matching(items, pattern, folders) for pattern in only}
    for pattern, found in matching.items():
        if not found:
            raise UsageError(
                f"--only {pattern} matches no image",
                hint="it is compared with the paths that `--dry-run` lists; * stands for anything",
            )
    wanted = {target for found in matching.values() for target in found}
    return [
        item
        for item in items
        if (not only or item.target in wanted) and (part is None or part.holds(item.fingerprint))
    ]


def _matching(items: Sequence[Item], pattern: str, folders: paths.Listing) -> set[str]:
    return {
        item.target
        for item in items
        for path in _paths(item.target, folders)
        if fnmatchcase(path, pattern) or fnmatchcase(str(folders.root / path), pattern)
    }


def _paths(target: str, folders: paths.Listing) -> Iterator[str]:
    """A target, and the files that stand for it: `fox.*`, and `fox.png` when it is there."""
    yield target
    if target.endswith(paths.ANY_SUFFIX):
        yield from filter(folders.has, paths.candidates(target))
