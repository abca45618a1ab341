"""One existing image: read, recognised, and made fit to be sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation.inputs import REFERENCE_TYPES
from nanobanana_cli.types import Picture, Redacted, Reference

# The Gemini API scales larger pictures down to this by itself, and takes requests of 20 MB
# everywhere; base64 makes 15 MB of them.
LONGEST_SIDE = 3072
MOST_BYTES = 14_000_000


class SourceImage(Redacted, frozen=True):
    """An image and what is known of it.

    Args:
        path: `-` for stdin.
        data: the file's bytes.
        mime_type: what its first bytes say.
        picture: its size; None for HEIC, which is sent as it is.
    """

    _hidden = ("data", "picture")

    path: str
    data: bytes
    mime_type: str
    picture: Picture | None

    def reference(self) -> Reference:
        """What is sent: the file as it is, or a smaller copy where the service takes no more.

        Raises:
            UsageError: it is too large, and damaged or of a format that cannot be scaled here.
        """
        picture = self.picture
        small = len(self.data) <= MOST_BYTES
        if picture is None and not small:
            raise UsageError(
                f"{self.path} has {len(self.data) / 1e6:.0f} MB, more than the service takes",
                hint="HEIC cannot be scaled down here: save it as JPEG",
            )
        if picture is None or (small and max(picture.width, picture.height) <= LONGEST_SIDE):
            return Reference(self.path, self.mime_type, self.data)
        return self._shrunk(picture)

    def _shrunk(self, picture: Picture) -> Reference:
        from nanobanana_cli.images.errors import DamagedImage
        from nanobanana_cli.images.resize import shrink

        try:
            copy = shrink(picture, LONGEST_SIDE)
        except DamagedImage as error:
            raise UsageError(f"{self.path} is damaged: {error}", hint="check the file") from None
        return Reference(self.path, copy.mime_type, copy.data)


def load(path: str, read_stdin: Callable[[], bytes]) -> SourceImage:
    """The image, whole and of a type that the service takes.

    Raises:
        UsageError: it is missing, unreadable, damaged, or no such image.
        LocalFileError: the device fails while reading.
    """
    from nanobanana_cli.images.inspect import DamagedImage, sniff, survey

    name = "stdin" if path == "-" else path
    data = read_stdin() if path == "-" else files.read(Path(path), "image")
    mime_type = sniff(data)
    if mime_type not in REFERENCE_TYPES:
        takes = ", ".join(each.removeprefix("image/") for each in REFERENCE_TYPES)
        found = f"it is {mime_type}" if mime_type else "it is no image"
        raise UsageError(f"{name} cannot be sent: {found}", hint=f"the service takes {takes}")
    if mime_type in ("image/heic", "image/heif"):
        return SourceImage(path, data, mime_type, None)
    try:
        return SourceImage(path, data, mime_type, survey(data))
    except DamagedImage as error:
        raise UsageError(f"{name} is damaged: {error}", hint="check the file") from None
