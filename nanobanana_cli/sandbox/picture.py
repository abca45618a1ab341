"""Draw the picture for a prompt: the same prompt, aspect ratio and size give the same bytes.

A landscape (sky, sun and hills in one of a few palettes), the prompt, and the sandbox's mark.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from functools import lru_cache

import msgspec
from PIL import Image, ImageChops, ImageDraw, ImageOps, PngImagePlugin

from nanobanana_cli.catalog import pixels
from nanobanana_cli.images.edits import split
from nanobanana_cli.sandbox import lettering

COMMENT = "sandbox image, not made by a model"
SOFTWARE = "nb sandbox"
Colour = tuple[int, int, int]

_HILLS = 4
# Shapes are drawn that many times as large and reduced, which makes their edges smooth.
_FINE = 3
# Around a medallion, as a part of the shorter side.
_MARGIN = 0.05


class Palette(msgspec.Struct, frozen=True):
    """A set of colours.

    Args:
        name: completes "rolling hills …".
        sky: from the zenith to the horizon.
        sun: the disc.
        far, near: the farthest and the nearest hill.
    """

    name: str
    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    far: Colour
    near: Colour


def _hex(code: str) -> Colour:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def _palette(name: str, *codes: str) -> Palette:
    top, middle, low, sun, far, near = (_hex(code) for code in codes)
    return Palette(name, (top, middle, low), sun, far, near)


PALETTES = (
    _palette("at dusk", "2b2d5b", "8a4f7d", "f2a07b", "ffe3b8", "a05c7c", "231b3a"),
    _palette("on a clear morning", "2f6690", "81b7d2", "f6e7cb", "fff6dd", "7fa99b", "16425b"),
    _palette("in autumn", "7a3b2e", "d98e4a", "f8dfa1", "fff3cf", "c77b45", "3d1f1d"),
    _palette("by moonlight", "0d1b3e", "274472", "7fa1c3", "f4f6ff", "41618f", "08112b"),
    _palette("in spring", "3c7a89", "9fcfb8", "f9f1d0", "fffbe3", "93bf85", "1f4d3a"),
    _palette("in a rose dawn", "5b4a82", "d47fa6", "ffd3c2", "fff0dd", "b9789f", "35244f"),
    _palette("by the sea", "0f4c5c", "4fa3a5", "fbe3c0", "fff4d9", "5f9ea0", "0b2f3a"),
    _palette("under a lavender sky", "4a4e8f", "9a94cf", "f6dcea", "fff5ee", "8b86bf", "282a55"),
)


def choose_palette(prompt: str) -> tuple[Palette, random.Random]:
    """Return the prompt's palette and its random numbers, the same on every machine."""
    seed = int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "replace")).digest())
    chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
    return chance.choice(PALETTES), chance


@lru_cache(maxsize=64)
def render(prompt: str, aspect: str, size: str) -> bytes:
    """Return a PNG of the exact pixels that the catalog gives for the aspect ratio and size."""
    return encode(draw(prompt, pixels(aspect, size)), prompt)


def draw(prompt: str, dimensions: tuple[int, int]) -> Image.Image:
    """Return the picture of a width and height in pixels, RGB."""
    prompt, background = split(prompt)
    image = landscape(prompt, dimensions)
    if background is None:
        lettering.write(image, prompt)
        return image
    # Within the round corners of the medallion.
    margin = round(min(dimensions) * _MARGIN)
    inner = ImageOps.crop(image, 2 * margin)
    lettering.write(inner, prompt)
    image.paste(inner, (2 * margin, 2 * margin))
    return _on(background, image)


