"""From an existing image to its text: at most one call, and none for a text that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import sidecar, source_image
from nanobanana_cli.captions.save import TextDestination, save_reply_text, save_text
from nanobanana_cli.captions.source_image import SourceImage
from nanobanana_cli.errors import ENDS_RUN, LocalFileError, NbError
from nanobanana_cli.types import Result

if TYPE_CHECKING:
    from nanobanana_cli.generation.session import Session


class _Present(msgspec.Struct, frozen=True):
    """The texts that an image has already, as far as they matter; None where there is none."""

    beside: str | None = None
    inside: str | None = None


class Describer:
    """Describes images one by one, on any thread.

    Args:
        blank: the result of nothing yet; its request is the call, but for the picture.
        delivery: what becomes of each text.
        session: returns the session for a call; only then is it opened.
        read_stdin: gives the image's bytes for `-`.
        shared: an image whose text file belongs to another one of the same run → that one.
    """

    def __init__(
        self,
        blank: Result,
        delivery: TextDestination,
        *,
        session: Callable[[], Session],
        read_stdin: Callable[[], bytes],
        shared: Mapping[str, str],
    ) -> None:
        self._blank = blank
        self._session = session
        self._delivery = delivery
        self._read_stdin = read_stdin
        self._shared = shared
        self._fatal: NbError | None = None

    def describe(self, path: str) -> Result:
        """The result for one image; a failure is a result too."""
        result = replace(self._blank, path=path)
        if other := self._shared.get(path):
            note = f"{path} shares {sidecar.path_of(path)} with {other}, left alone"
            return replace(result, status="skipped", notes=(note,))
        if self._fatal is not None:
            return replace(result, error=self._fatal)
        try:
            image = source_image.load(path, self._read_stdin)
            result = self._described(_with_facts(result, image), image)
        except NbError as error:
            result = replace(result, error=error.released())
        if isinstance(result.error, ENDS_RUN):
            self._fatal = result.error
        return result

    def _described(self, result: Result, image: SourceImage) -> Result:
        delivery, present = self._delivery, self._present(image)
        missing = replace(
            delivery,
            write=delivery.write and present.beside is None,
            embed=delivery.embed and present.inside is None,
        )
        if delivery.write and not missing.write:
            result = replace(result, alt_path=str(delivery.text_path(image.path)))
        text = self._text_at_hand(present)
        if delivery != missing and not (missing.write or missing.embed):
            return replace(result, status="skipped", alt=text)
        if missing.embed:
            _try_embedding(image, delivery)
        if text:
            result = save_text(result, text, missing)
        else:
            result = self._asked(result, image)
            result = result if result.error else save_reply_text(result, missing)
        if result.error is not None:
            return result
        return replace(result, status="written" if missing.write or missing.embed else "unchanged")

    def _asked(self, result: Result, image: SourceImage) -> Result:
        request = replace(result.request, references=(image.reference(),))
        with self._session().call(request, result) as answered:
            return answered

    def _present(self, image: SourceImage) -> _Present:
        delivery = self._delivery
        if delivery.force or not (delivery.write or delivery.embed):
            return _Present()
        from nanobanana_cli.captions import embedded

        beside = inside = None
        if image.path != "-":
            beside = sidecar.read(delivery.text_path(image.path))
        try:
            found = embedded.read(image.path, image.data)
            inside = embedded.text_of(found, delivery.spec.style)
        except LocalFileError:
            # Whether that matters is for the attempt to embed to say.
            inside = None
        return _Present(beside, inside)

    def _text_at_hand(self, present: _Present) -> str | None:
        """A text that needs no call. What a person may have edited comes first.

        A text file does not say of which style it is: only alt text is taken from it.
        """
        beside = present.beside if self._delivery.spec.style == "alt" else None
        return (beside or "").strip() or present.inside


def _try_embedding(image: SourceImage, delivery: TextDestination) -> None:
    """Raises LocalFileError, before a call is paid, if the image can hold no text."""
    from nanobanana_cli.captions import embedded

    trial = embedded.description("text", delivery.spec.style)
    embedded.edit(image.path, image.data, trial, delivery.spec, force=delivery.force)


def shared_files(paths: Sequence[str], delivery: TextDestination) -> dict[str, str]:
    """Images whose text file is that of an earlier one (`fox.png`, `fox.webp`) → the earlier."""
    if not delivery.write:
        return {}
    owners: dict[str, str] = {}
    for path in paths:
        owners.setdefault(str(delivery.text_path(path)), path)
    taken = {path: owners[str(delivery.text_path(path))] for path in paths}
    return {path: owner for path, owner in taken.items() if owner != path}


def _with_facts(result: Result, image: SourceImage) -> Result:
    picture = image.picture
    return replace(
        result,
        mime_type=image.mime_type,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        size=len(image.data),
    )
