"""Small files that would take minutes or gigabytes, and odd ones that fuzzing found."""

from __future__ import annotations

import io
import struct
import time

import pytest
from PIL import Image
from support import odd_images, pngs

from nanobanana_cli.images import formats, metadata
from nanobanana_cli.images.formats import DamagedImage
from nanobanana_cli.images.xmp import heif, packet, png
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp


def test_white_space_in_a_raw_profile_takes_no_time() -> None:
    text = b"Raw profile type xmp\0xmp 1 " + b" " * 1_000_000 + b"z"
    data = pngs.png(extra=pngs.chunk(b"zTXt", odd_images.packed(text)))
    started = time.process_time()
    with pytest.raises(MalformedXmp):
        png.packet(data)
    assert time.process_time() - started < 2


def test_a_png_with_many_packets_is_told() -> None:
    one = pngs.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + odd_images.packet())
    with pytest.raises(DamagedImage, match="more than 16"):
        metadata.embed(pngs.png(extra=one * 17), Description(alt="a fox"))
    assert metadata.read(pngs.png(extra=one * 17)).alt is None


def test_a_png_without_its_header_at_the_start_gets_no_text() -> None:
    data = pngs.SIGNATURE + pngs.chunk(b"IEND") + pngs.png()[8:]
    with pytest.raises(DamagedImage, match="does not begin with its header"):
        metadata.embed(data, Description(alt="a fox"))


@pytest.mark.parametrize(("sizes", "extents"), [(0, 65_535), (0x44, 1000)])
def test_places_of_a_packet_that_are_there_many_times_are_told(sizes: int, extents: int) -> None:
    place = struct.pack(">HHHH", 2, 0, 0, extents) + bytes(4 + 4) * extents * bool(sizes)
    place = place.replace(bytes(8), struct.pack(">II", 0, 5000))
    data = odd_images.box(b"ftyp", b"heic\0\0\0\0mif1heic") + odd_images.box(
        b"meta",
        bytes(4),
        odd_images.box(
            b"iinf",
            bytes(4),
            b"\0\1",
            odd_images.box(b"infe", b"\2\0\0\0\0\2\0\0mime\0application/rdf+xml\0"),
        ),
        odd_images.box(b"iloc", b"\1\0\0\0", bytes([sizes, 0]), b"\0\1", place),
    )
    with pytest.raises(BadMetadata):
        heif.packet(data)


def test_a_later_page_of_a_tiff_is_no_larger_than_the_first_may_be() -> None:
    data = odd_images.others()["other pages.tiff"]
    assert formats.verify(data).format == "tiff"
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        width = image.size[0]
    assert width == 37
    # The width and height of the second page, each the last of two equal entries.
    for tag in (256, 257):
        old = struct.pack("<HHI", tag, 4, 1)
        at = data.rindex(old) if old in data else data.rindex(struct.pack("<HHI", tag, 3, 1))
        data = data[:at] + struct.pack("<HHII", tag, 4, 1, 60_000) + data[at + 12 :]
    with pytest.raises(DamagedImage):
        formats.verify(data)


def test_many_frames_of_a_large_gif_take_no_time() -> None:
    large, small = io.BytesIO(), io.BytesIO()
    Image.new("P", (4000, 4000)).save(large, "gif")
    Image.new("P", (1, 1)).save(small, "gif")
    frame = small.getvalue()[small.getvalue().index(b",") : -1]
    started = time.process_time()
    assert formats.verify(large.getvalue()[:-1] + frame * 400 + b";").width == 4000
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    "empty",
    [
        odd_images.packet(attributes='Iptc4xmpCore:AltTextAccessibility=""'),
        odd_images.packet("<Iptc4xmpCore:AltTextAccessibility/>"),
        odd_images.packet(
            "<Iptc4xmpCore:AltTextAccessibility> </Iptc4xmpCore:AltTextAccessibility>"
        ),
    ],
)
def test_a_field_that_is_empty_is_no_default(empty: bytes) -> None:
    assert packet.read(empty) == Description()
    made = packet.extend(empty, Description(alt="ein Fuchs"), lang="de")
    assert packet.alternatives(made)["alt"] == [("x-default", "ein Fuchs"), ("de", "ein Fuchs")]


def test_a_value_that_reads_like_a_field_stays() -> None:
    note = "dc:format=\" Iptc4xmpCore:AltTextAccessibility='old'\""
    both = odd_images.packet(attributes=f'{note} Iptc4xmpCore:AltTextAccessibility="a fox"')
    made = packet.extend(both, Description(alt="an owl"))
    assert note.encode() in made
    assert packet.read(made).alt == "an owl"
