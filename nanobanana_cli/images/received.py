"""Read the formats that nb does not write, but keeps when the service sends them: by Pillow alone.

Pillow finds every cut of a TIFF, BMP or AVIF, and of a GIF each within a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

from nanobanana_cli.images.formats import PIXEL_LIMIT, DamagedImage, check_size, format_of
from nanobanana_cli.types import Data

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Enough of a long animation.
_MOST_FRAMES = 10_000


def verify(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels as stored, of an image whose frames Pillow all decodes.

    Raises:
        DamagedImage: it is cut, or cannot be decoded.
    """
    from nanobanana_cli.images.convert import opened

    found = format_of(data)
    assert found is not None
    with opened(data, found.name) as image:
        size = image.size
    check_size(found.title, *size)
    with opened(data, found.name) as image:
        pixels = 0
        for number in range(_MOST_FRAMES):
            try:
                image.seek(number)
            except EOFError:
                break
            # Each page of a TIFF has a size of its own, and a frame may enlarge a GIF.
            check_size(found.title, *image.size)
            pixels += image.width * image.height
            if pixels > PIXEL_LIMIT:
                break
            image.load()
    return size


survey = verify


def bare(data: Data) -> bytes:
    """Return all of the data: what is metadata in these formats is not told apart."""
    return bytes(data)


def open_image(data: Data) -> ImageFile:
    """Return Pillow's image."""
    from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, TiffImagePlugin

    found = format_of(data)
    readers: dict[str, Callable[[BytesIO], ImageFile]] = {
        "avif": AvifImagePlugin.AvifImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "tiff": TiffImagePlugin.TiffImageFile,
    }
    if found is None:
        raise DamagedImage("it is not an image")
    return readers[found.name](BytesIO(data))
