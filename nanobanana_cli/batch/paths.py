"""Check the paths of a batch's images: below the output folder, and each used once."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import normpath

from nanobanana_cli.generation.remote import is_address
from nanobanana_cli.images.formats import SUFFIXES
from nanobanana_cli.slug import unwritable
from nanobanana_cli.ui.escape import escape

ANY_SUFFIX = ".*"
_MAX_NAME_BYTES = 240  # file systems allow 255, and `.alt.txt` is added


class InvalidPath(ValueError):
    """A path that an image cannot have; the message continues a sentence about the path."""


class Listing:
    """The content of the output folder and those below it, each listed once.

    Args:
        root: the output folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._inside: dict[str, bool] = {}
        self._listed: dict[str, dict[str, os.DirEntry[str]]] = {}

    def check(self, target: str) -> None:
        """Raise unless a file can be written to a normalized path, as far as can be told.

        Raises:
            InvalidPath: a link leads out of the output folder, or the name belongs to a folder, or
                to a pipe or device, which could block whoever opens it.
        """
        if not self._is_inside(target.rpartition("/")[0]):
            raise InvalidPath("leaves the output folder through a link")
        entry = self._entry(target)
        if entry is None:
            return
        if entry.is_symlink() and not self._is_inside(target):
            raise InvalidPath("is a link that leaves the output folder")
        try:
            mode = entry.stat().st_mode
        except OSError:
            return  # a link that leads nowhere
        if stat.S_ISDIR(mode):
            raise InvalidPath(f"is a folder; write {target}/")
        if not stat.S_ISREG(mode):
            raise InvalidPath("is a pipe or device, not a regular file; choose another name")

    def has(self, target: str) -> bool:
        """Return whether a file or folder has this name."""
        entry = self._entry(target)
        return entry is not None and (
            entry.name == target.rpartition("/")[2] or (self.root / target).exists()
        )

    def is_folder(self, target: str) -> bool:
        """Return whether a folder has this name."""
        entry = self._entry(target)
        return entry is not None and entry.is_dir()

    def _is_inside(self, path: str) -> bool:
        if path not in self._inside:
            real = os.path.realpath(self.root / path)
            self._inside[path] = os.path.commonpath((real, self._real_root)) == self._real_root
        return self._inside[path]

    def _entry(self, target: str) -> os.DirEntry[str] | None:
        """Return the entry with this name, or one that some file systems treat as the same."""
        folder, _, name = target.rpartition("/")
        if folder not in self._listed:
            try:
                with os.scandir(self.root / folder) as found:
                    entries = list(found)
            except OSError:
                entries = []
            # The exact names come last: where case is kept, Fox.png must not hide fox.png.
            self._listed[folder] = {folded(entry.name): entry for entry in entries}
            self._listed[folder] |= {entry.name: entry for entry in entries}
        listed = self._listed[folder]
        return listed.get(name) or listed.get(folded(name))


class PathClaims:
    """Record which row has which path; names that file systems may treat as the same collide.

    Args:
        reserved: paths that no row may have; their owner is row 0.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._owners = {folded(path): (0, path) for path in reserved}

    def claim(self, row: int, target: str) -> tuple[int, str] | None:
        """Record a path for a row.

        Returns:
            The row that has it already, and the path as written there; None when it was free.
        """
        paths = [folded(path) for path in candidates(target)]
        for path in paths:
            if path in self._owners:
                return self._owners[path]
        for path in paths:
            self._owners[path] = (row, target)
        return None

    def inside_files(self) -> Iterator[tuple[int, str, str]]:
        """Yield the rows whose folder is another row's file: row, its path, the file's path."""
        folders = {path.rpartition("/")[0]: owner for path, owner in self._owners.items()}
        for folder, (row, target) in folders.items():
            while folder and row:
                if folder in self._owners:
                    yield row, target, self._owners[folder][1]
                folder = folder.rpartition("/")[0]


def candidates(target: str) -> list[str]:
    """Return the paths that an image for this target may get."""
    if target.endswith(ANY_SUFFIX):
        return [target[: -len(ANY_SUFFIX)] + suffix for suffix in SUFFIXES.values()]
    return [target]


def aliases(target: str) -> list[str]:
    """Return the targets for the same files: `fox.*` for `fox.png`, and the reverse."""
    if target.endswith(ANY_SUFFIX):
        return candidates(target)
    stem, suffix = split(target)
    return [stem + ANY_SUFFIX] if suffix in SUFFIXES.values() else []


def normalized(output: str) -> str:
    """Return a row's output as a path below the output folder, without `.` and `..`.

    Args:
        output: as written; one that ends in `/` names a folder.

    Raises:
        InvalidPath: it is absolute, outside the folder, or cannot be a name, here or on Windows:
            manifests are made on one system and used on another.
    """
    if escape(output) != output:
        raise InvalidPath("contains control characters")
    if is_address(output):
        raise InvalidPath("is an address; write a path below the output folder")
    if output.startswith("~"):
        raise InvalidPath("begins with ~; write a path below the output folder")
    if "\\" in output:
        raise InvalidPath("contains a backslash; write / between folders")
    if output.startswith("/"):
        raise InvalidPath("is absolute; write it relative to the output folder")
    path = normpath(output)
    if path == ".." or path.startswith("../"):
        raise InvalidPath("leaves the output folder")
    if any(len(part.encode("utf-8", "replace")) > _MAX_NAME_BYTES for part in path.split("/")):
        raise InvalidPath(f"has a name longer than {_MAX_NAME_BYTES} bytes")
    if problem := unwritable(path, windows=True):
        raise InvalidPath(problem)
    return "" if path == "." else path


def numbered(target: str, number: int) -> str:
    """Return a numbered variant of a path: `fox-2.png` for `fox.png`."""
    stem, suffix = split(target)
    return f"{stem}-{number}{suffix}"


def alt_file(target: str) -> str:
    """Return the default path of an image's alt text: `fox.alt.txt` for `fox.png`."""
    return split(target)[0] + ".alt.txt"


def chat_file(target: str) -> str:
    """Return the path of an image's conversation: `fox.chat.json` for `fox.png`."""
    return split(target)[0] + ".chat.json"


def split(target: str) -> tuple[str, str]:
    """Return a path without its suffix, and the suffix."""
    folder_end = target.rfind("/") + 1
    dot = target.rfind(".")
    return (target[:dot], target[dot:]) if dot > folder_end else (target, "")


def folded(path: str) -> str:
    """Return a form that is equal for names that some file systems treat as the same."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
