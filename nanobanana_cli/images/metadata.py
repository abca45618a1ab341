"""Alt text and provenance inside an image file, as XMP, without encoding the picture again.

What is not our own stays as it was, byte for byte: pixels, EXIF, colour profile, foreign XMP.
"""

from __future__ import annotations

from typing import Protocol

from nanobanana_cli.images.inspect import sniff
from nanobanana_cli.images.xmp import jpeg, png, webp
from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata

FORMATS = ("PNG", "JPEG", "WebP")


class SignedImage(ValueError):
    """The file is signed with C2PA, and an edit would break the signature."""


class _Container(Protocol):
    """How one file format holds a packet."""

    def packet(self, data: bytes) -> bytes | None: ...
    def with_packet(self, data: bytes, new: bytes) -> bytes: ...
    def is_signed(self, data: bytes) -> bool: ...


def read(data: bytes) -> Description:
    """What the file says about itself; empty when it says nothing.

    Raises:
        BadMetadata: the format holds none that `nb` reads, or the file or its packet is damaged.
    """
    packet = _container(data).packet(data)
    main = xmp_packet.read(packet) if packet else Description()
    extension = _extension(data)
    rest = xmp_packet.read(extension) if extension else Description()
    return Description(
        alt=main.alt or rest.alt,
        long=main.long or rest.long,
        source=main.source or rest.source,
        provenance=main.provenance or rest.provenance,
    )


def is_signed(data: bytes) -> bool:
    """Whether it carries a C2PA manifest, in the file or at an address that its XMP names.

    Raises:
        BadMetadata: as for `read`.
    """
    return _container(data).is_signed(data) or read(data).provenance is not None


def embed(
    data: bytes, description: Description, *, lang: str | None = None, force: bool = False
) -> bytes:
    """The same file with the description's fields set.

    Args:
        data: a PNG, JPEG or WebP file.
        description: what to set; fields that are None are left as they are.
        lang: BCP 47 tag of the texts, when it is known.
        force: edit a signed file too.

    Raises:
        SignedImage: it is signed with C2PA, and `force` is off.
        BadMetadata: as for `read`; or a JPEG has no room for it.
    """
    container = _container(data)
    if not force and is_signed(data):
        raise SignedImage("it is signed with C2PA, and the edit would break the signature")
    extension = _extension(data)
    if extension and xmp_packet.overlaps(xmp_packet.read(extension), description):
        raise BadMetadata("its text stands in the XMP's overflow, where nb does not write")
    new = xmp_packet.extend(container.packet(data), description, lang=lang)
    return container.with_packet(data, new)


def _container(data: bytes) -> _Container:
    containers: dict[str, _Container] = {
        "image/png": png,
        "image/jpeg": jpeg,
        "image/webp": webp,
    }
    container = containers.get(sniff(data) or "")
    if container is None:
        raise BadMetadata(f"only {', '.join(FORMATS)} files hold text that nb reads and writes")
    return container


def _extension(data: bytes) -> bytes | None:
    return jpeg.extension(data) if sniff(data) == "image/jpeg" else None
