"""Make the flat background of an image transparent, with soft edges and without its tint.

The key is the background's colour, as it was painted. Of each pixel counts how much its high
channels exceed its low ones (Vlahos' colour difference): that falls from the key's value to the
subject's as one covers the other, whatever the light, so that shadows become dark and translucent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageFilter, ImageMath

from nanobanana_cli.images.edits import NotFlat

_Colour = tuple[int, ...]
_Bands = Sequence[Image.Image]

# Pixels of the border that are looked at along an edge, and across it.
_ALONG, _ACROSS = 1500, 3
# How far the border's pixels may be from its colour in a channel, and how many must be as near.
_NEAR, _ENOUGH = 45, 0.5
# A key that exceeds less stands out from nothing; a pixel that exceeds less has no tint.
_STRONG, _TINT = 80, 10
# Tolerance in a channel for the background, at least and at most.
_TOLERANCE = (10, 40)
# How far a pixel may be from the key in a darker light to count as shadow.
_SHADE = 14
# Noise: of 255, what counts as nothing and as all.
_NOTHING, _ALL = 10, 243
# How much more a pixel may be tinted than the subject around it.
_SLACK = 40
# Rows at a time, which bounds the memory.
_ROWS = 256
# The side of the image in which connected areas are looked for.
_SMALL = 320


class Key(NamedTuple):
    """The background.

    Args:
        colour: red, green and blue, up to 255.
        tolerance: how far its pixels are from that in a channel.
        high, low: the channels that are high in it, and the others.
    """

    colour: _Colour
    tolerance: int
    high: tuple[int, ...]
    low: tuple[int, ...]

    @property
    def strength(self) -> int:
        """How much the high channels exceed the low ones."""
        return min(self.colour[i] for i in self.high) - max(self.colour[i] for i in self.low)


_KINDS = (
    *(((1,), (0, 2)), ((2,), (0, 1)), ((0,), (1, 2))),
    *(((0, 2), (1,)), ((1, 2), (0,)), ((0, 1), (2,))),
)


def cut_out(image: Image.Image) -> Image.Image:
    """Return the image with its background transparent, RGBA.

    Raises:
        NotFlat: the border is not of one strong colour.
    """
    if _is_cut_out(image):
        return image
    image = image.convert("RGB")
    key = measured(image)
    bands = image.split()
    background = _background(bands, key)
    unknown = _unknown(bands, background, key)
    sure = ImageChops.invert(ImageChops.lighter(unknown, background))
    subject, ground = _spread(image, sure, 2), _spread(image, background, 8)
    subject.paste((0, 0, 0), None, _shade(bands, key))
    alpha = ImageChops.invert(background)
    for top in range(0, image.height, _ROWS):
        found = unknown.crop((0, top, image.width, min(image.height, top + _ROWS))).getbbox()
        if found is None:
            continue
        box = found[0], top + found[1], found[2], top + found[3]
        part, colour = _unmixed(image.crop(box), subject.crop(box), ground.crop(box), key)
        alpha.paste(part, box[:2], unknown.crop(box))
        image.paste(colour, box[:2], unknown.crop(box))
    image.putalpha(alpha)
    return image


def measured(image: Image.Image) -> Key:
    """Return the key of an RGB image, measured along its border; raise NotFlat without one."""
    pixels = _border(image)
    ((common, _),) = Counter(tuple(v >> 4 for v in each) for each in pixels).most_common(1)
    colour: _Colour = tuple(v * 16 + 8 for v in common)
    near = pixels
    for _ in range(3):
        near = [each for each in pixels if _distance(each, colour) <= _NEAR] or near
        colour = tuple(sorted(each[i] for each in near)[len(near) // 2] for i in range(3))
    if len(near) < _ENOUGH * len(pixels):
        raise NotFlat("its background is not of one colour")
    far = sorted(_distance(each, colour) for each in near)[int(len(near) * 0.98)]
    tolerance = min(max(far + 6, _TOLERANCE[0]), _TOLERANCE[1])
    keys = (Key(colour, tolerance, *kind) for kind in _KINDS)
    key = max(keys, key=lambda each: each.strength)
    if key.strength < _STRONG:
        raise NotFlat("its background is of no strong colour")
    return key


def _border(image: Image.Image) -> list[_Colour]:
    width, height = image.size
    deep = max(2, min(width, height) // 200)
    found: list[_Colour] = []
    across, down = (min(width, _ALONG), _ACROSS), (_ACROSS, min(height, _ALONG))
    for box, size in (
        ((0, 0, width, deep), across),
        ((0, height - deep, width, height), across),
        ((0, 0, deep, height), down),
        ((width - deep, 0, width, height), down),
    ):
        sample = image.crop(box).resize(size, Image.Resampling.NEAREST).tobytes()
        found += zip(sample[::3], sample[1::3], sample[2::3], strict=True)
    return found


def _distance(one: _Colour, other: _Colour) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _is_cut_out(image: Image.Image) -> bool:
    """Return whether the image came with a transparent border."""
    if image.mode != "RGBA":
        return False
    alpha = image.getchannel("A")
    inner = Image.new("L", (max(1, image.width - 2), max(1, image.height - 2)))
    alpha.paste(inner, (1, 1))
    return sum(alpha.histogram()[11:]) < (image.width + image.height) // 2


def _background(bands: _Bands, key: Key) -> Image.Image:
    """Return a mask of the pixels that are of the key's colour, holes in the subject too."""
    far = Image.new("L", bands[0].size)
    for band, value in zip(bands, key.colour, strict=True):
        far = ImageChops.lighter(far, band.point([abs(v - value) for v in range(256)]))
    return far.point([255 if v <= key.tolerance else 0 for v in range(256)])


