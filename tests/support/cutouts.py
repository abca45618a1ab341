"""Pictures with a known transparency on a flat background, as models paint and services send them.

Shapes are drawn three times as large and reduced, which gives their edges every share of cover.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat

_SIDE = 480
_FINE = 3
_LARGE = _SIDE * _FINE
Colour = tuple[int, int, int]
GREEN: Colour = (0, 255, 0)
MAGENTA: Colour = (255, 0, 255)


class Case(NamedTuple):
    """A picture: what is on it, and how it comes."""

    name: str
    subject: Image.Image
    key: Colour = GREEN
    noise: int = 0
    quality: int | None = 85
    fading: int = 0

    def painted(self) -> Image.Image:
        """The picture on its background: noisy, fading downwards, a JPEG with halved colour."""
        ground = Image.new("RGB", self.subject.size, self.key)
        if self.fading:
            light = Image.linear_gradient("L").resize(ground.size)
            light = light.point([v * self.fading // 255 for v in range(256)])
            ground = Image.merge("RGB", [ImageChops.subtract(b, light) for b in ground.split()])
        image = Image.alpha_composite(ground.convert("RGBA"), self.subject).convert("RGB")
        if self.noise:
            chance = random.Random(1)
            noise = Image.frombytes("RGB", image.size, chance.randbytes(3 * _SIDE * _SIDE))
            low = 128 - self.noise
            noise = noise.point([low + v * 2 * self.noise // 255 for v in range(256)] * 3)
            image = ImageChops.add(image, noise, 1, -128)
        if self.quality is None:
            return image
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=self.quality, subsampling=2)
        return Image.open(buffer).convert("RGB")

    def error(self, cut: Image.Image) -> float:
        """The mean absolute error of the transparency, in percent."""
        off = ImageChops.difference(self.subject.getchannel("A"), cut.getchannel("A"))
        return ImageStat.Stat(off).mean[0] / 2.55

    def colour_error(self, cut: Image.Image, ground: str) -> float:
        """The mean absolute error of what is seen on another background, in percent."""
        back = Image.new("RGBA", cut.size, ground)
        seen, right = (Image.alpha_composite(back, each) for each in (cut, self.subject))
        return sum(ImageStat.Stat(ImageChops.difference(seen, right)).mean[:3]) / 3 / 2.55


def cases() -> Iterator[Case]:
    """Yield pictures of every kind that is hard to cut out."""
    off = (30, 225, 30)
    yield Case("a disc as it was drawn", disc(), quality=None)
    yield Case("a disc, JPEG", disc(), quality=75)
    yield Case("a key off by 30", disc(), key=off)
    yield Case("hair on a key off by 30", hair((150, 70, 25)), key=(28, 226, 60))
    yield Case("brown hair", hair((150, 70, 25)), quality=None)
    yield Case("blond hair, JPEG", hair((225, 190, 120)), quality=95)
    yield Case("black hair, JPEG", hair((20, 16, 15)), quality=95)
    yield Case("white hair, noisy", hair((240, 240, 240)), noise=10, quality=None)
    yield Case("a mug with a handle", mug())
    yield Case("a mug with a shadow", shadow(mug()))
    yield Case("a disc with a shadow, off by 25", shadow(disc()), key=(10, 240, 25))
    yield Case("lace", lace())
    yield Case("black and white stripes", stripes())
    yield Case("out of focus", soft(disc(), 4))
    yield Case("glass", glass())
    yield Case("a bust that is cut by the edge", bust(), noise=5)
    yield Case("a leaf on magenta", leaf(), key=MAGENTA)
    yield Case("a leaf with a shadow, off by 30", shadow(leaf()), key=(235, 30, 228))
    yield Case("blond hair on blue", hair((230, 180, 60)), key=(0, 0, 255), quality=95)
    yield Case("a fading background", shadow(disc()), fading=35)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGBA", (_LARGE, _LARGE))
    return image, ImageDraw.Draw(image)


def _at(*shares: float) -> list[float]:
    return [_LARGE * share for share in shares]


def disc() -> Image.Image:
    image, draw = _canvas()
    draw.ellipse(_at(0.2, 0.2, 0.8, 0.8), fill=(214, 98, 32))
    draw.ellipse(_at(0.35, 0.3, 0.55, 0.5), fill=(245, 220, 190))
    return image.reduce(_FINE)


def hair(colour: Colour) -> Image.Image:
    """A head with 500 hairs, none wider than a pixel and a half."""
    image, draw = _canvas()
    chance = random.Random(1)
    for _ in range(500):
        turn, reach = chance.uniform(0, math.tau), chance.uniform(0.06, 0.2)
        shade = tuple(max(0, min(255, v + chance.randint(-30, 30))) for v in colour)
        points = [
            (
                _LARGE * (0.5 + math.cos(turn + t * t / 4) * (0.2 + reach * t)),
                _LARGE * (0.5 + math.sin(turn + t * t / 4) * (0.2 + reach * t)),
            )
            for t in (0, 0.25, 0.5, 0.75, 1)
        ]
        draw.line(points, fill=shade, width=chance.choice([2, 2, 3, 4]))
    draw.ellipse(_at(0.27, 0.27, 0.73, 0.73), fill=colour)
    return image.reduce(_FINE)


def mug() -> Image.Image:
    image, draw = _canvas()
    draw.rounded_rectangle(_at(0.25, 0.25, 0.6, 0.8), _LARGE * 0.04, fill=(240, 240, 235))
    draw.ellipse(_at(0.5, 0.35, 0.8, 0.68), outline=(240, 240, 235), width=_LARGE // 25)
    draw.rectangle(_at(0.3, 0.4, 0.55, 0.6), fill=(40, 60, 140))
    return image.reduce(_FINE)


def lace() -> Image.Image:
    image, draw = _canvas()
    draw.rectangle(_at(0.2, 0.2, 0.8, 0.8), fill=(250, 246, 240))
    for row in range(12):
        for column in range(12):
            x, y = 0.22 + row * 0.047, 0.22 + column * 0.047
            draw.ellipse(_at(x, y, x + 0.03, y + 0.03), fill=(0, 0, 0, 0))
    return image.reduce(_FINE)


def stripes() -> Image.Image:
    image, draw = _canvas()
    draw.rectangle(_at(0, 0, 1, 1), fill="white")
    for x in range(14):
        draw.rectangle(_at(0.15 + x * 0.055, 0, 0.175 + x * 0.055, 1), fill=(10, 10, 12))
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse(_at(0.2, 0.25, 0.8, 0.75), fill=255)
    image.putalpha(mask)
    return image.reduce(_FINE)


def glass() -> Image.Image:
    image, draw = _canvas()
    box = _at(0.3, 0.2, 0.7, 0.8)
    draw.rounded_rectangle(box, _LARGE * 0.05, fill=(235, 240, 250, 90))
    draw.rounded_rectangle(box, _LARGE * 0.05, outline=(230, 235, 245, 230), width=_LARGE // 80)
    return image.reduce(_FINE)


def bust() -> Image.Image:
    image, draw = _canvas()
    draw.ellipse(_at(0.35, 0.15, 0.65, 0.5), fill=(190, 140, 120))
    draw.ellipse(_at(0.15, 0.5, 0.85, 1.4), fill=(30, 40, 90))
    return image.reduce(_FINE)


def leaf() -> Image.Image:
    image, draw = _canvas()
    draw.ellipse(_at(0.3, 0.1, 0.7, 0.9), fill=(60, 150, 50))
    draw.line(_at(0.5, 0.1, 0.5, 0.9), fill=(200, 230, 140), width=_LARGE // 100)
    return image.reduce(_FINE)


def shadow(subject: Image.Image) -> Image.Image:
    """The subject with a soft shadow on the floor."""
    dark = Image.new("L", subject.size)
    box = [_SIDE * each for each in (0.18, 0.72, 0.85, 0.88)]
    ImageDraw.Draw(dark).ellipse(box, fill=140)
    black = Image.new("RGBA", subject.size, "black")
    black.putalpha(dark.filter(ImageFilter.GaussianBlur(14)))
    return Image.alpha_composite(black, subject)


def soft(subject: Image.Image, radius: int) -> Image.Image:
    """The subject out of focus."""
    return subject.convert("RGBa").filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
