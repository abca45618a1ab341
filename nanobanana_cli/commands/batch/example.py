"""Write the example manifest."""

from __future__ import annotations

from importlib.resources import files as resources
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.errors import OutputExists, UsageError
from nanobanana_cli.ui.terminal import Terminal

_EXAMPLE = "images.toml"


def write(name: str | None, terminal: Terminal) -> None:
    """Write the example manifest.

    Raises:
        UsageError: the name does not end in `.toml`.
        OutputExists: the file exists.
    """
    path = Path(name or _EXAMPLE)
    if path.suffix.lower() != ".toml":
        raise UsageError(f"{path}: the name must end in .toml", hint=f"nb batch --init {_EXAMPLE}")
    example = resources("nanobanana_cli.batch").joinpath("example.toml").read_bytes()
    try:
        files.create(path, example)
    except OutputExists as error:
        raise OutputExists(error.message, hint="nb batch --init more.toml") from None
    terminal.result(str(path))
    terminal.note(f"try it, free and offline: nb batch {path} --provider sandbox")
