"""Tell how wide and high an image is as it is displayed: turned as its metadata says."""

from __future__ import annotations

from contextlib import suppress

from nanobanana_cli.images import heif, jpeg, png
from nanobanana_cli.images.formats import DamagedImage, survey
from nanobanana_cli.types import Data, Picture

ORIENTATION = 0x0112


def displayed_size(picture: Picture) -> tuple[int, int]:
    """Return width and height in pixels, turned as browsers turn the image.

    They follow the EXIF of a JPEG or PNG, and the properties of an AVIF, but no EXIF of a WebP.
    """
    if picture.format == "avif":
        return heif.displayed_size(picture.data) or (picture.width, picture.height)
    is_turned = orientation(_exif(picture)) >= 5
    size = picture.width, picture.height
    return size[::-1] if is_turned else size


def size_of(data: Data) -> tuple[int, int] | None:
    """Return width and height in pixels of an image file as displayed; None if it is damaged."""
    with suppress(DamagedImage):
        return displayed_size(survey(data))
    return heif.displayed_size(data)


def orientation(block: bytes) -> int:
    """Return how an EXIF block says to turn the image, 1 to 8; 1 when nothing readable says so."""
    from PIL import Image

    exif = Image.Exif()
    # Pillow raises whatever damaged EXIF causes, and an image that is not turned will do.
    with suppress(Exception):
        exif.load(block)
        found = int(exif.get(ORIENTATION, 1))
        return found if 1 <= found <= 8 else 1
    return 1


def _exif(picture: Picture) -> bytes:
    data = picture.data
    try:
        if picture.format == "jpeg":
            return jpeg.exif(data) or b""
        if picture.format == "png":
            return next(
                (bytes(each.body) for each in png.chunks(data) if each.kind == b"eXIf"), b""
            )
    except DamagedImage:
        pass
    return b""
