"""Draws the picture for a prompt: decided by prompt, aspect ratio and size alone."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, PngImagePlugin

from nanobanana_cli.catalog import pixels
from nanobanana_cli.sandbox import lettering, scene

COMMENT = "sandbox image, not made by a model"
SOFTWARE = "nb sandbox"


@lru_cache(maxsize=64)
def paint(prompt: str, aspect: str, size: str) -> bytes:
    """A PNG of the exact pixel dimensions that the catalog gives for the aspect ratio and size.

    The PNG says what it is in its text chunks: Title (the prompt), Software and Comment.
    """
    return encode(draw(prompt, pixels(aspect, size)), prompt)


def draw(prompt: str, dimensions: tuple[int, int]) -> Image.Image:
    """The picture in memory: a landscape, the prompt, and the mark of the sandbox."""
    image = scene.draw(prompt, dimensions)
    lettering.write(image, prompt)
    return image


def encode(image: Image.Image, prompt: str) -> bytes:
    """PNG bytes with the text chunks."""
    info = PngImagePlugin.PngInfo()
    for key, text in (("Title", prompt), ("Software", SOFTWARE), ("Comment", COMMENT)):
        # tEXt holds Latin-1 only and forbids most control characters; iTXt is UTF-8.
        if text.isascii() and text.isprintable():
            info.add_text(key, text)
        else:
            info.add_itxt(key, text.encode("utf-8", "replace").decode(), lang="", tkey=key)
    buffer = io.BytesIO()
    # On such smooth pictures runs are all there is to find: smaller than the default, and faster.
    image.save(buffer, "PNG", pnginfo=info, compress_level=1, compress_type=Image.RLE)
    return buffer.getvalue()
