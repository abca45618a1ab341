"""Which ratio an image gets when none is named."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nanobanana_cli.catalog import DEFAULT_MODEL, MODELS
from nanobanana_cli.generation import shape
from nanobanana_cli.images.displayed import ORIENTATION, orientation
from nanobanana_cli.images.heif import displayed_size as heif_size
from nanobanana_cli.types import ContentRequest, Reference

_SIDES = st.integers(1, 20_000)


def _reference(size: tuple[int, int] | None, name: str = "pics/wide.jpg") -> Reference:
    return Reference(name, "image/jpeg", b"", size)


def _request(
    pixels: tuple[int, int] | None,
    aspect: str = "auto",
    size: str = "1K",
    model: str = DEFAULT_MODEL,
) -> ContentRequest:
    references = (_reference(pixels),)
    return shape.shaped(ContentRequest("x", model, aspect=aspect, size=size, references=references))


def _distance(ratio: str, width: int, height: int) -> float:
    across, down = map(int, ratio.split(":"))
    return abs(math.log(width / height) - math.log(across / down))


@settings(max_examples=1000)
@given(_SIDES, _SIDES, st.sampled_from([*MODELS, "nobody-knows"]))
def test_the_nearest_ratio_of_the_model_by_logarithm(width: int, height: int, model: str) -> None:
    aspect = _request((width, height), model=model).aspect
    own = MODELS[model if model in MODELS else DEFAULT_MODEL].aspects
    assert aspect in own
    nearest = min(_distance(each, width, height) for each in own)
    assert _distance(aspect, width, height) == pytest.approx(nearest, abs=1e-12)


@pytest.mark.parametrize(
    ("request_", "aspect", "described"),
    [
        (_request((3168, 1344)), "21:9", "21:9, as wide.jpg"),
        (_request(None), "1:1", ""),
        (_request((3168, 1344), aspect="4:3"), "4:3", ""),
        (shape.shaped(ContentRequest("x", "m", aspect="auto", size="1K")), "1:1", ""),
        (shape.shaped(ContentRequest("x", "m")), None, ""),
    ],
)
def test_only_auto_follows_an_image(
    request_: ContentRequest, aspect: str | None, described: str
) -> None:
    assert (request_.aspect, shape.described(request_)) == (aspect, described)


@pytest.mark.parametrize(
    ("request_", "configured", "said"),
    [
        (_request((1584, 672)), None, []),
        (_request((1000, 1040)), None, []),
        (
            _request((1000, 1060)),
            None,
            [f"wide.jpg is 1000×1060; the nearest ratio of {DEFAULT_MODEL} is 1:1, off by 6%"],
        ),
        (
            _request((3168, 1344)),
            None,
            ["wide.jpg is 3168×1344, larger than 1K (1584×672): `--size 2K` keeps more of it"],
        ),
        (
            _request((9504, 4032), size="4K"),
            None,
            ["wide.jpg is 9504×4032, larger than 4K (6336×2688)"],
        ),
        (
            _request((9504, 4032)),
            None,
            ["wide.jpg is 9504×4032, larger than 1K (1584×672): `--size 4K` keeps more of it"],
        ),
        (
            _request((3168, 1344), model="nobody-knows"),
            None,
            ["wide.jpg is 3168×1344, larger than 1K (1584×672): `--size 2K` keeps more of it"],
        ),
        (
            _request((3168, 1344), model="gemini-2.5-flash-image"),
            None,
            ["wide.jpg is 3168×1344, larger than 1K (1584×672)"],
        ),
        (
            shape.shaped(
                ContentRequest(
                    *("x", DEFAULT_MODEL),
                    aspect="auto",
                    size="1K",
                    references=(_reference((1000, 1060)), _reference((900, 900), "square.jpg")),
                )
            ),
            None,
            [f"wide.jpg is 1000×1060; the nearest ratio of {DEFAULT_MODEL} is 1:1, off by 6%"],
        ),
        (
            _request((900, 900), aspect="16:9"),
            "NB_ASPECT",
            [
                (
                    "16:9 from NB_ASPECT holds, although pics/wide.jpg is nearest to 1:1: "
                    "`--aspect auto` keeps its shape"
                )
            ],
        ),
        (_request((1376, 768), aspect="16:9"), "NB_ASPECT", []),
        (_request((900, 900), aspect="16:9"), None, []),
        (_request(None), None, ["cannot tell the shape of pics/wide.jpg, so the image is 1:1"]),
        (shape.shaped(ContentRequest("x", "m", aspect="auto", size="1K")), None, []),
    ],
)
def test_what_is_said_before_the_call(
    request_: ContentRequest, configured: str | None, said: list[str]
) -> None:
    assert list(shape.notes(request_, configured)) == said


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def _long_box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 1) + kind + struct.pack(">Q", len(body) + 16) + body


def _heic(angle: int, *, wide: bool = False, later: bool = False) -> bytes:
    """A HEIC without pixels: a thumbnail as item 1, and 4032×3024 as item 2.

    `wide` has more than 127 properties, `later` large boxes and more than 65,535 items.
    """
    properties = [
        _box(b"ispe", bytes(4) + struct.pack(">II", 320, 240)),
        _box(b"ispe", bytes(4) + struct.pack(">II", 4032, 3024)),
        _box(b"irot", bytes([angle])),
    ]
    width = "H" if wide else "B"
    number = "I" if later else "H"
    mark = 0x8000 if wide else 0x80
    table = struct.pack(f">{number}B{width}", 1, 1, mark | 1)
    table += struct.pack(f">{number}B{2 * width}", 2, 2, mark | 2, mark | 3)
    ipma = bytes([later, 0, 0, wide]) + struct.pack(">I", 2) + table
    iprp = _box(b"ipco", b"".join(properties)) + _box(b"ipma", ipma)
    main = bytes([later, 0, 0, 0]) + struct.pack(f">{number}", 2)
    meta = bytes(4) + _box(b"pitm", main) + _box(b"iprp", iprp)
    outer = _long_box if later else _box
    return _box(b"ftyp", b"heic\0\0\0\0heicmif1") + outer(b"meta", meta)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("later", [False, True])
def test_a_heic_is_as_wide_as_its_main_image_turned(wide: bool, later: bool) -> None:
    for angle, size in enumerate([(4032, 3024), (3024, 4032)] * 2):
        assert heif_size(_heic(angle, wide=wide, later=later)) == size


@pytest.mark.parametrize(("value", "read"), [*((n, n) for n in range(1, 9)), (0, 1), (9, 1)])
def test_exif_turns_an_image_in_eight_ways(value: int, read: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    assert orientation(exif.tobytes()) == read


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0II*\0nonsense"])
def test_damaged_exif_turns_nothing(block: bytes) -> None:
    assert orientation(block) == 1


@given(st.data())
def test_a_damaged_heic_has_no_size_and_no_traceback(data: st.DataObject) -> None:
    whole = bytearray(_heic(1))
    for _ in range(data.draw(st.integers(0, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    heif_size(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
