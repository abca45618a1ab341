"""Make smaller copies of images with Pillow."""

from __future__ import annotations

from io import BytesIO

from PIL import ImageOps

from nanobanana_cli.images.convert import fit, opened
from nanobanana_cli.images.displayed import ORIENTATION, orientation
from nanobanana_cli.images.formats import survey, verify
from nanobanana_cli.types import Data, ImageFormat, Picture

# Legible on a screen of twice the density, at about 15 kB.
_THUMBNAIL = 480


def shrink(picture: Picture, longest: int) -> Picture:
    """Return a JPEG copy that fits into a square, on white where the picture is transparent.

    Args:
        picture: as `formats.survey` returns it; turned as its EXIF says.
        longest: side of the square in pixels; a smaller picture keeps its size.

    Raises:
        DamagedImage: it cannot be decoded.
    """
    return _smaller(picture, longest, "jpeg", quality=90)


def thumbnail(data: bytes) -> Picture:
    """Return a WebP copy of at most 480 pixels a side, turned as EXIF says, without metadata.

    Raises:
        DamagedImage: the image is not whole.
    """
    return _smaller(verify(data), _THUMBNAIL, "webp", quality=70, method=2)


def preview(data: Data, longest: int) -> Picture:
    """Return a PNG copy that fits into a square, turned as EXIF says, without metadata.

    Args:
        data: the bytes of an image that has been verified.
        longest: side of the square in pixels; a smaller picture keeps its size.

    Raises:
        DamagedImage: it cannot be decoded.
    """
    return _smaller(survey(data), longest, "png", icc_profile=None)


def _smaller(picture: Picture, longest: int, to: ImageFormat, **options: int | None) -> Picture:
    with opened(picture.data, picture.format) as source:
        # A JPEG is decoded at a fraction of its size, which saves most of the time and memory.
        source.draft("RGB", (longest, longest))
        source.load()
        # Out of the way of Pillow, which fails when EXIF is damaged.
        exif = source.info.pop("exif", b"")
        image = fit(source, to)
        image.thumbnail((longest, longest))
        image.getexif()[ORIENTATION] = orientation(exif)
        image = ImageOps.exif_transpose(image)
        buffer = BytesIO()
        image.save(buffer, to, **options)
    return Picture(buffer.getvalue(), to, *image.size)
