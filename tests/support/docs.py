"""The documentation: its generated parts, and the blocks that readers copy.

    python tests/support/docs.py

writes `docs/cli.md`, from what `nb … --help` prints, `docs/terminal.svg`, from what a terminal
shows, the table of faults in `docs/sandbox.md`, the tables of promises in `docs/reliability.md`,
and the output in `console` blocks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CLI = ROOT / "docs" / "cli.md"
SANDBOX = ROOT / "docs" / "sandbox.md"
RELIABILITY = ROOT / "docs" / "reliability.md"
PAGES = tuple(
    sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], key=lambda page: page.as_posix())
)

GUIDE = ROOT / "nanobanana_cli" / "skills" / "nb-images" / "SKILL.md"
WRITTEN_BY_HAND = (*(page for page in PAGES if page != CLI), GUIDE)
COMMAND = "python tests/support/docs.py"

_INTRODUCTION = (
    "What `nb --help` and `nb COMMAND --help` print at 100 columns. "
    f"`{COMMAND}` runs them and writes this page."
)
_FENCE = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Durations and file sizes differ from run to run and from machine to machine.
_VARIES = re.compile(r"\b\d+(?:\.\d+)? (?:s|kB|MB)\b|(?<= in )\d+:\d\d\b")
_MARK = re.compile(r"<!-- (.*) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        page: the file.
        line: where the fence begins, from 1.
        language: the word after the fence.
        marks: the HTML comments on the lines before the fence, such as `not run: needs a key`.
        text: what is inside.
    """

    page: Path
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def is_run(self) -> bool:
        """Return whether a test runs this block."""
        is_shell = self.language in ("sh", "console")
        return is_shell and not any(mark.startswith("not run: ") for mark in self.marks)

    @property
    def exit_status(self) -> int:
        """Return the status that `<!-- exit: N -->` states, or 0."""
        stated = [mark for mark in self.marks if mark.startswith("exit: ")]
        return int(stated[0].removeprefix("exit: ")) if stated else 0


def blocks(page: Path) -> Iterator[Block]:
    """Yield a page's fenced blocks, in order."""
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.end(1)) + 1
        yield Block(page, line, match[2], tuple(_MARK.findall(match[1])), match[3])


def steady(output: str) -> str:
    """Return output without the figures that differ from run to run."""
    return _VARIES.sub("…", output)


def cli_page() -> str:
    """Return `docs/cli.md` as it should be: each command's help, as the program prints it."""
    commands = list(_commands())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        screens = list(pool.map(_help, commands))
    names = [" ".join(("nb", *words)) for words in commands]
    contents = " · ".join(f"[{name}](#{name.replace(' ', '-')})" for name in names)
    lines = ["# Commands and options", "", _INTRODUCTION, "", contents]
    for name, screen in zip(names, screens, strict=True):
        lines += ["", f"## {name}", "", "```text", screen, "```"]
    return "\n".join(lines) + "\n"


def with_faults(text: str) -> str:
    """Return `docs/sandbox.md` with its table of faults made anew."""
    from nanobanana_cli.sandbox.faults import FAULTS

    rows = [f"| `{name}` | {what} |".replace("\n", " ") for name, what in FAULTS.items()]
    table = "\n".join(["| fault | effect |", "|---|---|", *rows])
    return _between(text, "faults", table)


def with_promises(text: str) -> str:
    """Return `docs/reliability.md` with its tables of promises made anew."""
    from faults.table import tables

    return _between(text, "promises", tables())


def _between(text: str, mark: str, content: str) -> str:
    """Return a page with other content between two comments."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{content}\n\n{end}{tail}"


def _commands() -> Iterator[tuple[str, ...]]:
    """Yield the words after `nb` that lead to each command, the groups among them."""
    from typer import Context

    from nanobanana_cli.cli import command_tree

    group = command_tree()
    yield from _under(group, Context(group, info_name="nb"), ())


def _under(command: Any, ctx: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    if not hasattr(command, "list_commands"):
        return
    for name in command.list_commands(ctx):
        inner = command.get_command(ctx, name)
        if not inner.hidden:
            context = inner.make_context(name, [], parent=ctx, resilient_parsing=True)
            yield from _under(inner, context, (*words, name))


def _help(words: tuple[str, ...]) -> str:
    """Return what `nb WORDS --help` prints, without white space at the ends of lines."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nanobanana_cli", *words, "--help"]
    run = subprocess.run(command, env=env, capture_output=True, check=True, timeout=60)
    lines = run.stdout.decode().splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _write() -> None:
    from support import readme_picture
    from support.reader import Reader

    readme_picture.main()
    CLI.write_text(cli_page(), "utf-8")
    SANDBOX.write_text(with_faults(SANDBOX.read_text("utf-8")), "utf-8")
    RELIABILITY.write_text(with_promises(RELIABILITY.read_text("utf-8")), "utf-8")
    for page in WRITTEN_BY_HAND:
        text = page.read_text("utf-8")
        with tempfile.TemporaryDirectory() as folder:
            reader = Reader(Path(folder))
            for block in blocks(page):
                if block.is_run and block.language == "sh":
                    reader.script(block.text)
                elif block.is_run:
                    shown = reader.session(block.text)
                    if steady(shown) != steady(block.text):
                        text = text.replace(block.text, shown)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    _write()
