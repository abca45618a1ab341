"""Verify an image, convert it to the format asked for, and save it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.api.reply import every_image
from nanobanana_cli.catalog import pixels
from nanobanana_cli.errors import BadReply, Charged, LocalFileError, NbError, OutputClosed
from nanobanana_cli.generation.destinations import (
    Destination,
    MisplacedImage,
    UnnamedFile,
    numbered,
)
from nanobanana_cli.generation.rescue import Rescue, extract_hint
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, FORMATS, SUFFIXES, DamagedImage, verify
from nanobanana_cli.slug import slug
from nanobanana_cli.types import ContentRequest, Data, ImageFormat, Picture, Reply, Result

# The service's own rounding stays within 3 %; another ratio is at least 6 % away.
_RATIO_TOLERANCE = 0.05
# One size class is a factor of two, so three quarters tell them apart whatever the rounding.
_SIZE_TOLERANCE = 0.75
# Part of the note on a conversion.
LOSES_PROVENANCE = "provenance metadata (C2PA, XMP) is lost"


def save_image(result: Result, destination: Destination, rescue: Rescue | None = None) -> Result:
    """Save the image of a reply: the last one that is whole, if it holds several.

    The bytes stay as received wherever possible: provenance (C2PA, XMP) is bound to them.

    Args:
        result: the result of a call; one without a reply is returned as it is.
        destination: its format is the one to convert to.
        rescue: keeps what was paid for and cannot be saved; None if nothing was.

    Returns:
        The result, `written`, without the reply's bytes; or `failed` with the error, whose hint
        says where the image or the reply is instead, if it could be saved anywhere.
    """
    reply = result.reply
    if reply is None:
        return result
    saved = _save(result, reply.image, destination, rescue)
    if reply.images < 2:
        return saved
    if isinstance(saved.error, BadReply) and (data := _last_whole(reply)) is not None:
        why = f"{saved.error.message}; an earlier image of the reply is saved"
        if saved.error.is_kept:
            why = f"{why}, and {saved.error.hint}"
        result = replace(result, notes=(*result.notes, why))
        return _save(result, data, destination, rescue)
    if saved.status == "failed":
        # Of an image that is unusable, the reply has been kept already.
        is_rescued = isinstance(saved.error, LocalFileError | OutputClosed)
        others = _kept(result, rescue, "--all") if is_rescued else None
        return replace(saved, notes=(*saved.notes, others)) if others else saved
    note = f"the service sent {reply.images} images; the last one is saved"
    if rescue is None:
        note = f"{note}; --all saves each"
    elif hint := _kept(result, rescue, "--all"):
        note = f"{note}, and {hint}"
    return replace(saved, notes=(*saved.notes, note))


def _last_whole(reply: Reply) -> Data | None:
    """Return the last image in a reply's bytes that can be used, if there is one."""
    if reply.body is None or reply.links:
        return None
    for data in reversed([*every_image(reply.body)]):
        with suppress(DamagedImage):
            if data is not None:
                return verify(data).data
    return None


def save_every_image(
    result: Result, destination: Destination, rescue: Rescue | None = None
) -> Iterator[Result]:
    """Save each finished image of a reply: `fox.png`, `fox-2.png`, …

    Args:
        result, destination, rescue: as for `save_image`.

    Yields:
        A result for each image, in the reply's order; the first one has the cost of them all.
    """
    reply = result.reply
    if reply is None or reply.body is None or reply.images < 2:
        yield save_image(result, destination, rescue)
        return
    number, is_kept = 1, False
    for data in reply.linked or every_image(reply.body):
        place = numbered(destination, number)
        while number > 1 and place.taken():
            number += 1
            place = numbered(destination, number)
        saved = _save(result, data, place, None if is_kept else rescue)
        is_kept = is_kept or isinstance(saved.error, BadReply)
        yield saved
        result = replace(result, cost=None if result.cost is None else 0)
        number += 1


