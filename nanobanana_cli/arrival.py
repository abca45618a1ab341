"""An image as it came from the service: is it whole, and is it in the format asked for."""

from __future__ import annotations

from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.errors import BadReply, Charged, LocalFileError
from nanobanana_cli.models import ContentRequest, ImageFormat, Picture
from nanobanana_cli.outputs import SUFFIXES, UnnamedFile


def verified(data: bytes) -> Picture:
    """The picture that the bytes are.

    Raises:
        BadReply: they are none, or not all of one.
    """
    from nanobanana_cli.images.inspect import DamagedImage, verify

    try:
        return verify(data)
    except DamagedImage as error:
        raise BadReply(f"the service sent an image that cannot be used: {error}") from error


def as_wanted(
    picture: Picture, wanted: ImageFormat | None, request: ContentRequest
) -> tuple[Picture, tuple[str, ...]]:
    """The picture in the format asked for, and what a conversion cost it.

    The bytes stay as received wherever they can: provenance (C2PA, XMP) is bound to them.

    Raises:
        LocalFileError: that format cannot hold it; it is saved as received, under a free name.
    """
    if wanted is None or wanted == picture.format:
        return picture, ()
    from nanobanana_cli.images.convert import CannotConvert, convert

    note = (
        f"the service sent {picture.format}, converted to {wanted}: "
        f"provenance metadata (C2PA, XMP) is lost; as {SUFFIXES[picture.format]} it is kept"
    )
    try:
        return convert(picture, wanted), (note,)
    except CannotConvert as error:
        saved = UnnamedFile(Path(), files.slug(request.prompt), None).save(picture)
        raise LocalFileError(
            f"the image cannot be converted to {wanted}: {error}",
            hint=f"it was saved as received: {saved}",
            charged=Charged.YES,
        ) from error
