"""Small pictures of large ones, by Pillow."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from nanobanana_cli.images.convert import fit, open_picture
from nanobanana_cli.images.inspect import verify

# Legible on a screen of twice the density, at about 15 kB.
_SIDE = 480
_QUALITY = 70


def thumbnail(data: bytes) -> tuple[bytes, int, int]:
    """A WebP picture of at most 480 pixels a side, without metadata.

    Returns:
        Its bytes, width and height.

    Raises:
        DamagedImage: the image is not whole.
        OSError: it cannot be decoded after all.
    """
    picture = verify(data)
    with open_picture(data, picture.format) as source:
        # JPEG can be decoded at half, quarter or eighth size in a fraction of the time.
        source.draft("RGB", (_SIDE, _SIDE))
        image = fit(source, "webp")
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        buffer = BytesIO()
        image.save(buffer, "webp", quality=_QUALITY, method=2)
    return buffer.getvalue(), image.width, image.height
