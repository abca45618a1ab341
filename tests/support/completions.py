"""Write the scripts in `completions/` from the command tree.

python tests/support/completions.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "completions"
COMMAND = "python tests/support/completions.py"


def main() -> None:
    """Write the script of each shell."""
    from nanobanana_cli.cli import command_tree
    from nanobanana_cli.completion import FILES, script

    tree = command_tree()
    for shell, name in FILES.items():
        (FOLDER / name).write_text(script(shell, tree), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
