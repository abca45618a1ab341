"""Read XMP in AVIF, HEIC and HEIF files: an item of the type `application/rdf+xml`.

Nothing is embedded: no library edits these files without encoding the pixels anew.

Sources: ISO/IEC 14496-12, sections 8.11.3 and 8.11.6 (`iloc`, `iinf`); ISO/IEC 23008-12, annex A
(XMP as an item); C2PA specification, appendix A (the `uuid` box).
"""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.images.heif import boxes, meta_boxes, number
from nanobanana_cli.images.xmp.scan import BadMetadata, NotEmbeddable

FURTHER = "a second XMP packet"
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_IN_FILE, _IN_META = 0, 1


def packet(data: bytes) -> bytes | None:
    """Return the XMP packet, or None.

    Raises:
        BadMetadata: the boxes cannot be read.
    """
    view = memoryview(data)
    try:
        meta = meta_boxes(view)
        item = _xmp_item(meta.get(b"iinf", memoryview(b"")))
        if item is None:
            return None
        places = {_IN_FILE: view, _IN_META: meta.get(b"idat", memoryview(b""))}
        pieces = [places[method][place] for method, place in _extents(meta[b"iloc"], item)]
        if sum(map(len, pieces)) > len(data):
            raise ValueError  # as only pieces do that are there many times over
        return b"".join(pieces)
    except (IndexError, KeyError, ValueError):
        raise BadMetadata("its boxes cannot be read") from None


def further(_data: bytes) -> bytes | None:
    """Return None: one packet is all."""
    return None


def with_packet(_data: bytes, _new: bytes) -> bytes:
    """Raise NotEmbeddable."""
    raise NotEmbeddable("nb embeds no text in AVIF and HEIC files")


def is_signed(data: bytes) -> bool:
    """Return whether the file holds a C2PA manifest."""
    try:
        return any(
            kind == b"uuid" and body[: len(_C2PA)] == _C2PA
            for kind, body in boxes(memoryview(data))
        )
    except ValueError:
        return False


def _xmp_item(infos: memoryview) -> int | None:
    """Return the number of the item that is XMP, if any."""
    for kind, body in boxes(infos[6 if infos[:1].tobytes() == b"\0" else 8 :]):
        if kind != b"infe" or body[0] < 2:
            continue
        at = 6 if body[0] == 2 else 8
        _name, _, content_type = bytes(body[at + 6 :]).partition(b"\0")
        if body[at + 2 : at + 6].tobytes() == b"mime" and content_type.startswith(
            b"application/rdf+xml"
        ):
            return number(body[4:at])
    return None


def _extents(locations: memoryview, wanted: int) -> Iterator[tuple[int, slice]]:
    """Yield where an item's pieces are: by which method of construction, and at which bytes."""
    version = locations[0]
    offset_length, length_length = locations[4] >> 4, locations[4] & 15
    base_length, index_length = locations[5] >> 4, locations[5] & 15 if version else 0
    id_length = 4 if version == 2 else 2
    at = 6

    def take(length: int) -> int:
        nonlocal at
        at += length
        if at > len(locations):
            raise IndexError
        return number(locations[at - length : at])

    for _ in range(take(id_length)):
        item = take(id_length)
        method = take(2) & 15 if version else _IN_FILE
        # The file that holds the data: always this one.
        take(2)
        base = take(base_length)
        extents = take(2)
        if extents > 1 and not (index_length or offset_length or length_length):
            raise ValueError(extents)
        for _ in range(extents):
            take(index_length)
            start, length = base + take(offset_length), take(length_length)
            if item == wanted:
                yield method, slice(start, start + length)
