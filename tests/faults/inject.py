"""Errors of the system, injected where Python calls it: a `sitecustomize` for one run of `nb`.

A disk that is full or read-only takes a mount, which not every machine allows; the error that the
system reports for it does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from faults.lab import Bench
from support.python import ROOT

_SITE = """
import io, json, os

fault = json.loads(os.environ["NB_FAULT"])
calls = fault["calls"]


def begun():
    return not fault["once"] or os.path.exists(fault["once"])


def meets(call, path):
    under = tuple(fault["under"])
    if call in calls and os.path.abspath(os.fspath(path)).startswith(under) and begun():
        raise OSError(calls[call], os.strerror(calls[call]))


def failing(call, real, at):
    def wrapper(*args, **options):
        path = args[at]
        meets(call, os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else path)
        return real(*args, **options)
    return wrapper


class File(io.FileIO):
    def __init__(self, path, mode="r", *args, **options):
        if not isinstance(path, int) and mode != "r":
            meets("open", path)
        super().__init__(path, mode, *args, **options)

    def write(self, data):
        if not isinstance(self.name, int) and len(data):
            meets("write", self.name)
        return super().write(data)


def twin(path):
    folder, name = os.path.split(os.path.abspath(os.fspath(path)))
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [each for each in names if each.lower() == name.lower()]
    return os.path.join(folder, found[0]) if found else path


io.FileIO = File
os.link = failing("link", os.link, 1)
os.replace = failing("replace", os.replace, 1)
os.fsync = failing("fsync", os.fsync, 0)
if fault["twins"]:
    lexists, link = os.path.lexists, os.link
    os.path.lexists = lambda path: lexists(twin(path))
    os.link = lambda old, new: link(old, twin(new))
"""


def injected(
    *,
    at_once: bool = False,
    at_home: bool = False,
    twins: bool = False,
    **calls: int,
) -> Callable[[Bench], dict[str, Any]]:
    """Return options for a run in which calls of the system fail in the work folder.

    Args:
        at_once: from the start; else once the file `once` is there.
        at_home: in the home as well.
        twins: names that differ in case alone are the same.
        calls: `open` (to write), `write`, `link`, `replace` or `fsync`, and the error of each.
    """

    def options(bench: Bench) -> dict[str, Any]:
        site = bench.folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_SITE)
        fault = {
            "calls": calls,
            "under": [str(bench.work), *([str(bench.home)] if at_home else [])],
            "once": None if at_once else str(bench.folder / "once"),
            "twins": twins,
        }
        return {"env": {"NB_FAULT": json.dumps(fault), "PYTHONPATH": f"{site}:{ROOT}"}}

    return options
