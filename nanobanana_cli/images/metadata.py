"""Read and write alt text and provenance inside image files, as XMP, without encoding anew.

Whatever is not nb's own stays as it was, byte for byte: pixels, EXIF, colour profile, foreign XMP.
"""

from __future__ import annotations

from msgspec.structs import astuple

from nanobanana_cli.images.formats import FORMATS, XmpContainer, format_of, listed
from nanobanana_cli.images.xmp import jpeg
from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata


class SignedImage(ValueError):
    """A file that is signed with C2PA, so that an edit would break the signature."""


def read(data: bytes) -> Description:
    """Return the fields that the file holds; all of them None when it holds none.

    Raises:
        BadMetadata: nb reads no text in this format, or the packet is damaged.
        DamagedImage: the file is damaged.
    """
    packet = _container(data).packet(data)
    main = xmp_packet.read(packet) if packet else Description()
    extension = _extension(data)
    rest = xmp_packet.read(extension) if extension else Description()
    pairs = zip(astuple(main), astuple(rest), strict=True)
    return Description(*(first or second for first, second in pairs))


def is_signed(data: bytes) -> bool:
    """Return whether the file carries a C2PA manifest, or its XMP names the address of one.

    Raises:
        BadMetadata, DamagedImage: as `read`.
    """
    return _container(data).is_signed(data) or read(data).provenance is not None


def embed(
    data: bytes, description: Description, *, lang: str | None = None, force: bool = False
) -> bytes:
    """Return the file with the description's fields set.

    Args:
        data: a PNG, JPEG or WebP file.
        description: the new fields; None leaves a field as it is.
        lang: BCP 47 tag of the texts, if known.
        force: edit a signed file, too.

    Raises:
        SignedImage: it is signed with C2PA, and `force` is off.
        BadMetadata, DamagedImage: as `read`; or a JPEG has no room for it.
    """
    container = _container(data)
    if not force and is_signed(data):
        raise SignedImage("it is signed with C2PA, and the edit would break the signature")
    extension = _extension(data)
    if extension and xmp_packet.overlaps(xmp_packet.read(extension), description):
        raise BadMetadata("its text is in ExtendedXMP, which nb cannot edit")
    new = xmp_packet.extend(container.packet(data), description, lang=lang)
    return container.with_packet(data, new)


def _container(data: bytes) -> XmpContainer:
    image_format = format_of(data)
    container = image_format.load_xmp() if image_format else None
    if container is None:
        titles = listed(each.title for each in FORMATS.values() if each.xmp)
        raise BadMetadata(f"nb reads and writes text in {titles} files only")
    return container


def _extension(data: bytes) -> bytes | None:
    """Return the part of a JPEG's XMP that did not fit into its packet, if any."""
    found = format_of(data)
    return jpeg.extension(data) if found and found.name == "jpeg" else None
