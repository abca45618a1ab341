"""Read and write local files, each whole or not at all, with plain errors.

A file gets its name only when all its bytes are on the disk: they go to a hidden sibling first,
which is then linked to the name (which must be free) or moved onto it (which may be taken). The
sibling is always removed; one of a killed run is found by `leftovers`. The errors say
`Not charged.`; a caller that has paid changes that.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from nanobanana_cli import system
from nanobanana_cli.errors import LocalFileError, OutputExists, UsageError
from nanobanana_cli.files import temporary
from nanobanana_cli.files.temporary import abandoned as abandoned
from nanobanana_cli.files.temporary import leftovers as leftovers
from nanobanana_cli.types import Data

# The most that Google accepts in one request; no reference image or prompt is larger.
READ_LIMIT = 100_000_000
_REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is too large for this file system",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "part of the path is not a folder",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its symbolic links form a loop",
    errno.EIO: "the device reported an error",
    errno.ENODEV: "it is a device or a pipe, not a file",
    errno.EINVAL: "the name contains a character that is not allowed",
}
# The errors of `link` without hard links: on FAT, exFAT, many network and FUSE mounts.
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
)


def taken(path: Path) -> bool:
    """Return True if something has this name, even a dangling link."""
    return os.path.lexists(path)


def create(path: Path, data: Data) -> None:
    """Write a new file, whole, with the mode that the umask gives.

    Args:
        path: its name, which must be free; a dangling link takes it too.
        data: its bytes.

    Raises:
        OutputExists: the name is taken, even if it was free a moment ago.
        LocalFileError: it cannot be written; nothing is left behind.
    """
    with _plain_errors(path), temporary.sibling(path.parent, data, 0o666) as sibling:
        try:
            _publish(sibling, path)
        except FileExistsError:
            raise OutputExists(f"{path} exists already") from None


def create_unique(
    folder: Path, stem: str, suffix: str, data: Data | Iterable[Data], *, mode: int = 0o666
) -> Path:
    """Write a new file under the first free name of `stem.png`, `stem-2.png`, `stem-3.png` …

    Any number of threads and processes may do so at once.

    Args:
        folder: must exist.
        stem, suffix: the two parts of the name, such as `a-red-fox` and `.png`.
        data: its bytes, whole or in pieces.
        mode: the mode to create it with, less the umask.

    Returns:
        The file's path.

    Raises:
        LocalFileError: it cannot be written; nothing is left behind.
    """
    with (
        _plain_errors(folder / f"{stem}{suffix}"),
        temporary.sibling(folder, data, mode) as sibling,
    ):
        number = 1
        while True:
            path = folder / (f"{stem}-{number}{suffix}" if number > 1 else f"{stem}{suffix}")
            try:
                _publish(sibling, path)
            except FileExistsError:
                number += 1
            else:
                return path


def replace(path: Path, data: Data) -> None:
    """Write a file, whole, in place of any file of that name.

    A link is followed: its target is replaced, and keeps its mode and, where the user may give it
    away, its owner. Other hard links keep the old file.

    Args:
        path, data: as for `create`.

    Raises:
        LocalFileError: it cannot be written, or is a folder, a device or a pipe; an existing file
            is unchanged.
    """
    with _plain_errors(path):
        target, old = _target(path)
        created = 0o666 if old is None else old.st_mode & 0o777
        with temporary.sibling(target.parent, data, created, like=old) as sibling:
            sibling.replace(target)
            _sync_name(target)


def write_private(path: Path, data: Data) -> None:
    """Write a file that only its owner can read, from its first byte on, in place of any other.

    A link is followed. Missing folders are created, for the owner alone.

    Raises:
        LocalFileError: it cannot be written; an existing file is unchanged.
    """
    with _plain_errors(path):
        target, _ = _target(path)
        make_private_folder(target.parent)
        with temporary.sibling(target.parent, data, 0o600) as sibling:
            sibling.replace(target)
            _sync_name(target)


def make_private_folder(folder: Path) -> None:
    """Create what is missing of a folder and those above it, for their owner alone."""
    with _plain_errors(folder):
        for each in (*reversed(folder.parents), folder):
            each.mkdir(0o700, exist_ok=True)


def check_folder(folder: Path) -> None:
    """Raise unless a file can be created in `folder`; tested by creating one.

    Checking permissions instead is wrong for root, on read-only mounts, and with access lists.

    Raises:
        LocalFileError: it is missing, is not a folder, or cannot be written to.
    """
    try:
        with _plain_errors(folder), temporary.sibling(folder, b"", 0o600):
            pass
    except LocalFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or os.path.lexists(folder):
            raise
        from shlex import quote

        raise LocalFileError(
            f"{folder}: no such folder", hint=f"create it first: mkdir -p {quote(str(folder))}"
        ) from error.__cause__


def check_output(path: Path) -> None:
    """Raise unless `create` or `replace` can be expected to write `path`, before a call is paid.

    Raises:
        LocalFileError: its folder is missing or cannot be written to, its name is too long or
            otherwise impossible, or it is a folder, a device or a pipe.
    """
    with _plain_errors(path):
        target, _ = _target(path)
    check_folder(target.parent if path.is_symlink() else path.parent)


def read(path: Path, what: str, *, limit: int = READ_LIMIT) -> bytes:
    """Return the bytes of a file that the user named; read a pipe to its end.

    Args:
        path: the file.
        what: its purpose, for messages, such as `reference image`.
        limit: the most bytes that it may have.

    Raises:
        UsageError: it is missing, a folder, not readable, or too large.
        LocalFileError: the device failed, or the memory does not suffice.
    """
    try:
        with path.open("rb") as file:
            data = system.read_stream(file, limit, os.fstat(file.fileno()).st_size)
    except MemoryError:
        raise LocalFileError(
            f"{what} {path}: does not fit into memory", hint="end other programs, or lift a ulimit"
        ) from None
    except (OSError, ValueError) as error:
        # A failing device is not the user's mistake; all else is about the path.
        kind = LocalFileError if _number(error) == errno.EIO else UsageError
        raise kind(f"{what} {path}: {_reason(error)}", hint="check the path") from error
    if len(data) > limit:
        raise UsageError(f"{what} {path}: larger than {limit} bytes", hint="check the path")
    return data


def keep_copy(path: Path, what: str, suffix: str) -> None:
    """Keep a copy beside a file that ends in a suffix: `fox.old-1.png`, or another free number."""
    data, stem = read(path, what), path.name.removesuffix(suffix)
    for number in count(1):
        with suppress(OutputExists):
            create(path.with_name(f"{stem}.old-{number}{suffix}"), data)
            return


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise LocalFileError(f"{path} cannot be written: {_reason(error)}") from error


def _number(error: OSError | ValueError) -> int | None:
    # ValueError: a NUL or half a surrogate pair in the path.
    return error.errno if isinstance(error, OSError) else errno.EINVAL


def _reason(error: OSError | ValueError) -> str:
    return _REASONS.get(_number(error) or 0) or os.strerror(_number(error) or 0).lower()


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """Return the path behind all links, and its status if it exists.

    Raises:
        OSError: it is not a file.
    """
    target = Path(os.path.realpath(path))
    try:
        status = target.lstat()
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: errno.EISDIR, stat.S_IFLNK: errno.ELOOP}
        raise OSError(kinds.get(stat.S_IFMT(status.st_mode), errno.ENODEV), "not a regular file")
    return target, status


def _publish(sibling: Path, path: Path) -> None:
    """Give the sibling its final name. Raise FileExistsError if that is taken."""
    try:
        os.link(sibling, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim(sibling, path)
    _sync_name(path)


def _claim(sibling: Path, path: Path) -> None:
    """Do the same without hard links.

    An empty file takes the name, which only one process can do, and is then replaced. A reader may
    see it empty for an instant, and a power cut in that instant leaves it so; such file systems
    offer nothing better that works on all of them.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        sibling.replace(path)
    except BaseException:
        path.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; Windows opens no folders.

    Raises:
        OSError: the file system cannot do this.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_name(path: Path) -> None:
    """Make a name survive a power cut, if the file system can: the file is whole by now."""
    with suppress(OSError):
        sync_folder(path.parent)
