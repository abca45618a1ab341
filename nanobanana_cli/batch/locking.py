"""Name the ledgers of a manifest, and lock them and the images so that no two runs make the same.

A run of a whole manifest locks its ledger and the folder of its images for itself. Shards of one
manifest have no image in common and share both; each has its own ledger for itself.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from nanobanana_cli import system
from nanobanana_cli.batch.manifest.readers import STDIN
from nanobanana_cli.batch.selection import Shard
from nanobanana_cli.errors import LocalFileError

_ENDING = ".ledger.jsonl"
_SHARD = r"\.(\d+)-of-(\d+)"
_POLL = 0.1  # seconds
_FOLDER_LOCK = ".nb.lock"
_MAX_OWNER_BYTES = 10_000
# On Windows: where locked bytes begin, and how many runs can share a lock.
_LOCKED_BYTES = 1 << 30
_MOST_SHARES = 1 << 20


def main_ledger(manifest: str) -> Path:
    """Return `images.ledger.jsonl` for `images.toml`; for stdin `batch.ledger.jsonl`."""
    path = Path("batch") if manifest == STDIN else Path(manifest)
    return path.with_name(path.stem + _ENDING)


def own_ledger(main: Path, shard: Shard | None) -> Path:
    """Return the ledger that a run writes to: each shard has its own, since shards run at once."""
    return main if shard is None else main.with_name(f"{_stem(main)}.{shard}{_ENDING}")


def all_ledgers(main: Path) -> list[Path]:
    """Return the manifest's ledger and those of its shards."""
    return [main, *(path for path, _ in _shards(main, _ENDING))]


def ledgers_beside(main: Path) -> list[Path]:
    """Return the ledgers of other manifests in the same folder."""
    own = set(all_ledgers(main))
    return sorted(path for path in main.parent.glob(f"*{_ENDING}") if path not in own)


def _stem(main: Path) -> str:
    return main.name.removesuffix(_ENDING).removesuffix(".jsonl")


def _shards(main: Path, ending: str) -> Iterator[tuple[Path, Shard]]:
    pattern = re.compile(r"\.?" + re.escape(_stem(main)) + _SHARD + re.escape(ending))
    try:
        names = sorted(path.name for path in main.parent.iterdir())
    except OSError:
        return
    for name in names:
        if match := pattern.fullmatch(name):
            yield main.with_name(name), Shard(int(match[1]), int(match[2]))


class Outputs(msgspec.Struct, frozen=True):
    """The images of a manifest, to be locked.

    Args:
        manifest: its name, for other runs to tell.
        ledger: the manifest's.
        root: the output folder.
        targets: the images, relative to it.
    """

    manifest: str
    ledger: Path
    root: Path
    targets: tuple[str, ...]

    def folder(self) -> Path:
        """Return the real path of the deepest folder that holds all images, or is to hold them."""
        common = os.path.commonpath([Path("/", target).parent for target in self.targets or ("",)])
        folder = Path(os.path.realpath(self.root / Path(common).relative_to("/")))
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        return folder


class _Owner(msgspec.Struct, frozen=True):
    """The run that holds a lock, as its file says.

    Args:
        pid: its process, on this machine or another.
        manifest: as its user named it.
        group: the same for runs that may share a lock.
    """

    pid: int
    manifest: str
    group: str


class _Busy(Exception):
    """Another run holds a lock."""

    def __init__(self, path: Path, owner: _Owner | None) -> None:
        super().__init__(path)
        self.path = path
        self.owner = owner


