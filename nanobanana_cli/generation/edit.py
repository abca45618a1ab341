"""Make of a received image what is wanted: crop it and convert it, if it is not that already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobanana_cli.errors import BadReply, Charged, LocalFileError, NbError
from nanobanana_cli.generation.destinations import Destination
from nanobanana_cli.generation.fit import name_of
from nanobanana_cli.images.edits import NO_EDITS, CannotConvert, Edits, NotFlat
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.system import error_of
from nanobanana_cli.types import WRITTEN_FORMATS, ImageFormat, Picture

if TYPE_CHECKING:
    from PIL import Image

# Part of the note on what is changed.
LOSES_PROVENANCE = "provenance metadata (C2PA, XMP) is lost"


class _TooSmall(ValueError):
    """An image that would have to be enlarged; `str()` gives the reason in one plain line."""


def load_converter(wanted: ImageFormat | None, edits: Edits = NO_EDITS) -> None:
    """Load what edits and conversions need, before a call is paid; most images are PNGs."""
    if wanted not in (None, "png") or edits != NO_EDITS:
        from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: F401

        from nanobanana_cli.images import convert, cutout, resize  # noqa: F401


def is_as_wanted(picture: Picture, place: Destination) -> bool:
    """Return whether the picture can stay as it was received: provenance is bound to its bytes."""
    if picture.format != (place.format or picture.format) or place.edits.is_cut_out:
        return False
    return place.edits == NO_EDITS or _is_exact(picture, place.edits)


def edited(picture: Picture, place: Destination) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture as it is wanted, and what that cost it.

    Raises:
        Exception: `failure` makes an error of it.
    """
    # Imported here: they load Pillow, which few images need.
    from nanobanana_cli.images.convert import convert
    from nanobanana_cli.images.cutout import cut_out
    from nanobanana_cli.images.displayed import displayed_size
    from nanobanana_cli.images.resize import cover, upright

    received = picture.format
    to = place.format or (received if received in WRITTEN_FORMATS else "png")
    box, is_cut_out = place.edits.box, place.edits.is_cut_out
    if place.edits == NO_EDITS:
        converted = f"the service sent {received}, converted to {to}"
        kept = f"{LOSES_PROVENANCE}; {_place_of(received)} it is kept"
        return convert(picture, to), (f"{converted}: {kept}",)

    def change(image: Image.Image, exif: bytes) -> Image.Image:
        image = upright(image, exif)
        if is_cut_out:
            image = cut_out(image)
        if box is None:
            return image
        if image.width < box[0] or image.height < box[1]:
            raise _TooSmall(f"it is {name_of(image.size)}, and nothing is enlarged")
        return cover(image, box)

    crop = f"cropped from {name_of(displayed_size(picture))}" if box else ""
    cut = "its background was made transparent" if is_cut_out else ""
    note = f"{' and '.join(filter(None, (crop, cut)))}: {LOSES_PROVENANCE}"
    # The original has it all.
    return convert(picture, to, change), () if place.edits.original else (note,)


def failure(exception: Exception, picture: Picture, place: Destination) -> NbError:
    """Return the error of an image that could not be edited; it has been paid for."""
    box = place.edits.box
    if isinstance(exception, NotFlat | _TooSmall):
        what = (
            "cut out" if isinstance(exception, NotFlat) else f"cropped to {name_of(box or (0, 0))}"
        )
        unusable = BadReply(f"the image cannot be {what}: {exception}")
        unusable.charged = Charged.YES
        return unusable
    is_hopeless = isinstance(exception, CannotConvert)
    why = str(exception) if is_hopeless else error_of(exception).message
    if place.edits != NO_EDITS:
        what = f"cropped to {name_of(box)}" if box else "cut out"
        return LocalFileError(f"the image cannot be {what}: {why}")
    error = LocalFileError(f"the image cannot be converted to {place.format}: {why}")
    error.hint = f"leave --format out; {_place_of(picture.format)} it is kept"
    return error


def _is_exact(picture: Picture, edits: Edits) -> bool:
    from nanobanana_cli.images.displayed import displayed_size

    return edits.box == (picture.width, picture.height) == displayed_size(picture)


def _place_of(image_format: ImageFormat) -> str:
    """Return the name or place of a file in which an image stays as it came."""
    suffix = SUFFIXES[image_format]
    return f"as {suffix}" if suffix in FORMAT_OF_SUFFIX else "in a folder named with -o"
