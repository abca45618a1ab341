"""Find images that were made before and have no row or no name: they need no call."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from nanobanana_cli.batch.contents import FileContents
from nanobanana_cli.batch.history import DoubtfulCall, History, Written
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.paths import aliases, alt_file, candidates

# Files that a killed run left without their names, and those that a later command named.
LEFTOVERS = (".nb-*.tmp", "recovered*")


class AtHand(msgspec.Struct, frozen=True, gc=False):
    """An image that is there.

    Args:
        path: of its file.
        made: the record of it; None for one that was received and not saved.
        call: the call that received it; None for one that was saved.
    """

    path: Path
    made: Written | None = None
    call: DoubtfulCall | None = None

    @property
    def alt_file(self) -> Path:
        """The text beside it, if there is one."""
        return Path(alt_file(str(self.path)))


class Sources:
    """The images that rows may take: each is taken by one row at most.

    Args:
        history: of all ledgers beside the manifest.
        root: the output folder.
        folder: the manifest's folder.
        state: the folder for images that could not be saved where they belong; None without one.
        claimed: the targets of all rows; their files are nobody else's.
    """

    def __init__(
        self,
        history: History,
        root: Path,
        folder: Path,
        state: Path | None,
        claimed: Collection[str],
    ) -> None:
        self._by_print: dict[str, list[Written]] = {}
        for made in history.written.values():
            for each in made:
                self._by_print.setdefault(each.fingerprint, []).append(each)
        self._root = root
        self._folder = folder
        self._state = state
        self._contents = FileContents(root)
        rows = {row for each in claimed for row in (each, *aliases(each))} if history.doubts else ()
        # By fingerprint, the calls of each row that is gone.
        self._gone: dict[str, list[list[DoubtfulCall]]] = {}
        for row, calls in history.doubts.items():
            by_print: dict[str, list[DoubtfulCall]] = {}
            for call in calls if row not in rows else ():
                if not call.is_beside:
                    by_print.setdefault(call.fingerprint, []).append(call)
            for fingerprint, same in by_print.items():
                self._gone.setdefault(fingerprint, []).append(same)
        self._taken = {_absolute(root / path) for each in claimed for path in candidates(each)}

    def records_of(self, item: Item) -> Iterator[Written]:
        """Yield the records of images that are what an item asks for, the newest ones first."""
        for fingerprint in item.fingerprints:
            yield from reversed(self._by_print.get(fingerprint, ()))

    def take(self, item: Item, *, takes_sandbox: bool) -> AtHand | None:
        """Return an image that is what an item asks for, and that no row claims."""
        for made in self.records_of(item):
            if made.is_sandbox and not takes_sandbox:
                continue
            for path in self._places(made):
                name = _absolute(path)
                if (
                    name not in self._taken
                    and _is_file(path)
                    and self._contents.is_image(name, made.sha256, made.shown)
                ):
                    self._taken.add(name)
                    return AtHand(path, made)
        return None

    def doubts_moved(self, fingerprints: Iterable[str]) -> tuple[DoubtfulCall, ...]:
        """Return the calls of a row that is gone and that asked for the same, each row's once.

        The output's name is no part of what is asked, so they are in doubt under another, too.
        """
        for fingerprint in fingerprints:
            if rows := self._gone.get(fingerprint):
                return tuple(rows.pop(0))
        return ()

    def leftover(self, call: DoubtfulCall, target: str) -> AtHand | None:
        """Return the image of a call that was received and did not get its name.

        Args:
            call: which may have been paid for.
            target: of its row.
        """
        if call.sha256 is None:
            return None
        for path in self._leftovers((self._root / target).parent):
            name = _absolute(path)
            if (
                name not in self._taken
                and _is_file(path)
                and call.size in (None, path.stat().st_size)
                and self._contents.is_image(name, call.sha256, None)
            ):
                self._taken.add(name)
                return AtHand(path, call=call)
        return None

    def _places(self, made: Written) -> Iterator[Path]:
        roots = (self._root, self._folder)
        known = (self._folder / made.root,) if made.root is not None else ()
        for root in dict.fromkeys((*known, *roots)):
            yield root / made.path

    def _leftovers(self, folder: Path) -> Iterator[Path]:
        for pattern in LEFTOVERS:
            yield from folder.glob(pattern)
        if self._state is not None:
            yield from self._state.glob("*")


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - unlike Path.absolute, it takes `..` away


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False
