"""Find files that no row of a manifest needs any more."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from nanobanana_cli import files
from nanobanana_cli.batch.contents import FileContents
from nanobanana_cli.batch.history import History, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.paths import (
    InvalidPath,
    Listing,
    alt_file,
    candidates,
    chat_file,
    normalized,
    split,
)
from nanobanana_cli.captions import sidecar
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.conversation import image_of
from nanobanana_cli.images.formats import SUFFIXES, DamagedImage, verify


class Unneeded(msgspec.Struct, frozen=True):
    """A file that no row needs, and why."""

    path: Path
    reason: str


class Pruner:
    """Find the files that a manifest's own ledgers record, and that no row has now.

    Never yields a file that was edited or accepted since it was made, one that the ledger of
    another manifest records too, and one outside of the output folder and the manifest's.

    Args:
        own, others: what the manifest's ledgers record, and what those of others beside it do.
        items: all images of the manifest.
        root: the output folder.
        folder: the manifest's folder.

    Attributes:
        edited: the files that were passed over since they were edited.
        wanted: those that the next run takes for another row.
    """

    def __init__(
        self, own: History, others: History, items: Sequence[Item], root: Path, folder: Path
    ) -> None:
        self.edited: list[Path] = []
        self.wanted: list[Path] = []
        self._own = own
        self._listings = [Listing(each) for each in dict.fromkeys((root, folder))]
        self._contents = FileContents(root)
        self._seen: set[str] = set()
        self._asked_for = {
            fingerprint
            for item in items
            if not any(files.taken(root / path) for path in candidates(item.target))
            for fingerprint in item.fingerprints
        }
        self._needed = {
            _absolute(root / path)
            for item in items
            for target in (item.target, item.alt_file, item.chat_file)
            if target
            for path in candidates(target)
        }
        for made in (each for row in others.written.values() for each in row):
            for base in (root, folder, folder / (made.root or "")):
                self._needed |= {_absolute(base / made.path), _absolute(base / _text_of(made))}

    def images_and_texts(self) -> Iterator[Unneeded]:
        """Yield the images of rows that are gone, and their texts."""
        made_by_path: dict[str, list[Written]] = {}
        for made in (each for row in self._own.written.values() for each in row):
            made_by_path.setdefault(made.path, []).append(made)
        for path, records in made_by_path.items():
            for listing in self._listings:
                if self._is_candidate(listing, path, tuple(SUFFIXES.values())):
                    yield from self._image(listing, path, records)

    def leftovers(self) -> Iterator[Unneeded]:
        """Yield the temporary files of killed runs, but for whole images: the next run has them."""
        places = {_absolute(Path(path).parent) for path in self._needed}
        for folder in sorted(places):
            for path in files.abandoned(Path(folder)):
                try:
                    verify(path.read_bytes())
                except DamagedImage:
                    yield Unneeded(Path(os.path.relpath(path)), "left by a killed run")
                except OSError:
                    continue

    def _image(self, listing: Listing, path: str, records: Sequence[Written]) -> Iterator[Unneeded]:
        place = listing.root / path
        name = _absolute(place)
        same = [each for each in records if self._contents.is_image(name, each.sha256, each.shown)]
        if not same or all(each.is_own for each in same):
            self.edited.append(place)
            return
        if any(each.fingerprint in self._asked_for for each in same):
            self.wanted.append(place)
            return
        yield Unneeded(place, "its row is gone")
        for each in same:
            text = _text_of(each)
            if each.alt and self._is_candidate(listing, text, (".txt",)):
                try:
                    content = sidecar.read(listing.root / text)
                except NbError:
                    content = None
                if content is not None and content.strip() == each.alt.strip():
                    yield Unneeded(listing.root / text, "the text of an image whose row is gone")
                else:
                    self.edited.append(listing.root / text)
        kept = chat_file(path)
        is_own = image_of(listing.root / kept) in [each.sha256 for each in same]
        if is_own and self._is_candidate(listing, kept, (".json",)):
            yield Unneeded(listing.root / kept, "the conversation of an image whose row is gone")

    def _is_candidate(self, listing: Listing, path: str, suffixes: tuple[str, ...]) -> bool:
        """Return whether there is a file that no row needs; each is a candidate once.

        A ledger comes with a repository, so a path counts only where a row could have it.
        """
        name = _absolute(listing.root / path)
        if name in self._needed or name in self._seen or split(path)[1].lower() not in suffixes:
            return False
        try:
            is_plain = normalized(path) == path
            listing.check(path)
        except InvalidPath:
            return False
        if not is_plain or not listing.has(path):
            return False
        self._seen.add(name)
        return True


def _text_of(made: Written) -> str:
    return made.alt_path or alt_file(made.path)


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - unlike Path.absolute, it takes `..` away
