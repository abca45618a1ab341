"""Convert an image to another format with Pillow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image
from PIL.ImageFile import ImageFile

from nanobanana_cli.images.edits import CannotConvert
from nanobanana_cli.images.formats import EXIF, FORMATS, DamagedImage, survey
from nanobanana_cli.types import Data, ImageFormat, Picture

# A JPEG segment holds no more; no camera writes more, and it is not worth losing the image for.
_MOST_EXIF = 65533


def convert(
    picture: Picture,
    to: ImageFormat,
    edit: Callable[[Image.Image, bytes], Image.Image] | None = None,
) -> Picture:
    """Return the picture in another format, or the same object when it has that format already.

    Keeps the colour profile and EXIF byte for byte, and drops other metadata (C2PA, XMP, text).
    For JPEG, transparency is laid on white and 16 bits become 8. Of an animation the first frame
    is taken.

    Args:
        picture: as `formats.verify` returns it.
        to: the target.
        edit: changes the pixels; it gets the EXIF block that says how to turn them, and which is
            dropped then.

    Raises:
        CannotConvert: it is too wide or too high for the target, or Pillow cannot decode it.
    """
    if picture.format == to and edit is None:
        return picture
    try:
        with opened(picture.data, picture.format) as source:
            source.load()
            image = fit(source, to)
            options = {**FORMATS[to].options, **_metadata(source, image.mode)}
    except DamagedImage as error:
        raise CannotConvert(str(error)) from error
    if edit is not None:
        # Browsers do not turn a WebP.
        image = edit(image, b"" if picture.format == "webp" else options["exif"])
        options["exif"] = b""
    buffer = BytesIO()
    # As when it decodes, Pillow lets through whatever goes wrong.
    try:
        image.save(buffer, to, **options)
    except Exception as error:
        raise CannotConvert(
            f"{image.width}x{image.height} pixels cannot be saved as {to}"
        ) from error
    # Walking the encoder's output is cheap; decoding it again would not be.
    return survey(buffer.getvalue())


@contextmanager
def opened(data: Data, image_format: ImageFormat) -> Iterator[ImageFile]:
    """Open an image with Pillow, pixels not loaded yet, for a `with` block that decodes it.

    Uses the format's own class, not `Image.open`: that tries others, and guards the number of
    pixels with a process-wide limit and a warning.

    Raises:
        DamagedImage: it cannot be decoded, here or in the block.
    """
    try:
        with FORMATS[image_format].load_reader().open_image(data) as image:
            yield image
    # Pillow's decoders let through whatever hostile bytes cause: OSError, SyntaxError, IndexError …
    except Exception as error:
        raise DamagedImage(f"its {image_format} data cannot be decoded") from error


def fit(image: Image.Image, to: ImageFormat) -> Image.Image:
    """Return the image in a mode that the target format can hold."""
    modes = FORMATS[to].modes
    if image.mode.startswith("I;16"):
        # `convert` would cut each sample at 255 instead of scaling it.
        return fit(image.point(lambda sample: sample * (1 / 256)).convert("L"), to)
    if image.mode in modes and (image.mode == "RGBA" or not image.has_transparency_data):
        return image
    if not image.has_transparency_data:
        return image.convert("L" if image.mode == "1" and "L" in modes else "RGB")
    image = image.convert("RGBA")
    if "RGBA" in modes:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _metadata(source: ImageFile, mode: str) -> dict[str, bytes]:
    """Return EXIF and colour profile; b"" keeps Pillow from writing what it remembers itself."""
    exif = source.info.get("exif")
    # Only JPEG stores the signature; Pillow wants it, and takes it off where it is not stored.
    exif = EXIF + exif.removeprefix(EXIF) if exif else b""
    profile = source.info.get("icc_profile") or b""
    # The profile's header names the samples that it describes: those of CMYK are gone by now.
    fits = profile[16:20] == (b"GRAY" if mode == "L" else b"RGB ")
    return {
        "exif": exif if len(exif) <= _MOST_EXIF else b"",
        "icc_profile": profile if fits else b"",
    }
