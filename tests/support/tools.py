"""Independent programs that judge what `nb` writes, and devices that only Linux has."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys

import pytest

# For tests that need /dev/full, /proc or the XDG folders.
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def obey_permissions() -> None:
    """Before a program starts: let permissions hold for it, though it be root's (Linux)."""
    drop, override, read_search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_…
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop, capability, 0, 0, 0)


def limit_files(process: int, most: int) -> None:
    """Let a running process write no file above so many bytes (Linux)."""
    if sys.platform == "linux":
        resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


def require(name: str) -> str:
    """The path of an installed program.

    A machine without it skips the test, unless NB_REQUIRE_TOOLS=1 says that all are there.
    """
    return there(name, shutil.which(name))


def require_named(variable: str) -> str:
    """The path of a program that a variable of the environment names; as `require`."""
    return there(f"the program of {variable}", shutil.which(os.environ.get(variable, "")))


def there(name: str, path: str | None) -> str:
    """What is named, if it is there; else as `require`."""
    if path is None:
        if os.environ.get("NB_REQUIRE_TOOLS") == "1":
            pytest.fail(f"{name} is not installed, and NB_REQUIRE_TOOLS=1 asks for it")
        pytest.skip(f"{name} is not installed")
    return path
