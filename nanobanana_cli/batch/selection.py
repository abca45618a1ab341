"""Select the images of a run: by path, and by part of the manifest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from nanobanana_cli.batch import dependencies
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.paths import ANY_SUFFIX, Listing, candidates
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import shown


class Shard(msgspec.Struct, frozen=True):
    """One of several parts of a manifest, the same on every machine.

    Args:
        number: which, from 1.
        count: how many parts.
    """

    number: int
    count: int

    def contains(self, fingerprint: str) -> bool:
        """Return whether an image is in this part; only what is sent decides.

        Args:
            fingerprint: of the image, or of the first of those that it is made from.
        """
        return int(fingerprint[:16], 16) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"


def parse_shard(text: str) -> Shard:
    """Return the shard for `2/8`, or raise UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(
            f"--shard takes K/N with K up to N, not {shown(text)}", hint="2/8 is the second of 8"
        )
    return Shard(int(match[1]), int(match[2]))


def select(
    items: Sequence[Item], only: Sequence[str], shard: Shard | None, listing: Listing
) -> list[Item]:
    """Return the images in the shard whose path matches one of the patterns.

    Args:
        items: the images.
        only: patterns, as for `matching`; an empty sequence matches all.
        shard: None selects all.
        listing: the files in the output folder.

    Raises:
        UsageError: a pattern matches no image of the manifest.
    """
    wanted = matching(items, only, listing, "--only")
    # Images that are made from each other are in one part, whose run has what it needs.
    families = {} if shard is None else dependencies.families(items)
    return [
        item
        for item in items
        if (not only or item.target in wanted)
        and (shard is None or shard.contains(families[item.position]))
    ]


def matching(
    items: Sequence[Item], patterns: Sequence[str], listing: Listing, option: str
) -> set[str]:
    """Return the targets of the images whose path matches one of the patterns.

    A path matches as written in the manifest, as the file that exists, and as either is seen from
    the current folder.

    Args:
        items: the images.
        patterns: where `*` matches any text.
        listing: the files in the output folder.
        option: the patterns' option, for the error.

    Raises:
        UsageError: a pattern matches no image.
    """
    found: set[str] = set()
    for pattern in patterns:
        targets = {item.target for item in items if _matches(item.target, pattern, listing)}
        if not targets:
            raise UsageError(
                f"{option} {shown(pattern)} matches no image",
                hint="use the paths that --dry-run lists; * matches any text",
            )
        found |= targets
    return found


def _matches(target: str, pattern: str, listing: Listing) -> bool:
    paths = [target]
    if target.endswith(ANY_SUFFIX):
        paths += filter(listing.has, candidates(target))
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(str(listing.root / path), pattern)
        for path in paths
    )
