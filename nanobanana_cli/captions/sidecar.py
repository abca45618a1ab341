"""Read and write the text files beside an image: `fox.png` has `fox.alt.txt`, `fox.de.long.txt`."""

from __future__ import annotations

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


def save(path: Path, text: str, *, force: bool) -> Path:
    """Write a text as one line, an empty one as an empty file, and return its path.

    Without `force`, an existing file is kept and the text goes to the next free name beside it.

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
        return files.create_unique(path.parent, path.stem, path.suffix, data)
    return path
