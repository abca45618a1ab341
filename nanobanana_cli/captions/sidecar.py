"""Read and write the text files beside an image: `fox.png` has `fox.alt.txt`, `fox.de.long.txt`."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.captions import languages
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import LocalFileError, NbError, OutputExists
from nanobanana_cli.ui.escape import strip_unsafe

# The longest text has a few thousand characters; a larger file is something else by that name.
_LARGEST = 1_000_000


def path_of(image: str | Path, style: str = "alt", tag: str | None = None) -> Path:
    """Return the path of an image's text file, by the text's style and the tag of its language."""
    return Path(image).with_suffix(f".{tag}.{style}.txt" if tag else f".{style}.txt")


def place_of(image: str, spec: TextSpec) -> Path:
    """Return the path of the text file that an image has, or is to have, for a single language.

    That is the one without a tag, unless the one with the tag exists, or a text in another
    language is there.
    """
    plain = path_of(image, spec.style)
    if image == "-" or spec.tag is None:
        return plain
    tagged = path_of(image, spec.style, spec.tag)
    if files.taken(tagged):
        return tagged
    with suppress(NbError):
        if languages.is_other(read(plain) or "", spec.tag):
            return tagged
    return plain


def read(path: Path) -> str | None:
    """Return a text file's content, unchanged; None when the file does not exist.

    Raises:
        UsageError: it cannot be read.
        LocalFileError: the device fails, or the file is not UTF-8.
    """
    if not files.taken(path):
        return None
    try:
        return files.read(path, "alt text", limit=_LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LocalFileError(f"alt text {path} is not UTF-8", hint="save it as UTF-8") from None


def languages_of(image: str, style: str) -> list[str]:
    """Return the tags of the languages in which text files are beside an image."""
    pure = Path(image)
    ends = re.compile(re.escape(pure.stem) + rf"\.([^.]+)\.{style}\.txt")
    with suppress(OSError):
        found = (ends.fullmatch(path.name) for path in pure.parent.iterdir())
        tags = (match[1] for match in found if match)
        return sorted(tag for tag in tags if languages.tag_of(tag) == tag)
    return []


def empty_file(image: str, *text_files: Path) -> Path | None:
    """Return the empty file that says that an image needs no text; None without one.

    Args:
        image: its path; `-` has no files.
        text_files: those that may say so besides the one of its alt text.
    """
    for path in (*text_files, path_of(image)) if image != "-" else ():
        with suppress(NbError):
            text = read(path)
            if text is not None and not text.strip():
                return path
    return None


def save(path: Path, text: str, *, force: bool) -> Path:
    """Write a text as one line, an empty one as an empty file, and return its path.

    Without `force`, an existing file is kept, and another text goes to the next free name.

    Raises:
        LocalFileError: it cannot be written.
    """
    line = strip_unsafe(text)
    data = f"{line}\n".encode() if line else b""
    if force:
        files.replace(path, data)
        return path
    try:
        files.create(path, data)
    except OutputExists:
        # A folder or a broken link may have the name.
        with suppress(NbError):
            if strip_unsafe(read(path) or "") == line:
                return path
        return files.create_unique(path.parent, path.stem, path.suffix, data)
    return path
