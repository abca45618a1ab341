"""Describe an image to make: its request, reference images and path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch import asked, paths
from nanobanana_cli.captions import prompts
from nanobanana_cli.errors import LocalFileError, NbError, UsageError
from nanobanana_cli.generation import conversation, inputs, shape
from nanobanana_cli.generation.remote import RemoteImages, is_address
from nanobanana_cli.images.edits import Edits, with_background
from nanobanana_cli.settings.validators import AUTO
from nanobanana_cli.types import ContentRequest, Conversation, ImageFormat, Parameters, Reference


class RowSettings(msgspec.Struct, frozen=True, gc=False):
    """The values that most rows of a manifest share, as the options of `nb generate`."""

    model: str
    aspect: str
    size: str
    format: ImageFormat | None
    alt: bool = False
    edits: Edits = Edits()


class Item(msgspec.Struct, frozen=True, gc=False):
    """One image.

    Args:
        row: the number of its row in the manifest.
        prompt: as sent.
        settings: model, aspect, size and the like.
        images: paths of the images that it is made from, relative to the manifest: the one that it
            continues, if it does, and the reference images.
        parameters: of the request.
        fingerprint: of `asked`.
        asked: what is asked of the model, as in `asked.parts`.
        target: its path below the output folder, with `/`; in a name that ends in `.*` the format
            of the reply decides the suffix.
        plain: the target made from the prompt alone; None when the row names its file.
        named_alt_file: the file that the row names for its alt text, as `target`.
        position: its place among the images of the manifest, from 0.
        parents: which reference images are other rows' images: their places in `images`, each with
            the position of its item. Until `bound`, they stand for their content.
        like: the name of the reference image whose ratio the settings have.
        identities: media type and SHA-256 of each of `images`; of a conversation that no row makes,
            the SHA-256 of its turns.
        leaves_aspect: the row leaves the ratio to the default, which was `1:1` before it followed
            the reference image. An image made so is up to date too, so that the new default costs
            nobody anything.
        is_guess: a reference image's address was not fetched, so that it, and a ratio that follows
            it, are not known.
        recorded: further fingerprints under which the ledgers have what is asked for now.
        continues: it goes on from the conversation of the first of `images`.
        chat: keep its conversation.
        earlier: how many images are in the turns before.
        id, note: as in the manifest; part of no request.
    """

    row: int
    prompt: str
    settings: RowSettings
    images: tuple[str, ...]
    parameters: Parameters
    fingerprint: str
    asked: Mapping[str, str]
    target: str
    plain: str | None = None
    named_alt_file: str | None = None
    position: int = 0
    parents: tuple[tuple[int, int], ...] = ()
    like: str | None = None
    identities: tuple[tuple[str, str], ...] = ()
    leaves_aspect: bool = False
    is_guess: bool = False
    recorded: tuple[str, ...] = ()
    continues: bool = False
    chat: bool = False
    earlier: int = 0
    id: str | int | None = None
    note: str | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints under which an image of it may be recorded."""
        return (self.fingerprint, *self.recorded)

    @property
    def references(self) -> tuple[str, ...]:
        """The paths of the reference images alone."""
        return self.images[self.continues :]

    def kind_of(self, name: str) -> str:
        """Return what an image is for this one, in a word."""
        return "conversation" if self.continues and name == self.images[0] else "reference"

    @property
    def chat_file(self) -> str | None:
        """The file for its conversation, as `target`; None when it is not kept."""
        return paths.chat_file(self.target) if self.chat else None

    @property
    def source(self) -> dict[str, object]:
        """The fields of a JSON line that say which row of the manifest it is."""
        return {"row": self.row, "id": self.id, "note": self.note}

    @property
    def alt_file(self) -> str | None:
        """The file for its alt text, as `target`; None when no text is asked for."""
        if not self.settings.alt:
            return None
        return self.named_alt_file or paths.alt_file(self.target)

    @property
    def text_fingerprint(self) -> str:
        """The fingerprint of a call for the text alone."""
        return hashlib.sha256(f"text of {self.fingerprint}".encode("ascii")).hexdigest()

    def request(
        self, references: Sequence[Reference], conversation: Conversation | None = None
    ) -> ContentRequest:
        """Return the request that makes the image.

        Args:
            references: the content of its references, in order.
            conversation: the turns that it goes on from.
        """
        with_text, is_cut_out = self.settings.alt, self.settings.edits.is_cut_out
        prompt = with_background(self.prompt) if is_cut_out else self.prompt
        framed = prompts.for_generation(prompt, prompts.TextSpec()) if with_text else prompt
        return ContentRequest(
            prompt=self.prompt,
            framed=None if framed is self.prompt else framed,
            modalities=("TEXT", "IMAGE") if with_text else ("IMAGE",),
            model=self.settings.model,
            # Left out, it follows the image too.
            aspect=None if self.settings.aspect == AUTO else self.settings.aspect,
            size=self.settings.size,
            references=tuple(references),
            parameters=self.parameters,
            like=self.like,
            conversation=conversation,
        )


