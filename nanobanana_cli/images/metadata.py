"""Read and write alt text and provenance inside image files, as XMP, without encoding anew.

Whatever is not nb's own stays as it was, byte for byte: pixels, EXIF, colour profile, foreign XMP.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

from msgspec.structs import astuple

from nanobanana_cli.images.formats import (
    FORMATS,
    DamagedImage,
    XmpContainer,
    format_of,
    listed,
    sniff,
)
from nanobanana_cli.images.xmp import heif
from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp, NotEmbeddable


class SignedImage(ValueError):
    """A file that is signed with C2PA, so that an edit would break the signature."""


def read(data: bytes) -> Description:
    """Return the fields that the file holds; all of them None when it holds none.

    Raises:
        BadMetadata: nb reads no text in this format, or the packet is malformed.
        DamagedImage: the file is damaged, before its packet.
    """
    main, rest = (xmp_packet.read(part) if part else Description() for part in _packets(data))
    pairs = zip(astuple(main), astuple(rest), strict=True)
    return Description(*(first or second for first, second in pairs))


def alternatives(data: bytes) -> dict[str, list[tuple[str, str]]]:
    """Return language (`x-default` too) and text of each alternative of `alt` and `long`.

    Raises:
        BadMetadata, DamagedImage: as `read`.
    """
    main, rest = (xmp_packet.alternatives(part) if part else {} for part in _packets(data))
    return {field: main.get(field) or rest.get(field, []) for field in ("alt", "long")}


def is_signed(data: bytes) -> bool:
    """Return whether the file carries a C2PA manifest, or its XMP names the address of one.

    Raises:
        BadMetadata, DamagedImage: as `read`.
    """
    return _container(data).is_signed(data) or read(data).provenance is not None


def can_embed(data: bytes) -> bool:
    """Return whether nb embeds text in files of this format."""
    found = format_of(data)
    return found is not None and found.xmp is not None and bool(found.modes)


def embed(
    data: bytes,
    description: Description,
    *,
    lang: str | None = None,
    is_default: bool | None = None,
    force: bool = False,
    break_signature: bool = False,
) -> bytes:
    """Return the file with the description's fields set.

    Args:
        data: a PNG, JPEG or WebP file.
        description: the new fields; None leaves a field as it is.
        lang, is_default: as for `xmp.packet.extend`.
        force: leave malformed XMP out.
        break_signature: edit a signed file, too.

    Raises:
        NotEmbeddable: nb embeds no text in files of this format.
        SignedImage: it is signed with C2PA, and `break_signature` is off.
        MalformedXmp: its XMP is malformed, and `force` is off.
        BadMetadata, DamagedImage: as `read`; or a JPEG has no room for it.
    """
    if not can_embed(data):
        titles = listed(each.title for each in FORMATS.values() if each.xmp and each.modes)
        raise NotEmbeddable(f"nb embeds text in {titles} files only")
    container = _container(data)
    packet = _well_formed(container.packet, data, force=force)
    further = _well_formed(container.further, data, force=force)
    described = [xmp_packet.read(part) for part in (packet, further) if part]
    is_signed = container.is_signed(data) or any(each.provenance for each in described)
    if is_signed and not break_signature:
        raise SignedImage("it is signed with C2PA, and the edit would break the signature")
    if further and xmp_packet.overlaps(described[-1], description):
        raise BadMetadata(f"its text is in {container.FURTHER}, which nb cannot edit")
    new = xmp_packet.extend(packet, description, lang=lang, is_default=is_default)
    return container.with_packet(data, new)


def _well_formed(
    read_part: Callable[[bytes], bytes | None], data: bytes, *, force: bool
) -> bytes | None:
    """Return a packet that can be extended; with `force`, None instead of a malformed one."""
    try:
        packet = read_part(data)
        # Changes nothing but the encoding.
        return xmp_packet.extend(packet, Description()) if packet else None
    except MalformedXmp:
        if not force:
            raise
        return None


def _packets(data: bytes) -> tuple[bytes | None, bytes | None]:
    """Return the XMP packet, and one that is elsewhere in the file, as far as they are there."""
    container = _container(data)
    packet, further = container.packet(data), None
    # A packet that comes first can be read though the rest is damaged.
    with suppress(DamagedImage):
        further = container.further(data)
    return packet, further


def _container(data: bytes) -> XmpContainer:
    image_format = format_of(data)
    if image_format is None and sniff(data) in ("image/heic", "image/heif"):
        return cast(XmpContainer, heif)
    container = image_format.load_xmp() if image_format else None
    if container is None:
        titles = listed([*(each.title for each in FORMATS.values() if each.xmp), "HEIC"])
        raise BadMetadata(f"nb reads text in {titles} files only")
    return container
