"""Say what a file is that was taken for an image."""

from __future__ import annotations

import re

from nanobanana_cli.api.error_body import page_title
from nanobanana_cli.types import Data

_ADDRESS = re.compile(rb"\s*(?:\[InternetShortcut\]\s*URL=)?(https?://[!-~]+)\s*", re.IGNORECASE)
_ANNEX = re.compile(rb"(?:\.\./)*(?:\.git)?/annex/objects/")
_HEAD = 4096
_NONE = "it is not an image"


def described(data: Data) -> tuple[str, str | None]:
    """Return what bytes are that no image format begins with, and what to do about it.

    Args:
        data: the whole file.

    Returns:
        A clause such as `it is not an image but an empty file`, and a hint, if there is one.
    """
    head = bytes(data[:_HEAD])
    if not head.strip():
        return f"{_NONE} but an empty file", "check the file"
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return f"{_NONE} but a Git LFS pointer to one", "git lfs pull"
    if _ANNEX.match(head):
        return f"{_NONE} but a git-annex pointer to one", "git annex get"
    if found := _ADDRESS.fullmatch(head):
        return f"{_NONE} but an address", f"-i {found[1].decode('ascii')}"
    title = page_title(head.decode("utf-8", "replace").lstrip("\ufeff"))
    if title is not None:
        named = f", {' '.join(title.split())[:80]}" if title.strip() else ""
        return (
            f"{_NONE} but an HTML page{named}",
            "save the image itself, not the page that shows it",
        )
    if head.startswith(b"%PDF-"):
        return f"{_NONE} but a PDF", "save the page as an image"
    if b'"inlineData"' in head or b'"inline_data"' in head:
        return f"{_NONE} but a reply of the service", "nb extract takes the image out of it"
    return _NONE, None
