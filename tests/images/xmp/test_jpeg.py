"""Where XMP stands in a JPEG."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from nanobanana_cli.images import jpeg
from nanobanana_cli.images.xmp import jpeg as xmp_jpeg


@pytest.mark.parametrize(
    ("options", "before"),
    [({}, [0xE0]), ({"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}, [0xE0, 0xE1])],
)
def test_a_packet_comes_before_the_tables(options: dict[str, bytes], before: list[int]) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(buffer, "jpeg", **options)
    made = xmp_jpeg.with_packet(buffer.getvalue(), b"<x:xmpmeta/>")
    markers = [segment.marker for segment in jpeg.segments(made)]
    old = [segment.marker for segment in jpeg.segments(buffer.getvalue())]
    assert markers == [*before, 0xE1, *old[len(before) :]]
    assert xmp_jpeg.packet(made) == b"<x:xmpmeta/>"
