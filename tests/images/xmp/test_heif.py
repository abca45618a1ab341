"""What HEIC and AVIF files say in their boxes, in each version of these (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct

import pytest

from nanobanana_cli.images.xmp import heif

PACKET = b"<x:xmpmeta>a red fox</x:xmpmeta>"
# C2PA specification, appendix A.
C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def image(version: int, index_length: int) -> bytes:
    """A HEIC with XMP as item 2, in two pieces of the `meta` box or, in version 0, of the file."""
    number = ">I" if version == 2 else ">H"
    half = len(PACKET) // 2
    pieces = ((0, half), (half, len(PACKET) - half))
    infe = bytes((3 if version == 2 else 2, 0, 0, 0))
    kinds = ((1, b"hvc1\0"), (2, b"mime\0application/rdf+xml\0"))
    infos = b"".join(
        box(b"infe", infe + struct.pack(number, item) + b"\0\0" + kind) for item, kind in kinds
    )
    iinf = bytes((version == 2, 0, 0, 0)) + struct.pack(number, 2) + infos

    def located(base: int) -> bytes:
        iloc = bytes((version, 0, 0, 0, 0x44, 0x40 | index_length)) + struct.pack(number, 2)
        for item, places in ((1, pieces[:1]), (2, pieces)):
            iloc += struct.pack(number, item) + (b"\0\1" if version else b"") + b"\0\0"
            iloc += struct.pack(">IH", base, len(places))
            for place in places:
                iloc += bytes(index_length) + struct.pack(">II", *place)
        boxes = box(b"iinf", iinf) + box(b"iloc", iloc) + box(b"idat", PACKET if version else b"")
        return box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", bytes(4) + boxes)

    return located(0) if version else located(len(located(0)) + 8) + box(b"mdat", PACKET)


@pytest.mark.parametrize(("version", "index_length"), [(0, 0), (1, 0), (1, 4), (2, 0), (2, 4)])
def test_xmp_is_an_item(version: int, index_length: int) -> None:
    assert heif.packet(image(version, index_length)) == PACKET


@pytest.mark.parametrize(
    ("kind", "uuid", "is_signed"),
    [(b"uuid", C2PA, True), (b"uuid", bytes(16), False), (b"free", C2PA, False)],
)
def test_a_manifest_is_a_box_of_its_own(kind: bytes, uuid: bytes, is_signed: bool) -> None:
    assert heif.is_signed(image(1, 0) + box(kind, uuid + b"manifest")) is is_signed
