"""What every check of an image's bytes shares: its one error and its one limit."""

from __future__ import annotations

# The largest image of the catalog has 19 million pixels. More than this is a mistake or an attack:
# a file of some kilobytes can ask for gigabytes of memory.
PIXEL_LIMIT = 200_000_000


class DamagedImage(ValueError):
    """The bytes are no whole, decodable image; `str()` says why, in one plain line."""


def check_size(name: str, width: int, height: int) -> None:
    """Refuses dimensions, in pixels, that no decoder should be asked for.

    Raises:
        DamagedImage: a side is zero, or there are more than `PIXEL_LIMIT` pixels.
    """
    if width < 1 or height < 1:
        raise DamagedImage(f"the {name} claims a size of {width}x{height} pixels")
    if width * height > PIXEL_LIMIT:
        most = f"more than {PIXEL_LIMIT // 1_000_000} million"
        raise DamagedImage(f"the {name} claims {width}x{height} pixels, {most}")
