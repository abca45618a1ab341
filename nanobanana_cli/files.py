"""Local files: writes that are whole or did not happen, and errors in plain words.

A file gets its name only when all its bytes are on the disk: they go to a hidden sibling first,
which is then linked to the name (that must be free) or moved onto it (that may be taken). Every way
out removes the sibling. The errors say `Not charged.`; who has paid by then says so instead.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from nanobanana_cli import system
from nanobanana_cli.errors import LocalFileError, OutputExists, UsageError
from nanobanana_cli.types import Data

# What Google takes in one request; more than that is no reference image and no prompt.
READ_LIMIT = 100_000_000

_REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it is larger than files may be here",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead in a circle",
    errno.EIO: "the device reports an error",
    errno.ENODEV: "it is a device or a pipe, no file",
    errno.EINVAL: "the name has a character that names cannot have",
}
# What file systems without hard links (FAT, exFAT, many network and FUSE mounts) answer to `link`.
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
)


def taken(path: Path) -> bool:
    """Whether something has this name already, be it a link that leads nowhere."""
    return os.path.lexists(path)


def create(path: Path, data: Data) -> None:
    """Writes a new file, whole, with the mode that the umask gives.

    Args:
        path: its name, which must be free; a link that leads nowhere is not.
        data: its bytes.

    Raises:
        OutputExists: the name is taken, even if it was free a moment ago.
        LocalFileError: it cannot be written; nothing is left behind.
    """
    with _plain_errors(path), _sibling(path.parent, data, 0o666) as sibling:
        try:
            _publish(sibling, path)
        except FileExistsError:
            raise OutputExists(f"{path} exists already") from None


def create_unique(folder: Path, stem: str, suffix: str, data: Data) -> Path:
    """Writes a new file under the first free name of `stem.png`, `stem-2.png`, `stem-3.png` …

    Any number of threads and processes may do so at once.

    Args:
        folder: where; it must exist.
        stem, suffix: the two parts of the name, such as `a-red-fox` and `.png`.
        data: as for `create`.

    Returns:
        The path that it got.

    Raises:
        LocalFileError: it cannot be written; nothing is left behind.
    """
    with (
        _plain_errors(folder / f"{stem}{suffix}"),
        _sibling(folder, data, 0o666) as sibling,
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
    """Writes a file, whole, in place of what has its name, if anything has.

    A link is followed: the file that it leads to is replaced, and keeps its mode.

    Args:
        path, data: as for `create`.

    Raises:
        LocalFileError: it cannot be written, or is a folder, a device or a pipe; what was there is
            as it was.
    """
    with _plain_errors(path):
        target, mode = _target(path)
        with _sibling(target.parent, data, 0o666 if mode is None else mode, exact=mode) as sibling:
            sibling.replace(target)
            _sync_folder(target.parent)


def write_private(path: Path, data: Data) -> None:
    """Writes a file that its owner alone may read, from its first byte on, in place of any other.

    A link is followed. Folders that are missing are made, for the owner alone.

    Raises:
        LocalFileError: it cannot be written; what was there is as it was.
    """
    with _plain_errors(path):
        target, _ = _target(path)
        for folder in (*reversed(target.parent.parents), target.parent):
            folder.mkdir(0o700, exist_ok=True)
        with _sibling(target.parent, data, 0o600) as sibling:
            sibling.replace(target)
            _sync_folder(target.parent)


def check_folder(folder: Path) -> None:
    """Passes a folder that files can be written to, as shown by making an empty one for a moment.

    Asking for permission instead is wrong for root, on read-only mounts, and with access lists.

    Raises:
        LocalFileError: it is missing, no folder, or cannot be written to.
    """
    try:
        with _plain_errors(folder), _sibling(folder, b"", 0o600):
            pass
    except LocalFileError as error:
        if not isinstance(error.__cause__, FileNotFoundError) or os.path.lexists(folder):
            raise
        from shlex import quote

        raise LocalFileError(
            f"{folder}: no such folder", hint=f"make it first: mkdir -p {quote(str(folder))}"
        ) from error.__cause__


def check_output(path: Path) -> None:
    """Passes a path that `create` or `replace` can be expected to write, before a call is paid.

    Raises:
        LocalFileError: its folder is missing or cannot be written to, its name is too long or
            otherwise impossible, or it is a folder, a device or a pipe.
    """
    with _plain_errors(path):
        target, _ = _target(path)
    check_folder(target.parent if path.is_symlink() else path.parent)


def read(path: Path, what: str, *, limit: int = READ_LIMIT) -> bytes:
    """The bytes of a file that the user named; a pipe is read to its end.

    Args:
        path: the file.
        what: what it is to be, for messages, such as `reference image`.
        limit: the most bytes that it may have.

    Raises:
        UsageError: it is missing, a folder, not readable, or too large.
        LocalFileError: the device fails while it is read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        # A device that fails is nobody's mistake; all else is about what was named.
        kind = LocalFileError if _number(error) == errno.EIO else UsageError
        raise kind(f"{what} {path}: {_reason(error)}", hint="check the path") from error
    if len(data) > limit:
        raise UsageError(f"{what} {path}: larger than {limit} bytes", hint="check the path")
    return data


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise LocalFileError(f"{path} cannot be written: {_reason(error)}") from error


def _number(error: OSError | ValueError) -> int | None:
    # The ValueError is about a NUL or half a surrogate pair in the path.
    return error.errno if isinstance(error, OSError) else errno.EINVAL


def _reason(error: OSError | ValueError) -> str:
    return _REASONS.get(_number(error) or 0) or os.strerror(_number(error) or 0).lower()


def _target(path: Path) -> tuple[Path, int | None]:
    """What a path leads to, and its mode if it is there. Raises OSError if it is no file."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: errno.EISDIR, stat.S_IFLNK: errno.ELOOP}
        raise OSError(kinds.get(stat.S_IFMT(mode), errno.ENODEV), "no regular file")
    return target, mode & 0o777


@contextmanager
def _sibling(folder: Path, data: Data, mode: int, *, exact: int | None = None) -> Iterator[Path]:
    """A hidden file with all of `data` on the disk, gone again afterwards unless it was moved.

    Args:
        mode: to be born with, less the umask.
        exact: to have in the end, whatever the umask.
    """
    path = folder / f".nb-{os.urandom(8).hex()}.tmp"
    try:
        with open(path, "xb", buffering=0, opener=partial(os.open, mode=mode)) as file:
            if exact is not None:
                path.chmod(exact)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            if data:
                os.fsync(file.fileno())
        yield path
    finally:
        with suppress(OSError, ValueError):
            path.unlink()


def _publish(sibling: Path, path: Path) -> None:
    """Gives the sibling's bytes a name. Raises FileExistsError if it is taken."""
    try:
        os.link(sibling, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim(sibling, path)
    _sync_folder(path.parent)


def _claim(sibling: Path, path: Path) -> None:
    """`_publish` where there are no hard links.

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


def _sync_folder(folder: Path) -> None:
    """Has the name survive a power cut, too.

    The file is there and whole by now, so a file system that cannot do this is no failure.
    """
    with suppress(OSError):
        system.sync_folder(folder)
