"""Keep what was paid for and could not be saved: images, and whole replies that hold one."""

from __future__ import annotations

import errno
import mmap
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from nanobanana_cli import files
from nanobanana_cli.api.reply import may_hold_image, may_hold_text
from nanobanana_cli.errors import LocalFileError, NbError, NoText
from nanobanana_cli.images.formats import SUFFIXES, DamagedImage, verify
from nanobanana_cli.money import Charges
from nanobanana_cli.settings.redaction import RedactedPieces
from nanobanana_cli.slug import slug
from nanobanana_cli.types import Data, Redacted, Result

T = TypeVar("T")

# In hints and notes that lead to a kept reply.
REPLY_KEPT = "the reply was kept"
CUT_BEHIND = "the reply is cut right behind its last image, which may be a draft"

# Replies of earlier runs; those of this run are all kept.
_MOST_REPLIES = 20
_MOST_BYTES = 200_000_000
# Bytes; of a PNG at 4K.
_LARGEST_IMAGE = 32 << 20
# Bytes; what it takes to write a reply in pieces, for a few threads.
_RESERVE = 8 << 20
# Seconds to wait for what other calls hold, and between two tries.
_PATIENCE = 20.0
_PAUSE = 0.05


class Rescue(Redacted, frozen=True):
    """The places for what could not be saved where it belongs.

    Args:
        folder: the state folder, made when it is needed; None without one.
        keep_replies: keep replies there.
        secrets: the key and its like, taken out of replies.
        started: when this run began, in seconds since the epoch.
        charges: records what was paid for.
        others: the folders to try after the state folder, in order.
        reserve: memory to give up when all other is used; until then it takes addresses alone.
    """

    _hidden = ("secrets", "charges", "reserve")

    folder: Path | None = None
    keep_replies: bool = True
    secrets: tuple[str, ...] = ()
    started: float = msgspec.field(default_factory=time.time)
    charges: Charges = msgspec.field(default_factory=Charges)
    others: tuple[Path, ...] = ()
    reserve: list[mmap.mmap] = msgspec.field(default_factory=lambda: [mmap.mmap(-1, _RESERVE)])

    def check(self) -> None:
        """Raise unless a file may be as large as an image: a paid one could be kept nowhere else.

        Raises:
            LocalFileError: the system's limit is lower.
        """
        if sys.platform != "win32":
            import resource

            most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            if most != resource.RLIM_INFINITY and most < _LARGEST_IMAGE:
                raise LocalFileError(
                    f"the system allows no file above {most} bytes, and an image may have more",
                    hint="raise the limit: `ulimit -f unlimited`",
                )

    def image(self, data: Data, stem: str, suffix: str, beside: Path | None = None) -> Path | None:
        """Save an image in the first folder that takes it.

        Args:
            data: its bytes.
            stem, suffix: its name, such as `a-red-fox` and `.png`.
            beside: the folder where it belongs; None for an image that was not to be a file.

        Returns:
            Its path; None if it could be saved nowhere.
        """
        stem = stem or "image"
        if beside is not None:
            with suppress(Exception):
                return self.patiently(lambda: files.create_unique(beside, stem, suffix, data))
        return self._save("images", stem, suffix, data)

    def reply(self, body: Data | IO[bytes], stem: str) -> Path | None:
        """Save a whole reply, and remove the oldest ones of earlier runs from the state folder.

        Args:
            body: its bytes, or a file of those that do not fit into memory.
            stem: of its name.

        Returns:
            Its path; None if replies are not kept or it could be saved nowhere.
        """
        if not self.keep_replies:
            return None
        with suppress(Exception):
            data = RedactedPieces(body, self.secrets)
            kept = self._save("replies", stem or "image", ".json", data)
            if self.folder is not None:
                self._prune(self.folder / "replies")
            return kept
        return None

    def keep(self, error: NbError, body: Data | IO[bytes], stem: str, *options: str) -> None:
        """Save a whole reply, and make an error's hint lead to it, as `extract_hint` does."""
        if kept := self.reply(body, stem):
            lead_to(error, kept, extract_hint(kept, *options))

    def keep_unread(self, saved: Result, called: Result, parts: list[msgspec.Raw] | None) -> None:
        """Save the whole reply of an image if what its error says is missing may be in there.

        Args:
            saved: with the error of its text or conversation, or of its place.
            called: with the reply's bytes.
            parts: those of the conversation; None if that was not asked for.
        """
        reply, error = called.reply, saved.error
        if error is None or reply is None or reply.body is None:
            return
        if error.reply_path is not None or any(REPLY_KEPT in note for note in saved.notes):
            return
        lacks_text = isinstance(error, NoText)
        is_kept = reply.is_partial and (lacks_text or parts == [])
        if is_kept and (kept := self.reply(reply.body, slug(called.request.prompt))):
            hint = extract_hint(kept, *(("--text",) if lacks_text else ()))
            lead_to(error, kept, "\n".join(filter(None, (error.hint, hint))))

    def keep_partial(self, error: NbError, stem: str) -> None:
        """Save what came of a reply that was cut, if that is part of an image or text, or large."""
        came, error.partial = error.partial, None
        if came is None:
            return
        if not isinstance(came, Data):
            with came:
                self.keep(error, came, stem)
        elif (may_hold_image(came) or may_hold_text(came)) and (kept := self.reply(came, stem)):
            what = f"what came of the reply is kept as {shlex.quote(str(kept))}"
            lead_to(error, kept, f"{error.hint}\n{what}")

    def patiently(self, save: Callable[[], T]) -> T:
        """Call a function, again and again as long as only other calls' work keeps it from saving.

        They hold the file descriptors or the memory that it lacks, and give them back soon.

        Raises:
            Exception: what it raises.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return save()
            except Exception as error:
                if isinstance(error, MemoryError):
                    with suppress(IndexError):
                        self.reserve.pop().close()
                        continue
                is_over = time.monotonic() > end or not self.charges.are_others_busy()
                if is_over or not _is_passing(error):
                    raise
            time.sleep(_PAUSE)

    def _save(self, kind: str, stem: str, suffix: str, data: Data | Iterable[Data]) -> Path | None:
        # Whatever goes wrong in one folder, the next one may do.
        if self.folder is not None:
            with suppress(Exception):
                folder = self.folder / kind
                return self.patiently(lambda: _write(folder, stem, suffix, data))
        for parent in self.others:
            with suppress(Exception):
                return self.patiently(lambda: _write_in_new(parent, stem, suffix, data))  # noqa: B023 - called at once
        return None

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
    return f"{REPLY_KEPT}: {' '.join(words)}"


def lead_to(error: NbError, kept: Path, hint: str) -> None:
    """Make an error's hint lead to a kept reply."""
    error.hint, error.is_kept, error.reply_path = hint, True, kept


def lead_to_image(error: NbError, saved: Path, said: str = "the image was saved as") -> None:
    """Make an error's hint lead to an image."""
    error.hint, error.is_kept, error.image_path = f"{said} {saved}", True, saved


def _write(folder: Path, stem: str, suffix: str, data: Data | Iterable[Data]) -> Path:
    files.make_private_folder(folder)
    recovered(folder)
    return files.create_unique(folder, stem, suffix, data, mode=0o600)


def _write_in_new(parent: Path, stem: str, suffix: str, data: Data | Iterable[Data]) -> Path:
    """Write to a new folder that nobody else can read."""
    folder = Path(tempfile.mkdtemp(prefix="nb-", dir=parent))
    try:
        return files.create_unique(folder, stem, suffix, data, mode=0o600)
    except BaseException:
        folder.rmdir()
        raise


def _is_passing(error: Exception) -> bool:
    """Return True for the lack of something that other calls give back."""
    cause = error.__cause__ or error
    return isinstance(cause, MemoryError) or (
        isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
    )
