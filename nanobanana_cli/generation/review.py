"""What a person should know of an image that came: compared with what was asked for. Pure.

An image is never rejected for this: the service's own pixels differ from its documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

from nanobanana_cli.catalog import pixels
from nanobanana_cli.types import ContentRequest, Picture, Reply

# The service's own rounding stays within 3 %; another ratio is at least 6 % away.
_RATIO_TOLERANCE = 0.05
# One size class is a factor of two, so three quarters tell them apart whatever the rounding.
_SIZE_TOLERANCE = 0.75


def differences(request: ContentRequest, picture: Picture, reply: Reply) -> tuple[str, ...]:
    """One line for each thing that is not as it was asked for."""
    return (*_shape(request, picture), *_surplus(reply))


def _shape(request: ContentRequest, picture: Picture) -> Iterator[str]:
    if request.aspect is None or request.size is None:
        return
    got = f"{picture.width}×{picture.height}"
    across, down = (int(side) for side in request.aspect.split(":"))
    asked = across / down
    if abs(picture.width / picture.height / asked - 1) > _RATIO_TOLERANCE:
        yield f"the image is {got}, which is not {request.aspect}"
    try:
        expected = pixels(request.aspect, request.size)
    except KeyError:
        return
    if max(picture.width, picture.height) < _SIZE_TOLERANCE * max(expected):
        yield f"the image is {got}, smaller than {request.size} ({expected[0]}×{expected[1]})"


def _surplus(reply: Reply) -> Iterator[str]:
    if reply.images > 1:
        yield f"the service sent {reply.images} images; the last one is saved"
