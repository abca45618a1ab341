"""The recipes of two pages: files that follow their schemas, whose every command runs."""

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

_PACKAGE = "nanobanana-wisgate"
_MARK = "recipe: "
# Page and file → its content.
RECIPES = {
    (page, mark.removeprefix(_MARK)): block.text
    for page in ("ci.md", "captions.md")
    for block in docs.blocks(docs.ROOT / "docs" / page)
    for mark in block.marks
    if mark.startswith(_MARK)
}
_SCHEMAS = {".github/workflows": "vendor.github-workflows", ".gitlab-ci": "vendor.gitlab-ci"}
_SITES = {
    "ci.md": """
cat > images.toml <<'END'
[[image]]
prompt = "a red fox"
output = "static/img/fox.png"
alt = true
END
rm -r static
nb batch images.toml
""",
    # As Hugo, Eleventy and Astro have pages and images.
    "captions.md": """
mkdir -p layouts src/img eleventy/src astro/src/pages astro/public
cp -r static/img eleventy/src
cp -r static/img astro/public
for page in content/fox.md layouts/home.html eleventy/src/fox.md astro/src/pages/fox.md; do
    echo '<img src="/img/fox.png" alt="A red fox">' > $page
done
""",
}
# A site with everything there has one image, and its text; or pages with all texts.
_BREAKS = {
    "ci.md": "rm static/img/fox.png static/img/fox.alt.txt",
    "captions.md": """
for page in content/fox.md eleventy/src/fox.md astro/src/pages/fox.md; do
    echo '![](/img/fox.png)' > $page
done
""",
}


def _yaml(text: str) -> Any:
    return YAML(typ="safe").load(text)


def _workflow(text: str) -> Iterator[str]:
    for job in _yaml(text)["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def _gitlab(text: str) -> Iterator[str]:
    for job in _yaml(text).values():
        yield from (*job["before_script"], *job["script"])


def _pre_commit(text: str) -> Iterator[str]:
    files = ["static/img/fox.png", "images.toml", "content/fox.md"]
    for repository in _yaml(text)["repos"]:
        for hook in repository["hooks"]:
            assert hook["additional_dependencies"] == [_PACKAGE]
            chosen = [file for file in files if re.search(hook.get("files", ""), file)]
            passed = chosen if hook.get("pass_filenames", True) else []
            yield shlex.join([*shlex.split(hook["entry"]), *passed])


def _make(text: str) -> Iterator[str]:
    require("make")
    yield from (f"make {target}" for target in re.findall(r"^([\w-]+):", text, re.MULTILINE))


def _npm(text: str) -> Iterator[str]:
    require("npm")
    yield from (f"npm run --silent {script}" for script in json.loads(text)["scripts"])


_COMMANDS = {
    ".github/workflows/images.yml": _workflow,
    ".github/workflows/make-images.yml": _workflow,
    ".github/workflows/alt-text.yml": _workflow,
    ".gitlab-ci.yml": _gitlab,
    ".pre-commit-config.yaml": _pre_commit,
    "Makefile": _make,
    "package.json": _npm,
    "eleventy/package.json": _npm,
    "astro/package.json": _npm,
}


def _reader(folder: Path, page: str) -> Reader:
    """Return a reader with the recipes of a page in the folder of a site.

    Installers need no network, and generators only end well.
    """
    folder.mkdir()
    reader = Reader(folder)
    for (of, name), text in RECIPES.items():
        if of == page:
            path = folder / "work" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for installer in ("pip", "pipx"):
        program = folder / "bin" / installer
        program.write_text(f'#!/bin/sh\ntest "$*" = "install {_PACKAGE}"\n')
    for generator in ("hugo", "eleventy", "astro"):
        (folder / "bin" / generator).write_text("#!/bin/sh\n")
    for program in (folder / "bin").iterdir():
        program.chmod(0o755)
    status, printed = reader.script(_SITES[page])
    assert status == 0, printed
    return reader


def _commands(page: str, name: str) -> list[str]:
    """Return the commands of a recipe, run in the folder that it is in."""
    folder = Path(name).parent
    is_in_folder = not name.startswith(".") and folder != Path()
    within = f"cd {folder} && " if is_in_folder else ""
    return [f"{within}{command}" for command in _COMMANDS[name](RECIPES[page, name])]


def test_every_block_of_the_page_is_a_recipe_that_runs() -> None:
    assert {name for _, name in RECIPES} == set(_COMMANDS)
    page = docs.ROOT / "docs" / "ci.md"
    others = [block for block in docs.blocks(page) if block.text not in RECIPES.values()]
    assert all(block.is_run for block in others)


def test_the_package_is_named_as_it_is() -> None:
    assert f'name = "{_PACKAGE}"' in (docs.ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize(
    "recipe", [each for each in RECIPES if each[1].startswith(tuple(_SCHEMAS))]
)
def test_a_recipe_follows_the_schema_of_its_service(recipe: tuple[str, str]) -> None:
    path = Path(recipe[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECIPES[recipe])
    schema = next(schema for start, schema in _SCHEMAS.items() if recipe[1].startswith(start))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("recipe", RECIPES, ids=" ".join)
def test_every_command_of_a_recipe_runs(tmp_path: Path, recipe: tuple[str, str]) -> None:
    page, _ = recipe
    reader = _reader(tmp_path / "reader", page)
    commands = _commands(*recipe)
    assert commands
    for command in commands:
        # A runner would fill in an expression, which a quote in it could leave.
        assert "${{" not in command
        status, printed = reader.script(command)
        assert status == 0, f"{command}\n{printed}"
    # What has nothing to make or to say of a whole site makes or says it of another.
    status, printed = reader.script(_BREAKS[page])
    assert status == 0, printed
    # What adds the texts comes last, after what finds that they are missing.
    commands.sort(key=lambda command: command.endswith(" alt"))
    statuses = {each: reader.script(each)[0] for each in commands if "install" not in each}
    checks = [status for status in statuses.values() if status]
    assert checks or (reader.script("test -f static/img/fox.png")[0] == 0)
    if page == "captions.md":
        assert checks
        adding = [each for each in commands if each.endswith(" alt")]
        assert all(statuses[each] == 0 for each in adding)
        assert all(reader.script(each)[0] == 0 for each in commands if adding)
