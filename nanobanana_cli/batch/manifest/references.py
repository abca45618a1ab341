"""Read the reference images of a manifest, and identify each by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from nanobanana_cli.errors import LocalFileError, NbError, UsageError
from nanobanana_cli.generation import inputs
from nanobanana_cli.types import Reference


class References:
    """Reference images by the path that the manifest gives.

    Args:
        folder: the folder that relative paths start from.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[str, str] | NbError] = {}

    def identity(self, name: str) -> tuple[str, str]:
        """Return the media type and SHA-256 of an image, its part of a fingerprint.

        Raises:
            NbError: the file is missing, unreadable, or not an image that can be sent.
        """
        if name not in self._known:
            try:
                self._known[name] = _identity(self._read(name))
            except NbError as error:
                self._known[name] = error
        known = self._known[name]
        if isinstance(known, NbError):
            raise known
        return known

    def load(self, names: Sequence[str]) -> tuple[Reference, ...]:
        """Return the images to send.

        Raises:
            NbError: one is gone, or has changed since the run was planned.
        """
        return tuple(self._unchanged(name) for name in names)

    def _unchanged(self, name: str) -> Reference:
        reference = self._read(name)
        if _identity(reference) != self.identity(name):
            raise LocalFileError(
                f"reference image {name} has changed since the run began",
                hint="run the same command again",
            )
        return reference

    def _read(self, name: str) -> Reference:
        return inputs.references((str(self._folder / name),), _no_stdin)[0]


def _identity(reference: Reference) -> tuple[str, str]:
    return reference.mime_type, hashlib.sha256(reference.data).hexdigest()


def _no_stdin() -> bytes:
    raise UsageError("a manifest's reference image must be a file")
