"""Tell how wide and high an image is as it is displayed: turned as its metadata says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from nanobanana_cli.images import jpeg, png, webp
from nanobanana_cli.images.formats import DamagedImage
from nanobanana_cli.types import Data, Picture

ORIENTATION = 0x0112
_EXIF_CHUNKS = (b"eXIf", b"EXIF")


def displayed_size(picture: Picture) -> tuple[int, int]:
    """Return width and height in pixels, turned as EXIF says."""
    is_turned = orientation(_exif(picture)) >= 5
    size = picture.width, picture.height
    return size[::-1] if is_turned else size


def orientation(block: bytes) -> int:
    """Return how an EXIF block says to turn the image, 1 to 8; 1 when nothing readable says so."""
    from PIL import Image

    exif = Image.Exif()
    # Pillow raises whatever damaged EXIF causes, and an image that is not turned will do.
    with suppress(Exception):
        exif.load(block)
        found = int(exif.get(ORIENTATION, 1))
        return found if 1 <= found <= 8 else 1
    return 1


def heif_size(data: Data) -> tuple[int, int] | None:
    """Return width and height in pixels of a HEIC or HEIF file's image, or None if unreadable.

    Its rotation is a property of the image; EXIF is only informative. Source: ISO/IEC 23008-12.
    """
    try:
        return _heif_size(memoryview(data))
    except (IndexError, KeyError, ValueError):
        return None


def _exif(picture: Picture) -> bytes:
    data = picture.data
    try:
        if picture.format == "jpeg":
            return jpeg.exif(data) or b""
        chunks = png.chunks(data) if picture.format == "png" else webp.chunks(data)
        return next((bytes(each.body) for each in chunks if each.kind in _EXIF_CHUNKS), b"")
    except DamagedImage:
        return b""


def _heif_size(view: memoryview) -> tuple[int, int] | None:
    # The first four bytes of a full box are its version and flags.
    meta = dict(_boxes(dict(_boxes(view))[b"meta"][4:]))
    primary = meta[b"pitm"]
    item = _number(primary[4:6] if primary[0] == 0 else primary[4:8])
    shared = dict(_boxes(meta[b"iprp"]))
    properties = list(_boxes(shared[b"ipco"]))
    size, is_turned = None, False
    for index in _associated(shared[b"ipma"], item):
        kind, body = properties[index - 1]
        if kind == b"ispe":
            size = _number(body[4:8]), _number(body[8:12])
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
    for _ in range(_number(body[4:8])):
        item, count = _number(body[at : at + id_length]), body[at + id_length]
        at += id_length + 1
        for start in range(at, at + count * length, length):
            number = _number(body[start : start + length]) & (essential - 1)
            if item == wanted and number:
                yield number
        at += count * length
        if at >= len(body):
            return


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(view):
        head, length = 8, _number(view[at : at + 4])
        if length == 1:
            head, length = 16, _number(view[at + 8 : at + 16])
        elif length == 0:
            length = len(view) - at
        if length < head:
            raise ValueError(length)
        yield bytes(view[at + 4 : at + 8]), view[at + head : at + length]
        at += length


def _number(field: memoryview) -> int:
    return int.from_bytes(field)
