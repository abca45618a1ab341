from __future__ import annotations

import io
from itertools import pairwise

import pytest
from PIL import Image

from nanobanana_cli.images import jpeg
from nanobanana_cli.images.formats import DamagedImage

_EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"


def _jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(buffer, "jpeg", **options)
    return buffer.getvalue()


def test_bare_leaves_the_pixels_and_their_colours() -> None:
    plain = _jpeg(icc_profile=b"profile")
    rich = _jpeg(icc_profile=b"profile", exif=_EXIF, comment=b"a fox", xmp=b"<x:xmpmeta/>")

    assert jpeg.bare(rich) == plain
    assert jpeg.bare(plain + b"trailing") == plain


def test_exif_is_found_behind_other_segments() -> None:
    assert jpeg.exif(_jpeg(xmp=b"<x:xmpmeta/>", exif=_EXIF)) == _EXIF
    assert jpeg.exif(_jpeg(xmp=b"<x:xmpmeta/>")) is None


def test_segments_tile_a_progressive_file() -> None:
    data = _jpeg(progressive=True)
    found = list(jpeg.segments(data))

    assert found[0].start == 2
    assert found[-1][:3] == (0xD9, len(data) - 2, len(data))
    assert sum(each.marker == 0xDA for each in found) > 1
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_bytes_between_segments_are_skipped_as_by_libjpeg() -> None:
    data = _jpeg()
    assert jpeg.survey(data[:2] + b"\xff\xff\xff\0\0stray" + data[2:]) == (24, 16)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC])
def test_tables_and_extensions_are_no_frames(marker: int) -> None:
    """Their numbers are among those of frames (ITU-T T.81, table B.1)."""
    data = _jpeg()
    segment = bytes((0xFF, marker)) + b"\0\x0a\x08\x01\0\x01\0\x01\x01\0"
    assert jpeg.survey(data[:2] + segment + data[2:]) == (24, 16)


@pytest.mark.parametrize("length", [b"\0\0", b"\0\1", b"\xff\xff"])
def test_a_segment_of_an_impossible_length(length: bytes) -> None:
    data = _jpeg()
    with pytest.raises(DamagedImage):
        jpeg.survey(data[:2] + b"\xff\xe1" + length + data[2:])


def test_a_long_run_of_fill_bytes_takes_no_time() -> None:
    with pytest.raises(DamagedImage, match="end marker is missing"):
        jpeg.survey(b"\xff\xd8" + b"\xff" * 20_000_000 + b"\0")


def test_a_picture_of_very_many_scans_is_refused_before_it_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), "red").save(buffer, "jpeg", progressive=True)
    data = buffer.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    assert jpeg.verify(data[:-2] + last * 400 + b"\xff\xd9") == (24, 16)
    with pytest.raises(DamagedImage, match="scans, more than 500"):
        jpeg.verify(data[:-2] + last * 500 + b"\xff\xd9")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GIF89a"])
def test_something_else(data: bytes) -> None:
    with pytest.raises(DamagedImage, match="does not start with a JPEG marker"):
        jpeg.survey(data)
