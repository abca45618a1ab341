"""Read and write the text inside image files, with errors that name the file."""

from __future__ import annotations

from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images import metadata
from nanobanana_cli.images.formats import DamagedImage
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp


def description(text: str, style: str, source: str | None = None) -> Description:
    """Return what to embed for a text of a style; titles and tags have no field."""
    return Description(
        alt=text if style == "alt" else None,
        long=text if style == "long" else None,
        source=source,
    )


def text_of(found: Description, style: str) -> str | None:
    """Return the embedded text of a style, if any."""
    return {"alt": found.alt, "long": found.long}.get(style)


def read(path: str, data: bytes) -> Description:
    """Return what an image file says about itself.

    Args:
        path: the file's name, for messages.
        data: the file's bytes.

    Raises:
        LocalFileError: the file is damaged, or `nb` cannot read text from its format.
    """
    try:
        return metadata.read(data)
    except (BadMetadata, DamagedImage) as error:
        raise LocalFileError(f"{path}: cannot read embedded text: {error}") from None


def edit(
    path: str,
    data: bytes,
    new: Description,
    spec: TextSpec,
    *,
    force: bool,
    hint: str = "edit it anyway with --force",
) -> bytes:
    """Return an image file's bytes with a description embedded.

    Args:
        path: the file's name, for messages.
        data: the file's bytes.
        new: what to embed.
        spec: gives the language of the text.
        force: edit a signed file, too, and leave malformed XMP out.
        hint: what to do about a signed file.

    Raises:
        LocalFileError: the file is signed and `force` is off, or it cannot hold text.
    """
    try:
        return metadata.embed(data, new, lang=spec.tag, force=force, break_signature=force)
    except metadata.SignedImage as error:
        raise LocalFileError(f"{path}: {error}", hint=hint) from None
    except (BadMetadata, DamagedImage) as error:
        remedy = "leave its XMP out with --force" if isinstance(error, MalformedXmp) else None
        raise LocalFileError(f"{path}: cannot embed text: {error}", hint=remedy) from None
