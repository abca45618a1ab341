"""Judge defects in one process that has collected the tests: a pytest plugin.

A fresh pytest takes seconds to start, and most defects fall within milliseconds. So this process
collects all tests once and then, for each defect that it is told of, forks: the child puts the
changed code into the functions that it loaded, and runs the tests that reach the defect until one
fails. The changed file is on the disk meanwhile, for tests that start processes of their own.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import resource
import shutil
import signal
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import pytest
from _pytest.runner import runtestprotocol

# Bytes: far more than any test takes, so that a list that grows in an endless loop fails.
_MOST_MEMORY = 4 << 30


class NotInAFunction(Exception):
    """The defect is in code that ran when the module was imported."""


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Judge one defect after another, as the process at the other end of two pipes says."""
    orders = os.fdopen(int(os.environ["NB_MUTATION_ORDERS"]))
    answers = os.fdopen(int(os.environ["NB_MUTATION_ANSWERS"]), "w")
    items = {item.nodeid: item for item in session.items}
    for path in Path("nanobanana_cli").rglob("*.py"):
        if not path.stem.startswith("__"):
            importlib.import_module(".".join(path.with_suffix("").parts))
    gc.collect()
    gc.freeze()
    print(json.dumps({"collected": len(items)}), file=answers, flush=True)
    for line in orders:
        order = json.loads(line)
        tests = [items[name] for name in order["tests"] if name in items]
        print(json.dumps(_judged(order, tests)), file=answers, flush=True)
    return True


def _judged(order: Mapping[str, Any], tests: Sequence[pytest.Item]) -> dict[str, Any]:
    """Fork a child that tries the tests, and return its verdict."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        os.setsid()
        # Nobody else ends a loop without an end.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(order["limit"])
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
        # Whatever is raised, the rest of pytest is the parent's.
        try:
            with os.fdopen(writer, "w") as file:
                _try(order, tests, file)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as file:
        verdict = file.read()
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    shutil.rmtree(os.environ["PYTEST_DEBUG_TEMPROOT"], ignore_errors=True)
    Path(os.environ["PYTEST_DEBUG_TEMPROOT"]).mkdir()
    if verdict:
        found: dict[str, Any] = json.loads(verdict)
        return found
    return {"outcome": "hangs" if os.WTERMSIG(status) == signal.SIGALRM else "killed", "by": None}


def _try(order: Mapping[str, Any], tests: Sequence[pytest.Item], file: TextIO) -> None:
    try:
        if order["change"]:
            _change(order["path"], order["change"])
    except NotInAFunction:
        json.dump({"outcome": "not in a function"}, file)
        return
    for item, following in zip(tests, [*tests[1:], None], strict=True):
        reports = runtestprotocol(item, log=False, nextitem=following)
        if any(report.failed for report in reports):
            json.dump({"outcome": "killed", "by": item.nodeid}, file)
            return
    json.dump({"outcome": "survived", "tests": len(tests)}, file)


def _change(path: str, changed: str) -> None:
    """Give the loaded functions of a file the code of its changed text.

    Raises:
        NotInAFunction: the texts differ outside of functions, or in their defaults.
    """
    old = compile(Path(path).read_text(), path, "exec")
    new = compile(changed, path, "exec")
    Path(path).write_text(changed)
    gc.unfreeze()
    loaded = {
        (found.__code__.co_qualname, found.__code__.co_firstlineno): found
        for found in gc.get_objects()
        if isinstance(found, types.FunctionType) and found.__code__.co_filename == path
    }
    changes = list(_differing(old, new))
    if not changes:
        raise NotInAFunction
    for function in changes:
        found = loaded.get((function.co_qualname, function.co_firstlineno))
        if found is None or len(found.__code__.co_freevars) != len(function.co_freevars):
            raise NotInAFunction
        found.__code__ = function


def _differing(old: types.CodeType, new: types.CodeType) -> Iterator[types.CodeType]:
    """Yield the outermost functions that differ; classes are looked into.

    Raises:
        NotInAFunction: other code differs.
    """
    if old.co_code != new.co_code or len(old.co_consts) != len(new.co_consts):
        raise NotInAFunction
    for before, after in zip(old.co_consts, new.co_consts, strict=True):
        if before == after:
            continue
        if not isinstance(before, types.CodeType) or not isinstance(after, types.CodeType):
            raise NotInAFunction
        if before.co_flags & inspect.CO_OPTIMIZED:  # A function, not a class.
            yield after
        else:
            yield from _differing(before, after)