def _unknown(bands: _Bands, background: Image.Image, key: Key) -> Image.Image:
    """Return a mask of the pixels that may show both: at edges, and tinted ones on from there.

    A tinted part within the subject, such as an eye, stays as it is.
    """
    high, low = [bands[i] for i in key.high], [bands[i] for i in key.low]
    over = ImageChops.subtract(
        high[0] if len(high) == 1 else ImageChops.darker(*high),
        low[0] if len(low) == 1 else ImageChops.lighter(*low),
    )
    tinted = over.point([255 if v > _TINT else 0 for v in range(256)])
    on = ImageChops.darker(tinted, _reached(background, tinted))
    both = ImageChops.lighter(background, on)
    return ImageChops.subtract(_wider(both, 3 + min(background.size) // 500), background)


def _reached(background: Image.Image, tinted: Image.Image) -> Image.Image:
    """Return a mask of what is connected with the background by tinted pixels."""
    step = max(1, max(background.size) // _SMALL)
    whole = [255 if v > 127 else 0 for v in range(256)]
    reached = background.reduce(step).point(whole)
    both = ImageChops.lighter(background, tinted).reduce(step).point(whole)
    while True:
        grown = ImageChops.darker(reached.filter(ImageFilter.MaxFilter(3)), both)
        if ImageChops.difference(grown, reached).getbbox() is None:
            return _wider(reached, 1).resize(background.size, Image.Resampling.NEAREST)
        reached = grown


def _wider(mask: Image.Image, pixels: int) -> Image.Image:
    blurred = mask.filter(ImageFilter.BoxBlur(pixels))
    return blurred.point([255 if v else 0 for v in range(256)])


def _shade(bands: _Bands, key: Key) -> Image.Image:
    """Return a mask of the pixels whose colour is the key's in less light."""
    lead = max(range(3), key=lambda i: key.colour[i])
    off = Image.new("L", bands[0].size)
    for band, value in zip(bands, key.colour, strict=True):
        expected = [min(255, round(v * value / key.colour[lead])) for v in range(256)]
        off = ImageChops.lighter(off, ImageChops.difference(band, bands[lead].point(expected)))
    return off.point([255 if v <= _SHADE else 0 for v in range(256)])


def _spread(image: Image.Image, mask: Image.Image, step: int) -> Image.Image:
    """Return the image with the colours of the mask's pixels around them, ever smoother.

    Args:
        image: RGB.
        mask: of the pixels to spread.
        step: how much smaller the image may be meanwhile.
    """
    inside = mask.reduce(step).point([0] * 255 + [255])
    if inside.getbbox() is None:
        # Of a subject that is translucent all over nothing is known.
        return Image.new("RGB", image.size, (200, 200, 200))
    levels = [Image.merge("RGBA", (*image.reduce(step).split(), inside))]
    while max(levels[-1].size) > 1:
        levels.append(levels[-1].reduce(2))
    filled = levels.pop().convert("RGB")
    while levels:
        level = levels.pop()
        around = filled.resize(level.size, Image.Resampling.BILINEAR)
        share = level.getchannel("A").point([min(255, v * 4) for v in range(256)])
        filled = Image.composite(level.convert("RGB"), around, share)
    return filled.resize(image.size, Image.Resampling.BILINEAR)


def _unmixed(
    image: Image.Image, subject: Image.Image, ground: Image.Image, key: Key
) -> tuple[Image.Image, Image.Image]:
    """Return how much the subject covers each pixel, and its colour there.

    Args:
        image: a part of the image.
        subject, ground: the colours that are likely mixed in it.
        key: of the background.
    """

    def over(given: Any, name: str) -> Any:
        high, low = ([given[f"{name}{i}"] for i in part] for part in (key.high, key.low))
        most = high[0] if len(high) == 1 else given["min"](*high)
        return most - (low[0] if len(low) == 1 else given["max"](*low))

    def covered(given: Any) -> Any:
        k = over(given, "k")
        # What the subject itself has of the key.
        own = given["min"](over(given, "f"), k * 2 / 5)
        value = (k - over(given, "c")) * 255 / given["max"](k - own, 1)
        value = (value - _NOTHING) * 255 / (_ALL - _NOTHING)
        return given["min"](given["max"](value, 0), 255)

    parts = {"c": image, "f": subject, "k": ground}
    known = {
        f"{name}{i}": band.convert("I")
        for name, part in parts.items()
        for i, band in enumerate(part.split())
    }
    known["alpha"] = ImageMath.lambda_eval(covered, **known)

    def colour(given: Any, i: int) -> Any:
        k, alpha = given[f"k{i}"], given["alpha"]
        solved = k + (given[f"c{i}"] - k) * 255 / given["max"](alpha, 1)
        solved = given["min"](given["max"](solved, 0), 255)
        # Where little of the subject is left, noise would be most of it.
        sure = given["min"](alpha * 2, 255)
        return (solved * sure + given[f"f{i}"] * (255 - sure)) / 255

    def excess(given: Any) -> Any:
        return given["max"](over(given, "o") - over(given, "f") - _SLACK, 0)

    for i in range(3):
        known[f"o{i}"] = ImageMath.lambda_eval(partial(colour, i=i), **known)
    known["excess"] = ImageMath.lambda_eval(excess, **known)
    bands = [known[f"o{i}"].convert("L") for i in range(3)]
    for i in key.high:
        bands[i] = ImageChops.subtract(bands[i], known["excess"].convert("L"))
    return known["alpha"].convert("L"), Image.merge("RGB", bands)
