"""`python -m nanobanana_cli.completion FOLDER` writes all four scripts there."""

from __future__ import annotations

import sys
from pathlib import Path

from nanobanana_cli.cli import command_tree
from nanobanana_cli.completion import FILES, script


def main(folder: Path) -> None:
    """Write the scripts.

    Args:
        folder: where; it has to exist.
    """
    tree = command_tree()
    for shell, name in FILES.items():
        (folder / name).write_text(script(shell, tree), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
