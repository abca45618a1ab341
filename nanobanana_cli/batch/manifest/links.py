"""Find the reference images of rows that are the images of other rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import normpath

from msgspec.structs import replace

from nanobanana_cli.batch import asked, paths
from nanobanana_cli.batch.dependencies import parents_first
from nanobanana_cli.batch.item import Item, References, RowSettings, bound
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.remote import is_address
from nanobanana_cli.types import Reference

_SHOWN = 5


def bound_to_references(
    items: Sequence[Item],
    others: Sequence[tuple[int, str]],
    references: References,
    root: Path,
    diagnostics: Diagnostics,
) -> list[Item]:
    """Return the items with their reference images, and with their `parents` among the items.

    An image that another row makes has that row's fingerprint in place of its content: names and
    shards must not depend on what is there by now.

    Args:
        items: all images of a manifest, each at its position.
        others: further reference images to check: the number of the row, and the name.
        references: the images that are there.
        root: the output folder.
        diagnostics: gets an error for each image that is not there, and for each row that depends
            on itself.
    """
    if not others and not any(item.images for item in items):
        return list(items)
    outputs = _Outputs(items, references.folder, root)
    for row, name in others:
        if outputs.find(name) is None:
            _image(row, name, references, diagnostics)
    found = []
    for item in items:
        parents = tuple(outputs.parents_of(item))
        found.append(replace(item, parents=parents) if parents else item)
    order, cycles = parents_first(
        range(len(found)), lambda node: (parent for _, parent in found[node].parents)
    )
    _report(cycles, items, diagnostics)
    shared: dict[RowSettings, RowSettings] = {}
    for item in (found[position] for position in order if found[position].images):
        made_by = dict(item.parents)
        if item.continues:
            item = _continued(item, found, references, diagnostics)
        known = [
            (None, found[made_by[index]].fingerprint)
            if index in made_by
            else _known(item, index, references, diagnostics)
            for index in range(len(item.images))
        ]
        if None not in known:
            made = bound(item, item.images, [each for each in known if each])
            settings = shared.setdefault(made.settings, made.settings)
            found[item.position] = replace(made, settings=settings)
    return found


def _continued(
    item: Item, found: list[Item], references: References, diagnostics: Diagnostics
) -> Item:
    """Return an item with the number of images in the turns before; have another row keep them."""
    position = dict(item.parents).get(0)
    if position is None:
        try:
            turns = references.conversation(item)
        except NbError as error:
            diagnostics.add(item.row, "continue", error.message, error.hint or "")
            return item
        return replace(item, earlier=turns.images if turns else 0)
    parent = found[position]
    if parent.settings.model != item.settings.model:
        reason = f"{parent.target} is made by {parent.settings.model}, and only that can go on"
        diagnostics.add(item.row, "continue", reason)
    found[position] = replace(parent, chat=True)
    return replace(item, earlier=parent.earlier + len(parent.references) + 1)


def _known(
    item: Item, index: int, references: References, diagnostics: Diagnostics
) -> tuple[Reference | None, str] | None:
    """Return what is known of an image, and its hash; None, once it is reported, if it is bad."""
    if index or not item.continues:
        return _image(item.row, item.images[index], references, diagnostics)
    try:
        return references.turns(item)
    except NbError:
        return None  # It has been reported.


def _image(
    row: int, name: str, references: References, diagnostics: Diagnostics
) -> tuple[Reference, str] | None:
    """Return what is known of an image, and its hash; None, once it is reported, if it is bad."""
    try:
        digest = references.identity(name)[1]
    except NbError as error:
        diagnostics.add(row, "images", error.message)
        return None
    reference = references.without_data(name)
    return reference, digest if reference.is_fetched else asked.UNKNOWN


def _report(cycles: Sequence[list[int]], items: Sequence[Item], diagnostics: Diagnostics) -> None:
    for cycle in cycles:
        chain = [items[node].target for node in (*cycle, cycle[0])]
        shown = chain if len(chain) <= _SHOWN else [*chain[: _SHOWN - 1], "…", chain[-1]]
        for node in cycle:
            message = f"these images would be made from each other: {' from '.join(shown)}"
            if len(cycle) == 1:
                message = f"{chain[0]} would be made from itself; write another output"
            key = "continue" if items[node].continues else "images"
            diagnostics.add(items[node].row, key, message)


class _Outputs:
    """The images of all rows by the names that a reference may give them."""

    def __init__(self, items: Sequence[Item], folder: Path, root: Path) -> None:
        self._folder = os.path.realpath(folder)
        self._folders: dict[str, str] = {}
        root_name = os.path.realpath(root)
        self._is_elsewhere = root_name != self._folder
        # A name below the output folder → position; None for one that several rows have.
        self._by_name: dict[str, int | None] = {}
        for item in items:
            if item.plain is None:
                self._add(item.target, item.position)
        given = dict(self._by_name)
        for item in items:
            if item.plain is not None and item.plain not in given:
                is_known = item.plain in self._by_name
                self._add(item.plain, None if is_known else item.position)
        self._by_path: dict[str, tuple[str, int | None]] = {}
        for name, position in self._by_name.items():
            path = self._real(f"{root_name}/{name}")
            self._by_path[paths.folded(path)] = path, position

    def _add(self, target: str, position: int | None) -> None:
        stem = target.removesuffix(paths.ANY_SUFFIX)
        for name in (target, stem, *paths.candidates(target)):
            self._by_name[name] = position

    def parents_of(self, item: Item) -> Iterator[tuple[int, int]]:
        for index, name in enumerate(item.images):
            parent = self.find(name, item.position)
            if parent is not None:
                yield index, parent

    def find(self, name: str, position: int = -1) -> int | None:
        """Return the position of the image that a reference of one at `position` names, if any."""
        if not name or is_address(name):
            return None
        path = self._real(os.path.join(self._folder, name))  # noqa: PTH118 - it may be absolute
        output, parent = self._by_path.get(paths.folded(path), ("", None))
        if output and (output == path or _is_same(output, path)):
            return parent
        if not self._is_elsewhere or os.path.lexists(path):
            return None
        # `-o` puts the images elsewhere, and the manifest stays as it is.
        parent = self._by_name.get(normpath(name))
        return None if parent == position else parent

    def _real(self, path: str) -> str:
        """Return a path with no links in its folder."""
        folder, name = os.path.split(os.path.normpath(path))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.normcase(f"{self._folders[folder]}{os.sep}{name}")


def _is_same(one: str, other: str) -> bool:
    """Return whether two names that differ in case or Unicode form name one file here."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
