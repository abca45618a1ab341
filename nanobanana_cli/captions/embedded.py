"""What image files say inside themselves, with errors that name the file."""

from __future__ import annotations

from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images import metadata
from nanobanana_cli.images.errors import DamagedImage
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata


def description(text: str, style: str, source: str | None = None) -> Description:
    """What to embed for a text of a style; titles and tags have no field."""
    return Description(
        alt=text if style == "alt" else None,
        long=text if style == "long" else None,
        source=source,
    )


def text_of(found: Description, style: str) -> str | None:
    """The text of a style that is embedded, if there is one."""
    return {"alt": found.alt, "long": found.long}.get(style)


def read(path: str, data: bytes) -> Description:
    """What the file says; empty when it says nothing.

    Raises:
        LocalFileError: it cannot be read, or its format holds no text that `nb` reads.
    """
    try:
        return metadata.read(data)
    except (BadMetadata, DamagedImage) as error:
        raise LocalFileError(f"{path}: no embedded text can be read: {error}") from None


def edited(
    path: str,
    data: bytes,
    new: Description,
    wish: TextSpec,
    *,
    force: bool,
    hint: str = "--force edits it all the same",
) -> bytes:
    """The file's bytes with a description set.

    Args:
        path: for messages.
        data: the file's bytes.
        new: what to set.
        wish: whose language the texts have.
        force: edit a signed file, too.
        hint: what to do about a signed file.

    Raises:
        LocalFileError: the file is signed and `force` is off, or it cannot hold text.
    """
    try:
        return metadata.embed(data, new, lang=wish.tag, force=force)
    except metadata.SignedImage as error:
        raise LocalFileError(f"{path}: {error}", hint=hint) from None
    except (BadMetadata, DamagedImage) as error:
        raise LocalFileError(f"{path}: no text can be embedded: {error}") from None
