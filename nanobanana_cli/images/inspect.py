"""Identify image bytes and check that they are whole, whatever their name or sender claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nanobanana_cli.images import DamagedImage
from nanobanana_cli.images.formats import FORMATS, Format, listed
from nanobanana_cli.types import Data, Picture

# Further than an XML prologue and a comment usually reach.
_HEAD = 1024


def sniff(data: Data) -> str | None:
    """Return the MIME type that the first kilobyte shows, or None for anything but an image.

    Knows png, jpeg, webp, heic, heif, avif, gif, bmp, tiff and svg+xml.
    """
    head = bytes(data[:_HEAD])
    return next((mime_type for mime_type, begins in _BEGINNINGS.items() if begins(head)), None)


def format_of(data: Data) -> Format | None:
    """Return the format that the first bytes show, or None for one that nb does not write."""
    head = bytes(data[:_HEAD])
    return next((each for each in FORMATS.values() if each.begins(head)), None)


def verify(data: Data) -> Picture:
    """Return the PNG, JPEG or WebP in `data` after decoding every pixel.

    A PNG is checked to its last bit. JPEG has no checksums: a cut, a missing end and what a decoder
    rejects are found, a flipped bit within a scan is not. Of an animation the first frame is
    decoded. Width and height are those of the stored pixels, whatever EXIF says of turning them.
    Safe to call from several threads at once.

    Raises:
        DamagedImage: it is not a whole image.
    """
    image_format = _known_format(data)
    return Picture(data, image_format.name, *image_format.load_reader().verify(data))


def survey(data: Data) -> Picture:
    """Return the PNG, JPEG or WebP in `data` after checking that it has all its parts.

    Finds what a cut or a broken copy leaves. Does not decode the pixels, so that each image of a
    folder takes a fraction of a millisecond.

    Raises:
        DamagedImage: a part is missing, or it is not an image.
    """
    image_format = _known_format(data)
    return Picture(data, image_format.name, *image_format.load_reader().survey(data))


def _known_format(data: Data) -> Format:
    if found := format_of(data):
        return found
    if not data:
        raise DamagedImage("it is empty")
    mime_type = sniff(data)
    if mime_type is None:
        raise DamagedImage("it is not an image")
    titles = listed(each.title for each in FORMATS.values())
    raise DamagedImage(f"it is {mime_type}, not {titles}")


def _has_brand(head: bytes, *brands: bytes) -> bool:
    """Return whether the bytes begin an ISO media file (ISO/IEC 23008-12) of one of the brands."""
    end = min(int.from_bytes(head[:4]), len(head))
    found = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
    return head[4:8] == b"ftyp" and not found.isdisjoint(brands)


def _is_svg(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in text)


_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
_BEGINNINGS: Mapping[str, Callable[[bytes], bool]] = {
    **{each.mime_type: each.begins for each in FORMATS.values()},
    "image/gif": lambda head: head.startswith((b"GIF87a", b"GIF89a")),
    "image/tiff": lambda head: head.startswith((b"II*\0", b"MM\0*")),
    # Two letters alone would take text for a bitmap; four reserved bytes are zero in each.
    "image/bmp": lambda head: head[:2] == b"BM" and head[6:10] == bytes(4),
    # In this order: each of them may name the brands of the next ones as well.
    "image/avif": lambda head: _has_brand(head, b"avif", b"avis"),
    "image/heic": lambda head: _has_brand(head, *_HEIC),
    "image/heif": lambda head: _has_brand(head, b"mif1", b"mif2", b"msf1"),
    "image/svg+xml": _is_svg,
}
