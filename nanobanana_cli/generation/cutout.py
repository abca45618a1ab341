"""Keep the original of an image whose background is cut out."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation.destinations import Destination, NamedFile, UnnamedFile
from nanobanana_cli.generation.rescue import Rescue
from nanobanana_cli.images.formats import FORMATS, SUFFIXES
from nanobanana_cli.system import error_of
from nanobanana_cli.types import ImageFormat, Picture

# Formats that hold transparency.
TRANSPARENT: tuple[ImageFormat, ...] = ("png", "webp")


def format_for(wanted: ImageFormat | None, where: str) -> ImageFormat:
    """Return the format of a cut-out; raise UsageError for one without transparency.

    Args:
        wanted: the one that is asked for, if any.
        where: how it is asked for, for messages.
    """
    if wanted is None:
        return "png"
    if wanted not in TRANSPARENT:
        raise UsageError(
            f"--transparent and {where} contradict each other: {FORMATS[wanted].title} holds no "
            "transparency",
            hint="use png or webp",
        )
    return wanted


def original_of(place: Destination) -> Path | None:
    """Return the file for the original beside a cut-out, without suffix: `fox.original`."""
    if isinstance(place, NamedFile):
        folder, stem = place.path.parent, place.path.stem
    elif isinstance(place, UnnamedFile):
        folder, stem = place.folder, place.stem
    else:
        return None
    return folder / f"{stem}.original"


def taken_original(place: Destination) -> Path | None:
    """Return the file that is in the way of an original, if one is."""
    original = place.edits.original
    if original is None or not isinstance(place, NamedFile) or place.force:
        return None
    suffixes = (suffix for each in FORMATS.values() for suffix in each.suffixes)
    return next(
        filter(
            files.taken,
            map(original.parent.joinpath, (original.name + suffix for suffix in suffixes)),
        ),
        None,
    )


def keep_original(picture: Picture, place: Destination, rescue: Rescue | None) -> tuple[str, str]:
    """Save an image as it was received, beside where its cut-out goes.

    Returns:
        Its path, "" if it could be saved nowhere; and a note that says where it is.
    """
    original, suffix = place.edits.original, SUFFIXES[picture.format]
    if original is None:
        return "", ""
    # The folder of a row may not be there yet.
    with suppress(OSError):
        original.parent.mkdir(parents=True, exist_ok=True)
    try:
        if isinstance(place, NamedFile) and place.force:
            path = original.with_name(original.name + suffix)
            files.replace(path, picture.data)
        else:
            path = files.create_unique(original.parent, original.name, suffix, picture.data)
    except Exception as exception:  # noqa: BLE001 - it must not cost the cut-out
        saved = rescue and rescue.image(picture.data, original.name, suffix)
        why = f"the original could not be kept beside it: {error_of(exception).message}"
        return (str(saved), f"{why}; it is kept as {saved}") if saved else ("", why)
    return str(path), f"the original is kept as {path}"
