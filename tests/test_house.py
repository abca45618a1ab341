"""The rules of the package's layout: imports go down, names are unique, files are short."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "nanobanana_cli"
# Lowest first; the modules of the first floor are at the package's top.
FLOORS = (
    ("__init__", "errors", "types", "money", "catalog", "suggest", "slug", "system", "files"),
    ("ui",),
    ("settings",),
    ("images",),
    ("api",),
    ("sandbox",),
    ("log",),
    ("generation",),
    ("captions",),
    ("batch",),
    ("completion",),
    ("commands",),
    ("cli",),
    ("__main__",),
    ("process",),
)
MOST_FILES_AT_THE_TOP = 12
LONGEST_FILE = 300
LONGEST_FUNCTION = 50

TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_bytes())
    for path in sorted(ROOT.rglob("*.py"))
}


def _floor(module: str) -> int:
    first, _, rest = module.partition(".")
    place = "__main__" if rest.endswith("__main__") else first
    return next(number for number, names in enumerate(FLOORS) if place in names)


def _imports(module: str) -> Iterator[str]:
    """The modules of the package that one imports, wherever in its file."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, path = name.partition(".")
            if package == ROOT.name:
                yield _module(path)


def _module(path: str) -> str:
    """The module that holds a name: `settings.Settings` is in `settings.__init__`."""
    parent = path.rpartition(".")[0]
    candidates = (path, f"{path}.__init__" if path else "", parent, f"{parent}.__init__")
    return next((name for name in candidates if name in TREES), "__init__")


GRAPH: Mapping[str, set[str]] = {module: set(_imports(module)) - {module} for module in TREES}


def test_imports_only_go_down() -> None:
    upward = [
        f"{module} imports {other}"
        for module, others in GRAPH.items()
        for other in sorted(others)
        if _floor(other) > _floor(module)
    ]
    assert not upward


def test_imports_make_no_circle() -> None:
    TopologicalSorter(GRAPH).prepare()


def test_class_names_are_unique() -> None:
    modules = defaultdict(list)
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(module)
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}


def test_few_files_are_at_the_top() -> None:
    files = sorted(path.name for path in ROOT.iterdir() if path.is_file())
    assert len(files) <= MOST_FILES_AT_THE_TOP, files


@pytest.mark.parametrize("module", TREES)
def test_files_are_short(module: str) -> None:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("module", TREES)
def test_functions_are_short(module: str) -> None:
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            # The signature of a command lists its options.
            is_command = any(arg.arg == "ctx" for arg in node.args.args)
            first = node.body[0].lineno if is_command else node.lineno
            assert (node.end_lineno or 0) - first < LONGEST_FUNCTION, node.name
