"""What the arguments of `nb caption` mean: a prompt, or images that are there already.

A prompt costs money, so whatever could be meant as a file is taken for one.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from nanobanana_cli.errors import LocalFileError, UsageError

# What the service takes, as files are named; folders and patterns are searched for these.
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif")
_OTHER_SUFFIXES = (".gif", ".bmp", ".tif", ".tiff", ".avif", ".svg", ".ico", ".jfif", ".jxl")
# One word with a folder in it or an ending: `img/fox`, `fox.pgn`.
_FILE_LIKE = re.compile(r"\S*[/\\]\S*|\S+\.[A-Za-z]\w{1,4}")


class Images(msgspec.Struct, frozen=True):
    """Existing images, in the order of the arguments.

    Args:
        paths: each once; `-` is stdin.
        is_single: one file was named, so its text can stand alone.
    """

    paths: tuple[str, ...]
    is_single: bool


def is_prompt(targets: Sequence[str]) -> bool:
    """Whether the arguments are a prompt: a single one that nobody can have meant as a file."""
    return len(targets) == 1 and targets[0] != "-" and not _is_file_like(targets[0])


def find(targets: Sequence[str], *, recursive: bool) -> Images:
    """The images that the arguments name: files, folders (with `recursive`), patterns, `-`.

    Raises:
        UsageError: an argument names none.
        LocalFileError: a folder cannot be searched.
    """
    paths: dict[str, str] = {}
    for target in targets:
        for path in _expanded(target, recursive=recursive):
            paths.setdefault("-" if path == "-" else str(Path(path).absolute()), path)
    named = len(targets) == 1 and (targets[0] == "-" or Path(targets[0]).is_file())
    return Images(tuple(paths.values()), is_single=named)


def _is_file_like(target: str) -> bool:
    text = target.strip()
    return (
        os.path.lexists(target)
        or text.lower().endswith((*SUFFIXES, *_OTHER_SUFFIXES, "/", os.sep))
        or _FILE_LIKE.fullmatch(text) is not None
    )


def _expanded(target: str, *, recursive: bool) -> list[str]:
    if target == "-" or (os.path.lexists(target) and not Path(target).is_dir()):
        return [target]
    if Path(target).is_dir():
        if not recursive:
            raise UsageError(f"{target} is a folder", hint="-r takes the images in it")
        found = list(_walk(target))
    elif glob.has_magic(target):
        found = sorted(path for path in glob.glob(target, recursive=True) if _is_image(path))  # noqa: PTH207
    else:
        raise UsageError(
            f"{target}: no such image",
            hint="a prompt of several words is put in quotes, and one that looks like a file name "
            "comes from --prompt-file",
        )
    if not found:
        raise UsageError(f"{target}: no image there", hint=f"one of {' '.join(SUFFIXES)}")
    return found


def _is_image(path: str) -> bool:
    return path.lower().endswith(SUFFIXES) and Path(path).is_file()


def _walk(folder: str) -> Iterator[str]:
    """The images below a folder, sorted; nothing hidden, and no links to other folders."""
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = str(Path(root, name))
            if not name.startswith(".") and _is_image(path):
                yield path


def _refuse(error: OSError) -> None:
    raise LocalFileError(f"{error.filename}: cannot be searched: {error.strerror}") from error
