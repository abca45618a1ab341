"""Place the image of a row, and decide which texts beside images a run may replace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from nanobanana_cli import files
from nanobanana_cli.batch import paths
from nanobanana_cli.batch.contents import sha256_of
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.captions import sidecar
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.destinations import NamedFile
from nanobanana_cli.images.content import ImageContent, of_image
from nanobanana_cli.images.edits import Edits
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.types import Data, ImageFormat


class RowDestination(msgspec.Struct, frozen=True):
    """The file of one image, as a `generation.destinations.Destination`.

    Args:
        root: the output folder; folders below it are made when needed.
        step: the image, and the existing file.
        received: called with the image's content before any file has its name.
    """

    root: Path
    step: Step
    received: Callable[[ImageContent], object]

    @property
    def format(self) -> ImageFormat | None:
        """The format of the name's suffix, else the one that the row asks for."""
        target = self.step.path or self.step.item.target
        suffix = paths.split(target)[1].lower()
        return FORMAT_OF_SUFFIX.get(suffix, self.step.item.settings.format)

    @property
    def edits(self) -> Edits:
        """Return what the row asks for; an image at hand has had that done to it."""
        edits = self.step.item.settings.edits
        if self.step.found or not edits.is_cut_out:
            return Edits() if self.step.found else edits
        return msgspec.structs.replace(edits, original=self._original)

    @property
    def unedited(self) -> Path:
        """Return `fox.original` for `fox.png`, where no row's place is; its folder is made."""
        with suppress(OSError):
            self._original.parent.mkdir(parents=True, exist_ok=True)
        return self._original

    def taken(self) -> bool:
        """Return False: the plan has checked it."""
        return False

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Save the image whole: replace the file that the plan saw, but none that changed since.

        The image is put beside a file that is new or was edited.
        """
        self.received(of_image(data))
        path = self.root / self._target(image_format)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        as_planned = self.step.path is not None and sha256_of(path) == self.step.sha256
        if as_planned and self.step.state == "remake":
            files.keep_copy(path, "image", path.suffix)
        return NamedFile(path, image_format, as_planned).save(data, image_format)

    @property
    def _original(self) -> Path:
        stem = paths.split(self.step.path or self.step.item.target)[0]
        return self.root / f"{stem}.original"

    def _target(self, image_format: ImageFormat) -> str:
        if self.step.path is not None:
            stem, suffix = paths.split(self.step.path)
            # The file that is there may be of a format that nb does not write, so it stays.
            stays = suffix in set(SUFFIXES.values()) - {*FORMAT_OF_SUFFIX, SUFFIXES[image_format]}
            return stem + SUFFIXES[image_format] if stays else self.step.path
        target = self.step.item.target
        if target.endswith(paths.ANY_SUFFIX):
            return target.removesuffix(paths.ANY_SUFFIX) + SUFFIXES[image_format]
        return target


class _AltLine(msgspec.Struct, frozen=True, gc=False):
    row: str
    alt: str | None = None


class AltFiles:
    """The text files beside images, and which of their texts came from a run.

    Args:
        root: the output folder.
        known: rows, each with a text that a ledger recorded for it.
        force: replace any text.
    """

    def __init__(self, root: Path, known: Iterable[tuple[str, str]], *, force: bool) -> None:
        self._root = root
        self._known = frozenset(known)
        self._force = force

    @classmethod
    def read(
        cls, root: Path, steps: Sequence[Step], ledgers: Iterable[Path], *, force: bool
    ) -> Self:
        """Read from ledgers which existing texts came from a run, word for word.

        Args:
            root, force: as for the class.
            steps: the images to make.
            ledgers: the files; what cannot be read holds nothing, so that its texts stay.
        """
        items = (step.item for step in steps)
        rows = {
            item.target for item in items if item.alt_file and files.taken(root / item.alt_file)
        }
        known = (pair for path in ledgers for pair in _recorded(path) if pair[0] in rows)
        return cls(root, known if rows else (), force=force)

    def may_be_replaced(self, step: Step) -> bool:
        """Return whether overwriting the text of an image would lose no edit of the user's."""
        if self._force or step.item.alt_file is None:
            return self._force
        try:
            text = sidecar.read(self._root / step.item.alt_file)
        except NbError:
            return False
        return text is not None and (step.item.target, text.strip()) in self._known


def _recorded(ledger: Path) -> Iterator[tuple[str, str]]:
    decode = msgspec.json.Decoder(_AltLine).decode
    with suppress(OSError), ledger.open("rb") as lines:
        for line in lines:
            if b'"alt":' in line:
                with suppress(ValueError, RecursionError):
                    read = decode(line)
                    if read.alt is not None:
                        yield read.row, read.alt.strip()
