"""Verify an image, convert it to the format asked for, and save it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.api.reply import every_image
from nanobanana_cli.errors import BadReply, Charged, NbError, OutputClosed
from nanobanana_cli.generation import cutout, edit
from nanobanana_cli.generation.destinations import Destination, MisplacedImage, folders, numbered
from nanobanana_cli.generation.rescue import (
    CUT_BEHIND,
    Rescue,
    extract_hint,
    lead_to,
    lead_to_image,
)
from nanobanana_cli.generation.shape import differences
from nanobanana_cli.images.content import shown_in
from nanobanana_cli.images.formats import FORMATS, SUFFIXES, DamagedImage, sniff, verify
from nanobanana_cli.slug import slug
from nanobanana_cli.system import error_of
from nanobanana_cli.types import ContentRequest, Data, Picture, Reply, Result

# Now, and not when the first image has come: nb may be upgraded during a call.
for _format in FORMATS.values():
    _format.load_reader()


def save_image(
    result: Result,
    destination: Destination,
    rescue: Rescue | None = None,
    hashed: bool = False,
) -> Result:
    """Save the image of a reply: the last one that is whole, if it holds several.

    The bytes stay as received wherever possible: provenance (C2PA, XMP) is bound to them.

    Args:
        result: the result of a call; one without a reply is returned as it is.
        destination: its format is the one to convert to.
        rescue: keeps what was paid for and cannot be saved; None if nothing was.
        hashed: also give the result the hash of what the image shows.

    Returns:
        The result, `written`, without the reply's bytes; or `failed` with the error, whose hint
        says where the image or the reply is instead, if it could be saved anywhere.
    """
    reply = result.reply
    if reply is None:
        return replace(result, edits=destination.edits.options)
    if reply.may_be_draft:
        result = replace(result, notes=(*result.notes, CUT_BEHIND))
    saved = _save(result, reply.image, destination, rescue, hashed)
    if reply.images < 2:
        return saved
    is_damaged = isinstance(saved.error, BadReply) and saved.error.charged is not Charged.YES
    if saved.error and is_damaged and (data := _last_whole(reply)) is not None:
        why = f"{saved.error.message}; an earlier image of the reply is saved"
        if saved.error.is_kept:
            why = f"{why}, and {saved.error.hint}"
        result = replace(result, notes=(*result.notes, why))
        return _save(result, data, destination, rescue, hashed)
    if saved.error is not None:
        others = _kept(result, rescue, "--all") if saved.error.reply_path is None else None
        return replace(saved, notes=(*saved.notes, others[1])) if others else saved
    which = "one" if reply.may_be_draft else "the last one"
    note = f"the service sent {reply.images} images; {which} is saved"
    if rescue is None:
        note = f"{note}; --all saves each"
    elif others := _kept(result, rescue, "--all"):
        note = f"{note}, and {others[1]}"
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
    result: Result,
    destination: Destination,
    rescue: Rescue | None = None,
    hashed: bool = False,
) -> Iterator[Result]:
    """Save each finished image of a reply: `fox.png`, `fox-2.png`, …

    Args:
        result, destination, rescue, hashed: as for `save_image`.

    Yields:
        A result for each image, in the reply's order; the first one has the cost of them all.
    """
    reply = result.reply
    if reply is not None and reply.is_partial:
        note = "the reply is cut or damaged, so more images may have been in it"
        unsure = (CUT_BEHIND,) if reply.may_be_draft and reply.images > 1 else ()
        result = replace(result, notes=(*result.notes, note, *unsure))
    if reply is None or reply.body is None or reply.images < 2:
        yield save_image(result, destination, rescue, hashed)
        return
    number, kept = 1, None
    for data in reply.linked or every_image(reply.body):
        place = numbered(destination, number)
        while number > 1 and place.taken():
            number += 1
            place = numbered(destination, number)
        saved = _save(result, data, place, rescue, hashed)
        if isinstance(error := saved.error, BadReply) and error.image_path is None:
            if kept is not None:
                lead_to(error, *kept)
            elif error.reply_path is not None and error.hint is not None:
                # Once is enough: it has them all.
                kept = error.reply_path, error.hint
                result = replace(result, reply=replace(reply, body=None))
        yield saved
        result = replace(result, cost=None if result.cost is None else 0, notes=())
        number += 1


def _save(
    result: Result, data: Data | None, place: Destination, rescue: Rescue | None, hashed: bool
) -> Result:
    """Save one image of a reply; None is one that could not be decoded."""
    reply = result.reply
    assert reply is not None
    bare = replace(
        result, reply=replace(reply, image=None, body=None, linked=()), edits=place.edits.options
    )
    picture: Picture | None = None
    try:
        received = _verified(data, result, rescue)
        kept, note = cutout.keep_original(received, place, rescue)
        told = (note,) if note else ()
        bare = replace(bare, original_path=kept or None, notes=(*result.notes, *told))
        # Another size of the same image may have been saved as received.
        kept = kept or result.original_path or ""
        picture, notes = _edited(received, place, result.request, rescue, kept)
        path = _put(picture, place, result.request, rescue)
    except NbError as error:
        if isinstance(error, BadReply) and not error.is_kept:
            options = ("--all",) if reply.images > 1 else ()
            _keep(error, result, rescue, *options)
        # Shown by no other line: who closed stdout has stopped reading.
        told = (error.hint,) if isinstance(error, OutputClosed) and error.hint else ()
        notes = (*bare.notes, *told)
        shown = _shown(picture) if hashed and picture else None
        return replace(bare, status="failed", shown=shown, error=error.released(), notes=notes)
    return replace(
        bare,
        status="written",
        path=path,
        mime_type=FORMATS[picture.format].mime_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        shown=_shown(picture) if hashed else None,
        notes=(*bare.notes, *differences(result.request, received), *notes),
    )


def _shown(picture: Picture) -> str | None:
    with suppress(MemoryError):  # It is not worth one.
        return shown_in(picture.data)
    return None


def _kept(result: Result, rescue: Rescue | None, *options: str) -> tuple[Path, str] | None:
    """Keep the whole reply and return its path and a hint, None if it is not kept."""
    if rescue is None or result.reply is None or result.reply.body is None:
        return None
    kept = rescue.reply(result.reply.body, slug(result.request.prompt))
    if kept is None:
        return None
    return kept, extract_hint(kept, *options, *(("--fetch",) if result.reply.links else ()))


def _keep(error: NbError, result: Result, rescue: Rescue | None, *options: str) -> None:
    """Keep the whole reply, and make the error's hint lead to it."""
    if kept := _kept(result, rescue, *options):
        lead_to(error, *kept)


