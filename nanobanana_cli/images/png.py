"""Read a PNG and check it to its last byte, without a decoder.

Pillow takes PNGs that are cut, have wrong checksums or too few rows. Walking the chunks is
stricter, ten times as fast, and needs a few hundred kilobytes however large the image is.
Source of the rules: PNG specification, third edition (W3C, 2025).
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from nanobanana_cli.images.formats import Chunk, DamagedImage, check_size
from nanobanana_cli.types import Data

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GREY, _PALETTE, _GREY_ALPHA = 0, 3, 4
# Colour type → samples a pixel, legal bits a sample.
_COLOUR_TYPES = {
    _GREY: (1, (1, 2, 4, 8, 16)),
    2: (3, (8, 16)),
    _PALETTE: (1, (1, 2, 4, 8)),
    _GREY_ALPHA: (2, (8, 16)),
    6: (4, (8, 16)),
}
# First column and row, then the steps to the next, of each of Adam7's passes.
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_FILTERS = bytes(range(5))
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# What no pixel needs but its looks; of no use after the pixels.
_FOR_PILLOW = (b"tRNS", b"iCCP")
_BEFORE_PIXELS = (*_FOR_PILLOW, b"cICP", b"sRGB", b"gAMA", b"cHRM")
# zlib hands back what it has not read yet as a copy, so it is fed in small pieces; and a piece can
# swell a thousandfold, so it is emptied in blocks.
_PIECE = 1 << 16
_BLOCK = 1 << 18
# Bytes that may follow the last row, as decoders allow.
_MOST_SPARE = 1 << 24


class _Header(msgspec.Struct, frozen=True):
    """IHDR: pixels, bits a sample, colour type, and the order of the rows."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    def passes(self) -> Iterator[tuple[int, int]]:
        """Yield bytes a row (its filter byte included) and number of rows of each pass."""
        bits = _COLOUR_TYPES[self.colour][0] * self.depth
        for x, y, right, down in _ADAM7 if self.interlaced else ((0, 0, 1, 1),):
            columns = -((x - self.width) // right)
            rows = -((y - self.height) // down)
            if columns > 0 and rows > 0:
                yield 1 + (columns * bits + 7) // 8, rows


def verify(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels, of a PNG that is whole.

    Checks every chunk's checksum, the order of the essential chunks, the compressed stream to its
    end and its checksum, the number of rows and each row's filter. Ignores bytes after the last
    chunk, as every decoder does.

    Raises:
        DamagedImage: it is not whole.
    """
    walk = chunks(data)
    header = _read_header(next(walk))
    pixels = _Pixels(header)
    palette = False
    previous = b"IHDR"
    for kind, _, _, body in walk:
        if kind == b"IDAT":
            _expect(previous == kind or not pixels.begun, "the PNG's pixels are interrupted")
            _expect(palette or header.colour != _PALETTE, "the PNG has no palette")
            pixels.feed(body)
        elif kind == b"PLTE":
            _expect(not palette and not pixels.begun, "the PNG's palette is out of place")
            _check_palette(header, len(body))
            palette = True
        elif kind == b"IHDR":
            raise DamagedImage("the PNG has two headers")
        previous = kind
    pixels.finish()
    return header.width, header.height


def survey(data: Data) -> tuple[int, int]:
    """Return width and height, in pixels, of a PNG with all its chunks and the right checksums.

    Does not unpack the pixels, which is most of the time that `verify` takes.

    Raises:
        DamagedImage: a chunk is missing or damaged.
    """
    walk = chunks(data)
    header = _read_header(next(walk))
    kinds = {chunk.kind for chunk in walk}
    _expect(b"IDAT" in kinds, "the PNG has no pixels")
    return header.width, header.height


def open_image(data: Data) -> ImageFile:
    """Return Pillow's image, without the chunks that no pixel needs.

    Pillow reads every chunk as it opens a file, and warns or fails when one is damaged or large
    though every pixel is there. Transparency and colour profile are left out if they are damaged.
    """
    # Pillow raises whatever a damaged chunk causes.
    try:
        return _opened(data, (*_CRITICAL, b"eXIf", *_FOR_PILLOW))
    except Exception:  # noqa: BLE001
        return _opened(data, (*_CRITICAL, b"eXIf"))


def _opened(data: Data, kinds: tuple[bytes, ...]) -> ImageFile:
    from PIL.PngImagePlugin import PngImageFile

    return PngImageFile(BytesIO(_only(kinds, data)))


def bare(data: Data) -> bytes:
    """Return the PNG without the chunks that no pixel or colour needs.

    Raises:
        DamagedImage: it is cut, or a checksum is wrong.
    """
    return _only((*_CRITICAL, *_BEFORE_PIXELS), data)


def _only(kinds: Container[bytes], data: Data) -> bytes:
    view = memoryview(data)
    kept: list[Data] = [SIGNATURE]
    has_pixels = False
    for kind, start, end, _ in chunks(data):
        has_pixels |= kind == b"IDAT"
        if kind in kinds and not (has_pixels and kind in _BEFORE_PIXELS):
            kept.append(view[start:end])
    return b"".join(kept)


def chunks(data: Data) -> Iterator[Chunk]:
    """Yield each chunk up to and including IEND, checksums checked.

    Raises:
        DamagedImage: on reaching something that is cut, wrong, or essential and unknown.
    """
    view = memoryview(data)
    _expect(view[:8] == SIGNATURE, "it does not start with a PNG signature")
    start = 8
    kind = b""
    while kind != b"IEND":
        _expect(len(view) >= start + 12, "the PNG is cut off between two chunks")
        length = int.from_bytes(view[start : start + 4])
        kind = bytes(view[start + 4 : start + 8])
        _expect(kind.isalpha(), f"the PNG has no valid chunk at byte {start}")
        name = kind.decode("ascii")
        end = start + 8 + length
        _expect(
            len(view) >= end + 4,
            f"the PNG is cut off: chunk {name} should have {length} bytes, "
            f"{len(view) - start - 8} are left",
        )
        checksum = int.from_bytes(view[end : end + 4])
        _expect(
            zlib.crc32(view[start + 4 : end]) == checksum, f"the checksum of chunk {name} is wrong"
        )
        # An upper-case first letter says that the image cannot be shown without the chunk.
        _expect(
            kind in _CRITICAL or kind[:1].islower(), f"the PNG needs chunk {name}, which is unknown"
        )
        yield Chunk(kind, start, end + 4, view[start + 8 : end])
        start = end + 4


def _read_header(chunk: Chunk) -> _Header:
    body = chunk.body
    _expect(chunk.kind == b"IHDR" and len(body) == 13, "the PNG does not begin with its header")
    width, height = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
    depth, colour, compression, filtering, interlace = body[8:]
    check_size("PNG", width, height)
    _expect(
        colour in _COLOUR_TYPES and depth in _COLOUR_TYPES[colour][1],
        f"the PNG has colour type {colour} with {depth} bits, which does not exist",
    )
    _expect(
        compression == 0 and filtering == 0 and interlace < 2,
        "the PNG has an unknown compression, filter or interlace method",
    )
    return _Header(width, height, depth, colour, interlace == 1)


def _check_palette(header: _Header, size: int) -> None:
    colours, rest = divmod(size, 3)
    most = 1 << header.depth if header.colour == _PALETTE else 256
    _expect(
        rest == 0 and 0 < colours <= most and header.colour not in (_GREY, _GREY_ALPHA),
        "the PNG's palette does not fit its header",
    )


class _Pixels:
    """Check the compressed rows as they come, and keep none of them."""

    def __init__(self, header: _Header) -> None:
        self._header = header
        self._stream = zlib.decompressobj()
        self._passes = list(header.passes())
        self._total = sum(stride * rows for stride, rows in self._passes)
        self._seen = 0
        self._spare = 0
        self._pass = 0
        self._pass_start = 0
        self.begun = False

    def feed(self, body: memoryview) -> None:
        """Check one IDAT chunk; ignore what follows the stream's end, as every decoder does."""
        self.begun = True
        for start in range(0, len(body), _PIECE):
            piece: memoryview | bytes = body[start : start + _PIECE]
            more = True
            while more and not self._stream.eof:
                block = self._inflate(piece)
                self._check(block)
                piece = self._stream.unconsumed_tail
                # A full block says that there is more to come, even if all input has been read.
                more = bool(piece) or len(block) == _BLOCK

    def finish(self) -> None:
        """Raise DamagedImage unless everything that the header promises has come."""
        stride = self._passes[0][0]
        if self._seen < self._total and not self._header.interlaced:
            rows = f"{self._seen // stride} of {self._header.height} rows"
            raise DamagedImage(f"the PNG ends after {rows}")
        _expect(
            self._seen == self._total,
            f"the PNG ends after {self._seen} of {self._total} bytes of its pixels",
        )
        _expect(self._stream.eof, "the PNG's pixels lack their checksum")

    def _inflate(self, piece: memoryview | bytes) -> bytes:
        try:
            return self._stream.decompress(piece, _BLOCK)
        except zlib.error as error:
            raise DamagedImage("the PNG's pixels cannot be decompressed") from error

    def _check(self, block: bytes) -> None:
        """Check the filter byte at the beginning of each row; pass over what follows the last."""
        done = 0
        while done < len(block):
            if self._seen == self._total:
                self._spare += len(block) - done
                # Decoders stop here; its checksum is worth reading on, but not without end.
                _expect(self._spare <= _MOST_SPARE, "the PNG has too many rows")
                return
            stride, rows = self._passes[self._pass]
            inside = self._seen - self._pass_start
            take = min(len(block) - done, stride * rows - inside)
            filters = block[done + -inside % stride : done + take : stride]
            _expect(not filters.translate(None, _FILTERS), "a row of the PNG has an unknown filter")
            done += take
            self._seen += take
            if inside + take == stride * rows:
                self._pass += 1
                self._pass_start = self._seen


def _expect(condition: bool, reason: str) -> None:
    if not condition:
        raise DamagedImage(reason)
