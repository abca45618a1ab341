"""Plan a batch: decide which images are missing, changed, up to date or unknown.

What counts is what is asked for and the content of the files, never their times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from nanobanana_cli.batch.history import History, UnsettledCall, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.paths import ANY_SUFFIX, Listing, candidates
from nanobanana_cli.catalog import prices
from nanobanana_cli.errors import UsageError
from nanobanana_cli.types import Tariff

State: TypeAlias = Literal["make", "changed", "unchanged", "unknown", "exists"]

_HASHED_TOGETHER = 256
_HASHERS = 4
_GUESS = "its reference image was not fetched, so it is taken for the same"
_FORMER = 'was made as 1:1; aspect = "auto" in the row follows its image'
# Prompts that differ by fewer characters are taken to cost the same.
_PROMPT_STEP = 100


class Shard(msgspec.Struct, frozen=True):
    """One of several parts of a manifest, the same on every machine.

    Args:
        number: which, from 1.
        count: how many parts.
    """

    number: int
    count: int

    def contains(self, fingerprint: str) -> bool:
        """Return whether an image is in this part; only what is sent for it decides."""
        return int(fingerprint[:16], 16) % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"


def parse_shard(text: str) -> Shard:
    """Return the shard for `2/8`, or raise UsageError."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if not match or int(match[1]) > int(match[2]):
        raise UsageError(
            f"--shard takes K/N with K up to N, not {text}", hint="2/8 is the second of 8"
        )
    return Shard(int(match[1]), int(match[2]))


def select(
    items: Sequence[Item], only: Sequence[str], shard: Shard | None, listing: Listing
) -> list[Item]:
    """Return the images in the shard whose path matches one of the patterns.

    Args:
        items: the images.
        only: patterns; an empty sequence matches all. A path matches as written in the manifest,
            as the file that exists, and as either is seen from the current folder.
        shard: None selects all.
        listing: the files in the output folder.

    Raises:
        UsageError: a pattern matches no image of the manifest.
    """
    wanted: set[str] = set()
    for pattern in only:
        matching = {item.target for item in items if _matches(item.target, pattern, listing)}
        if not matching:
            raise UsageError(
                f"--only {pattern} matches no image",
                hint="use the paths that --dry-run lists; * matches any text",
            )
        wanted |= matching
    return [
        item
        for item in items
        if (not only or item.target in wanted) and (shard is None or shard.contains(item.key))
    ]


def _matches(target: str, pattern: str, listing: Listing) -> bool:
    paths = [target]
    if target.endswith(ANY_SUFFIX):
        paths += filter(listing.has, candidates(target))
    return any(
        fnmatchcase(path, pattern) or fnmatchcase(str(listing.root / path), pattern)
        for path in paths
    )


class Step(msgspec.Struct, frozen=True, gc=False):
    """An image, and what to do for it.

    Args:
        item: the image.
        state: `make` (missing), `changed` (exists, but the request or the file is another),
            `unchanged`, `unknown` (may have been paid for), `exists` (a file that nb did not make).
        price: micro-dollars of the call; None when not known.
        reason: the reason for the state, in a few words; "" when the state says it all.
        kept: why the existing file is only replaced with `--force`; "" when it may be replaced.
        path: the existing file, relative to the output folder; None when there is none.
        sha256: of that file.
        unknown: calls for this image whose outcome was not recorded.
        recovered: the existing file was made by the last of these calls, in a run that was killed
            before it could record it.
    """

    item: Item
    state: State
    price: int | None
    reason: str = ""
    kept: str = ""
    path: str | None = None
    sha256: str | None = None
    unknown: tuple[UnsettledCall, ...] = ()
    recovered: bool = False


