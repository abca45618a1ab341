"""The picture: decided by its input alone, of the exact size, marked, and never in the way."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops
from support.tools import require

from nanobanana_cli.catalog import ASPECTS, pixels
from nanobanana_cli.images.edits import with_background
from nanobanana_cli.sandbox import lettering, picture


def _open(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("PNG",))
    image.load()
    return image


@pytest.mark.parametrize("aspect", ASPECTS)
def test_has_the_exact_pixels_of_each_ratio(aspect: str) -> None:
    assert _open(picture.render("a red fox", aspect, "0.5K")).size == pixels(aspect, "0.5K")


@pytest.mark.parametrize(
    ("aspect", "size", "dimensions"),
    [
        ("1:1", "1K", (1024, 1024)),
        ("16:9", "2K", (2752, 1536)),
        ("1:8", "2K", (768, 6144)),
        ("21:9", "4K", (6336, 2688)),
    ],
)
def test_has_the_exact_pixels_of_each_size(
    aspect: str, size: str, dimensions: tuple[int, int]
) -> None:
    assert _open(picture.render("a red fox", aspect, size)).size == dimensions


def test_is_decided_by_prompt_ratio_and_size_alone() -> None:
    first = picture.render("a red fox", "4:3", "0.5K")
    picture.render.cache_clear()
    assert picture.render("a red fox", "4:3", "0.5K") == first
    assert picture.render("a blue fox", "4:3", "0.5K") != first


@pytest.mark.parametrize("prompt", ["a red fox", "ein Füchslein", "狐", "a\nb\x07", "", "x" * 3000])
def test_png_text_names_prompt_and_maker(prompt: str) -> None:
    info = _open(picture.render(prompt, "1:1", "0.5K")).info
    assert info["Title"] == prompt
    assert info["Software"] == "nb sandbox"
    assert info["Comment"] == "sandbox image, not made by a model"


def test_pngcheck_and_exiftool_agree(tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(picture.render("ein Fuchs — 狐", "16:9", "0.5K"))
    pngcheck, exiftool = require("pngcheck"), require("exiftool")
    subprocess.run([pngcheck, "-q", path], check=True)
    shown = subprocess.run(
        [exiftool, "-charset", "utf8", "-s3", "-Title", path], check=True, capture_output=True
    )
    assert shown.stdout.decode().strip() == "ein Fuchs — 狐"


@pytest.mark.parametrize("aspect", ["1:1", "8:1", "1:8", "16:9"])
@pytest.mark.parametrize(
    "prompt", ["fox", "an owl on a branch " * 60, "W" * 400, "狐" * 99, "ثعلب " * 60, "ที่นั่ง" * 40]
)
def test_letters_stay_clear_of_the_edges(aspect: str, prompt: str) -> None:
    dimensions = pixels(aspect, "0.5K")
    bare = picture.landscape(prompt, dimensions)
    written = bare.copy()
    lettering.write(written, prompt)
    box = ImageChops.difference(bare, written).getbbox()
    assert box is not None
    assert box[0] > 0
    assert box[1] > 0
    assert box[2] < dimensions[0]
    assert box[3] < dimensions[1]


def test_the_mark_is_there_without_a_prompt() -> None:
    dimensions = pixels("1:1", "0.5K")
    difference = ImageChops.difference(
        picture.landscape("", dimensions), picture.draw("", dimensions)
    )
    left, top, *_ = difference.getbbox() or (0, 0, 0, 0)
    assert left > dimensions[0] / 2
    assert top > dimensions[1] * 0.9


@settings(max_examples=40)
@given(st.text(max_size=80))
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    image = picture.draw(prompt, (256, 144))
    assert _open(picture.encode(image, prompt)).size == (256, 144)


@pytest.mark.parametrize("size", [(1024, 1024), (400, 1024), (1600, 500)])
def test_a_medallion_cuts_no_letters(size: tuple[int, int]) -> None:
    prompt = "a red fox in deep snow, with mountains behind it " * 4
    medallion = picture.draw(with_background(prompt), size)
    margin = round(min(size) * 0.1)
    inner = medallion.crop((margin, margin, size[0] - margin, size[1] - margin))
    whole = picture.draw(prompt, inner.size)
    # Nothing else is as white as the middle of a stroke.
    assert _white(inner).tobytes() == _white(whole).tobytes()
    mark = _white(whole).crop((0, inner.height * 4 // 5, *inner.size))
    assert mark.getbbox() is not None


def _white(image: Image.Image) -> Image.Image:
    return image.convert("L").point(lambda level: 255 * (level == 255))
