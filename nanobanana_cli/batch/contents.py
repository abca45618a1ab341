"""Tell files below a folder by their content: all of it, or all but the metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from nanobanana_cli.images.content import shown_in

_TOGETHER = 256
_THREADS = 4


class FileContents:
    """The content of the files below a folder, each read once.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sha256: dict[str, str | None] = {}
        self._shown: dict[str, str | None] = {}

    def read(self, paths: Sequence[str]) -> None:
        """Read files side by side, for `sha256`."""

        def digests(chunk: Sequence[str]) -> list[str | None]:
            return [sha256_of(f"{self._root}/{path}") for path in chunk]

        chunks = [paths[at : at + _TOGETHER] for at in range(0, len(paths), _TOGETHER)]
        with ThreadPoolExecutor(_THREADS) as pool:
            found = chain.from_iterable(pool.map(digests, chunks))
            self._sha256.update(zip(paths, found, strict=True))

    def sha256(self, path: str) -> str | None:
        """Return the SHA-256 of a file, as `sha256_of` does."""
        if path not in self._sha256:
            self._sha256[path] = sha256_of(self._root / path)
        return self._sha256[path]

    def is_image(self, path: str, sha256: str, shown: str | None) -> bool:
        """Return whether a file shows an image, whatever metadata it has by now.

        Args:
            path: of the file.
            sha256, shown: of the image; without `shown`, the metadata must be the same too.
        """
        if self.sha256(path) == sha256:
            return True
        if shown is None or self.sha256(path) is None:
            return False
        if path not in self._shown:
            try:
                self._shown[path] = shown_in((self._root / path).read_bytes())
            except OSError:
                self._shown[path] = None
        return self._shown[path] == shown


def sha256_of(path: str | Path) -> str | None:
    """Return the SHA-256 of a file; None, which equals no recorded one, if it is unreadable."""
    try:
        with Path(path).open("rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