@contextmanager
def held(images: Outputs, shard: Shard | None, note: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other run works on the same images, then hold the locks.

    Args:
        images: what to lock.
        shard: the part to lock; None locks all of it.
        note: takes a line if another run holds a lock.

    Raises:
        LocalFileError: a lock file cannot be created, or not be locked.
    """
    is_told = False
    with ExitStack() as locks:
        while True:
            try:
                with ExitStack() as taken:
                    _lock(images, shard, taken)
                    locks.push(taken.pop_all())
                break
            except _Busy as busy:
                if not is_told:
                    note(_told(busy))
                is_told = True
                # Two runs that wait for each other must not do so in step.
                time.sleep(random.uniform(0.5, 1.5) * _POLL)  # noqa: S311 - not a secret
        yield


def _told(busy: _Busy) -> str:
    folder = os.path.relpath(busy.path.parent)
    where = "this folder" if folder == os.curdir else folder
    if busy.owner is None:
        return f"another run is at work in {where}; waiting for it to end"
    manifest, pid = busy.owner.manifest, busy.owner.pid
    return f"another run of {manifest} is at work in {where} (process {pid}); waiting for it to end"


def _lock(images: Outputs, shard: Shard | None, taken: ExitStack) -> None:
    """Take all locks of a run, or raise _Busy."""
    folder = images.folder()
    count = "all" if shard is None else f"of {shard.count}"
    owner = _Owner(os.getpid(), images.manifest, f"{os.path.realpath(images.ledger)} {count}")
    share = None if shard is None else shard.number
    _take(_lock_file(images.ledger), owner, share, taken)
    if shard is not None:
        _take(_lock_file(own_ledger(images.ledger, shard)), owner, None, taken)
    _take(folder / _FOLDER_LOCK, owner, share, taken)
    for path in _related(images, folder):
        # Of a run whose images are in a folder above, or below beside some of these.
        if path.exists():
            with ExitStack() as tried:
                _take(path, owner, share, tried, creates=False)


def _related(images: Outputs, folder: Path) -> list[Path]:
    """Return the places of the locks of other runs that may have an image in common."""
    related: set[Path] = set()
    parents = {Path(target).parent for target in images.targets}
    for parent in parents:
        path = Path(os.path.realpath(images.root / parent))
        for each in (path, *path.parents):
            if each in related:
                break
            related.add(each)
    return sorted(each / _FOLDER_LOCK for each in related - {folder})


def _take(
    path: Path, owner: _Owner, share: int | None, taken: ExitStack, *, creates: bool = True
) -> None:
    """Take one lock; its file is there as long as the lock is held.

    Args:
        path: the file.
        owner: this run.
        share: None for a lock of one's own; else the number of the part among those that share it.
        taken: releases the lock.
        creates: create the file if it is not there.
    """
    while True:
        try:
            file = system.open_no_follow(path, os.O_RDWR | os.O_CREAT if creates else os.O_RDONLY)
        except OSError as error:
            raise _unlocked(path, error) from error
        taken.callback(os.close, file)
        try:
            is_alone = _try_lock(file)
            if not is_alone:
                there = _owner(file)
                is_shared = share is not None and there is not None and there.group == owner.group
                if not (is_shared and _try_lock(file, share)):
                    raise _Busy(path, there)
            if not creates:
                return
            if is_alone:
                os.ftruncate(file, 0)
                os.write(file, msgspec.json.encode(owner))
            if is_alone and share is not None and not _try_lock(file, share):
                raise _Busy(path, None)
            # Whoever held it last may have removed the file meanwhile.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), path.stat()):
                    break
        except OSError as error:
            raise _unlocked(path, error) from error
    taken.callback(_remove, path, file)


def _try_lock(file: int, share: int | None = None) -> bool:
    """Lock an open file, or change the lock that is held, without waiting.

    Args:
        file: its descriptor. Closing it, or the end of the process, releases the lock.
        share: None for a lock of one's own; else one that those with other numbers can hold too.

    Returns:
        True if the file is locked now.

    Raises:
        OSError: the file system cannot lock the file.
    """
    if sys.platform == "win32":
        import msvcrt

        # It knows no shared locks: those who share one lock a byte each. The bytes are beyond the
        # content, since locked ones cannot be read.
        place, length = (0, _MOST_SHARES) if share is None else (share % _MOST_SHARES, 1)
        os.lseek(file, _LOCKED_BYTES, os.SEEK_SET)
        with suppress(OSError):
            msvcrt.locking(file, msvcrt.LK_UNLCK, _MOST_SHARES)
        os.lseek(file, _LOCKED_BYTES + place, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, length)
        except PermissionError:
            return False
        return True
    else:  # noqa: RET505 - for mypy, which takes the rest for unreachable on Windows otherwise
        import fcntl

        kind = fcntl.LOCK_EX if share is None else fcntl.LOCK_SH
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _unlocked(path: Path, error: OSError) -> LocalFileError:
    return LocalFileError(
        f"cannot lock {path}: {error.strerror}",
        hint="locks keep two runs from paying for the same images: put manifest and images where "
        "files can be written and locked",
    )


def _owner(file: int) -> _Owner | None:
    try:
        os.lseek(file, 0, os.SEEK_SET)
        return msgspec.json.decode(os.read(file, _MAX_OWNER_BYTES), type=_Owner)
    except (ValueError, RecursionError):
        return None


def _remove(path: Path, file: int) -> None:
    """Remove a lock file, unless others share the lock."""
    with suppress(OSError):
        if _try_lock(file):
            path.unlink()


def _lock_file(ledger: Path) -> Path:
    return ledger.with_name(f".{ledger.name.removesuffix('.jsonl')}.lock")
