"""Exact pixels are cropped from the least image that need not be enlarged."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nanobanana_cli.catalog import MODELS, SIZES, pixels, sizes
from nanobanana_cli.generation import fit
from nanobanana_cli.images.convert import convert
from nanobanana_cli.images.formats import verify
from nanobanana_cli.images.resize import cover, upright
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.types import ImageFormat

_MODEL = "gemini-3.1-flash-image-preview"
_SIDE = st.one_of(st.integers(1, 1200), st.integers(1, 4096))


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ("1200x630", "16:9 1K"),
        ("1024x1024", "1:1 1K"),
        ("1025x1025", "1:1 2K"),
        ("512x512", "1:1 0.5K"),
        ("1080x1920", "9:16 2K"),
        ("1500x500", "21:9 1K"),
        ("2560x1440", "16:9 2K"),
        ("728x90", "8:1 0.5K"),
        ("1x1", "1:1 0.5K"),
        ("12288x1536", "8:1 4K"),
        # One image for both: what is cut off either of them is as little as it can be.
        ("1200x630 1080x1080", "4:3 2K"),
        ("1000x500 500x1000", "1:1 1K"),
    ],
)
def test_the_least_size_and_the_nearest_ratio_are_chosen(boxes: str, expected: str) -> None:
    wanted = [fit.parse(text) for text in boxes.split()]
    assert " ".join(fit.choose(wanted, _MODEL, "wisgate")) == expected


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("gemini-nano-banana-2.1", "google", "1:1 1K"),
        ("gemini-3.1-flash-lite-image", "google", "1:1 1K"),
        ("some-other-model", "wisgate", "1:1 0.5K"),
    ],
)
def test_the_model_says_which_ratios_and_sizes_there_are(
    model: str, provider: str, expected: str
) -> None:
    assert " ".join(fit.choose([(300, 300)], model, provider)) == expected


@pytest.mark.parametrize(
    ("boxes", "reason", "hint"),
    [
        ("5000x5000", f"is more than {_MODEL} makes", "4096x4096"),
        ("8000x4500", f"is more than {_MODEL} makes", "5461x3072"),
        ("99999x1", f"is more than {_MODEL} makes", "12288x1"),
        ("9000x100 100x9000", f"are more than one image of {_MODEL} holds", "one by one"),
    ],
)
def test_what_no_image_covers_is_refused_with_the_largest(
    boxes: str, reason: str, hint: str
) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        fit.choose([fit.parse(text) for text in boxes.split()], _MODEL, "wisgate")
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text", ["", "1200", "0x630", "1200x", "x630", "1200x630x2", "-1x5", "1e3x5", "123456x1", "²x1"]
)
def test_what_names_no_pixels_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a width and height in pixels"):
        fit.parse(text)


@pytest.mark.parametrize("text", ["1200x630", "1200X630", "1200×630", "1200 x 630", "1200*630"])
def test_pixels_are_understood_as_people_write_them(text: str) -> None:
    assert fit.parse(text) == (1200, 630)


@settings(max_examples=200)
@given(width=_SIDE, height=_SIDE)
def test_any_size_is_exact_and_never_enlarged(width: int, height: int) -> None:
    aspect, size = fit.choose([(width, height)], _MODEL, "wisgate")
    whole = pixels(aspect, size)
    assert whole[0] >= width
    assert whole[1] >= height
    smaller = SIZES[: SIZES.index(size)]
    known = MODELS[_MODEL].aspects
    others = [pixels(ratio, less) for ratio in known for less in smaller]
    assert not any(w >= width and h >= height for w, h in others)
    assert cover(Image.new("L", whole), (width, height)).size == (width, height)


@settings(max_examples=50)
@given(boxes=st.lists(st.tuples(_SIDE, _SIDE), min_size=2, max_size=4))
def test_one_image_covers_all_or_none_does(boxes: list[tuple[int, int]]) -> None:
    width, height = max(w for w, _ in boxes), max(h for _, h in boxes)
    images = [pixels(ratio, "4K") for ratio in MODELS[_MODEL].aspects]
    if any(w >= width and h >= height for w, h in images):
        whole = pixels(*fit.choose(boxes, _MODEL, "wisgate"))
        assert whole[0] >= width
        assert whole[1] >= height
    else:
        with pytest.raises(InvalidValue, match="are more than one image"):
            fit.choose(boxes, _MODEL, "wisgate")


def test_the_sizes_of_a_model_are_in_rising_order() -> None:
    for model in MODELS:
        for provider in ("wisgate", "google"):
            own = sizes(model, provider)
            assert sorted(own, key=SIZES.index) == [*own]


def _stripes(width: int, height: int, image_format: str, **options: object) -> bytes:
    """Red on the left, green in the middle, blue on the right; each a third of the width."""
    image = Image.new("RGB", (width, height), "lime")
    image.paste("red", (0, 0, width // 3, height))
    image.paste("blue", (width - width // 3, 0, width, height))
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def _cropped(data: bytes, box: tuple[int, int], to: ImageFormat) -> Image.Image:
    done = convert(verify(data), to, lambda image, exif: cover(upright(image, exif), box))
    image = Image.open(io.BytesIO(done.data))
    image.load()
    return image


@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_the_middle_is_what_stays(to: ImageFormat) -> None:
    image = _cropped(_stripes(300, 100, "PNG"), (100, 100), to)
    assert (image.format, image.size) == (to.upper(), (100, 100))
    for x in (0, 50, 99):
        red, green, blue = image.convert("RGB").getpixel((x, 50))  # type: ignore[misc]
        assert green > 240
        assert max(red, blue) < 30


def test_a_crop_alone_leaves_every_pixel_as_it_is() -> None:
    source = Image.effect_noise((300, 200), 80).convert("RGB")
    cut = cover(source, (201, 200))
    assert cut.tobytes() == source.crop((49, 0, 250, 200)).tobytes()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_turned_as_it_is_displayed_first(image_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = _stripes(300, 100, image_format, exif=exif)
    # Browsers turn no WebP.
    box = (300, 50) if image_format == "WEBP" else (50, 300)
    image = _cropped(data, box, "png")
    assert image.size == box
    assert 0x0112 not in image.getexif()


def test_the_colour_profile_stays() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = _stripes(300, 100, "JPEG", icc_profile=profile)
    assert _cropped(data, (60, 60), "jpeg").info["icc_profile"] == profile


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_is_reduced(mode: str) -> None:
    image = Image.new(mode, (300, 100))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    for to in ("png", "jpeg", "webp"):
        assert _cropped(buffer.getvalue(), (77, 55), to).size == (77, 55)