def _save(
    result: Result, data: Data | None, destination: Destination, rescue: Rescue | None
) -> Result:
    """Save one image of a reply; None is one that could not be decoded."""
    reply = result.reply
    assert reply is not None
    bare = replace(result, reply=replace(reply, image=None, body=None, linked=()))
    try:
        received = _verified(data, reply)
        if rescue is not None:
            rescue.charges.settle(Charged.YES)
        picture, notes = _in_format(received, destination.format, result.request, rescue)
        path = _put(picture, destination, result.request, rescue)
    except NbError as error:
        if isinstance(error, BadReply):
            options = ("--all",) if reply.images > 1 else ()
            if hint := _kept(result, rescue, *options):
                error.hint, error.is_kept = hint, True
        # Shown by no other line: who closed stdout has stopped reading.
        told = (error.hint,) if isinstance(error, OutputClosed) and error.hint else ()
        notes = (*result.notes, *told)
        return replace(bare, status="failed", error=error.released(), notes=notes)
    except Exception as error:
        # A defect must not cost the user the reply.
        if (hint := _kept(result, rescue)) is None:
            raise
        hint += "; NB_DEBUG=1 shows the defect"
        raise NbError(f"a defect in nb: {type(error).__name__}", hint=hint) from error
    return replace(
        bare,
        status="written",
        path=path,
        mime_type=FORMATS[picture.format].mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        notes=(*result.notes, *_shape_differences(result.request, picture), *notes),
    )


def _kept(result: Result, rescue: Rescue | None, *options: str) -> str | None:
    """Keep the whole reply and return a hint that leads to it, None if it is not kept."""
    if rescue is None or result.reply is None or result.reply.body is None:
        return None
    kept = rescue.reply(result.reply.body, slug(result.request.prompt))
    if kept is None:
        return None
    return extract_hint(kept, *options, *(("--fetch",) if result.reply.links else ()))


def _put(
    picture: Picture, destination: Destination, request: ContentRequest, rescue: Rescue | None
) -> str:
    """Save a verified image at its destination, else wherever there is a place for it.

    Raises:
        LocalFileError, OutputClosed: it could not be saved there; the hint says where it is.
    """
    try:
        return destination.save(picture.data, picture.format)
    except MisplacedImage:
        raise
    except (LocalFileError, OutputClosed) as error:
        if rescue is None:
            raise
        saved = rescue.image(picture.data, slug(request.prompt), picture.format)
        error.hint = f"the image was saved as {saved}" if saved else "the image is lost"
        error.is_kept = True
        error.charged = Charged.YES
        raise


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


def _verified(data: Data | None, reply: Reply) -> Picture:
    if data is None:
        raise BadReply("the reply's image is not valid base64")
    try:
        return verify(data)
    except DamagedImage as error:
        if reply.links:
            from nanobanana_cli.api.links import unfetched

            raise unfetched(reply.links[-1], str(error)) from error
        raise BadReply(f"the service sent an image that cannot be used: {error}") from error


def _place_of(image_format: ImageFormat) -> str:
    """Return the name or place of a file in which an image stays as it came."""
    suffix = SUFFIXES[image_format]
    return f"as {suffix}" if suffix in FORMAT_OF_SUFFIX else "in a folder named with -o"


def _in_format(
    picture: Picture, wanted: ImageFormat | None, request: ContentRequest, rescue: Rescue | None
) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture in the format wanted, and what the conversion cost it."""
    if wanted in (None, picture.format):
        return picture, ()
    from nanobanana_cli.images.convert import CannotConvert, convert

    note = (
        f"the service sent {picture.format}, converted to {wanted}: "
        f"{LOSES_PROVENANCE}; {_place_of(picture.format)} it is kept"
    )
    try:
        return convert(picture, wanted), (note,)
    except CannotConvert as error:
        if rescue is None:
            hint = f"leave --format out; {_place_of(picture.format)} it is kept"
            raise LocalFileError(
                f"the image cannot be converted to {wanted}: {error}", hint=hint
            ) from error
        saved = _put(picture, UnnamedFile(Path(), slug(request.prompt), None), request, rescue)
        raise LocalFileError(
            f"the image cannot be converted to {wanted}: {error}",
            hint=f"it was saved as received: {saved}",
            charged=Charged.YES,
        ) from error
