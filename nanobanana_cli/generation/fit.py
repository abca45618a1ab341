"""Choose the ratio and size from which exact pixels can be cropped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from nanobanana_cli.catalog import ASPECTS, MODELS, SIZES, pixels, sizes
from nanobanana_cli.errors import UsageError
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.types import ContentRequest

# Width and height in pixels.
Box: TypeAlias = tuple[int, int]

# Also what JSON Schemas of manifests say.
PATTERN = r"([1-9][0-9]{0,4}) ?[xX×*] ?([1-9][0-9]{0,4})"


def parse(text: str) -> Box:
    """Return the pixels that `1200x630` names; raise InvalidValue for what names none."""
    found = re.fullmatch(PATTERN, text)
    if found is None:
        raise InvalidValue("is not a width and height in pixels", hint="such as 1200x630")
    return int(found[1]), int(found[2])


def name_of(box: Box) -> str:
    """Return pixels as they are typed: `1200x630`."""
    return f"{box[0]}x{box[1]}"


def choose(boxes: Sequence[Box], model: str, provider: str) -> tuple[str, str]:
    """Return the ratio and size of an image that covers each box without being enlarged.

    It is the least size, and of its ratios the one of which the least is cut off.

    Args:
        boxes: one or more.
        model, provider: decide which ratios and sizes there are.

    Raises:
        InvalidValue: the model makes no image that large.
    """
    known = MODELS.get(model)
    ratios = known.aspects if known else ASPECTS
    choices = sizes(model, provider) or SIZES
    for size in choices:
        best = max(ratios, key=lambda ratio: _kept(boxes, pixels(ratio, size)))
        if _kept(boxes, pixels(best, size)):
            return best, size
    images = [pixels(ratio, choices[-1]) for ratio in ratios]
    for box in boxes:
        scale = max(min(width / box[0], height / box[1]) for width, height in images)
        if scale < 1:
            most = name_of((max(1, int(box[0] * scale)), max(1, int(box[1] * scale))))
            raise InvalidValue(
                f"is more than {model} makes", hint=f"the largest of this shape is {most}"
            )
    raise InvalidValue(
        f"are more than one image of {model} holds", hint="make them one by one, a call each"
    )


def _kept(boxes: Sequence[Box], image: Box) -> float:
    """Return how much of an image is left in the box that takes least of it; 0 if one is larger."""
    least = 1.0
    for width, height in boxes:
        across, down = image[0] / width, image[1] / height
        if min(across, down) < 1:
            return 0
        least = min(least, min(across, down) / max(across, down))
    return least


def shaped(request: ContentRequest, boxes: Sequence[Box], provider: str) -> ContentRequest:
    """Return the request for an image that covers each box; for errors see `choose`."""
    try:
        aspect, size = choose(boxes, request.model, provider)
    except InvalidValue as error:
        names = " and ".join(map(name_of, boxes))
        raise UsageError(f"--fit {names} {error.reason}", hint=error.hint) from None
    return replace(request, aspect=aspect, size=size, like=None)