def _put(
    picture: Picture, destination: Destination, request: ContentRequest, rescue: Rescue | None
) -> str:
    """Save a verified image at its destination, else wherever there is a place for it.

    Raises:
        NbError: it could not be saved there; the hint says where it is.
    """

    def save() -> str:
        return destination.save(picture.data, picture.format)

    if rescue is None:
        return save()
    try:
        return rescue.patiently(save)
    except MisplacedImage:
        raise
    except Exception as exception:  # noqa: BLE001 - whatever it is, the image was paid for
        error = error_of(exception)
        beside = next(folders([destination]), None)
        _rescue(error, picture, slug(request.prompt), beside, rescue)
        raise error from error.__cause__


def _rescue(
    error: NbError,
    picture: Picture,
    stem: str,
    beside: Path | None,
    rescue: Rescue,
    said: str = "the image was saved as",
) -> None:
    """Save a verified image elsewhere, and make the error's hint lead to it."""
    suffix = SUFFIXES[picture.format]
    error.hint, error.charged = "the image is lost", Charged.YES
    if saved := rescue.image(picture.data, stem, suffix, beside):
        lead_to_image(error, saved, said)


def _verified(data: Data | None, result: Result, rescue: Rescue | None) -> Picture:
    """Return the image, which has been charged if it is one.

    Raises:
        NbError: it cannot be used, or not be checked; then the hint says where it is.
    """
    reply = result.reply
    if data is None or reply is None:
        raise BadReply("the reply's image is not valid base64")
    try:
        if rescue is None:
            return verify(data)
        picture = rescue.patiently(lambda: verify(data))
    except DamagedImage as error:
        if reply.links:
            from nanobanana_cli.api.links import unfetched

            raise unfetched(reply.links[-1], str(error)) from error
        raise BadReply(f"the service sent an image that cannot be used: {error}") from error
    except Exception as exception:
        error_found = error_of(exception)
        _keep(error_found, result, rescue)
        if not error_found.is_kept and rescue is not None:
            suffix = f".{(sniff(data) or 'image/bin').removeprefix('image/')}"
            if saved := rescue.image(data, slug(result.request.prompt), suffix):
                lead_to_image(error_found, saved)
        raise error_found from exception
    rescue.charges.settle(Charged.YES)
    return picture


def _edited(
    picture: Picture,
    destination: Destination,
    request: ContentRequest,
    rescue: Rescue | None,
    kept: str,
) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture as it is wanted there, and what that cost it.

    Args:
        picture, destination, request, rescue: as for `_put`.
        kept: where it is as it was received; "" for nowhere.

    Raises:
        NbError: that is not possible; the hint says where it is as it was received.
    """
    if edit.is_as_wanted(picture, destination):
        return picture, ()
    try:
        if rescue is None:
            return edit.edited(picture, destination)
        return rescue.patiently(lambda: edit.edited(picture, destination))
    except Exception as exception:
        error = edit.failure(exception, picture, destination)
        if kept:
            lead_to_image(error, Path(kept), "it was saved as received:")
        elif rescue is not None:
            beside = next(folders([destination]), Path())
            place = destination.unedited or beside / (slug(request.prompt) or "image")
            _rescue(error, picture, place.name, place.parent, rescue, "it was saved as received:")
        raise error from exception
