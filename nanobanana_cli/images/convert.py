"""From one image format to another, by Pillow."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from nanobanana_cli.images import jpeg, png, webp
from nanobanana_cli.types import Data, ImageFormat, Picture

# The modes, of those that decoders give, that go into a format as they are.
_MODES: dict[ImageFormat, tuple[str, ...]] = {
    "png": ("L", "RGB", "RGBA"),
    "jpeg": ("L", "RGB"),
    "webp": ("RGB", "RGBA"),
}
_OPTIONS: dict[ImageFormat, dict[str, Any]] = {
    # Half the time of level 6 for 6 % more bytes, measured on a photograph of 4 million pixels.
    "png": {"compress_level": 5},
    # Colour at full resolution: generated pictures often hold text, which 4:2:0 smears.
    "jpeg": {"quality": 95, "subsampling": 0},
    "webp": {"quality": 90, "method": 4},
}


_CHECKS = {"png": png.check, "jpeg": jpeg.check, "webp": webp.check}
# A JPEG segment holds no more; more than that is no camera's, and not worth losing the picture for.
_MOST_EXIF = 65533


class CannotConvert(ValueError):
    """The target format cannot hold the picture; `str()` says why, in one plain line."""


def convert(picture: Picture, to: ImageFormat) -> Picture:
    """The picture in another format; the same object when it has that format already.

    The colour profile and EXIF go along, byte for byte; other metadata (C2PA, XMP, text) does not.
    For JPEG, transparency is laid on white and 16 bits become 8. Of an animation the first frame
    is taken.

    Args:
        picture: as `inspect.verify` returns it.

    Raises:
        CannotConvert: it is too wide or too high for the target, or Pillow cannot decode it.
    """
    if picture.format == to:
        return picture
    try:
        with open_picture(picture.data, picture.format) as source:
            source.load()
            image = fit(source, to)
            options = {**_OPTIONS[to], **_metadata(picture, source, image.mode)}
    # Pillow's decoders let through whatever hostile bytes cause.
    except Exception as error:
        raise CannotConvert(f"its {picture.format} data cannot be decoded") from error
    buffer = BytesIO()
    try:
        image.save(buffer, to, **options)
    except (OSError, ValueError) as error:
        raise CannotConvert(
            f"{picture.width}x{picture.height} pixels cannot be saved as {to}"
        ) from error
    data = buffer.getvalue()
    # Walking the encoder's output is cheap; decoding it again would not be.
    width, height = _CHECKS[to](data)
    return Picture(data, to, width, height)


def open_picture(data: Data, kind: ImageFormat) -> ImageFile:
    """Pillow's image for bytes of a known format, header read, pixels not loaded yet.

    The format's own class, not `Image.open`: that tries others, and guards the number of pixels
    with a process-wide limit and a warning. Raises what Pillow raises.
    """
    match kind:
        case "jpeg":
            return JpegImageFile(BytesIO(jpeg.bare(data)))
        case "png":
            return PngImageFile(BytesIO(png.bare(data)))
        case "webp":
            return WebPImageFile(BytesIO(data))


def _metadata(picture: Picture, source: ImageFile, mode: str) -> dict[str, bytes]:
    """EXIF and colour profile; b"" keeps Pillow from writing what it remembers by itself."""
    exif = jpeg.exif(picture.data) if picture.format == "jpeg" else source.info.get("exif")
    # Only JPEG stores the signature; Pillow wants it, and takes it off where it is not stored.
    exif = jpeg.EXIF + exif.removeprefix(jpeg.EXIF) if exif else b""
    profile = source.info.get("icc_profile") or b""
    # The profile's header names the samples that it speaks of: those of CMYK are gone by now.
    fits = profile[16:20] == (b"GRAY" if mode == "L" else b"RGB ")
    return {
        "exif": exif if len(exif) <= _MOST_EXIF else b"",
        "icc_profile": profile if fits else b"",
    }


def fit(image: Image.Image, to: ImageFormat) -> Image.Image:
    """The image in a mode that the target can hold."""
    if image.mode.startswith("I;16"):
        # `convert` would cut each sample at 255 instead of scaling it.
        return fit(image.point(lambda sample: sample * (1 / 256)).convert("L"), to)
    if image.mode in _MODES[to] and (image.mode == "RGBA" or not image.has_transparency_data):
        return image
    if not image.has_transparency_data:
        return image.convert("L" if image.mode == "1" and to == "jpeg" else "RGB")
    image = image.convert("RGBA")
    if to != "jpeg":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
