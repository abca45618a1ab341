"""A smaller copy of a picture, for a service that takes none larger."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from nanobanana_cli.images import jpeg
from nanobanana_cli.images.convert import fit, open_picture
from nanobanana_cli.images.errors import DamagedImage
from nanobanana_cli.types import Picture

_ORIENTATION = 0x0112
_QUALITY = 90


def shrink(picture: Picture, longest: int) -> Picture:
    """A JPEG copy that fits into a square, turned as EXIF says, on white where it is transparent.

    Args:
        picture: as `inspect.survey` returns it.
        longest: pixels of the square's side; a smaller picture keeps its size.

    Raises:
        DamagedImage: it cannot be decoded.
    """
    try:
        image = _small(picture, longest)
    # Pillow's decoders let through whatever hostile bytes cause.
    except Exception as error:
        raise DamagedImage(f"its {picture.format} data cannot be decoded") from error
    buffer = BytesIO()
    image.save(buffer, "jpeg", quality=_QUALITY)
    return Picture(buffer.getvalue(), "jpeg", *image.size)


def _small(picture: Picture, longest: int) -> Image.Image:
    with open_picture(picture.data, picture.format) as source:
        # A JPEG is decoded at a fraction of its size, which saves most of the time and memory.
        source.draft("RGB", (longest, longest))
        image = fit(source, "jpeg")
        image.thumbnail((longest, longest))
        image.getexif()[_ORIENTATION] = _orientation(picture, source)
        return ImageOps.exif_transpose(image)


def _orientation(picture: Picture, source: ImageFile) -> int:
    """How the picture is to be turned, 1 to 8; 1 when nothing readable says so."""
    exif = Image.Exif()
    # Pillow raises whatever damaged EXIF causes, and a picture that is not turned will do.
    with suppress(Exception):
        block = jpeg.exif(picture.data) if picture.format == "jpeg" else source.info.get("exif")
        exif.load(block or b"")
        return int(exif.get(_ORIENTATION, 1))
    return 1
