"""Save an image edited in several ways: say where each goes, and save them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.errors import BadReply, Charged
from nanobanana_cli.generation import cutout
from nanobanana_cli.generation.destinations import (
    Destination,
    NamedFile,
    Stdout,
    UnnamedFile,
    check_place,
)
from nanobanana_cli.generation.fit import Box, name_of
from nanobanana_cli.images.edits import Edits
from nanobanana_cli.log.line import payer
from nanobanana_cli.types import Result

if TYPE_CHECKING:
    from nanobanana_cli.generation.rescue import Rescue


def spread(
    destination: Destination, boxes: Sequence[Box], *, is_cut_out: bool = False
) -> list[Destination]:
    """Return the destinations of an image's boxes: `card-1200x630.png`, …; one keeps its name."""
    several = len(boxes) > 1
    found = []
    for box in boxes or (None,):
        end = f"-{name_of(box)}" if several and box else ""
        place = _renamed(destination, end) if end else destination
        original = cutout.original_of(destination) if is_cut_out else None
        found.append(_edited(place, Edits(box, is_cut_out, original)))
    return found


def _without_original(place: Destination) -> Destination:
    """Return a place beside which no original is kept."""
    return _edited(place, replace(place.edits, original=None)) if place.edits.original else place


def _edited(place: Destination, edits: Edits) -> Destination:
    assert isinstance(place, NamedFile | UnnamedFile | Stdout)
    return replace(place, edits=edits)


def _renamed(destination: Destination, end: str) -> Destination:
    if isinstance(destination, UnnamedFile):
        return replace(destination, stem=destination.stem + end)
    if isinstance(destination, NamedFile):
        path = destination.path
        path = path.with_name(f"{path.stem}{end}{path.suffix}")
        return check_place(replace(destination, path=path))
    return destination


def with_cost(results: list[Result]) -> list[Result]:
    """Return the results of a call with its cost where the log has it: on an image that is there.

    Args:
        results: one or more, the first of which has the cost.
    """
    paid, cost = payer(results), results[0].cost
    if paid and cost is not None:
        results[0] = replace(results[0], cost=0)
        results[paid] = replace(results[paid], cost=cost)
    return results


def save_everywhere(
    result: Result,
    destinations: Sequence[Destination],
    rescue: Rescue | None = None,
    hashed: bool = False,
) -> Iterator[Result]:
    """Save the image of a reply at each destination, edited as it wants.

    Args:
        result, rescue, hashed: as for `save_image`.
        destinations: one or more.

    Yields:
        A result for each; the first one has the cost, and is all there is of a failed call or of
        an image that cannot be used anywhere.
    """
    from nanobanana_cli.generation.save import save_image

    is_first = True
    for place in destinations if result.reply is not None else destinations[:1]:
        place = place if is_first else _without_original(place)
        saved = save_image(result, place, rescue, hashed)
        yield saved
        if isinstance(saved.error, BadReply) and saved.error.charged is not Charged.YES:
            # No whole image came, so no size can be cut out of it.
            return
        original = saved.original_path or result.original_path
        if isinstance(saved.error, BadReply) and saved.error.image_path is not None:
            original = str(saved.error.image_path)
        result = replace(result, cost=None if result.cost is None else 0, original_path=original)
        is_first = False
