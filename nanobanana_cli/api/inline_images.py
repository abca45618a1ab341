"""Images that stand in a reply as base64: find them, split them from text, decode them. Pure."""

from __future__ import annotations

import binascii
import re
from contextlib import suppress

import msgspec
import pybase64

from nanobanana_cli.api.memory import TOO_LARGE
from nanobanana_cli.errors import BadReply
from nanobanana_cli.images.formats import sniff
from nanobanana_cli.types import Data

# Some gateways put the image into a text part, as Markdown or as a bare data URI. All repeats are
# possessive, so that no text makes the search slow. Padding ends the base64: in a stream, the next
# piece of text may follow it at once.
_DATA_URI = r"(?i:data:image/[\w.+-]++(?:;(?!base64,)[\w.+=-]++)*+;base64,)([A-Za-z0-9+/_-]++=*+)"
_INLINE_IMAGE = re.compile(rf"!\[[^\[\]]*+\]\(\s*+{_DATA_URI}[^()]{{0,200}}+\)|{_DATA_URI}")
# Base64 of a PNG, JPEG, WebP or GIF, whatever field or text holds it.
_ANYWHERE = re.compile(
    rb'(?:"|base64,)((?:iVBORw0KGgo|\\*[/_]9j|UklGR|R0lGOD)(?:[A-Za-z0-9+/=_-]|\\[/nr])*+)(["\'\\)\s<]?)'
)
_LARGEST = 100 << 20
_DRAFT = re.compile(rb'"thought"\s*+:\s*+true')
_URL_SAFE = str.maketrans("-_", "+/")


def split(text: str) -> tuple[list[str], list[str]]:
    """Return the pieces of a text around its images, and the base64 of these."""
    # Pieces of text, and between each two an image in one of the pattern's two groups.
    pieces = _INLINE_IMAGE.split(text)
    images = [one or other for one, other in zip(pieces[1::3], pieces[2::3], strict=True)]
    return pieces[::3], images


def anywhere(body: Data) -> list[msgspec.Raw]:
    """Return the images in a reply of whatever shape, or in what is left of one.

    Args:
        body: the reply's bytes.

    Returns:
        Their base64, as JSON; none if some are drafts, which nothing tells from the others here, or
        if the last one is cut, or if the reply is too large for copies of it.
    """
    if len(body) > _LARGEST or _DRAFT.search(body):
        return []
    found = _ANYWHERE.findall(body)
    if not found or not found[-1][1]:
        return []
    # An image is often given twice, as a field and in a text.
    texts = dict.fromkeys(re.sub(rb"\\[nr]|\\", b"", text) for text, end in found if end)
    return [msgspec.Raw(b'"%s"' % text) for text in texts]


def ends_within(body: Data) -> bool:
    """Return True if a reply ends within an image."""
    ends = [found[2] for found in _ANYWHERE.finditer(body)]
    return bool(ends) and not ends[-1]


def decoded(images: list[msgspec.Raw | str], room: int | None = None) -> Data | None:
    """Return the last of the images, None if there are none.

    That is the last whose bytes begin as an image's do, or else the last that is valid base64.

    Args:
        images: as JSON strings or as text.
        room: the most bytes that it may have.

    Raises:
        BadReply: none of them is valid base64, or there is no room for one in memory.
    """
    other = None
    for image in reversed(images):
        size = len(image if isinstance(image, str) else memoryview(image)) // 4 * 3
        if room is not None and size > room:
            raise BadReply(TOO_LARGE)
        with suppress(ValueError):
            if data := _from_text(image) if isinstance(image, str) else _from_json(image):
                if sniff(data) is not None:
                    return data
                other = other or data
    if images and other is None:
        raise BadReply("the reply's image is not valid base64")
    return other


def _from_json(quoted: msgspec.Raw) -> bytes:
    """Decode base64 in a JSON string.

    Raises:
        ValueError: it is not base64.
    """
    text = memoryview(quoted)
    try:
        # The fast way, straight from the reply's bytes: plain base64, padded.
        return pybase64.b64decode(text[1:-1], validate=True)
    except ValueError:
        return _from_text(msgspec.json.decode(text, type=str))


def _from_text(text: str) -> bytes:
    """Decode base64 in any of its spellings, also as a data URI.

    Raises:
        ValueError: it is not base64.
    """
    text = "".join(text.rpartition("base64,")[2].split()).translate(_URL_SAFE).rstrip("=")
    return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
