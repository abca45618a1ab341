"""Real file systems that are full or read-only, which one process alone sees (Linux)."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from support.tools import there

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
_READ_ONLY, _REMOUNT, _BIND, _PRIVATE = 1, 32, 4096, (1 << 18) | 16384  # MS_…


def small(paths: Iterable[Path], size: int) -> Callable[[], None]:
    """Return a `preexec_fn` for a process to which each folder is an empty disk of `size` bytes."""
    return _prepared(lambda path: _mount("tmpfs", path, "tmpfs", 0, f"size={size},mode=700"), paths)


def read_only(paths: Iterable[Path]) -> Callable[[], None]:
    """Return a `preexec_fn` for a process to which nobody can write into the folders."""
    return _prepared(_fix, paths)


def _prepared(mount: Callable[[Path], None], paths: Iterable[Path]) -> Callable[[], None]:
    there("mounting in a namespace of one's own", "mount" if _can_mount() else None)

    def prepare() -> None:
        _isolate()
        for path in paths:
            mount(path)

    return prepare


@cache
def _can_mount() -> bool:
    try:
        return subprocess.run(["true"], preexec_fn=_isolate, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _isolate() -> None:
    """Leave the mounts of the machine alone from here on; who is not root becomes it, inside."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _NEW_MOUNTS | (_NEW_USER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("none", Path("/"), "", _PRIVATE)


def _fix(path: Path) -> None:
    _mount(str(path), path, "", _BIND)
    _mount(str(path), path, "", _BIND | _REMOUNT | _READ_ONLY)


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    words = (each.encode() for each in (source, str(target), kind))
    _call("mount", *words, ctypes.c_ulong(flags), options.encode())


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
