"""Cut-outs of pictures whose transparency is known."""

from __future__ import annotations

from statistics import mean

import pytest
from PIL import Image, ImageDraw
from support import cutouts
from support.cutouts import Case

from nanobanana_cli.images.cutout import cut_out, measured
from nanobanana_cli.images.edits import NotFlat

_CASES = list(cutouts.cases())


@pytest.fixture(scope="module")
def cut() -> dict[str, Image.Image]:
    return {case.name: cut_out(case.painted()) for case in _CASES}


def test_the_error_is_small_on_average(cut: dict[str, Image.Image]) -> None:
    assert len(_CASES) >= 12
    errors = {case.name: case.error(cut[case.name]) for case in _CASES}
    assert mean(errors.values()) <= 3, errors
    assert max(errors.values()) <= 8, errors


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_none_is_broken_and_none_keeps_the_tint(case: Case, cut: dict[str, Image.Image]) -> None:
    assert case.error(cut[case.name]) <= 8
    for ground in ("white", "black", "#c02080"):
        assert case.colour_error(cut[case.name], ground) <= 6


def _alpha(image: Image.Image, x: float, y: float) -> int:
    place = round(image.width * x), round(image.height * y)
    return image.getchannel("A").crop((*place, place[0] + 1, place[1] + 1)).tobytes()[0]


def test_a_hole_is_cut_out_and_what_is_around_it_stays(cut: dict[str, Image.Image]) -> None:
    image = cut["a mug with a handle"]
    assert _alpha(image, 0.68, 0.5) == 0
    assert _alpha(image, 0.4, 0.5) == _alpha(image, 0.785, 0.51) == 255


def test_a_part_of_the_key_s_colour_that_is_shaded_stays_in_the_subject() -> None:
    image = Image.new("RGB", (300, 300), (0, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((50, 50, 250, 250), fill=(150, 90, 60))
    draw.ellipse((120, 120, 150, 150), fill=(60, 170, 70))
    assert _alpha(cut_out(image), 0.45, 0.45) == 255


def test_the_key_is_the_colour_that_was_painted() -> None:
    for colour in (
        *((30, 225, 60), (20, 40, 230), (230, 20, 40)),
        *((225, 30, 240), (30, 225, 240), (240, 230, 30)),
    ):
        key = measured(Image.new("RGB", (64, 48), colour))
        assert key.colour == colour
        assert key.high == tuple(i for i in range(3) if colour[i] > 200)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180])
def test_a_subject_may_reach_both_sides(turn: Image.Transpose) -> None:
    image = Image.new("RGB", (300, 100), (0, 255, 0))
    image.paste(_scenery().crop((0, 0, 300, 96)), (0, 2))
    for each in (image, image.transpose(turn)):
        assert measured(each).colour == (0, 255, 0)


def test_a_background_in_uneven_light_leaves_no_haze() -> None:
    image = Image.new("RGB", (300, 300), (30, 225, 60))
    ImageDraw.Draw(image).rectangle((20, 20, 280, 280), fill=(45, 240, 75))
    ImageDraw.Draw(image).ellipse((110, 110, 190, 190), fill="white")
    assert _alpha(cut_out(image), 0.2, 0.5) == 0


def test_a_faint_veil_is_kept() -> None:
    image = Image.new("RGB", (300, 300), (0, 255, 0))
    ImageDraw.Draw(image).ellipse((50, 50, 250, 250), fill=(25, 255, 25))
    ImageDraw.Draw(image).ellipse((110, 110, 190, 190), fill="white")
    assert 8 <= _alpha(cut_out(image), 0.25, 0.5) <= 32


def _scenery() -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((300, 200), sigma) for sigma in (60, 80, 99)])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (_scenery(), "its background is not of one colour"),
        (Image.linear_gradient("L").convert("RGB"), "its background is"),
        (Image.new("RGB", (64, 64), "white"), "its background is of no strong colour"),
        (Image.new("RGB", (64, 64), "black"), "its background is of no strong colour"),
    ],
)
def test_what_is_on_no_flat_background_is_refused(image: Image.Image, reason: str) -> None:
    with pytest.raises(NotFlat, match=reason):
        cut_out(image)


def test_what_came_transparent_stays() -> None:
    disc = cutouts.disc()
    assert cut_out(disc).tobytes() == disc.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 900), (900, 3), (17, 31)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_any_size_and_mode_is_looked_at(size: tuple[int, int], mode: str) -> None:
    if mode == "L":
        with pytest.raises(NotFlat):
            cut_out(Image.new(mode, size, 128))
    else:
        cut = cut_out(Image.new(mode, size, (0, 255, 0)))
        assert cut.getchannel("A").getextrema() == (0, 0)
