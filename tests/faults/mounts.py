"""Real file systems that are full or read-only, which one run of `nb` alone sees (Linux)."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from faults.lab import Bench
from support.tools import there

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # CLONE_NEWNS, CLONE_NEWUSER
_READ_ONLY, _REMOUNT, _BIND, _PRIVATE = 1, 32, 4096, (1 << 18) | 16384  # MS_…
# Bytes; less than an image takes.
_SMALL = 4096


def full(*names: str) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run in which folders are on disks that a page fills."""
    return lambda bench: _options(_mount_small, _made(bench, names))


def read_only(*names: str) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run in which folders cannot be written to, by nobody."""
    return lambda bench: _options(_mount_fixed, _made(bench, names))


def _made(bench: Bench, names: tuple[str, ...]) -> list[Path]:
    paths = [bench.folder / name for name in names]
    for path in paths:
        path.mkdir(exist_ok=True)
    return paths


def _options(mount: Callable[[Path], None], paths: list[Path]) -> dict[str, Any]:
    there("mounting in a namespace of one's own", "mount" if _can_mount() else None)

    def prepare() -> None:
        _isolate()
        for path in paths:
            mount(path)

    return {"preexec_fn": prepare}


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


def _mount_small(path: Path) -> None:
    _mount("tmpfs", path, "tmpfs", 0, f"size={_SMALL},mode=700")


def _mount_fixed(path: Path) -> None:
    _mount(str(path), path, "", _BIND)
    _mount(str(path), path, "", _BIND | _REMOUNT | _READ_ONLY)


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    words = (each.encode() for each in (source, str(target), kind))
    _call("mount", *words, ctypes.c_ulong(flags), options.encode())


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
