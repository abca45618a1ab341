"""Describe an existing image: with at most one call, and none for a text that exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions import prompts, sidecar, source_image
from nanobanana_cli.captions.prompts import STYLES
from nanobanana_cli.captions.save import TextDestination, save_reply_text, save_text
from nanobanana_cli.captions.source_image import SourceImage
from nanobanana_cli.errors import ENDS_RUN, LocalFileError, NbError
from nanobanana_cli.system import error_of
from nanobanana_cli.types import ContentRequest, Result

if TYPE_CHECKING:
    from nanobanana_cli.generation.session import Session


class _Present(msgspec.Struct, frozen=True):
    """The texts that an image has already, as far as they matter; None where it has none."""

    beside: str | None = None
    inside: str | None = None

    @property
    def is_decorative(self) -> bool:
        """True if the file beside the image is empty: the image needs no text."""
        return self.beside is not None and not self.beside.strip()


class Describer:
    """Describe images one by one, on any thread.

    Args:
        blank: a result with the request to send, but for the image.
        destination: where the texts go.
        open_session: opens the session, which the first call needs.
        read_stdin: returns the bytes of the image `-`.
        shared: as `shared_files` returns it.
    """

    def __init__(
        self,
        blank: Result,
        destination: TextDestination,
        *,
        open_session: Callable[[], Session],
        read_stdin: Callable[[], bytes],
        shared: Mapping[str, str],
    ) -> None:
        self._blank = blank
        self._open_session = open_session
        self._destination = destination
        self._read_stdin = read_stdin
        self._shared = shared
        self._ended_by: NbError | None = None

    @property
    def provider(self) -> str:
        """The name of the provider that receives the calls."""
        return self._blank.provider

    def describe(self, path: str) -> Result:
        """Return the result for one image; a failure is a result too."""
        result = replace(self._blank, path=path)
        if other := self._shared.get(path):
            note = f"{path} shares {sidecar.path_of(path)} with {other}, left alone"
            return replace(result, status="skipped", notes=(note,))
        if self._ended_by is not None:
            return replace(result, error=self._ended_by)
        try:
            image = source_image.load(path, self._read_stdin)
            result = self._described(_with_facts(result, image), image)
        except Exception as exception:  # noqa: BLE001 - it must not end the other calls
            result = replace(result, error=error_of(exception).released())
        if isinstance(result.error, ENDS_RUN):
            self._ended_by = result.error
        return result

    def needs_call(self, path: str) -> bool:
        """Return whether an image needs a call; it is read where it may have a text.

        One that cannot be read counts, whatever the reason, which is for the call to tell.
        """
        destination = self._destination
        if path in self._shared or destination.is_decorative:
            return False
        if destination.force:
            return True
        if not (destination.write or destination.embed):
            return not _is_decorative(path)
        try:
            present = self._present(source_image.load(path, self._read_stdin))
        except Exception:  # noqa: BLE001 - it must not end the run before the other calls
            return True
        if present.is_decorative:
            return False
        missing = self._missing(present)
        return (missing.write or missing.embed) and not self._text_at_hand(present)

    def _missing(self, present: _Present) -> TextDestination:
        """Return the destination without what is there."""
        destination = self._destination
        return replace(
            destination,
            write=destination.write and present.beside is None,
            embed=destination.embed and present.inside is None,
        )

    def _described(self, result: Result, image: SourceImage) -> Result:
        destination, present = self._destination, self._present(image)
        missing = self._missing(present)
        if present.is_decorative or (destination.write and not missing.write):
            result = replace(result, alt_path=str(destination.text_path(image.path)))
        if present.is_decorative:
            return replace(result, status="skipped", alt="")
        text = self._text_at_hand(present)
        if destination != missing and not (missing.write or missing.embed):
            return replace(result, status="skipped", alt=text)
        _check_places(image, missing)
        if destination.is_decorative:
            result = save_text(result, "", missing)
        elif text:
            result = save_text(result, text, missing)
        else:
            result = self._asked(result, image, missing)
        if result.error is not None:
            return result
        return replace(result, status="written" if missing.write or missing.embed else "unchanged")

    def request(self, image: SourceImage) -> ContentRequest:
        """Return the request for the text of an image."""
        framed = prompts.for_picture(self._destination.spec, image.path)
        return replace(self._blank.request, framed=framed, references=(image.reference(),))

    def _asked(self, result: Result, image: SourceImage, missing: TextDestination) -> Result:
        with self._open_session().call(self.request(image), result) as answered:
            return answered if answered.error else save_reply_text(answered, missing)

    def _present(self, image: SourceImage) -> _Present:
        destination = self._destination
        if destination.force:
            return _Present()
        beside = inside = None
        if not (destination.write or destination.embed):
            return _Present("" if _is_decorative(image.path) else None)
        if image.path != "-":
            beside = sidecar.read(destination.text_path(image.path))
        from nanobanana_cli.captions import embedded

        try:
            found = embedded.read(image.path, image.data)
            inside = embedded.text_of(found, destination.spec.style)
        except LocalFileError:
            # If that matters, the attempt to embed says so.
            inside = None
        return _Present(beside, inside)

    def _text_at_hand(self, present: _Present) -> str | None:
        """Return a text that needs no call, first one that a person may have edited.

        A text file does not say of which style it is: only alt text is taken from it.
        """
        beside = present.beside if self._destination.spec.style == "alt" else None
        return (beside or "").strip() or present.inside


def _is_decorative(path: str) -> bool:
    """Return whether the file beside an image is empty; one that cannot be read is not."""
    with suppress(NbError):
        text = None if path == "-" else sidecar.read(sidecar.path_of(path))
        return text is not None and not text.strip()
    return False


def _check_places(image: SourceImage, destination: TextDestination) -> None:
    """Raise LocalFileError, before a call is paid, unless the text can be saved."""
    if destination.write:
        files.check_output(destination.text_path(image.path))
    if not destination.embed:
        return
    from nanobanana_cli.captions import embedded

    files.check_output(Path(image.path))
    # Some formats hold only so much; a text is seldom longer, nor its characters.
    trial = embedded.description(
        "文" * STYLES[destination.spec.style].limit, destination.spec.style
    )
    embedded.edit(image.path, image.data, trial, destination.spec, force=destination.force)


def shared_files(paths: Sequence[str], destination: TextDestination) -> dict[str, str]:
    """Map each image whose text file is that of an earlier one (`fox.png`, `fox.webp`) to it."""
    if not destination.write:
        return {}
    owners: dict[str, str] = {}
    for path in paths:
        owners.setdefault(str(destination.text_path(path)), path)
    taken = {path: owners[str(destination.text_path(path))] for path in paths}
    return {path: owner for path, owner in taken.items() if owner != path}


def _with_facts(result: Result, image: SourceImage) -> Result:
    width, height = image.size or (None, None)
    return replace(
        result,
        mime_type=image.mime_type,
        width=width,
        height=height,
        size=len(image.data),
    )
