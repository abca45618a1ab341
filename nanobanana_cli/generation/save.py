"""An image as it came from the service: verified, in the format asked for, and put in its place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.errors import BadReply, Charged, LocalFileError
from nanobanana_cli.generation.destinations import Destination, UnnamedFile
from nanobanana_cli.images import DamagedImage
from nanobanana_cli.images.formats import SUFFIXES
from nanobanana_cli.types import ContentRequest, Data, ImageFormat, Picture

# Bytes that take longer to verify than a thread takes to start.
_WORTH_A_THREAD = 4 << 20


def save_image(
    data: Data, output: Destination, request: ContentRequest
) -> tuple[str, Picture, tuple[str, ...]]:
    """Verify an image, and put it where it belongs in the format that the output takes.

    The bytes stay as received wherever they can: provenance (C2PA, XMP) is bound to them. Then they
    go to the disk, if they are many while another thread verifies them, and get their name when
    both are done.

    Returns:
        Where it is, the picture as it stands there, and what a conversion cost it.

    Raises:
        BadReply: the bytes are no image, or not all of one.
        LocalFileError: it could not be put there; the hint says where it is instead.
    """
    format_received = _format(data)
    if output.format not in (None, format_received):
        picture, loss = _converted(_verified(data), output.format, request)
        return output.save(picture.data, picture.format, _approved), picture, loss
    if len(data) < _WORTH_A_THREAD:
        picture = _verified(data)
        return output.save(data, format_received, _approved), picture, ()
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(_verified, data)
        path = output.save(data, format_received, verdict.result)
        return path, verdict.result(), ()


def _format(data: Data) -> ImageFormat:
    """What the first bytes say."""
    from nanobanana_cli.images.inspect import format_of

    found = format_of(data)
    # The check says what else it is.
    return found.name if found else _verified(data).format


def _verified(data: Data) -> Picture:
    from nanobanana_cli.images.inspect import verify

    try:
        return verify(data)
    except DamagedImage as error:
        raise BadReply(f"the service sent an image that cannot be used: {error}") from error


def _approved() -> None:
    """It has been verified already."""


def _converted(
    picture: Picture, wanted: ImageFormat, request: ContentRequest
) -> tuple[Picture, tuple[str, ...]]:
    from nanobanana_cli.images.convert import CannotConvert, convert

    note = (
        f"the service sent {picture.format}, converted to {wanted}: "
        f"provenance metadata (C2PA, XMP) is lost; as {SUFFIXES[picture.format]} it is kept"
    )
    try:
        return convert(picture, wanted), (note,)
    except CannotConvert as error:
        place = UnnamedFile(Path(), files.slug(request.prompt), None)
        saved = place.save(picture.data, picture.format, _approved)
        raise LocalFileError(
            f"the image cannot be converted to {wanted}: {error}",
            hint=f"it was saved as received: {saved}",
            charged=Charged.YES,
        ) from error
