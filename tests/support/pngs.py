"""A PNG encoder of its own, which can also write what no encoder should."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Every colour type with every number of bits that the specification allows.
KINDS = [
    *((0, bits) for bits in (1, 2, 4, 8, 16)),
    *((2, bits) for bits in (8, 16)),
    *((3, bits) for bits in (1, 2, 4, 8)),
    *((4, bits) for bits in (8, 16)),
    *((6, bits) for bits in (8, 16)),
]
_ADAM7 = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


@dataclass(frozen=True)
class Shape:
    """What a header says."""

    width: int = 5
    height: int = 7
    colour: int = 2
    bits: int = 8
    interlaced: bool = False

    def header(self) -> bytes:
        """The body of IHDR."""
        return struct.pack(
            ">IIBBBBB",
            self.width,
            self.height,
            self.bits,
            self.colour,
            0,
            0,
            int(self.interlaced),
        )

    def rows(self, seed: int = 1) -> list[bytes]:
        """The rows of all passes, each with its filter byte, of noise."""
        noise = random.Random(seed)
        return [bytes([noise.randrange(5)]) + noise.randbytes(length) for length in self._lengths()]

    def _lengths(self) -> Iterator[int]:
        for left, top, right, down in _ADAM7 if self.interlaced else [(0, 0, 1, 1)]:
            columns = len(range(left, self.width, right))
            if columns:
                bits = columns * CHANNELS[self.colour] * self.bits
                for _ in range(top, self.height, down):
                    yield (bits + 7) // 8


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """One chunk with its right checksum."""
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


def assemble(*chunks: bytes) -> bytes:
    """A file of these chunks and IEND."""
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND")


def png(
    shape: Shape | None = None, *, rows: list[bytes] | None = None, extra: bytes = b""
) -> bytes:
    """A whole PNG of noise in three IDAT chunks.

    Args:
        shape: what the header says.
        rows: instead of those that fit the header.
        extra: chunks between the header and the pixels.
    """
    shape = shape or Shape()
    packed = zlib.compress(b"".join(shape.rows() if rows is None else rows))
    third = len(packed) // 3 + 1
    pixels = [packed[at : at + third] for at in range(0, len(packed), third)]
    palette = chunk(b"PLTE", bytes(3 << shape.bits)) if shape.colour == 3 else b""
    return assemble(
        chunk(b"IHDR", shape.header()), extra, palette, *(chunk(b"IDAT", part) for part in pixels)
    )
