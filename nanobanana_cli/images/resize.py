"""Make smaller copies of images with Pillow."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps

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


def upright(image: Image.Image, exif: bytes) -> Image.Image:
    """Return the image turned as its EXIF block says, without the block."""
    # Out of the way of Pillow, which fails when EXIF is damaged.
    image.info.pop("exif", None)
    image.getexif()[ORIENTATION] = orientation(exif)
    return ImageOps.exif_transpose(image)


def cover(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Return exactly so many pixels: the image reduced to cover them, its middle cut out.

    Args:
        image: no smaller than the box.
        box: width and height in pixels.
    """
    scale = max(box[0] / image.width, box[1] / image.height)
    width, height = min(box[0] / scale, image.width), min(box[1] / scale, image.height)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    if scale == 1:
        return image.crop((int(left), int(top), int(left) + box[0], int(top) + box[1]))
    # In two steps, the first of them rough, as far as that shows nowhere.
    area = (left, top, left + width, top + height)
    return image.resize(box, Image.Resampling.LANCZOS, box=area, reducing_gap=3.0)


def _smaller(picture: Picture, longest: int, to: ImageFormat, **options: int | None) -> Picture:
    with opened(picture.data, picture.format) as source:
        # A JPEG is decoded at a fraction of its size, which saves most of the time and memory.
        source.draft("RGB", (longest, longest))
        source.load()
        exif = source.info.pop("exif", b"")
        image = fit(source, to)
        image.thumbnail((longest, longest))
        image = upright(image, exif)
        buffer = BytesIO()
        image.save(buffer, to, **options)
    return Picture(buffer.getvalue(), to, *image.size)
