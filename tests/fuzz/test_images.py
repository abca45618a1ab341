"""Images of every kind, damaged at random: cut, changed, moved, with lengths that lie."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable, Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support import fuzzing, odd_images, pngs

from nanobanana_cli.captions import embedded
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images import content, displayed, formats, metadata
from nanobanana_cli.images.convert import convert
from nanobanana_cli.images.edits import CannotConvert
from nanobanana_cli.images.formats import PIXEL_LIMIT, DamagedImage
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata
from nanobanana_cli.types import ImageFormat, Picture

# Pillow warns of what it finds odd, which is what this is made of.
pytestmark = pytest.mark.filterwarnings("ignore")
_LENGTHS = (0, 1, 2, 7, 8, 255, 256, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).map(
    str.strip
)


@functools.cache
def _files() -> dict[str, bytes]:
    found = {**odd_images.embeddable(), **odd_images.others()}
    # Two of each dozen that differ little.
    return {name: data for name, data in found.items() if len(data) < 20_000}


_names = st.deferred(lambda: st.sampled_from(sorted(_files())))


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """A file with one to three damages; the checksums of a PNG right or wrong."""
    data = bytearray(_files()[draw(_names)])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        size = draw(st.integers(0, 40))
        match draw(st.integers(0, 6)):
            case 0:
                del data[at:]
            case 1:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 2:
                order = draw(st.sampled_from("<>"))
                data[at : at + 4] = struct.pack(order + "I", draw(st.sampled_from(_LENGTHS)))
            case 3:
                del data[at : at + size]
            case 4:
                data[at:at] = draw(st.binary(max_size=8))
            case 5:
                to = draw(st.integers(0, len(data)))
                data[to:to] = data[at : at + size]
            case _:
                _damage_chunk(draw, data)
    return _with_checksums(bytes(data)) if draw(st.booleans()) else bytes(data)


def _damage_chunk(draw: st.DrawFn, data: bytearray) -> None:
    """Move, double or drop a whole chunk of a PNG, or do nothing."""
    found = list(_chunks(bytes(data)))
    if not found:
        return
    start, end = draw(st.sampled_from(found))
    piece = data[start:end]
    if draw(st.booleans()):
        del data[start:end]
    at = draw(st.sampled_from([8, *(end for _, end in _chunks(bytes(data)))]))
    data[at:at] = piece * draw(st.integers(0, 2))


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    at = 8
    while data.startswith(pngs.SIGNATURE) and at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            return
        yield at, end
        at = end


def _with_checksums(data: bytes) -> bytes:
    for start, end in _chunks(data):
        right = struct.pack(">I", zlib.crc32(data[start + 4 : end - 4]))
        data = data[: end - 4] + right + data[end:]
    return data


def _read(read: Callable[[bytes], Picture], data: bytes) -> Picture | None:
    """The picture; None, once its reason is checked, if the file is damaged."""
    try:
        found = read(data)
    except DamagedImage as error:
        fuzzing.check_message(str(error))
        return None
    assert found.width > 0
    assert found.height > 0
    assert found.width * found.height <= PIXEL_LIMIT
    assert formats.sniff(data) == f"image/{found.format}"
    return found


@given(_damaged())
def test_a_damaged_image_is_whole_or_told(data: bytes) -> None:
    whole = _read(formats.verify, data)
    outline = _read(formats.survey, data)
    if whole:
        assert outline is not None
        assert (outline.width, outline.height) == (whole.width, whole.height)
    size = displayed.size_of(data)
    assert size is None or min(size) > 0
    if outline and size:
        assert sorted(size) == sorted((outline.width, outline.height)) or outline.format == "avif"
    shown = content.shown_in(data)
    assert shown is None or len(shown) == 64


@fuzzing.inputs(0.3)
@given(_damaged(), st.sampled_from(("png", "jpeg", "webp")))
def test_what_is_whole_can_be_converted(data: bytes, to: ImageFormat) -> None:
    found = _read(formats.verify, data)
    if found is None:
        return
    try:
        made = convert(found, to)
    except CannotConvert as error:
        fuzzing.check_message(str(error))
        return
    assert formats.verify(made.data).format == to
    assert (made.width, made.height) == (found.width, found.height)


@given(_damaged(), _TEXTS.filter(bool), st.sampled_from((None, "de", "zh-Hans")), st.booleans())
def test_a_text_is_embedded_whole_and_nothing_else_changes(
    data: bytes, text: str, lang: str | None, force: bool
) -> None:
    spec = TextSpec(lang=lang)
    options = {"force": force, "break_signature": force}
    try:
        made = embedded.edit("f", data, Description(alt=text), spec, **options)
    except LocalFileError as error:
        fuzzing.check_message(error.message)
        return
    assert embedded.text_of("f", made, spec) == text
    assert content.shown_in(made) == content.shown_in(data)
    if size := displayed.size_of(data):
        assert displayed.size_of(made) == size
    assert embedded.edit("f", made, Description(alt=text), spec, **options) == made


@given(_damaged() | st.binary(max_size=80))
def test_any_metadata_is_read_or_told(data: bytes) -> None:
    for read in (metadata.read, metadata.alternatives, metadata.is_signed):
        try:
            read(data)
        except (BadMetadata, DamagedImage) as error:
            fuzzing.check_message(str(error))


def _heic(inside: str, count: int) -> bytes:
    """A HEIC whose item list, locations or properties are made of many pieces."""
    infos = odd_images.box(b"infe", b"\2\0\0\0\0\2\0\0mime\0application/rdf+xml\0")
    where = inside.encode("latin-1") * count
    return odd_images.box(b"ftyp", b"heic\0\0\0\0mif1heic") + odd_images.box(
        b"meta",
        bytes(4),
        odd_images.box(b"pitm", bytes(4), b"\0\2"),
        odd_images.box(b"iinf", bytes(4), b"\0\1", infos),
        odd_images.box(
            b"iprp", odd_images.box(b"ipco", where), odd_images.box(b"ipma", bytes(4), where)
        ),
        odd_images.box(b"iloc", where),
    )


_PIECES: tuple[Callable[[str, int], bytes], ...] = (
    lambda inside, count: (
        pngs.SIGNATURE + pngs.chunk(b"IHDR", bytes(13)) + inside.encode("latin-1") * count
    ),
    lambda inside, count: pngs.png(
        extra=pngs.chunk(b"tEXt", b"Raw profile type xmp\0" + inside.encode("latin-1") * count)
    ),
    lambda inside, count: pngs.png(
        extra=pngs.chunk(
            b"zTXt",
            odd_images.packed(b"Raw profile type xmp\0" + inside.encode("latin-1") * count * 5),
        )
    ),
    lambda inside, count: pngs.png(
        extra=pngs.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + inside.encode()) * (count // 9)
    ),
    lambda inside, count: b"\xff\xd8\xff\xe0\0\4ab" + inside.encode("latin-1") * count,
    lambda inside, count: b"RIFF\xff\xff\xff\0WEBP" + inside.encode("latin-1") * count,
    _heic,
    lambda inside, count: b"GIF89a\1\0\1\0\0\0\0" + inside.encode("latin-1") * count,
    lambda inside, count: b"II*\0\x08\0\0\0" + inside.encode("latin-1") * count,
)
_BYTES = (
    *(
        "\0",
        "\1",
        "\2",
        "\4",
        "\x44",
        "\xff",
        "\xff\xd8",
        "\xff\xe1\0\2",
        "\xff\xda\0\2",
        "\xff\xd9",
    ),
    *("\0\0\0\x08", "\0\0\0\0tEXt", "xmp ", "1", " ", "\n", "a", "ff", "XMP ", "VP8X", "free"),
    *("\0\0\0\x0cinfe", "\0\2\0\0\0\0\xff\xff", "\x2c\0\0\0\0\1\0\1\0\0", "\x21\xfe\1a\0", ";"),
)


@fuzzing.inputs(0.4)
@given(
    st.sampled_from(_PIECES),
    st.lists(st.sampled_from(_BYTES), min_size=1, max_size=4).map("".join),
)
def test_no_image_takes_long(make: Callable[[str, int], bytes], piece: str) -> None:
    data = make(piece, 60_000 // len(piece))
    with fuzzing.soon():
        _read(formats.verify, data)
        displayed.size_of(data)
        try:
            metadata.alternatives(data)
            metadata.embed(data, Description(alt="a fox"), force=True)
        except (BadMetadata, DamagedImage) as error:
            fuzzing.check_message(str(error))
