"""The recipes of docs/ci.md: files that follow their schemas, whose every command runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support import docs
from support.reader import Reader
from support.tools import require

_PAGE = docs.ROOT / "docs" / "ci.md"
_PACKAGE = "nanobanana-wisgate"
_MARK = "recipe: "
RECIPES = {
    mark.removeprefix(_MARK): block.text
    for block in docs.blocks(_PAGE)
    for mark in block.marks
    if mark.startswith(_MARK)
}
_SCHEMAS = {".github/workflows": "vendor.github-workflows", ".gitlab-ci": "vendor.gitlab-ci"}
_SITE = """
cat > images.toml <<'END'
[[image]]
prompt = "a red fox"
output = "static/img/fox.png"
alt = true
END
rm -r static
nb batch images.toml
"""
# A site with everything there has one image, and its text.
_BREAK = "rm static/img/fox.png static/img/fox.alt.txt"


def _yaml(name: str) -> Any:
    return YAML(typ="safe").load(RECIPES[name])


def _workflow(name: str) -> Iterator[str]:
    for job in _yaml(name)["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def _gitlab(name: str) -> Iterator[str]:
    for job in _yaml(name).values():
        yield from (*job["before_script"], *job["script"])


def _pre_commit(name: str) -> Iterator[str]:
    files = ["static/img/fox.png", "images.toml"]
    for repository in _yaml(name)["repos"]:
        for hook in repository["hooks"]:
            assert hook["additional_dependencies"] == [_PACKAGE]
            chosen = [file for file in files if re.search(hook.get("files", ""), file)]
            passed = chosen if hook.get("pass_filenames", True) else []
            yield shlex.join([*shlex.split(hook["entry"]), *passed])


def _make(name: str) -> Iterator[str]:
    require("make")
    yield from (
        f"make {target}" for target in re.findall(r"^([\w-]+):", RECIPES[name], re.MULTILINE)
    )


def _npm(name: str) -> Iterator[str]:
    require("npm")
    yield from (f"npm run --silent {script}" for script in json.loads(RECIPES[name])["scripts"])


_COMMANDS = {
    ".github/workflows/images.yml": _workflow,
    ".github/workflows/make-images.yml": _workflow,
    ".gitlab-ci.yml": _gitlab,
    ".pre-commit-config.yaml": _pre_commit,
    "Makefile": _make,
    "package.json": _npm,
}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader with the recipes in the folder of a site, and installers that need no network."""
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    for name, text in RECIPES.items():
        path = folder / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for installer in ("pip", "pipx"):
        program = folder / "bin" / installer
        program.write_text(f'#!/bin/sh\ntest "$*" = "install {_PACKAGE}"\n')
        program.chmod(0o755)
    status, printed = reader.script(_SITE)
    assert status == 0, printed
    return reader


def test_every_block_of_the_page_is_a_recipe_that_runs() -> None:
    assert set(RECIPES) == set(_COMMANDS)
    others = [block for block in docs.blocks(_PAGE) if block.text not in RECIPES.values()]
    assert all(block.is_run for block in others)


def test_the_package_is_named_as_it_is() -> None:
    assert f'name = "{_PACKAGE}"' in (docs.ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith(tuple(_SCHEMAS))])
def test_a_recipe_follows_the_schema_of_its_service(name: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECIPES[name])
    schema = next(schema for start, schema in _SCHEMAS.items() if name.startswith(start))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", RECIPES)
def test_every_command_of_a_recipe_runs(reader: Reader, name: str) -> None:
    commands = list(_COMMANDS[name](name))
    assert commands
    for command in commands:
        # A runner would fill in an expression, which a quote in it could leave.
        assert "${{" not in command
        status, printed = reader.script(command)
        assert status == 0, f"{command}\n{printed}"
    # What has nothing to make or to say of a whole site makes or says it of another.
    status, printed = reader.script(_BREAK)
    assert status == 0, printed
    statuses = [reader.script(command)[0] for command in commands if "install" not in command]
    checks = [status for status in statuses if status]
    assert checks or (reader.script("test -f static/img/fox.png")[0] == 0)
