"""Load one existing image, and make it fit to be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation.inputs import REFERENCE_TYPES, read_image
from nanobanana_cli.images.formats import FORMATS
from nanobanana_cli.types import Picture, Redacted, Reference

# The Gemini API itself scales larger pictures down to this side, and accepts requests of 20 MB
# everywhere; base64 turns 14 MB into 19 MB of them.
LONGEST_SIDE = 3072
MOST_BYTES = 14_000_000
# Formats that nb reads and the service does not are sent as JPEG, of an animation the first frame.
_TYPES = (
    *REFERENCE_TYPES,
    *(each.mime_type for each in FORMATS.values() if each.mime_type not in REFERENCE_TYPES),
)


# What the files of one picture in several sizes end in: `fox-800w`, `fox@2x`, `fox-800x600`. A
# number alone may count different pictures: `IMG_1234`.
_VARIANT = re.compile(r"(?:[-_.](?:\d+w|\d{2,5}x\d{2,5})|@\d(?:\.\d+)?x)+$")


def picture_of(path: str) -> str:
    """Return what the files of one picture in several formats and sizes have in common."""
    pure = PurePath(path)
    return str(pure.with_name(_VARIANT.sub("", pure.stem) or pure.stem)) if pure.name else path


class SourceImage(Redacted, frozen=True):
    """An existing image.

    Args:
        path: `-` for stdin.
        mime_type: as its first bytes say.
        data: the file's bytes.
        picture: its format and size; None for HEIC, which is sent unchanged.
    """

    _hidden = ("data", "picture")

    path: str
    mime_type: str
    data: bytes
    picture: Picture | None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels as a browser shows the image; None if they cannot be read."""
        from nanobanana_cli.images import heif
        from nanobanana_cli.images.displayed import displayed_size

        return displayed_size(self.picture) if self.picture else heif.displayed_size(self.data)

    def reference(self) -> Reference:
        """Return what to send: the file itself, or a copy in JPEG.

        The copy stands for a file that is too large, or of a format that the service refuses.

        Raises:
            UsageError: it is too large, and damaged or of a format that `nb` cannot scale.
        """
        picture = self.picture
        is_small = len(self.data) <= MOST_BYTES
        if picture is None and not is_small:
            raise UsageError(
                f"{self.path} is too large for the service: {len(self.data) / 1e6:.0f} MB",
                hint="nb cannot scale HEIC down: save it as JPEG",
            )
        if picture is None or (
            is_small
            and max(picture.width, picture.height) <= LONGEST_SIDE
            and self.mime_type in REFERENCE_TYPES
        ):
            return Reference(self.path, self.mime_type, self.data)
        from nanobanana_cli.images.formats import DamagedImage
        from nanobanana_cli.images.resize import shrink

        try:
            copy = shrink(picture, LONGEST_SIDE)
        except DamagedImage as error:
            raise UsageError(f"{self.path} is damaged: {error}", hint="check the file") from None
        return Reference(self.path, FORMATS[copy.format].mime_type, copy.data)


def load(path: str, read_stdin: Callable[[], bytes]) -> SourceImage:
    """Read an image without decoding its pixels.

    Args:
        path, read_stdin: as for `generation.inputs.read_image`.

    Raises:
        UsageError, LocalFileError: as for `generation.inputs.read_image`.
    """
    return SourceImage(path, *read_image(path, read_stdin, decode=False, accepted=_TYPES))
