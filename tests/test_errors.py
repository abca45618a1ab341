from __future__ import annotations

import gc
import importlib
import pkgutil
import re
import weakref
from collections.abc import Iterator

import nanobanana_cli
from nanobanana_cli import errors
from nanobanana_cli.errors import BadReply, Interrupted, NbBaseError, NbError


class _Large:
    """Stands for a reply of many megabytes."""


def _fail() -> tuple[NbError, weakref.ref[_Large]]:
    large = _Large()
    watched = weakref.ref(large)
    try:
        try:
            raise ValueError("damaged")
        except ValueError as error:
            raise BadReply("no image") from error
    except NbError as error:
        return error.released(), watched


def test_an_error_that_is_kept_keeps_nothing_else_alive() -> None:
    error, watched = _fail()
    gc.collect()
    assert watched() is None
    assert isinstance(error.__cause__, ValueError)


def test_nobody_who_catches_exceptions_swallows_a_signal() -> None:
    assert not issubclass(Interrupted, Exception)


def _drawn() -> list[tuple[str, ...]]:
    """The lines of the tree: parent, name, exit status, kind, charge."""
    lines = [line for line in (errors.__doc__ or "").splitlines() if line.startswith("    ")]
    path = ["NbBaseError"]
    tree = []
    for line in lines:
        match = re.fullmatch(r"    ([│├└─ ]*)(\w+) +([\d/]+)  (\w+) +([\w ]+)", line)
        assert match, line
        path[len(match[1]) // 4 + 1 :] = [match[2]]
        tree.append((path[-2], *match.groups()[1:]))
    return tree


def _defined(base: type[NbBaseError]) -> Iterator[tuple[str, ...]]:
    for kind in base.__subclasses__():
        if kind.__module__.startswith("nanobanana_cli."):
            status = "129/130/143" if kind is Interrupted else str(int(kind.code))
            charge = kind.charged.sentence.lower().rstrip(".")
            yield base.__name__, kind.__name__, status, kind.kind, charge
            yield from _defined(kind)


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    for module in pkgutil.walk_packages(nanobanana_cli.__path__, "nanobanana_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert sorted(_drawn()) == sorted(_defined(NbBaseError))
