from __future__ import annotations

import subprocess
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import pngs
from support.pngs import Shape, assemble, chunk
from support.tools import require

from nanobanana_cli.images import png
from nanobanana_cli.images.formats import DamagedImage

_IHDR = chunk(b"IHDR", Shape().header())
_PACKED = zlib.compress(b"".join(Shape().rows()))
_IDAT = chunk(b"IDAT", _PACKED)
_SMALL = pngs.png(extra=chunk(b"tEXt", b"Title\0a fox"))

shapes = st.builds(
    lambda kind, width, height, interlaced: Shape(width, height, kind[0], kind[1], interlaced),
    st.sampled_from(pngs.KINDS),
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
)


@given(shapes)
def test_every_kind_of_png_is_whole(shape: Shape) -> None:
    assert png.verify(pngs.png(shape)) == (shape.width, shape.height)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", pngs.KINDS)
def test_pngcheck_agrees(kind: tuple[int, int], interlaced: bool, tmp_path: Path) -> None:
    shape = Shape(13, 11, *kind, interlaced)
    file = tmp_path / "a.png"
    file.write_bytes(pngs.png(shape))

    subprocess.run([require("pngcheck"), "-q", file], check=True, capture_output=True)
    assert png.verify(file.read_bytes()) == (13, 11)


@given(st.integers(0, len(_SMALL) - 1))
def test_a_cut_is_found_anywhere(length: int) -> None:
    with pytest.raises(DamagedImage):
        png.verify(_SMALL[:length])


@given(st.integers(0, len(_SMALL) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found_anywhere(position: int, change: int) -> None:
    data = bytearray(_SMALL)
    data[position] ^= change

    with pytest.raises(DamagedImage):
        png.verify(data)


@given(shapes, st.data())
def test_missing_rows_are_found_and_spare_ones_passed_over(
    shape: Shape, data: st.DataObject
) -> None:
    rows = shape.rows()
    missing = data.draw(st.integers(0, len(rows) - 1))

    with pytest.raises(DamagedImage, match=r"ends after|an unknown filter"):
        png.verify(pngs.png(shape, rows=rows[:missing] + rows[missing + 1 :]))
    spare = data.draw(st.binary(min_size=1, max_size=200))
    assert png.verify(pngs.png(shape, rows=[*rows, spare])) == (shape.width, shape.height)


@given(shapes, st.integers(5, 255), st.data())
def test_an_illegal_filter_is_found_in_any_row(
    shape: Shape, wrong: int, data: st.DataObject
) -> None:
    rows = shape.rows()
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = bytes([wrong]) + rows[at][1:]

    with pytest.raises(DamagedImage, match="an unknown filter"):
        png.verify(pngs.png(shape, rows=rows))


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_picture_of_many_blocks(interlaced: bool) -> None:
    # More than one output block of the inflater, with rows that lie across their borders.
    shape = Shape(501, 999, 2, 8, interlaced)
    rows = shape.rows()
    assert png.verify(pngs.png(shape)) == (501, 999)

    rows[len(rows) * 3 // 4] = b"\x05" + rows[len(rows) * 3 // 4][1:]
    with pytest.raises(DamagedImage, match="an unknown filter"):
        png.verify(pngs.png(shape, rows=rows))


def test_memory_stays_small() -> None:
    # 48 MB of pixels from 47 KB: neither they nor the packed bytes may pile up.
    shape = Shape(4000, 4000)
    packed = zlib.compress(bytes(12001 * 4000), 9)
    data = assemble(chunk(b"IHDR", shape.header()), chunk(b"IDAT", packed))

    tracemalloc.start()
    png.verify(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2_000_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pngs.png() + b"appended", id="bytes after the end"),
        pytest.param(assemble(_IHDR, _IDAT, chunk(b"IDAT")), id="an empty chunk of pixels"),
        pytest.param(assemble(_IHDR, chunk(b"IDAT", _PACKED + b"??")), id="bytes after the stream"),
        pytest.param(assemble(_IHDR, chunk(b"caBX", b"C2PA"), _IDAT), id="an unknown extra chunk"),
        pytest.param(assemble(_IHDR, chunk(b"PLTE", bytes(3)), _IDAT), id="a suggested palette"),
    ],
)
def test_what_every_decoder_shows_is_whole(data: bytes) -> None:
    assert png.verify(data) == (5, 7)


def _header(width: int = 5, colour: int = 2, bits: int = 8) -> bytes:
    return chunk(b"IHDR", Shape(width, 7, colour, bits).header())


_GREY = _header(colour=0)
_PALETTE = _header(colour=3, bits=2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not start with a PNG signature"),
        (b"\x89PNG\r\n\x1a\n", "cut off between two chunks"),
        (pngs.SIGNATURE + _IDAT, "does not begin with its header"),
        (assemble(chunk(b"IHDR", bytes(12)), _IDAT), "does not begin with its header"),
        (assemble(_header(width=0), _IDAT), "claims a size of 0x7 pixels"),
        (assemble(_header(width=2**31 - 1), _IDAT), "2147483647x7 pixels, more than 200 million"),
        (assemble(_header(colour=1), _IDAT), "colour type 1 with 8 bits"),
        (assemble(_header(bits=4), _IDAT), "colour type 2 with 4 bits"),
        (
            assemble(chunk(b"IHDR", Shape().header()[:-1] + b"\2"), _IDAT),
            "an unknown compression, filter or interlace method",
        ),
        (assemble(_IHDR, _IHDR, _IDAT), "two headers"),
        (assemble(_IHDR), "ends after 0 of 7 rows"),
        (assemble(_IHDR, _IDAT, chunk(b"tIME", bytes(7)), _IDAT), "pixels are interrupted"),
        (assemble(_IHDR, chunk(b"CgBI"), _IDAT), "needs chunk CgBI, which is unknown"),
        (assemble(_IHDR, b"\0\0\0\0?!?!" + bytes(4)), "has no valid chunk at byte 33"),
        (assemble(_PALETTE, _IDAT), "has no palette"),
        (assemble(_PALETTE, chunk(b"PLTE", bytes(15)), _IDAT), "palette does not fit"),
        (assemble(_PALETTE, chunk(b"PLTE", bytes(4)), _IDAT), "palette does not fit"),
        (assemble(_PALETTE, chunk(b"PLTE"), _IDAT), "palette does not fit"),
        (assemble(_GREY, chunk(b"PLTE", bytes(3)), _IDAT), "palette does not fit"),
        (assemble(_IHDR, _IDAT, chunk(b"PLTE", bytes(3))), "palette is out of place"),
        (assemble(_IHDR, chunk(b"IDAT", _PACKED[:-4])), "lack their checksum"),
        (assemble(_IHDR, chunk(b"IDAT", _PACKED[:-1] + b"\0")), "cannot be decompressed"),
        (assemble(_IHDR, chunk(b"IDAT", b"not zlib")), "cannot be decompressed"),
        (pngs.png()[:-20], "chunk IDAT should have"),
    ],
)
def test_the_reason_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(DamagedImage, match=reason):
        png.verify(data)


def test_a_wrong_checksum_names_its_chunk() -> None:
    data = bytearray(_SMALL)
    data[_SMALL.index(b"a fox")] ^= 1

    with pytest.raises(DamagedImage, match="the checksum of chunk tEXt is wrong"):
        png.verify(data)
