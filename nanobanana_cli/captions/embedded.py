"""Read and write the text inside image files, with errors that name the file."""

from __future__ import annotations

from contextlib import suppress

from nanobanana_cli.captions import languages
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images import metadata
from nanobanana_cli.images.formats import DamagedImage, format_of
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import DEFAULT_LANGUAGE as _DEFAULT
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp


class SignedFile(LocalFileError):
    """A file that is signed with C2PA, which an edit would break."""

    hint = "--break-signature edits it anyway; --write keeps the text beside it"


def description(text: str, style: str, source: str | None = None) -> Description:
    """Return what to embed for a text of a style; titles and tags have no field."""
    return Description(
        alt=text if style == "alt" else None,
        long=text if style == "long" else None,
        source=source,
    )


def text_of(path: str, data: bytes, spec: TextSpec, *, is_sure: bool = False) -> str | None:
    """Return the embedded text of a style, in the language asked for; None without one.

    Args:
        path, data: as for `read`.
        spec: gives style and language; without a language, it is the default's text.
        is_sure: a text that does not say its language must read as the one asked for, rather than
            not as another.

    Raises:
        LocalFileError: as `read`.
    """
    try:
        found = _alternatives(data, spec)
    except (BadMetadata, DamagedImage) as error:
        raise LocalFileError(f"{path}: cannot read embedded text: {error}") from None
    tag = _entry(found, spec)
    default = _default(found)
    if spec.lang is None or tag is not None:
        return next((text for code, text in found if code == tag), default)
    if default is None or any(text == default for code, text in found if code != _DEFAULT):
        # Its language is known, and is another one.
        return None
    if spec.tag is None:
        return None if is_sure else default
    counts = languages.is_surely if is_sure else _is_not_other
    return default if counts(default, spec.tag) else None


def _is_not_other(text: str, tag: str) -> bool:
    return not languages.is_other(text, tag)


def _default(found: list[tuple[str, str]]) -> str | None:
    first = found[0][1] if found else None
    return next((text for code, text in found if code == _DEFAULT), first)


def _entry(found: list[tuple[str, str]], spec: TextSpec) -> str | None:
    """Return the tag of the alternative in the language asked for, if there is one."""
    if (wanted := spec.tag) is None:
        return None
    tags = [code for code, _ in found if code != _DEFAULT and languages.matches(wanted, code)]
    return min(tags, key=lambda tag: tag.lower() != wanted.lower(), default=None)


def _alternatives(data: bytes, spec: TextSpec) -> list[tuple[str, str]]:
    return metadata.alternatives(data).get(spec.style, [])


def closed_format(data: bytes) -> str | None:
    """Return the name of an image's format if nb embeds no text in it, such as `AVIF`."""
    if metadata.can_embed(data):
        return None
    found = format_of(data)
    return found.title if found else "HEIC"


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


def _is_default(found: list[tuple[str, str]], spec: TextSpec, nth: int | None) -> bool | None:
    """Return whether a text is to be the default; None where that depends on what is there."""
    if nth is not None and _DEFAULT not in dict(found):
        return nth == 0
    default = _default(found)
    # A default that says no language, but is in this one, is the older text.
    is_older = default and spec.tag and languages.is_surely(default, spec.tag)
    return True if is_older else None


def edit(
    path: str,
    data: bytes,
    new: Description,
    spec: TextSpec,
    *,
    force: bool,
    break_signature: bool,
    nth: int | None = None,
) -> bytes:
    """Return an image file's bytes with a description embedded.

    Texts in other languages stay.

    Args:
        path: the file's name, for messages.
        data: the file's bytes.
        new: what to embed.
        spec: gives the language of the text.
        force: leave malformed XMP out.
        break_signature: edit a signed file, too.
        nth: the text's place among those in several languages, whichever comes first: the first
            is the default of an image without one.

    Raises:
        SignedFile: the file is signed and `break_signature` is off.
        LocalFileError: it cannot hold text.
    """
    found: list[tuple[str, str]] = []
    # What cannot be read is told, or left out, when the text is embedded.
    with suppress(BadMetadata, DamagedImage):
        found = _alternatives(data, spec)
    try:
        return metadata.embed(
            data,
            new,
            lang=_entry(found, spec) or spec.tag,
            is_default=_is_default(found, spec, nth),
            force=force,
            break_signature=break_signature,
        )
    except metadata.SignedImage as error:
        raise SignedFile(f"{path}: {error}") from None
    except (BadMetadata, DamagedImage) as error:
        remedy = "leave its XMP out with --force" if isinstance(error, MalformedXmp) else None
        raise LocalFileError(f"{path}: cannot embed text: {error}", hint=remedy) from None
