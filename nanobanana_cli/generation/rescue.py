"""Keep what was paid for and could not be saved: images, and whole replies that hold one."""

from __future__ import annotations

import shlex
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from nanobanana_cli import files
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.images.formats import SUFFIXES, DamagedImage, verify
from nanobanana_cli.money import Charges
from nanobanana_cli.settings.redaction import redact_body
from nanobanana_cli.types import Data, ImageFormat, Redacted

# Replies of earlier runs; those of this run are all kept.
_MOST_REPLIES = 20
_MOST_BYTES = 200_000_000


class Rescue(Redacted, frozen=True):
    """The places for what could not be saved where it belongs.

    Args:
        folder: the state folder, made when it is needed; None without one.
        keep_replies: keep replies there.
        secrets: the key and its like, taken out of replies.
        started: when this run began, in seconds since the epoch.
        charges: records what was paid for.
    """

    _hidden = ("secrets", "charges")

    folder: Path | None = None
    keep_replies: bool = True
    secrets: tuple[str, ...] = ()
    started: float = msgspec.field(default_factory=time.time)
    charges: Charges = msgspec.field(default_factory=Charges)

    def image(self, data: Data, stem: str, image_format: ImageFormat) -> Path | None:
        """Save a verified image in the state folder, or in a new temporary one.

        Returns:
            Its path; None if it could be saved nowhere.
        """
        suffix = SUFFIXES[image_format]
        if self.folder is not None:
            with suppress(LocalFileError):
                return _write(self.folder / "images", stem, suffix, data)
        try:
            folder = Path(tempfile.mkdtemp(prefix="nb-"))
        except OSError:
            return None
        try:
            return _write(folder, stem, suffix, data)
        except LocalFileError:
            folder.rmdir()
            return None

    def reply(self, body: Data, stem: str) -> Path | None:
        """Save a whole reply in the state folder, and remove the oldest ones of earlier runs.

        Returns:
            Its path; None if replies are not kept or it could not be written.
        """
        if self.folder is None or not self.keep_replies:
            return None
        folder = self.folder / "replies"
        try:
            kept = _write(folder, stem, ".json", redact_body(body, self.secrets))
        except LocalFileError:
            return None
        with suppress(OSError):
            self._prune(folder)
        return kept

    def _prune(self, folder: Path) -> None:
        found = [(path.stat(), path) for path in folder.glob("*.json")]
        earlier = [(stat, path) for stat, path in found if stat.st_mtime < self.started]
        size = 0
        newest_first = sorted(earlier, key=lambda each: each[0].st_mtime, reverse=True)
        for number, (stat, path) in enumerate(newest_first, start=1):
            size += stat.st_size
            if number > _MOST_REPLIES or size > _MOST_BYTES:
                path.unlink(missing_ok=True)


def recovered(folder: Path) -> list[Path]:
    """Name each whole image that a killed run left unnamed in a folder; remove its other leftovers.

    Returns:
        The images: `recovered.png`, `recovered-2.png`, …
    """
    found = []
    for path in files.leftovers(folder):
        # One that cannot be saved stays for another run.
        try:
            picture = verify(path.read_bytes())
            mode = path.stat().st_mode & 0o777
            suffix = SUFFIXES[picture.format]
            found.append(files.create_unique(folder, "recovered", suffix, picture.data, mode=mode))
        except DamagedImage:
            continue
        except (OSError, LocalFileError):
            break
    return found


def extract_hint(kept: Path, *options: str) -> str:
    """Return the hint that leads to a kept reply.

    Args:
        kept: the reply's path.
        options: those that `nb extract` needs for it, such as `--all`.
    """
    words = ("nb", "extract", *options, shlex.quote(str(kept)))
    return f"the reply was kept: {' '.join(words)}"


def _write(folder: Path, stem: str, suffix: str, data: Data) -> Path:
    files.make_private_folder(folder)
    recovered(folder)
    return files.create_unique(folder, stem or "image", suffix, data, mode=0o600)
