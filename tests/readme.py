"""The parts of the README that follow from the code: `python tests/readme.py` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def generated(text: str) -> str:
    """The README's text with its generated parts made anew."""
    for name, lines in (("faults", _faults()), ("help", _screens())):
        head, _, rest = text.partition(f"<!-- {name} -->")
        _, _, tail = rest.partition(f"<!-- /{name} -->")
        text = "\n".join([f"{head}<!-- {name} -->", "", *lines, "", f"<!-- /{name} -->{tail}"])
    return text


def _faults() -> Iterator[str]:
    from nanobanana_cli.sandbox.faults import FAULTS

    yield "| fault | what it does |"
    yield "|---|---|"
    for name, what in FAULTS.items():
        yield f"| `{name}` | {_cell(what)} |"


def _screens() -> Iterator[str]:
    from typer import Context

    from nanobanana_cli.cli import command_tree
    from nanobanana_cli.ui import help as screens

    look = screens.Look(width=100, color=False, unicode=True)
    group = command_tree()
    for path, command, ctx in _walk(group, Context(group, info_name="nb"), "nb"):
        yield f"### `{path}`"
        yield "```text"
        yield from (line.rstrip() for line in screens.screen(command, ctx, look).splitlines())
        yield "```"


def _walk(group: Any, ctx: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Each command that is no group, with its context and the words that lead to it."""
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        inner = command.make_context(name, [], parent=ctx, resilient_parsing=True)
        if hasattr(command, "list_commands"):
            yield from _walk(command, inner, f"{path} {name}")
        else:
            yield f"{path} {name}", command, inner


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    README.write_text(generated(README.read_text("utf-8")), "utf-8")
