"""What image bytes are, and whether they are whole, whatever their name or sender claims."""

from __future__ import annotations

from nanobanana_cli.images import jpeg, png, webp
from nanobanana_cli.images.errors import DamagedImage
from nanobanana_cli.types import Data, ImageFormat, Picture

__all__ = ["DamagedImage", "sniff", "survey", "verify"]

_PREFIXES = (
    (png.SIGNATURE, "image/png"),
    (jpeg.SIGNATURE, "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
# Brands of the ISO base media format, ISO/IEC 23008-12 and the AVIF specification.
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF = frozenset({b"mif1", b"mif2", b"msf1"})
# Further than an XML prologue and a comment usually reach.
_SVG_HEAD = 1024


def sniff(data: Data) -> str | None:
    """The MIME type that the first bytes speak of, or None when they are no image known here.

    Knows png, jpeg, webp, heic, heif, avif, gif, bmp, tiff and svg+xml. The first kilobyte is
    enough; nothing is said about the rest.
    """
    head = bytes(data[:_SVG_HEAD])
    for prefix, mime_type in _PREFIXES:
        if head.startswith(prefix):
            return mime_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    # Two letters alone would take text for a bitmap; four reserved bytes are zero in each.
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image/bmp"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!")) and b"<svg" in text):
        return "image/svg+xml"
    return None


def _sniff_brands(head: bytes) -> str | None:
    end = int.from_bytes(head[:4])
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, min(end, len(head)), 4))}
    if brands & _AVIF:
        return "image/avif"
    if brands & _HEIC:
        return "image/heic"
    if brands & _HEIF:
        return "image/heif"
    return None


def verify(data: Data) -> Picture:
    """The picture in `data`, which is whole and decodable; PNG, JPEG or WebP.

    A PNG is checked to its last bit. JPEG has no checksums: a cut, a missing end and what a decoder
    rejects are found, a flipped bit within a scan is not. Of an animation the first frame is
    decoded. Width and height are those of the stored pixels, whatever EXIF says of turning them.
    May be called from several threads at once.

    Raises:
        DamagedImage: it is not; the reason is one line of plain words.
    """
    if sniff(data) == "image/png":
        return Picture(data, "png", *png.check(data))
    picture = survey(data)
    _decode(data, picture.format)
    return picture


def survey(data: Data) -> Picture:
    """The picture in `data`, which has all its parts; PNG, JPEG or WebP.

    What a cut or a broken copy would leave is found. The pixels are not decoded, so that a folder
    of pictures takes a fraction of a millisecond each.

    Raises:
        DamagedImage: it is not whole; the reason is one line of plain words.
    """
    if not data:
        raise DamagedImage("it is empty")
    mime_type = sniff(data)
    match mime_type:
        case "image/png":
            return Picture(data, "png", *png.size(data))
        case "image/jpeg":
            return Picture(data, "jpeg", *jpeg.check(data))
        case "image/webp":
            return Picture(data, "webp", *webp.check(data))
        case None:
            raise DamagedImage("it is no image")
        case _:
            raise DamagedImage(f"it is {mime_type}, not PNG, JPEG or WebP")


def _decode(data: Data, kind: ImageFormat) -> None:
    """Has Pillow decode every pixel."""
    from nanobanana_cli.images.convert import open_picture

    try:
        with open_picture(data, kind) as image:
            image.load()
    # Pillow's decoders let through whatever hostile bytes cause: OSError, SyntaxError, IndexError …
    except Exception as error:
        raise DamagedImage(f"its {kind} data cannot be decoded") from error
