"""Write temporary files, and find those that killed runs left behind.

A temporary file is locked from its creation until it has its final name, so that other processes
can tell it from a leftover. Where there are no such locks (on Windows, where they would keep a file
from being renamed, and on some network mounts), age tells.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import FileIO
from pathlib import Path

from nanobanana_cli.system import lock_file, open_no_follow
from nanobanana_cli.types import Data

_NAME = re.compile(r"\.nb-[0-9a-f]{16}\.tmp")
# Seconds; no file takes so long to be written.
_OLD = 3600


@contextmanager
def sibling(
    folder: Path, data: Data | Iterable[Data], mode: int, *, like: os.stat_result | None = None
) -> Iterator[Path]:
    """Write all of `data` to a hidden file on the disk; remove it afterwards unless it was moved.

    Args:
        folder: where it is created.
        data: its bytes, whole or in pieces.
        mode: the mode to create it with, less the umask.
        like: the file whose mode it gets in the end, whatever the umask, and whose owner and group
            if this user may set them.
    """
    file, path = _created(folder, mode)
    with file:
        try:
            if like is not None:
                _set_owner(path, like)
                path.chmod(like.st_mode & 0o777)
            for piece in (data,) if isinstance(data, Data) else data:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
            if data:
                os.fsync(file.fileno())
            _release_on_windows(file)
            yield path
        finally:
            _release_on_windows(file)
            # Before the lock is released.
            with suppress(OSError):
                path.unlink()


def leftovers(folder: Path) -> Iterator[Path]:
    """Yield each temporary file that a killed run left in a folder, then remove it.

    A caller that wants its bytes moves or reads it before it asks for the next one. Those that a
    live process is writing, or that belong to another user, stay. Those that are empty or have
    their final name already are removed without being yielded. A caller that stops early leaves the
    file there.
    """
    for path, file in _abandoned(folder):
        with suppress(OSError):
            status = os.fstat(file.fileno())
            _release_on_windows(file)
            if status.st_size and status.st_nlink == 1:
                yield path
            path.unlink()


def abandoned(folder: Path) -> list[Path]:
    """Return the temporary files that killed runs left in a folder; remove none."""
    return [path for path, _ in _abandoned(folder)]


def _abandoned(folder: Path) -> Iterator[tuple[Path, FileIO]]:
    try:
        with os.scandir(folder) as found:
            entries = [each for each in found if _NAME.fullmatch(each.name)]
    except OSError:
        return
    for entry in entries:
        with suppress(OSError):
            if not entry.is_file(follow_symlinks=False):
                continue
            path = folder / entry.name
            with _opened(path) as file:
                # It may have got its final name while it was opened.
                if _is_abandoned(file) and path.exists():
                    yield path, file


def _created(folder: Path, mode: int) -> tuple[FileIO, Path]:
    """Create a file that is locked, if the file system has locks."""
    while True:
        path = folder / f".nb-{os.urandom(8).hex()}.tmp"
        file = FileIO(path, "x", opener=partial(os.open, mode=mode))
        try:
            # Another process may have taken it for a leftover before it was locked.
            if lock_file(file.fileno()) and path.exists():
                return file, path
        except OSError:
            return file, path
        file.close()


def _opened(path: Path) -> FileIO:
    # Some network mounts lock only what is open for writing.
    return FileIO(path, "r+", opener=open_no_follow)


def _is_abandoned(file: FileIO) -> bool:
    try:
        return lock_file(file.fileno())
    except OSError:
        return time.time() - os.fstat(file.fileno()).st_mtime > _OLD


def _set_owner(path: Path, like: os.stat_result) -> None:
    """Give a file the owner and the group of another one, each if the system lets this user."""
    if sys.platform != "win32":
        for owner, group in ((like.st_uid, -1), (-1, like.st_gid)):
            with suppress(OSError):
                os.chown(path, owner, group)


def _release_on_windows(file: FileIO) -> None:
    """Close a file that is to be renamed or removed, where that needs it to be closed."""
    if sys.platform == "win32":
        file.close()