def bound(item: Item, images: Sequence[str], known: Sequence[tuple[Reference | None, str]]) -> Item:
    """Return an item with its reference images, and with the ratio that `auto` follows.

    Args:
        item: as a row makes it.
        images: the names of the reference images.
        known: of each, what is known but for its bytes, None if nothing is; and its SHA-256 in
            hexadecimal, or `asked.UNKNOWN`.
    """
    first, settings, like = known[0][0], item.settings, None
    ratio = settings.aspect
    if ratio == AUTO and first is not None and first.is_fetched:
        ratio, like = shape.follow(settings.model, [first])
        settings = replace(settings, aspect=ratio)
    hashes = [digest for _, digest in known]
    parts = asked.with_references(
        item.asked,
        hashes[item.continues :],
        asked.UNKNOWN if ratio == AUTO else ratio,
        hashes[0] if item.continues else None,
    )
    identities = ((each.mime_type if each else "", digest) for each, digest in known)
    return replace(
        item,
        images=tuple(images),
        settings=settings,
        like=like,
        asked=parts,
        fingerprint=asked.fingerprint(parts),
        identities=tuple(identities),
        is_guess=any(each is not None and not each.is_fetched for each, _ in known),
    )


class References:
    """Reference images and prompt files by the path or address that the manifest gives.

    Args:
        folder: the folder that relative paths start from.
        provider, base_url: who is to go on from conversations.
        is_offline: do not fetch what is named by an address.
    """

    def __init__(
        self, folder: Path, provider: str = "", base_url: str = "", *, is_offline: bool = False
    ) -> None:
        self.folder = folder
        self._asked = provider, base_url
        self._fetch = None if is_offline else RemoteImages().get
        # Without the bytes, which are read again when they are sent.
        self._known: dict[str, tuple[Reference, str] | NbError] = {}
        self._prompts: dict[str, str] = {}

    def identity(self, name: str) -> tuple[str, str]:
        """Return the media type and SHA-256 of an image, its part of a fingerprint.

        Raises:
            NbError: the file is missing, unreadable, or not an image that can be sent.
        """
        reference, digest = self._facts(name)
        return reference.mime_type, digest

    def without_data(self, name: str) -> Reference:
        """Return what is known of an image, without its bytes; for errors see `identity`."""
        return self._facts(name)[0]

    def name_of(self, path: Path) -> str:
        """Return a file's name as the manifest would give it."""
        try:
            return os.path.relpath(path, self.folder)
        except ValueError:  # It is on another drive.
            return os.path.abspath(path)  # noqa: PTH100 - unlike Path.absolute, it takes `..` away

    def forget(self, name: str) -> None:
        """Read an image anew: it was made since."""
        self._known.pop(name, None)

    def load(self, names: Sequence[str]) -> tuple[Reference, ...]:
        """Return the images to send.

        Raises:
            NbError: one is gone, or has changed since the run was planned.
        """
        references = tuple(map(self._read, names))
        for name, reference in zip(names, references, strict=True):
            if _identity(reference) != self.identity(name):
                raise LocalFileError(
                    f"reference image {name} has changed since the run began",
                    hint="run the same command again",
                )
        return references

    def conversation(self, item: Item) -> Conversation | None:
        """Return the turns that an image goes on from; None if it begins anew.

        Raises:
            NbError: they are missing or damaged, or another model or provider made them.
        """
        if not item.continues:
            return None
        name = item.images[0]
        found, turns = conversation.load(str(self.folder / name) if name else "")
        conversation.check_maker(found, str(self.folder / name), item.settings.model, *self._asked)
        return turns

    def turns(self, item: Item) -> tuple[Reference | None, str]:
        """Return the last image of the turns that one goes on from, and their SHA-256."""
        found = self.conversation(item)
        assert found is not None
        return found.last, hashlib.sha256(found.turns).hexdigest()

    def read_prompt(self, name: str) -> str:
        """Return the content of a prompt file.

        Raises:
            NbError: it is missing, unreadable, or holds no text.
        """
        if name not in self._prompts:
            place = name and str(self.folder / name)
            self._prompts[name] = inputs.prompt_text(None, place, _no_stdin)
        return self._prompts[name]

    def _facts(self, name: str) -> tuple[Reference, str]:
        if name not in self._known:
            try:
                read = self._read(name)
                self._known[name] = replace(read, data=b""), _identity(read)[1]
            except NbError as error:
                self._known[name] = error
        known = self._known[name]
        if isinstance(known, NbError):
            raise known
        return known

    def _read(self, name: str) -> Reference:
        place = name if is_address(name) or not name else str(self.folder / name)
        return inputs.references((place,), _no_stdin, self._fetch)[0]


def _identity(reference: Reference) -> tuple[str, str]:
    if not reference.is_fetched:
        return "", reference.name
    return reference.mime_type, hashlib.sha256(reference.data).hexdigest()


def _no_stdin(_limit: int = 0) -> bytes:
    raise UsageError("what a manifest names must be a file, not stdin")
