"""Choose an image's aspect ratio, by the first reference image unless one is named; check it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from msgspec.structs import replace

from nanobanana_cli.catalog import ASPECTS, DEFAULT_ASPECT, MODELS, SIZES, pixels
from nanobanana_cli.generation import remote
from nanobanana_cli.settings.validators import AUTO, nearest_ratio, quotient
from nanobanana_cli.types import ContentRequest, Picture, Reference

# Further away than this, the picture is visibly cropped or stretched.
_TOLERANCE = 0.05
# The pixels of a ratio differ that much from size to size of a camera, and show nothing.
_LARGER = 1.1
# The service's own rounding stays within 3 %; another ratio is at least 6 % away.
_RATIO_TOLERANCE = 0.05
# One size class is a factor of two, so three quarters tell them apart whatever the rounding.
_SIZE_TOLERANCE = 0.75


def shaped(request: ContentRequest) -> ContentRequest:
    """Return the request with a ratio in place of `auto`, which the service does not know."""
    if request.aspect != AUTO:
        return request
    images = _shaping(request)
    if images and not images[0].is_fetched:
        # Left out, it follows the image too: https://ai.google.dev/gemini-api/docs/image-generation
        return replace(request, aspect=None)
    aspect, like = follow(request.model, images)
    return replace(request, aspect=aspect, like=like)


def _shaping(request: ContentRequest) -> Sequence[Reference]:
    """Return the images that a request is made from; its shape follows the first of them."""
    if request.conversation is None:
        return request.references
    last = request.conversation.last
    return (*((last,) if last else ()), *request.references)


def follow(model: str, references: Sequence[Reference]) -> tuple[str, str | None]:
    """Return the ratio that `auto` stands for, and the name of the image that it follows, if any.

    Args:
        model: its own ratios are chosen from; all known ones if the catalog does not know it.
        references: the input images; the first one counts.
    """
    first = references[0] if references else None
    if first is None or first.size is None:
        return DEFAULT_ASPECT, None
    return nearest_ratio(*first.size, _ratios(model)), short_name(first.name)


def short_name(name: str) -> str:
    """Return the name of a reference image in a line about it."""
    if remote.is_address(name):
        return remote.last_part(name)
    return "stdin" if name == "-" else PurePath(name).name


def described(request: ContentRequest) -> str:
    """Return the ratio for people: `21:9, as wide.jpg`; "" if it follows no image."""
    return f"{request.aspect}, as {request.like}" if request.like else ""


def notes(
    request: ContentRequest, configured: str | None = None, *, is_fitted: bool = False
) -> Iterator[str]:
    """Yield what to know about the shape before the call.

    Args:
        request: as `shaped` returns it.
        configured: the variable or file that the ratio comes from; None if it does not come from
            the configuration.
        is_fitted: the ratio and size are those from which exact pixels are cropped.
    """
    for each in request.references:
        if not each.is_fetched:
            ratio = "" if request.aspect else "; the aspect ratio, which follows it, is left out"
            yield f"{each.name} is not fetched here: its data is a placeholder{ratio}"
    images = _shaping(request)
    if not images or is_fitted or request.aspect is None or request.size is None:
        return
    first = images[0]
    name, is_default = remote.shown(first.name), request.aspect == DEFAULT_ASPECT
    if first.size is None:
        if first.is_fetched and is_default and not request.like and configured is None:
            yield f"cannot tell the shape of {name}, so the image is {request.aspect}"
    elif configured is not None:
        nearest, _ = follow(request.model, images)
        if nearest != request.aspect:
            yield (
                f"{request.aspect} from {configured} holds, although {name} is nearest to "
                f"{nearest}: `--aspect auto` keeps its shape"
            )
    elif request.like:
        yield from _distance(request, first.size)
    yield from _larger(request, request.size)


def _distance(request: ContentRequest, size: tuple[int, int]) -> Iterator[str]:
    asked, there = quotient(request.aspect or DEFAULT_ASPECT), size[0] / size[1]
    off = max(asked / there, there / asked) - 1
    if off > _TOLERANCE:
        yield (
            f"{request.like} is {size[0]}×{size[1]}; the nearest ratio of {request.model} is "
            f"{request.aspect}, off by {off:.0%}"
        )


def _larger(request: ContentRequest, size: str) -> Iterator[str]:
    """Yield a note if a reference image has more pixels than the image will have."""
    sizes = [(each.size, each.name) for each in _shaping(request) if each.size]
    try:
        expected = pixels(request.aspect or DEFAULT_ASPECT, size)
    except KeyError:
        return
    if not sizes:
        return
    (width, height), name = max(sizes, key=lambda each: each[0][0] * each[0][1])
    if width * height > _LARGER * expected[0] * expected[1]:
        yield (
            f"{short_name(name)} is {width}×{height}, larger than {size} "
            f"({expected[0]}×{expected[1]}){_larger_size(request, size, width * height)}"
        )


def _larger_size(request: ContentRequest, size: str, area: int) -> str:
    known = MODELS.get(request.model)
    sizes = [each for each in (known.sizes if known else SIZES) if each in SIZES]
    larger = sizes[sizes.index(size) + 1 :] if size in sizes else []
    for each in larger:
        width, height = pixels(request.aspect or DEFAULT_ASPECT, each)
        if area <= _LARGER * width * height or each == larger[-1]:
            return f": `--size {each}` keeps more of it"
    return ""


def _ratios(model: str) -> tuple[str, ...]:
    known = MODELS.get(model)
    return known.aspects if known else ASPECTS


def differences(request: ContentRequest, picture: Picture) -> Iterator[str]:
    """Yield a note for each way in which an image has another shape than was asked for."""
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
