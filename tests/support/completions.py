"""Write the scripts in `completions/` and the pages in `man/` from the command tree.

python tests/support/completions.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "completions"
MAN = ROOT / "man"
COMMAND = "python tests/support/completions.py"


def main() -> None:
    """Write the script of each shell and the page of each command."""
    from nanobanana_cli.cli import command_tree
    from nanobanana_cli.completion import FILES, man, script

    tree = command_tree()
    for shell, name in FILES.items():
        (FOLDER / name).write_text(script(shell, tree), encoding="utf-8", newline="\n")
    pages = man.pages(tree)
    for page in MAN.iterdir():
        if page.name not in pages:
            page.unlink()
    for name, text in pages.items():
        (MAN / name).write_text(text, encoding="ascii", newline="\n")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
