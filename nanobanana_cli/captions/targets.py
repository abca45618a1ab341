"""Decide whether the arguments of `nb caption` are a prompt or existing images.

A prompt costs money, so whatever may be meant as a file is taken for one.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from nanobanana_cli.errors import LocalFileError, UsageError
from nanobanana_cli.generation.inputs import REFERENCE_TYPES
from nanobanana_cli.generation.remote import is_address, shown
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX

# Files that the service accepts; folders and patterns are searched for these.
SUFFIXES = (
    *(suffix for suffix, name in FORMAT_OF_SUFFIX.items() if f"image/{name}" in REFERENCE_TYPES),
    *(".heic", ".heif"),
)
# Those of other images, which nb knows but does not send.
OTHER_SUFFIXES = (".gif", ".bmp", ".tif", ".tiff", ".avif", ".svg", ".ico", ".jfif", ".jxl")
# One word with a folder in it or an ending: `img/fox`, `fox.pgn`.
_FILE_LIKE = re.compile(r"\S*[/\\]\S*|\S+\.[A-Za-z]\w{1,4}")


class Images(msgspec.Struct, frozen=True):
    """Existing images, in the order of the arguments.

    Args:
        paths: each once; `-` is stdin.
        is_single: one file was named, so its text is printed without a path.
    """

    paths: tuple[str, ...]
    is_single: bool


def is_prompt(targets: Sequence[str]) -> bool:
    """Return whether the arguments are a prompt: a single one that cannot be meant as a file."""
    return len(targets) == 1 and targets[0] != "-" and not _is_file_like(targets[0])


def find(
    targets: Sequence[str], *, recursive: bool, suffixes: tuple[str, ...] = SUFFIXES
) -> Images:
    """Return the images that the arguments name: files, folders, patterns, `-`.

    Args:
        targets: the arguments.
        recursive: search folders.
        suffixes: what files in folders and patterns end in.

    Raises:
        UsageError: an argument names no image.
        LocalFileError: a folder cannot be searched.
    """
    paths: dict[str, str] = {}
    for target in targets:
        for path in _expanded(target, suffixes, recursive=recursive):
            paths.setdefault("-" if path == "-" else str(Path(path).absolute()), path)
    named = len(targets) == 1 and (targets[0] == "-" or Path(targets[0]).is_file())
    return Images(tuple(paths.values()), is_single=named)


def _is_file_like(target: str) -> bool:
    text = target.strip()
    return (
        os.path.lexists(target)
        or text.lower().endswith((*SUFFIXES, *OTHER_SUFFIXES, "/", os.sep))
        or _FILE_LIKE.fullmatch(text) is not None
    )


def _expanded(target: str, suffixes: tuple[str, ...], *, recursive: bool) -> list[str]:
    if target == "-" or (os.path.lexists(target) and not Path(target).is_dir()):
        return [target]
    if is_address(target):
        raise UsageError(
            f"{shown(target)} is an address, not a file", hint="download it, and name the file"
        )
    if Path(target).is_dir():
        if not recursive:
            raise UsageError(f"{target} is a folder", hint="use -r to include the images in it")
        found = list(_walk(target, suffixes))
    elif glob.has_magic(target):
        matches = glob.glob(target, recursive=True)  # noqa: PTH207
        found = sorted(path for path in matches if _is_image(path, suffixes))
    else:
        raise UsageError(
            f"{target}: no such image",
            hint="put a prompt of several words in quotes; pass one that looks like a file name "
            "with --prompt-file",
        )
    if not found:
        raise UsageError(f"{target}: no images found", hint=f"images end in {', '.join(SUFFIXES)}")
    return found


def _is_image(path: str, suffixes: tuple[str, ...]) -> bool:
    return path.lower().endswith(suffixes) and Path(path).is_file()


def _walk(folder: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the images below a folder, sorted, without hidden ones and links to folders."""
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = str(Path(root, name))
            if not name.startswith(".") and _is_image(path, suffixes):
                yield path


def _refuse(error: OSError) -> None:
    raise LocalFileError(
        f"cannot search {error.filename}: {str(error.strerror).lower()}"
    ) from error
