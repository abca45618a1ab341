"""Completion scripts for four shells, written from the command tree.

They are static: pressing TAB starts no Python. Typer's own scripts start it every time, do not
know that Bash breaks words at the colon of `16:9`, and have a blank first line, which Zsh takes
for an empty file.
"""

from nanobanana_cli.completion.scripts import FILES, script
from nanobanana_cli.completion.values import SHELLS

__all__ = ["FILES", "SHELLS", "script"]
