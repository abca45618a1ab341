"""Parse the settings of what is written, and of how many calls are made at once. Pure."""

from __future__ import annotations

import re
from pathlib import Path

from nanobanana_cli.errors import ConfigError
from nanobanana_cli.settings.config_files import ConfigFile
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import WRITTEN_FORMATS

MAX_CONCURRENCY = 256
FORMAT_CHOICES = ("auto", *WRITTEN_FORMATS)


def image_format(text: str) -> str:
    """Return `auto` or the name of a format that `nb` writes; `jpg` means jpeg."""
    name = text.lower().replace("jpg", "jpeg")
    if name in FORMAT_CHOICES:
        return name
    raise InvalidValue("is not a format that nb writes", hint=one_of(text, FORMAT_CHOICES))


def concurrency(text: str) -> int:
    """Return how many calls are made at once at most: 1 to 256."""
    if re.fullmatch(r"[0-9]{1,4}", text) and 1 <= int(text) <= MAX_CONCURRENCY:
        return int(text)
    hint = f"a whole number from 1 to {MAX_CONCURRENCY}"
    raise InvalidValue("is not a number of calls", hint=hint)


def folder(text: str) -> str:
    """Return the path of a folder, with `~` replaced by the user's home."""
    if not text.strip() or "\0" in text:
        raise InvalidValue("is not a folder", hint="such as ~/Pictures")
    try:
        return str(Path(text).expanduser())
    except RuntimeError:
        raise InvalidValue("is in a home folder that cannot be found", hint="set HOME") from None


def within_project(path: str, project: ConfigFile) -> str:
    """Return a folder of a project file, which starts at the file's own folder.

    Raises:
        ConfigError: it leads out of there. The file comes with a repository, and must not choose
            other places to write to.
    """
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ConfigError(
            f"output-folder in {project.where('output-folder')}, leads out of the project's folder",
            hint="name a folder in it, such as images",
        )
    return str(project.path.parent / path)
