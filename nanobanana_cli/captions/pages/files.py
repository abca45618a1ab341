"""Find the pages that the arguments name, and the image files that pages name."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import msgspec

from nanobanana_cli.captions.pages.places import has_template
from nanobanana_cli.captions.targets import SUFFIXES as IMAGE_SUFFIXES
from nanobanana_cli.captions.targets import cannot_search, check_names
from nanobanana_cli.errors import NbError, UsageError

MARKDOWN = (".md", ".markdown", ".mdx")
# Templates and components are read, and left to a person.
TEMPLATES = (".njk", ".liquid", ".astro")
SUFFIXES = (*MARKDOWN, ".html", ".htm", *TEMPLATES)
# What tools write and install; a folder of that name that is named itself is searched.
_GENERATED = frozenset({"_site", "dist", "public"})
_INSTALLED = frozenset({"node_modules", "vendor", "__pycache__"})
_OUTSIDE = "it is outside the site, whose folder --root names"
# `https://…`, `//host/…`, `data:…`, but not `C:\…`.
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]+:|//|\\\\)", re.IGNORECASE)


class PageFiles(msgspec.Struct, frozen=True):
    """The pages that the arguments name.

    Args:
        paths: each once, in the order of the arguments.
        folders: those that were searched.
        left_out: folders and links that were not followed, and why.
        unsearched: each folder that could not be searched, and why.
    """

    paths: tuple[str, ...]
    folders: tuple[str, ...]
    left_out: tuple[str, ...]
    unsearched: tuple[tuple[str, NbError], ...]


def find(targets: Sequence[str]) -> PageFiles:
    """Return the pages that the arguments name: files, folders, patterns.

    Raises:
        UsageError: an argument names no page.
        LocalFileError: a folder cannot be searched, and it holds no other pages.
    """
    check_names(targets)
    paths: dict[str, str] = {}
    folders, left_out, unsearched = list[str](), list[str](), list[tuple[str, NbError]]()
    for target in targets:
        if Path(target).is_dir():
            folders.append(target)
            found = [*_searched(target, left_out.append, unsearched)]
            if not found and unsearched:
                raise unsearched[0][1]
        else:
            found = _named(target)
        if not found:
            raise UsageError(
                f"{target}: no pages found", hint=f"pages end in {', '.join(SUFFIXES)}"
            )
        for path in found:
            # A page that has two names is edited once.
            paths.setdefault(os.path.realpath(path), path)
    return PageFiles(tuple(paths.values()), tuple(folders), tuple(left_out), tuple(unsearched))


def _named(target: str) -> list[str]:
    if os.path.lexists(target):
        if not target.lower().endswith(SUFFIXES):
            hint = f"pages end in {', '.join(SUFFIXES)}"
            if target.lower().endswith(IMAGE_SUFFIXES):
                hint = "images are named without --pages"
            raise UsageError(f"{target} is not a page", hint=hint)
        return [_checked(target)]
    if not glob.has_magic(target):
        raise UsageError(f"{target}: no such page or folder", hint="check the name")
    matches = glob.glob(target, recursive=True)  # noqa: PTH207
    return sorted(_checked(path) for path in matches if path.lower().endswith(SUFFIXES))


def _checked(path: str) -> str:
    """Return the path; raise UsageError for a pipe and the like: pages are read twice."""
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise UsageError(f"page {path}: it is not a file", hint="save the page as a file first")
    return path


def _searched(
    folder: str, leave_out: Callable[[str], None], unsearched: list[tuple[str, NbError]]
) -> Iterator[str]:
    """Yield the pages below a folder, sorted."""

    def note(error: OSError) -> None:
        folder = str(error.filename)
        unsearched.append((folder, cannot_search(folder, str(error.strerror).lower())))

    for root, names, files in os.walk(folder, onerror=note):
        for name in sorted(_GENERATED.intersection(names)):
            leave_out(f"{Path(root, name)} is left out, as a generator's output; name it if not")
        names[:] = sorted({*names} - _GENERATED - _INSTALLED)
        names[:] = [name for name in names if not name.startswith(".")]
        for name in sorted(files):
            path = Path(root, name)
            if name.startswith(".") or not name.lower().endswith(SUFFIXES):
                continue
            if path.is_symlink():
                leave_out(f"{path} is left out, as a link; name it to include it")
            elif path.is_file():
                yield str(path)


class Site(msgspec.Struct, frozen=True):
    """The folders whose images may be sent.

    Args:
        root: the folder that `/` at the beginning of an address stands for; None if not known.
        folders: those that images may be in, besides the current one.
    """

    root: str | None
    folders: tuple[str, ...]

    def file_of(self, src: str, page: str) -> tuple[str | None, str | None]:
        """Return the image file of an address, or why there is none to describe.

        Args:
            src: the address, as a page has it.
            page: the file of the page.
        """
        if not src:
            return None, "it has no address"
        if has_template(src):
            return None, "a template sets its address"
        if src.lower().startswith("data:"):
            return None, "it is inside the page"
        if _REMOTE.match(src):
            return None, "it is not a file here"
        if src.startswith("/") and self.root is None:
            return None, "--root names the folder that / stands for"
        for path in self._candidates(src, page):
            try:
                if Path(path).is_file():
                    return (path, None) if self._holds(path) else (None, _OUTSIDE)
            except OSError:
                continue
        return None, "there is no such file"

    def _candidates(self, src: str, page: str) -> Iterator[str]:
        for name in dict.fromkeys((unquote(re.split(r"[?#]", src)[0]), src)):
            if name.startswith("/"):
                yield os.path.normpath(f"{self.root}/{name.lstrip('/')}")
                continue
            yield os.path.normpath(Path(page).parent / name)
            if self.root is not None:
                yield os.path.normpath(Path(self.root) / name)

    def _holds(self, path: str) -> bool:
        """Return whether a file is in the site: a page may come from anybody, and name any file."""
        real = Path(path).resolve()
        return any(real.is_relative_to(Path(each).resolve()) for each in (".", *self.folders))
