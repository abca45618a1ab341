"""What is missing, changed, done or unknown: by what is asked and by the files' content, never by
their times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from nanobanana_cli import catalog
from nanobanana_cli.batch import paths as batch_paths
from nanobanana_cli.batch.history import History, UnsettledCall, Written
from nanobanana_cli.batch.item import Item

State: TypeAlias = Literal["make", "changed", "unchanged", "unknown", "exists"]

_HASHED_TOGETHER = 256
_HASHERS = 4


class Step(msgspec.Struct, frozen=True, gc=False):
    """An image, and what is to be done for it.

    Args:
        item: the image.
        state: `make` (missing), `changed` (there, but asked for differently, or another file),
            `unchanged`, `unknown` (it may have been paid for), `exists` (there, and not ours).
        kept: why the file that is there is replaced only when the user says so, such as that no
            ledger has its content; "" when it may be.
        price: micro-dollars of the call; None when not known.
        reason: why, in a few words; "" when it is plain.
        path: the file that is there, relative to the output folder; None when there is none.
        sha256: of that file.
        unknown: calls for this image whose outcome nobody recorded.
        recovered: the file that is there came of the last of these calls: the run was killed
            before it could say so.
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


def plan(
    items: Sequence[Item], history: History, folders: batch_paths.Listing, provider: str
) -> list[Step]:
    """A step for each image, in order.

    Args:
        items: the images.
        history: what the ledgers say.
        folders: what is in the output folder.
        provider: who would be asked, for the price.
    """
    records = [history.made_for(item.target) for item in items]
    there = {
        item.target: found
        for item, record in zip(items, records, strict=True)
        if (found := _existing(item, record, folders))
    }
    hashes = _hashes(folders.root, [path for paths in there.values() for path in paths])
    prices: dict[tuple[str, str], int | None] = {}
    made: set[tuple[str, str]] = set()
    steps = []
    for item, record in zip(items, records, strict=True):
        asked = (item.settings.model, item.settings.size)
        if asked not in prices:
            prices[asked] = catalog.price(provider, *asked)
        files = [(path, hashes[path]) for path in there.get(item.target, ())]
        step = _step(item, files, record, history, prices[asked])
        if step.kept:
            made = made or _made(history)
            if (item.fingerprint, step.sha256) in made:
                step = Step(
                    item, "unchanged", step.price, "was moved", path=step.path, sha256=step.sha256
                )
        steps.append(step)
    return steps


def _made(history: History) -> set[tuple[str, str]]:
    """Fingerprint and SHA-256 of all that was made, wherever it went then."""
    return {(each.fingerprint, each.sha256) for row in history.written.values() for each in row}


def _existing(item: Item, record: list[Written], folders: batch_paths.Listing) -> list[str]:
    """The files that may be this image, those that the ledger names first.

    A ledger comes with a repository, so a path that it names counts only when it is one that the
    row could get: those have passed `Folders.check`.
    """
    own = batch_paths.candidates(item.target)
    recorded = [made.path for made in record if made.path in own]
    paths = dict.fromkeys([*reversed(recorded), *own])
    return [path for path in paths if folders.has(path)]


def _step(
    item: Item,
    files: list[tuple[str, str | None]],
    made: list[Written],
    history: History,
    price: int | None,
) -> Step:
    unknown = history.unknown_for(item.target, item.fingerprint)
    for path, digest in files:
        if any(_is(each, item.fingerprint, path, digest) for each in made):
            return Step(item, "unchanged", price, path=path, sha256=digest)
    ours = {each.sha256 for each in made}
    for path, digest in files:
        if digest and digest not in ours and _came_of(unknown, digest):
            reason = "came just before the last run was killed"
            return Step(
                item,
                "unchanged",
                price,
                reason,
                path=path,
                sha256=digest,
                unknown=unknown,
                recovered=True,
            )
    shown, digest = files[0] if files else (None, None)
    kept = _kept(digest, made, price) if files else ""
    state, reason = _there(item, kept, made) if files else _missing(item, made, history)
    if unknown:
        state, reason = "unknown", "a call was sent, and nobody knows what came of it"
    return Step(item, state, price, reason, kept, shown, digest, unknown)


def _came_of(calls: Sequence[UnsettledCall], digest: str) -> bool:
    """Whether what is there may be of one of these calls: none of them found it there."""
    return bool(calls) and all(call.replaces != digest for call in calls)


def _is(made: Written, fingerprint: str, path: str, digest: str | None) -> bool:
    return made.fingerprint == fingerprint and made.sha256 == digest and made.path == path


def _kept(digest: str | None, made: list[Written], price: int | None) -> str:
    """Why a file is not replaced unasked."""
    if not made:
        return "exists already, and no ledger knows it by this name"
    same = [each for each in made if each.sha256 == digest]
    if not same:
        return "was edited since it was made"
    if price == 0 and any(each.paid for each in same):
        return "was paid for, and a free one would take its place"
    return ""


def _there(item: Item, kept: str, made: list[Written]) -> tuple[State, str]:
    if kept:
        return "changed" if made else "exists", kept
    asked_before = any(each.fingerprint == item.fingerprint for each in made)
    return "changed", "the file is an earlier one" if asked_before else "asked for differently"


def _missing(item: Item, made: list[Written], history: History) -> tuple[State, str]:
    if made:
        return "make", "the file is gone"
    return "make", "failed before" if item.target in history.failed else ""


def _hashes(root: Path, paths: Sequence[str]) -> dict[str, str | None]:
    chunks = [paths[i : i + _HASHED_TOGETHER] for i in range(0, len(paths), _HASHED_TOGETHER)]
    hashed: dict[str, str | None] = {}
    with ThreadPoolExecutor(_HASHERS) as pool:
        for chunk, digests in zip(
            chunks, pool.map(lambda chunk: _digests(root, chunk), chunks), strict=True
        ):
            hashed.update(zip(chunk, digests, strict=True))
    return hashed


def _digests(root: Path, paths: Iterable[str]) -> list[str | None]:
    return [sha256_of(f"{root}/{path}") for path in paths]


def sha256_of(path: str | Path) -> str | None:
    """SHA-256 of a file; None when it cannot be read, which no recorded hash equals."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