def plan(items: Sequence[Item], history: History, listing: Listing, tariff: Tariff) -> list[Step]:
    """Return a step for each image, in order.

    Args:
        items: the images.
        history: the content of the ledgers.
        listing: the files in the output folder.
        tariff: whose prices hold.
    """
    records = [history.made_for(item.target) for item in items]
    existing = {
        item.target: found
        for item, record in zip(items, records, strict=True)
        if (found := _existing(item, record, listing))
    }
    hashes = _hashes(listing.root, [path for paths in existing.values() for path in paths])
    price_of = _prices(tariff)
    made_anywhere = {
        (each.fingerprint, each.sha256) for row in history.written.values() for each in row
    }
    steps = []
    for item, record in zip(items, records, strict=True):
        files = [(path, hashes[path]) for path in existing.get(item.target, ())]
        step = _step(item, files, record, history, price_of(item))
        if step.kept and any((each, step.sha256) in made_anywhere for each in item.fingerprints):
            step = Step(item, "unchanged", step.price, "was moved", "", step.path, step.sha256)
        steps.append(step)
    return steps


def _prices(tariff: Tariff) -> Callable[[Item], int | None]:
    """Return a function for the price of an item's call, computed once for those that share it."""
    known: dict[tuple[object, ...], int | None] = {}

    def price_of(item: Item) -> int | None:
        size = len(item.prompt) // _PROMPT_STEP
        key = (item.settings, item.parameters, len(item.images), size)
        if key not in known:
            known[key] = prices.estimate(item.request(()), tariff, len(item.images)).micro
        return known[key]

    return price_of


def _existing(item: Item, record: list[Written], listing: Listing) -> list[str]:
    """Return the files that may be this image, those that the ledger names first.

    A ledger comes with a repository, so a path that it names counts only when it is one that the
    row could get: those have passed `Listing.check`.
    """
    own = candidates(item.target)
    recorded = [made.path for made in record if made.path in own]
    paths = dict.fromkeys([*reversed(recorded), *own])
    return [path for path in paths if listing.has(path)]


def _step(
    item: Item,
    files: list[tuple[str, str | None]],
    made: list[Written],
    history: History,
    price: int | None,
) -> Step:
    same_request = {
        (each.path, each.sha256): each.fingerprint
        for each in made
        if item.is_guess or each.fingerprint in item.fingerprints
    }
    for path, digest in files:
        if found := same_request.get((path, digest or "")):
            reason = _FORMER if found == item.former else ""
            reason = _GUESS if item.is_guess else reason
            return Step(item, "unchanged", price, reason, path=path, sha256=digest)
    unknown = history.unknown_for(item.target, None if item.is_guess else item.fingerprints)
    # A file that no ledger records, and that was not there before these calls, is one of theirs.
    known = {each.sha256 for each in made} | {call.replaces for call in unknown}
    for path, digest in files if unknown else ():
        if digest and digest not in known:
            reason = "was saved just before the last run was killed"
            return Step(item, "unchanged", price, reason, "", path, digest, unknown, recovered=True)
    existing, sha256 = files[0] if files else (None, None)
    kept = _kept(sha256, made, price) if files else ""
    state: State = "changed" if files else "make"
    if unknown:
        state, reason = "unknown", "a call was sent, but its outcome was not recorded"
    elif kept:
        state, reason = state if made else "exists", kept
    elif files:
        reason = "the file is an earlier version" if same_request else "the request changed"
    elif made:
        reason = "the file is missing"
    else:
        reason = "failed in an earlier run" if item.target in history.failed else ""
    return Step(item, state, price, reason, kept, existing, sha256, unknown)


def _kept(digest: str | None, made: list[Written], price: int | None) -> str:
    """Return why an existing file is not replaced without `--force`; "" when it may be."""
    if not made:
        return "exists already and no ledger records it under this name"
    same = [each for each in made if each.sha256 == digest]
    if not same:
        return "was edited since it was made"
    if price == 0 and any(each.paid for each in same):
        return "was paid for and would be replaced by a free image"
    return ""


def _hashes(root: Path, paths: Sequence[str]) -> dict[str, str | None]:
    def digests(chunk: Sequence[str]) -> list[str | None]:
        return [sha256_of(f"{root}/{path}") for path in chunk]

    chunks = [paths[i : i + _HASHED_TOGETHER] for i in range(0, len(paths), _HASHED_TOGETHER)]
    with ThreadPoolExecutor(_HASHERS) as pool:
        return dict(zip(paths, chain.from_iterable(pool.map(digests, chunks)), strict=True))


def sha256_of(path: str | Path) -> str | None:
    """Return the SHA-256 of a file; None, which equals no recorded one, if it is unreadable."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
