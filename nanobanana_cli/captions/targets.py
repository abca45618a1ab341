"""Decide whether the arguments of `nb caption` are a prompt or existing images.

A prompt costs money, so whatever may be meant as a file is taken for one.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
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
        unsearched: each folder that could not be searched, and why.
    """

    paths: tuple[str, ...]
    is_single: bool
    unsearched: tuple[tuple[str, str], ...] = ()


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
        LocalFileError: a folder cannot be searched, and it holds no other images.
    """
    check_names(targets)
    paths: dict[str, str] = {}
    unsearched: list[tuple[str, str]] = []
    for target in targets:
        is_folder = target != "-" and Path(target).is_dir()
        if is_folder and recursive:
            found = _searched(target, suffixes, unsearched)
        else:
            found = _expanded(target, suffixes, recursive, is_alone=len(targets) == 1)
        for path in found:
            paths.setdefault("-" if path == "-" else str(Path(path).absolute()), path)
    named = len(targets) == 1 and (targets[0] == "-" or Path(targets[0]).is_file())
    return Images(tuple(paths.values()), named, tuple(unsearched))


def check_names(targets: Sequence[str]) -> None:
    """Raise UsageError for an empty name, which would stand for the current folder."""
    if "" in targets:
        raise UsageError("an empty name is not a file", hint="name a file or a folder")


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
        raise UsageError(f"{target} is a folder", hint="use -r to include the images in it")
    if not glob.has_magic(target):
        raise _no_such_image(target, recursive, is_alone=is_alone)
    matches = glob.glob(target, recursive=True)  # noqa: PTH207
    return sorted(path for path in matches if _is_image(path, suffixes)) or _none(target)


def _searched(
    folder: str, suffixes: tuple[str, ...], unsearched: list[tuple[str, str]]
) -> list[str]:
    """Return the images below a folder; note the folders that cannot be searched."""
    before = len(unsearched)

    def note(error: OSError) -> None:
        unsearched.append((str(error.filename), str(error.strerror).lower()))

    found = list(_walk(folder, suffixes, note))
    if not found and len(unsearched) > before:
        raise cannot_search(*unsearched[before])
    return found or _none(folder)


def cannot_search(folder: str, reason: str) -> LocalFileError:
    """Return the error for a folder that cannot be searched."""
    return LocalFileError(f"cannot search {folder}: {reason}")


def _none(target: str) -> list[str]:
    raise UsageError(f"{target}: no images found", hint=f"images end in {', '.join(SUFFIXES)}")


def _no_such_image(target: str, recursive: bool, *, is_alone: bool) -> UsageError:
    if recursive or target.endswith(("/", os.sep)):
        return UsageError(f"{target}: no such file or folder", hint="check the name")
    hint = "put a prompt of several words in quotes; pass one that looks like a file name "
    hint += "with --prompt-file"
    if is_alone and _WORD.fullmatch(target) and not target.startswith("-"):
        hint = f"check the name, or make a new image: nb generate {target} --alt"
    return UsageError(f"{target}: no such image", hint=hint)


def _is_image(path: str, suffixes: tuple[str, ...]) -> bool:
    if not path.lower().endswith(suffixes):
        return False
    try:
        return Path(path).is_file()
    except PermissionError:
        # An attempt to read it says so.
        return True


def _walk(folder: str, suffixes: tuple[str, ...], note: Callable[[OSError], None]) -> Iterator[str]:
    """Yield the images below a folder, sorted, without hidden ones and links to folders."""
    for root, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = str(Path(root, name))
            if not name.startswith(".") and _is_image(path, suffixes):
                yield path
