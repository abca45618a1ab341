"""Read the boxes of HEIC, HEIF and AVIF files.

Sources: ISO/IEC 14496-12 (boxes, items), ISO/IEC 23008-12 (properties of images).
"""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.types import Data


def displayed_size(data: Data) -> tuple[int, int] | None:
    """Return width and height in pixels of a file's image, or None if they cannot be read.

    Its rotation is a property of the image; EXIF is only informative.
    """
    try:
        return _size(memoryview(data))
    except (IndexError, KeyError, ValueError):
        return None


def _size(view: memoryview) -> tuple[int, int] | None:
    meta = meta_boxes(view)
    primary = meta[b"pitm"]
    item = number(primary[4:6] if primary[0] == 0 else primary[4:8])
    shared = dict(boxes(meta[b"iprp"]))
    properties = list(boxes(shared[b"ipco"]))
    size, is_turned = None, False
    for index in _associated(shared[b"ipma"], item):
        kind, body = properties[index - 1]
        if kind == b"ispe":
            size = number(body[4:8]), number(body[8:12])
        elif kind == b"irot":
            is_turned = bool(body[0] & 1)
    if size is None or not all(size):
        return None
    return size[::-1] if is_turned else size


def _associated(body: memoryview, wanted: int) -> Iterator[int]:
    """Yield the numbers, from 1, of an item's properties."""
    id_length = 2 if body[0] == 0 else 4
    length = 2 if body[3] & 1 else 1
    essential = 1 << (8 * length - 1)
    at = 8
    for _ in range(number(body[4:8])):
        item, count = number(body[at : at + id_length]), body[at + id_length]
        at += id_length + 1
        for start in range(at, at + count * length, length):
            index = number(body[start : start + length]) & (essential - 1)
            if item == wanted and index:
                yield index
        at += count * length
        if at >= len(body):
            return


def meta_boxes(view: memoryview) -> dict[bytes, memoryview]:
    """Return the boxes that describe the items of a file."""
    # The first four bytes of a full box are its version and flags.
    return dict(boxes(dict(boxes(view))[b"meta"][4:]))


def boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the type and the content of each box.

    Raises:
        ValueError: the length of one is wrong.
    """
    at = 0
    while at + 8 <= len(view):
        head, length = 8, number(view[at : at + 4])
        if length == 1:
            head, length = 16, number(view[at + 8 : at + 16])
        elif length == 0:
            length = len(view) - at
        if length < head:
            raise ValueError(length)
        yield bytes(view[at + 4 : at + 8]), view[at + head : at + length]
        at += length


def number(field: memoryview) -> int:
    """Return an unsigned number, high byte first; 0 for an empty field."""
    return int.from_bytes(field)
