"""Tell images by their content: all of it, or all but the metadata."""

from __future__ import annotations

import hashlib

import msgspec

from nanobanana_cli.images.formats import DamagedImage, format_of
from nanobanana_cli.types import Data


class ImageContent(msgspec.Struct, frozen=True):
    """The content of an image file.

    Args:
        sha256: of the file.
        shown: SHA-256 of the file without its metadata; None where nb cannot tell.
        size: bytes.
    """

    sha256: str
    shown: str | None
    size: int


def of_image(data: Data) -> ImageContent:
    """Return the content of an image file."""
    return ImageContent(hashlib.sha256(data).hexdigest(), shown_in(data), len(data))


def shown_in(data: Data) -> str | None:
    """Return the SHA-256 of an image file without its metadata; None where nb cannot tell."""
    image_format = format_of(data)
    if image_format is None:
        return None
    try:
        return hashlib.sha256(image_format.load_reader().bare(data)).hexdigest()
    except DamagedImage:
        return None
