"""Verify an image, convert it to the format asked for, and save it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.catalog import pixels
from nanobanana_cli.errors import BadReply, Charged, LocalFileError, NbError
from nanobanana_cli.generation.destinations import Destination, UnnamedFile
from nanobanana_cli.images.formats import FORMATS, SUFFIXES, DamagedImage, verify
from nanobanana_cli.slug import slug
from nanobanana_cli.types import ContentRequest, Data, ImageFormat, Picture, Reply, Result

# The service's own rounding stays within 3 %; another ratio is at least 6 % away.
_RATIO_TOLERANCE = 0.05
# One size class is a factor of two, so three quarters tell them apart whatever the rounding.
_SIZE_TOLERANCE = 0.75


def save_image(result: Result, destination: Destination) -> Result:
    """Save the image of a reply.

    The bytes stay as received wherever possible: provenance (C2PA, XMP) is bound to them.

    Args:
        result: the result of a call; one without a reply is returned as it is.
        destination: its format is the one to convert to.

    Returns:
        The result, `written`, without the image's bytes; or `failed` with the error, whose hint
        says where the image is instead, if it could be saved anywhere.
    """
    reply = result.reply
    if reply is None:
        return result
    result = replace(result, reply=replace(reply, image=None))
    try:
        received = _verified(reply.image or b"")
        picture, notes = _in_format(received, destination.format, result.request)
        path = destination.save(picture.data, picture.format)
    except NbError as error:
        return replace(result, status="failed", error=error.released())
    return replace(
        result,
        status="written",
        path=path,
        mime_type=FORMATS[picture.format].mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        notes=(*differences(result.request, picture, reply), *notes),
    )


def differences(request: ContentRequest, picture: Picture, reply: Reply) -> tuple[str, ...]:
    """Return a note for each difference between the image and the request.

    An image is never rejected for that: the service's pixels differ from its documentation anyway.
    """
    notes = [*_shape_differences(request, picture)]
    if reply.images > 1:
        notes.append(f"the service sent {reply.images} images; the last one is saved")
    return tuple(notes)


def _shape_differences(request: ContentRequest, picture: Picture) -> Iterator[str]:
    if request.aspect is None or request.size is None:
        return
    got = f"{picture.width}×{picture.height}"
    across, down = (int(side) for side in request.aspect.split(":"))
    asked = across / down
    if abs(picture.width / picture.height / asked - 1) > _RATIO_TOLERANCE:
        yield f"the image is {got}, which is not {request.aspect}"
    try:
        expected = pixels(request.aspect, request.size)
    except KeyError:
        return
    if max(picture.width, picture.height) < _SIZE_TOLERANCE * max(expected):
        yield f"the image is {got}, smaller than {request.size} ({expected[0]}×{expected[1]})"


def _verified(data: Data) -> Picture:
    try:
        return verify(data)
    except DamagedImage as error:
        raise BadReply(f"the service sent an image that cannot be used: {error}") from error


def _in_format(
    picture: Picture, wanted: ImageFormat | None, request: ContentRequest
) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture in the format wanted, and what the conversion cost it."""
    if wanted in (None, picture.format):
        return picture, ()
    from nanobanana_cli.images.convert import CannotConvert, convert

    note = (
        f"the service sent {picture.format}, converted to {wanted}: "
        f"provenance metadata (C2PA, XMP) is lost; as {SUFFIXES[picture.format]} it is kept"
    )
    try:
        return convert(picture, wanted), (note,)
    except CannotConvert as error:
        saved = UnnamedFile(Path(), slug(request.prompt), None).save(picture.data, picture.format)
        raise LocalFileError(
            f"the image cannot be converted to {wanted}: {error}",
            hint=f"it was saved as received: {saved}",
            charged=Charged.YES,
        ) from error
