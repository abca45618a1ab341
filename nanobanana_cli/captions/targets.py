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
from nanobanana_cli.generation.remote import is_address, shown
from nanobanana_cli.images.formats import FORMATS

# Files that can be sent, or converted; folders and patterns are searched for these.
SUFFIXES = (
    *(suffix for each in FORMATS.values() for suffix in each.suffixes),
    *(".jfif", ".heic", ".heif"),
)
# Those of other images, which nb knows but does not send.
OTHER_SUFFIXES = (".svg", ".ico", ".jxl")
# One word that could be a name: `fox`, `IMG_1234`, `img/fox`, `fox.pgn`, `fox*`; or a path.
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_FILE_LIKE = re.compile(r"\S*[/\\*?\[]\S*|\S+\.[A-Za-z]\w{1,4}|(?:~|\.\.?)?[/\\].*", re.DOTALL)


class Images(msgspec.Struct, frozen=True):
    """Existing images, in the order of the arguments.

    Args:
        paths: each once; `-` is stdin.
        is_single: one file was named, so its text is printed without a path.
    """

    paths: tuple[str, ...]
    is_single: bool


def is_prompt(targets: Sequence[str], *, recursive: bool = False) -> bool:
    """Return whether the arguments are a prompt: a single one that cannot be meant as a file.

    Args:
        targets: the arguments.
        recursive: they are to be searched, so one is meant as a folder.
    """
    return len(targets) == 1 and not recursive and not _is_file_like(targets[0])


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
        for path in _expanded(target, suffixes, recursive, is_alone=len(targets) == 1):
            paths.setdefault("-" if path == "-" else str(Path(path).absolute()), path)
    named = len(targets) == 1 and (targets[0] == "-" or Path(targets[0]).is_file())
    return Images(tuple(paths.values()), is_single=named)


def _is_file_like(target: str) -> bool:
    text = target.strip()
    return (
        os.path.lexists(target)
        or text.lower().endswith((*SUFFIXES, *OTHER_SUFFIXES, "/", os.sep))
        or _WORD.fullmatch(text) is not None
        or _FILE_LIKE.fullmatch(text) is not None
        # `img/my holiday`
        or ("/" in text and Path(text.split("/")[0]).is_dir())
    )


def _expanded(
    target: str, suffixes: tuple[str, ...], recursive: bool, *, is_alone: bool
) -> list[str]:
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
        raise _no_such_image(target, recursive, is_alone=is_alone)
    if not found:
        raise UsageError(f"{target}: no images found", hint=f"images end in {', '.join(SUFFIXES)}")
    return found


def _no_such_image(target: str, recursive: bool, *, is_alone: bool) -> UsageError:
    if recursive or target.endswith(("/", os.sep)):
        return UsageError(f"{target}: no such file or folder", hint="check the name")
    hint = "put a prompt of several words in quotes; pass one that looks like a file name "
    hint += "with --prompt-file"
    if is_alone and _WORD.fullmatch(target) and not target.startswith("-"):
        hint = f"check the name, or make a new image: nb generate {target} --alt"
    return UsageError(f"{target}: no such image", hint=hint)


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
