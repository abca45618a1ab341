"""Save the conversation of a new image beside it, or wherever the image is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Self

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.api import request as wire
from nanobanana_cli.api.turns import model_parts
from nanobanana_cli.errors import BadReply, Charged, NbError, OutputExists, UsageError
from nanobanana_cli.generation.conversation import (
    VERSION,
    ConversationFile,
    LastImage,
    image_of,
)
from nanobanana_cli.generation.destinations import Destination, NamedFile, Stdout, chat_file
from nanobanana_cli.generation.rescue import Rescue
from nanobanana_cli.images.content import of_image
from nanobanana_cli.images.formats import survey
from nanobanana_cli.sandbox import RESPONSE_ID
from nanobanana_cli.settings.redaction import redact_body
from nanobanana_cli.system import error_of
from nanobanana_cli.types import Data, Endpoint, Result


def preflight(places: Iterable[Destination], option: str) -> None:
    """Check, before a call is paid, that the conversations of new images can be written.

    Args:
        places: where the images go.
        option: the one that asked for it, for messages.

    Raises:
        UsageError: an image has no file.
        OutputExists: a conversation exists already.
        LocalFileError: it cannot be written.
    """
    for place in places:
        if isinstance(place, Stdout):
            raise UsageError(
                f"{option} writes the conversation beside the image, but -o - writes the image to "
                "stdout",
                hint="name a file: -o fox.png",
            )
        if isinstance(place, NamedFile):
            path = chat_file(place.path)
            if not place.force and files.taken(path):
                raise OutputExists(f"{path} exists already", hint="--force replaces it")
            files.check_output(path)


class ConversationKeeper(msgspec.Struct, frozen=True):
    """Keep the conversations of new images.

    Args:
        endpoint: where the calls go.
        force: replace existing files.
        moves: move existing files to another name: an image's own conversation is to be found.
        replaces: SHA-256 of the image that was replaced, whose conversation is not kept.
        rescued: where those of images without their place are, by the image's file: several sizes
            of one image may lead to it.
    """

    endpoint: Endpoint
    force: bool = False
    moves: bool = False
    replaces: str | None = None
    rescued: dict[Path, Path] = {}

    @classmethod
    def beside(cls, place: Destination, endpoint: Endpoint) -> Self:
        """Return what keeps the conversation of an image that goes to a place."""
        return cls(endpoint, force=isinstance(place, NamedFile) and place.force)

    def parts_of(self, result: Result) -> list[msgspec.Raw]:
        """Return the model's parts of a reply that has not been saved yet; [] unless all are there.

        The service takes no turn that lacks some: it signs them together.
        """
        # The image comes first, whatever is wrong with what is around it.
        with suppress(Exception):
            reply = result.reply
            if reply is not None and reply.body is not None and not reply.is_partial:
                return model_parts(reply.body)
        return []

    def save(self, result: Result, parts: list[msgspec.Raw], rescue: Rescue) -> Result:
        """Save the conversation beside an image, or wherever the image is.

        The image is paid for by now, so a failure becomes the result's error and undoes nothing.

        Args:
            result: with the image saved.
            parts: as `parts_of` returns them; the reply's bytes must still be there.
            rescue: takes what cannot be saved beside the image.

        Returns:
            The result with the file, or with the error.
        """
        image = _place(result)
        if image is None:
            return result
        if not parts:
            self._set_aside(result, chat_file(image))
            is_partial = result.reply is not None and result.reply.is_partial
            why = "is cut or damaged" if is_partial else "has no parts to go on from"
            error = BadReply(
                f"the reply {why}, so no conversation is kept",
                hint=f"go on from the image: -i {quote(str(image))}",
                charged=Charged.YES,
            )
            if result.error is not None:
                return replace(result, notes=(*result.notes, error.message))
            return replace(result, error=error)
        data: Data = b""
        try:
            data = rescue.patiently(lambda: self._encoded(result, image, parts))
            if result.status == "written":
                return rescue.patiently(lambda: self._save(result, chat_file(image), data))
            saved: Path | None = self.rescued.get(image) or rescue.patiently(
                lambda: _unique(chat_file(image), data, image.stat().st_mode & 0o666)
            )
            error_found = result.error
        except Exception as exception:  # noqa: BLE001 - whatever it is, the image was paid for
            self._set_aside(result, chat_file(image))
            saved = rescue.image(data, image.stem, ".chat.json") if data else None
            error_found = result.error or _unsaved(error_of(exception))
        if saved is not None:
            self.rescued[image] = saved
        hint = f"the conversation was saved as {saved}" if saved else "the conversation is lost"
        assert error_found is not None
        error_found.hint = "\n".join(filter(None, (error_found.hint, hint)))
        error_found.is_kept = error_found.is_kept or saved is not None
        return replace(result, error=error_found.released())

    def _save(self, result: Result, path: Path, data: Data) -> Result:
        is_own = self.replaces is not None and image_of(path) == self.replaces
        if self.moves and files.taken(path) and not is_own:
            files.keep_copy(path, "conversation", ".chat.json")
        if self.force or self.moves:
            files.replace(path, data)
            return replace(result, chat_path=str(path))
        try:
            files.create(path, data)
        except OutputExists:
            saved = _unique(path, data)
            note = f"{path} exists already, so the conversation is in {saved}"
            return replace(result, chat_path=str(saved), notes=(*result.notes, note))
        return replace(result, chat_path=str(path))

    def _set_aside(self, result: Result, path: Path) -> None:
        """Move the conversation of a replaced image away: who goes on from it pays for that."""
        if result.status == "written" and (self.force or self.moves) and files.taken(path):
            with suppress(NbError, OSError):
                files.keep_copy(path, "conversation", ".chat.json")
                path.unlink()

    def _encoded(self, result: Result, image: Path, parts: list[msgspec.Raw]) -> Data:
        response_id = (result.reply.response_id if result.reply else None) or ""
        turns = [*wire.contents(result.request), {"role": "model", "parts": parts}]
        content = ConversationFile(
            nb_conversation=VERSION,
            provider="sandbox" if response_id.startswith(RESPONSE_ID) else self.endpoint.provider,
            model=result.request.model,
            image=_last_image(result, image),
            contents=msgspec.Raw(msgspec.json.encode(turns)),
        )
        return redact_body(msgspec.json.encode(content), self.endpoint.secrets)


def _unsaved(error: NbError) -> NbError:
    error.hint, error.charged = None, Charged.YES
    return error


def _place(result: Result) -> Path | None:
    """Return the file of the image, also of one that could not be saved where it belongs."""
    if result.status == "written":
        return None if result.path in (None, "-") else Path(str(result.path))
    return result.error.image_path if result.error is not None else None


def _unique(path: Path, data: Data, mode: int = 0o666) -> Path:
    return files.create_unique(path.parent, path.stem, path.suffix, data, mode=mode)


def _last_image(result: Result, path: Path) -> LastImage:
    if result.sha256 and result.width and result.height:
        return LastImage(path.name, result.sha256, result.width, result.height, result.shown)
    # It could not be saved where it belongs.
    data = files.read(path, "image")
    picture, content = survey(data), of_image(data)
    return LastImage(path.name, content.sha256, picture.width, picture.height, content.shown)
