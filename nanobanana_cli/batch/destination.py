"""Where a batch's image is put: under the name that its row has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from nanobanana_cli.batch import paths
from nanobanana_cli.batch.plan import Step, sha256_of
from nanobanana_cli.files import Approve
from nanobanana_cli.generation.destinations import NamedFile
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.types import Data, ImageFormat


class RowDestination(msgspec.Struct, frozen=True):
    """The place of one image, as `outputs.Output`.

    Args:
        root: the output folder; folders below it are made when they are needed.
        step: the image, and the file that is there.
    """

    root: Path
    step: Step

    @property
    def format(self) -> ImageFormat | None:
        """What the name's ending says, else what the row asks for."""
        target = self.step.path or self.step.item.target
        suffix = paths.split(target)[1].lower()
        return FORMAT_OF_SUFFIX.get(suffix, self.step.item.settings.format)

    def taken(self) -> bool:
        """The plan has seen to that."""
        return False

    def save(self, data: Data, image_format: ImageFormat, approve: Approve) -> str:
        """Put the image there whole.

        What was there when the run was planned is replaced; what came or was edited since stays,
        and the image is put beside it.
        """
        path = self.root / self._target(image_format)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        as_planned = self.step.path is not None and sha256_of(path) == self.step.sha256
        return NamedFile(path, image_format, as_planned).save(data, image_format, approve)

    def _target(self, image_format: ImageFormat) -> str:
        if self.step.path is not None:
            return self.step.path
        target = self.step.item.target
        if target.endswith(paths.ANY_SUFFIX):
            return target.removesuffix(paths.ANY_SUFFIX) + SUFFIXES[image_format]
        return target
