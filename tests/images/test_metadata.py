"""Text inside image files, judged by exiftool and pngcheck."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin
from support.tools import require

from nanobanana_cli.images import metadata
from nanobanana_cli.images.formats import DamagedImage, verify
from nanobanana_cli.images.metadata import SignedImage
from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import TRAINED_ALGORITHMIC_MEDIA, Description
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp

TEXT = 'A fox & its "den" <hill> — Füchse 🦊 עברית'
WHOLE = Description(TEXT, f"Long: {TEXT}", TRAINED_ALGORITHMIC_MEDIA)
FORMATS = ("png", "jpeg", "webp", "webp lossless", "webp lossless alpha", "webp alpha")
FOREIGN_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b"<dc:creator><rdf:Seq><rdf:li>Zo\xc3\xab</rdf:li></rdf:Seq></dc:creator></rdf:Description>"
    b"</rdf:RDF></x:xmpmeta>"
)


def picture(name: str = "png", size: tuple[int, int] = (37, 21), **options: Any) -> bytes:
    """A small picture with something to lose in it."""
    mode = "RGBA" if "alpha" in name else "RGB"
    noise = random.Random(1).randbytes(size[0] * size[1])
    image = Image.frombytes("L", size, noise).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(size))
    if "lossless" in name:
        options["lossless"] = True
    buffer = io.BytesIO()
    image.save(buffer, name.split()[0], **options)
    return buffer.getvalue()


def exif() -> bytes:
    block = Image.Exif()
    block[0x010F] = "Camera"
    block[0x0112] = 6
    return block.tobytes()


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exiftool(data: bytes, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "judged"
    path.write_bytes(data)
    run = subprocess.run(
        [require("exiftool"), "-json", "-n", "-G1", "-all", "-validate", "-warning", path],
        capture_output=True,
        check=True,
    )
    record = json.loads(run.stdout)[0]
    assert isinstance(record, dict)
    return record


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode.encode() + image.tobytes()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def with_png_chunk(kind: bytes, body: bytes) -> bytes:
    data = picture()
    return data[:33] + png_chunk(kind, body) + data[33:]


def with_segment(marker: int, body: bytes, data: bytes | None = None) -> bytes:
    data = data or picture("jpeg")
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def with_webp_chunk(kind: bytes, body: bytes) -> bytes:
    data = picture("webp alpha")
    content = data[8:] + kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(content)) + content


SIGNED = {
    "png": with_png_chunk(b"caBX", b"\0\0\0\x20jumb...c2pa"),
    "jpeg": with_segment(0xEB, b"JP\0\x01\0\0\0\x01\0\0\0\x20jumb\0\0\0\x18jumdc2pa\0\x11"),
    "webp": with_webp_chunk(b"C2PA", b"\0\0\0\x20jumb...c2pa."),
}


@pytest.mark.parametrize("name", FORMATS)
def test_exiftool_reads_what_was_embedded(name: str, tmp_path: Path) -> None:
    made = metadata.embed(picture(name), WHOLE)
    seen = exiftool(made, tmp_path)
    assert seen["XMP-iptcCore:AltTextAccessibility"] == WHOLE.alt
    assert seen["XMP-iptcCore:ExtDescrAccessibility"] == WHOLE.long
    assert seen["XMP-iptcExt:DigitalSourceType"] == WHOLE.source
    assert seen["ExifTool:Validate"].split()[0] == "0"
    assert metadata.read(made) == WHOLE


@pytest.mark.parametrize("name", FORMATS)
def test_pixels_are_equal_and_the_file_is_whole(name: str) -> None:
    before = picture(name)
    after = metadata.embed(before, WHOLE)
    assert pixels(after) == pixels(before)
    seen = verify(after)
    assert (seen.width, seen.height) == (37, 21)


def test_pngcheck_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(metadata.embed(metadata.embed(picture(), WHOLE), Description("again")))
    subprocess.run([require("pngcheck"), "-q", path], check=True)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16383, 1)])
@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("webp")])
def test_the_canvas_of_a_simple_webp_is_its_picture(name: str, size: tuple[int, int]) -> None:
    before = picture(name, size)
    after = metadata.embed(before, WHOLE)
    assert int.from_bytes(after[24:27], "little") + 1 == size[0]
    assert int.from_bytes(after[27:30], "little") + 1 == size[1]
    assert bool(after[20] & 0x10) == ("alpha" in name)
    with Image.open(io.BytesIO(after)) as image:
        assert (image.size, image.mode) == (size, "RGBA" if "alpha" in name else "RGB")


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_exif_profile_and_foreign_xmp_are_kept(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"exif": exif(), "icc_profile": profile()}
    before = picture(name, **options)
    before = metadata._container(before).with_packet(before, FOREIGN_XMP)
    old = exiftool(before, tmp_path)
    after = metadata.embed(before, Description("a fox"))
    new = exiftool(after, tmp_path)
    assert new["XMP-dc:Creator"] == "Zoë"
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    assert {key for key in changed if not key.startswith(("System:", "ExifTool:", "File:"))} == {
        "XMP-iptcCore:AltTextAccessibility"
    }
    assert new["ExifTool:Validate"].split()[0] == "0"


@pytest.mark.parametrize("name", ["png", "jpeg", "webp alpha"])
def test_the_rest_of_the_file_is_the_same_bytes(name: str) -> None:
    first = metadata.embed(picture(name, exif=exif()), Description("a fox"))
    second = metadata.embed(first, Description("a wolf"))
    assert len(first) - len(second) in (-1, 0, -2, 1)
    assert metadata.embed(second, Description("a fox")) == first


def test_a_png_with_text_keeps_its_order() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "a tool")
    info.add_itxt("XML:com.adobe.xmp", FOREIGN_XMP.decode(), zip=True)
    before = picture(pnginfo=info)
    after = metadata.embed(before, Description("a fox"))
    end = before.index(b"iTXt") - 4
    assert after.startswith(before[:end])
    assert b"Zo\xc3\xab" in after  # it was packed before
    assert after.endswith(before[before.index(b"IDAT") - 4 :])


def test_jpeg_xmp_goes_after_jfif_and_exif() -> None:
    before = picture("jpeg", exif=exif())
    after = metadata.embed(before, Description("a fox"))
    assert after[2:4] in (b"\xff\xe0", b"\xff\xe1")
    assert after.index(b"Exif\0") < after.index(b"http://ns.adobe.com/xap")
    assert after.endswith(before[-100:])


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_file_is_refused_without_force(name: str) -> None:
    assert metadata.is_signed(SIGNED[name])
    with pytest.raises(SignedImage, match="C2PA"):
        metadata.embed(SIGNED[name], WHOLE)
    forced = metadata.embed(SIGNED[name], WHOLE, break_signature=True)
    assert metadata.read(forced) == WHOLE
    assert metadata.is_signed(forced)


@pytest.mark.parametrize("name", FORMATS)
def test_an_unsigned_file_is_not_taken_for_signed(name: str) -> None:
    assert not metadata.is_signed(picture(name))


def test_a_manifest_kept_elsewhere_counts_as_a_signature() -> None:
    named = FOREIGN_XMP.replace(
        b'rdf:about=""',
        b'rdf:about="" xmlns:t="http://purl.org/dc/terms/" t:provenance="https://example.com/m"',
    )
    data = metadata._container(picture()).with_packet(picture(), named)
    with pytest.raises(SignedImage):
        metadata.embed(data, WHOLE)


def test_other_jumbf_in_a_jpeg_is_no_signature() -> None:
    assert not metadata.is_signed(with_segment(0xEB, b"JP\0\x01\0\0\0\x01\0\0\0\x20jumbjumdjson"))


def test_text_in_the_overflow_of_a_jpeg_is_read_but_not_written() -> None:
    packet = xmp_packet.extend(None, Description(long="far off"))
    half = len(packet) // 2
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">I", len(packet))
    data = with_segment(0xE1, head + struct.pack(">I", 0) + packet[:half])
    data = with_segment(0xE1, head + struct.pack(">I", half) + packet[half:], data)
    assert metadata.read(data).long == "far off"
    with pytest.raises(BadMetadata, match="ExtendedXMP, which nb cannot edit"):
        metadata.embed(data, Description(long="near"))
    assert metadata.read(metadata.embed(data, Description("a fox"))) == Description(
        "a fox", "far off"
    )


def test_a_packet_too_large_for_a_jpeg_is_refused() -> None:
    with pytest.raises(BadMetadata, match="65,502"):
        metadata.embed(picture("jpeg"), Description(long="x" * 65_000))
    assert metadata.read(metadata.embed(picture("webp"), Description(long="x" * 65_000))).long


def test_a_jpeg_with_an_index_of_several_pictures_is_not_broken() -> None:
    index = with_segment(0xE2, b"MPF\0II*\0")
    fresh = metadata.embed(index, Description("a fox"))
    assert fresh.index(b"http://ns.adobe.com/xap") < fresh.index(b"MPF\0")
    behind = with_segment(0xE2, b"MPF\0II*\0", fresh)
    with pytest.raises(BadMetadata, match="several pictures"):
        metadata.embed(behind, Description("a fox"))


def test_a_foreign_chunk_of_a_webp_is_no_second_packet() -> None:
    made = metadata.embed(picture("webp"), Description(alt="a fox"))
    data = bytearray(made + b"mine\4\0\0\0text")
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    again = metadata.embed(bytes(data), Description(alt="an owl"))
    assert metadata.read(again).alt == "an owl"
    assert again.endswith(b"mine\4\0\0\0text")


def test_a_webp_that_lacks_its_last_padding_is_mended() -> None:
    whole = picture("webp")
    # libwebp writes even chunks by itself: a byte more is ignored by every decoder.
    body = whole[20:] + b"\0"
    odd = b"RIFF" + struct.pack("<I", len(body) + 13) + b"WEBPVP8 " + struct.pack("<I", len(body))
    odd += body + b"\0"
    short = odd[:4] + struct.pack("<I", len(odd) - 9) + odd[8:-1]
    after = metadata.embed(short, WHOLE)
    assert metadata.read(after) == WHOLE
    assert pixels(after) == pixels(odd)
    assert metadata.embed(whole + b"tail", WHOLE).endswith(b"tail")


@pytest.mark.parametrize(
    "body",
    [
        b"XML:com.adobe.xmp\0",
        b"XML:com.adobe.xmp\0\0\0en\0",
        b"XML:com.adobe.xmp\0\x01\0\0\0not packed",
        b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(b"<x/>")[:-3],
        b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(b" " * (17 << 20)),
    ],
)
def test_a_broken_xmp_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(BadMetadata, match="XMP chunk"):
        metadata.read(with_png_chunk(b"iTXt", body))


def raw_profile(packet: bytes, name: bytes = b"xmp") -> bytes:
    """A profile in hexadecimal, as ImageMagick writes it."""
    rows = packet.hex().encode()
    lines = b"\n".join(rows[at : at + 72] for at in range(0, len(rows), 72))
    return b"Raw profile type %b\0\n%b\n%8d\n%b\n" % (name, name, len(packet), lines)


def packed(profile: bytes) -> bytes:
    keyword, text = profile.split(b"\0", 1)
    return keyword + b"\0\0" + zlib.compress(text)


OLD = xmp_packet.extend(FOREIGN_XMP, Description("old", "old and long"))
RAW = {
    "tEXt": with_png_chunk(b"tEXt", raw_profile(OLD)),
    "zTXt": with_png_chunk(b"zTXt", packed(raw_profile(OLD))),
    "APP1": with_png_chunk(
        b"zTXt", packed(raw_profile(b"http://ns.adobe.com/xap/1.0/\0" + OLD, b"APP1"))
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_a_raw_profile_is_read_and_replaced(name: str, tmp_path: Path) -> None:
    assert metadata.read(RAW[name]) == Description("old", "old and long")
    made = metadata.embed(RAW[name], Description("new"))
    assert b"Raw profile" not in made
    seen = exiftool(made, tmp_path)
    assert seen["XMP-iptcCore:AltTextAccessibility"] == "new"
    assert seen["XMP-iptcCore:ExtDescrAccessibility"] == "old and long"
    assert seen["XMP-dc:Creator"] == "Zoë"


def test_a_raw_profile_of_exif_stays() -> None:
    data = with_png_chunk(b"tEXt", raw_profile(b"Exif\0\0II*\0", b"APP1"))
    assert metadata.read(data) == Description()
    assert b"Raw profile type APP1" in metadata.embed(data, Description("new"))


def test_a_copy_of_the_packet_goes_and_another_one_stays() -> None:
    raw = png_chunk(b"tEXt", raw_profile(OLD))
    same = with_png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + OLD)
    made = metadata.embed(same[:33] + raw + same[33:], Description("new"))
    assert (made.count(b"Raw profile"), metadata.read(made).alt) == (0, "new")

    other = with_png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + FOREIGN_XMP)
    other = other[:33] + raw + other[33:]
    assert metadata.read(other).alt == "old"
    with pytest.raises(BadMetadata, match="its text is in a second XMP packet"):
        metadata.embed(other, Description("new"))
    made = metadata.embed(other, Description(source="x"))
    assert metadata.read(made) == Description("old", "old and long", "x")


def _with_xmp(name: str, packet: bytes) -> bytes:
    data = picture(name)
    return metadata._container(data).with_packet(data, packet)


MALFORMED = {
    **{name: _with_xmp(name, b"<x:xmpmeta>") for name in ("png", "jpeg", "webp")},
    "without RDF": _with_xmp("png", b"<x/>"),
    "not hexadecimal": with_png_chunk(b"tEXt", raw_profile(OLD).replace(b"\n3c", b"\nxx")),
    "beside a good one": with_segment(
        0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + b"<x", _with_xmp("jpeg", OLD)
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_xmp_is_left_out_with_force_alone(name: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedXmp):
        metadata.embed(MALFORMED[name], Description("new"))
    made = metadata.embed(MALFORMED[name], Description("new"), force=True)
    seen = exiftool(made, tmp_path)
    assert seen["XMP-iptcCore:AltTextAccessibility"] == "new"
    assert ("XMP-dc:Creator" in seen) == (name == "beside a good one")
    assert pixels(made) == pixels(MALFORMED[name])


@pytest.mark.parametrize("data", [b"", b"text", b"GIF89a...", b"RIFF\0\0\0\0WEBP"])
def test_what_is_no_such_image_is_refused(data: bytes) -> None:
    with pytest.raises((BadMetadata, DamagedImage)):
        metadata.embed(data, WHOLE)


@pytest.mark.parametrize("first", [b"ALPH", b"VP8 ", b"VP8L"])
def test_a_webp_that_begins_with_no_picture_is_refused(first: bytes) -> None:
    content = b"WEBP" + first + struct.pack("<I", 2) + b"ab"
    with pytest.raises(DamagedImage, match="begin with a picture"):
        metadata.embed(b"RIFF" + struct.pack("<I", len(content)) + content, WHOLE)


DAMAGED = {
    **{name: metadata.embed(picture(name), WHOLE) for name in ("png", "jpeg", "webp")},
    **{
        f"{name} UTF-16": _with_xmp(name, OLD.decode().encode("utf-16")) for name in ("png", "jpeg")
    },
    "raw": RAW["tEXt"],
}


@given(st.sampled_from([*DAMAGED]), st.data())
def test_damaged_files_are_refused_or_read(name: str, draw: st.DataObject) -> None:
    data = bytearray(DAMAGED[name])
    at = draw.draw(st.integers(0, len(data) - 1))
    if draw.draw(st.booleans()):
        del data[at:]
    else:
        data[at] = draw.draw(st.integers(0, 255))
    try:
        metadata.embed(bytes(data), Description("new"), force=True, break_signature=True)
        metadata.is_signed(bytes(data))
    except (BadMetadata, DamagedImage):
        pass