def _on(colour: str, image: Image.Image) -> Image.Image:
    """Return the picture as a medallion on a flat background, to be cut out."""
    width, height = image.size
    mask = Image.new("L", (width * _FINE, height * _FINE))
    margin = round(min(mask.size) * _MARGIN)
    edges = (margin, margin, mask.width - margin, mask.height - margin)
    ImageDraw.Draw(mask).rounded_rectangle(edges, min(mask.size) // 6, fill=255)
    ground = Image.new("RGB", image.size, colour)
    ground.paste(image, (0, 0), mask.reduce(_FINE))
    return ground


def encode(image: Image.Image, prompt: str) -> bytes:
    """Return PNG bytes with the text chunks Title (the prompt), Software and Comment."""
    info = PngImagePlugin.PngInfo()
    for key, text in (("Title", prompt), ("Software", SOFTWARE), ("Comment", COMMENT)):
        # tEXt holds Latin-1 only and forbids most control characters; iTXt is UTF-8.
        if text.isascii() and text.isprintable():
            info.add_text(key, text)
        else:
            info.add_itxt(key, text.encode("utf-8", "replace").decode(), lang="", tkey=key)
    buffer = io.BytesIO()
    # Such smooth pictures hold little but runs: smaller than the default, and faster.
    image.save(buffer, "PNG", pnginfo=info, compress_level=1, compress_type=Image.RLE)
    return buffer.getvalue()


def landscape(prompt: str, dimensions: tuple[int, int]) -> Image.Image:
    """Return the picture without its letters."""
    palette, chance = choose_palette(prompt)
    image = _gradient(palette.sky, dimensions)
    _draw_sun(image, palette, chance)
    _draw_hills(image, palette, chance)
    return image


def _gradient(colours: tuple[Colour, ...], size: tuple[int, int]) -> Image.Image:
    """Return a vertical gradient through the colours, evenly spaced."""
    stops = Image.new("RGB", (1, len(colours)))
    stops.putdata(colours)
    column = stops.resize(
        (1, size[1]), Image.Resampling.BILINEAR, box=(0, 0.5, 1, len(colours) - 0.5)
    )
    return column.resize(size, Image.Resampling.NEAREST)


def _draw_sun(image: Image.Image, palette: Palette, chance: random.Random) -> None:
    width, height = image.size
    short = min(width, height)
    radius = round(short * chance.uniform(0.08, 0.12))
    x = round(width * chance.choice((chance.uniform(0.16, 0.34), chance.uniform(0.66, 0.84))))
    y = round(height * chance.uniform(0.50, 0.57))
    # Pillow's gradient does not end at the middle of an edge, where it still is 74.
    edge = 75
    glow = ImageChops.invert(Image.radial_gradient("L")).point(
        [round(max(0, level - edge) ** 2 * 150 / (255 - edge) ** 2) for level in range(256)]
    )
    glow = glow.resize((radius * 8, radius * 8), Image.Resampling.BILINEAR)
    image.paste(palette.sun, (x - radius * 4, y - radius * 4), glow)
    disc = Image.new("L", (radius * 2 * _FINE, radius * 2 * _FINE))
    ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), fill=235)
    image.paste(palette.sun, (x - radius, y - radius), disc.reduce(_FINE))


def _draw_hills(image: Image.Image, palette: Palette, chance: random.Random) -> None:
    width, height = image.size
    for layer in range(_HILLS):
        depth = layer / (_HILLS - 1)
        crest = height * (0.58 + 0.27 * depth)
        line = _ridge(image.size, crest, 1 - depth * 0.35, chance)
        colour = _mix(palette.far, palette.near, depth)
        # Mist in the valley: each hill fades towards the horizon's light at its foot.
        foot = _mix(colour, palette.sky[2], 0.45 * (1 - depth))
        top, bottom = max(0, int(min(line))), min(height, math.ceil(max(line)))
        hill = _gradient((colour, foot), (width, height - top))
        ridge = width, bottom - top
        image.paste(hill.crop((0, 0, *ridge)), (0, top), _mask_below(line, top, ridge))
        # Below the ridge all is hill, and needs no mask.
        image.paste(hill.crop((0, ridge[1], *hill.size)), (0, bottom))


def _mask_below(line: list[float], top: int, size: tuple[int, int]) -> Image.Image:
    """Return a mask of the area below a line in an image that begins at `top`."""
    mask = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    step = mask.width / (len(line) - 1)
    outline = [(index * step, (y - top) * _FINE) for index, y in enumerate(line)]
    ImageDraw.Draw(mask).polygon([*outline, mask.size, (0, mask.height)], fill=255)
    return mask.reduce(_FINE)


def _ridge(
    size: tuple[int, int], crest: float, height: float, chance: random.Random
) -> list[float]:
    """Return the heights of a ridge from left to right, in pixels from the top."""
    width, total = size
    swell = min(total * 0.075, width * 0.12) * height
    waves = [
        (chance.uniform(0.6, 1.4) * frequency, chance.uniform(0, math.tau), swell / weight)
        for frequency, weight in ((1.0, 1.0), (2.3, 2.2), (5.1, 6.0))
    ]
    stretch = math.tau * max(1.0, width / total / 1.6)
    steps = 240
    return [
        crest
        + sum(
            amplitude * math.sin(phase + stretch * frequency * step / steps)
            for frequency, phase, amplitude in waves
        )
        for step in range(steps + 1)
    ]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
