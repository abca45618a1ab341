"""Keep the conversation of an image beside it, and go on from one: `fox.png`, `fox.chat.json`.

The file holds the turns as they were sent and came: a signed part that is sent back with a byte
changed is refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from shlex import quote
from typing import Literal

import msgspec

from nanobanana_cli import files
from nanobanana_cli.errors import UsageError, syntax_reason
from nanobanana_cli.generation.destinations import chat_file
from nanobanana_cli.generation.remote import is_address, shown
from nanobanana_cli.images.content import shown_in
from nanobanana_cli.settings.validators import provider_at
from nanobanana_cli.types import Conversation, Reference

VERSION = 1
# Of a side; larger ones are a mistake.
_MOST_PIXELS = 100_000
_IMAGE_FIELDS = ("inlineData", "inline_data", "fileData", "file_data")


class LastImage(msgspec.Struct, frozen=True):
    """The image that a conversation ends with.

    Args:
        name: of its file.
        sha256: of that file as it was written.
        shown: SHA-256 of it without metadata.
        width, height: pixels.
    """

    name: str
    sha256: str
    width: int
    height: int
    shown: str | None = None


class ConversationFile(msgspec.Struct, frozen=True):
    """The content of a file.

    Args:
        nb_conversation: the version of its form.
        provider: who made it; `sandbox` where the reply said that it is one's.
        model: the model that was asked.
        image: the last image.
        contents: the turns, as a request has them.
    """

    nb_conversation: int
    provider: str
    model: str
    image: LastImage
    contents: msgspec.Raw


class _Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "model"]
    parts: list[dict[str, msgspec.Raw]]


def file_of(name: str) -> Path:
    """Return the file that `--continue` names: itself, or that of an image."""
    return Path(name) if name.lower().endswith(".json") else chat_file(name)


def load(name: str) -> tuple[ConversationFile, Conversation]:
    """Read a conversation.

    Args:
        name: its file, or the image that it ends with.

    Raises:
        UsageError: it is missing, damaged, or not one that nb wrote.
        LocalFileError: the device failed.
    """
    if not name or "\0" in name:
        raise UsageError("--continue needs an image or a conversation", hint="--continue fox.png")
    if is_address(name) or Path(name).is_dir() or not Path(name).name:
        what = "an address" if is_address(name) else "a folder"
        raise UsageError(f"{shown(name)} is {what}", hint="name an image: --continue fox.png")
    path = file_of(name)
    if path != Path(name) and not files.taken(path):
        if not files.taken(Path(name)):
            raise UsageError(f"{name}: no such file", hint="check the path")
        raise UsageError(
            f"{name} has no conversation beside it: {path} does not exist",
            hint=f"--chat writes one with a new image; -i {quote(name)} makes one from this image",
        )
    return read(path, name)


def read(path: Path, name: str) -> tuple[ConversationFile, Conversation]:
    """Read the file of a conversation; for arguments and errors see `load`."""
    data = files.read(path, "conversation").removeprefix(b"\xef\xbb\xbf")
    try:
        str(data, "utf-8")
        fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"is not JSON, or damaged ({syntax_reason(error)})") from None
    if "nb_conversation" not in fields:
        raise _unusable(path, "is JSON, but not a conversation that nb wrote")
    try:
        found = msgspec.json.decode(data, type=ConversationFile)
        turns = msgspec.json.decode(found.contents, type=list[_Turn])
        contents = _plain(found.contents)
    except (ValueError, RecursionError) as error:
        version = bytes(fields["nb_conversation"])
        if version.isdigit() and int(version) > VERSION:
            raise _unusable(path, "was written by a newer nb") from None
        raise _unusable(path, f"is damaged: {syntax_reason(error)}") from None
    if found.nb_conversation != VERSION:
        raise _unusable(path, "was written by a newer nb")
    if not turns or turns[-1].role != "model" or not all(turn.parts for turn in turns):
        raise _unusable(path, "is damaged: its last turn is not the model's")
    parts = [part for turn in turns for part in turn.parts]
    return found, Conversation(
        name,
        contents,
        images=sum(any(each in part for each in _IMAGE_FIELDS) for part in parts),
        letters=sum(len(memoryview(part["text"])) - 2 for part in parts if "text" in part),
        last=_last(found.image, name),
    )


def image_of(path: Path) -> str | None:
    """Return the SHA-256 of the image that a conversation ends with; None if it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ConversationFile).image.sha256
    except (OSError, ValueError, RecursionError):
        return None


def _last(image: LastImage, name: str) -> Reference | None:
    if not (0 < image.width < _MOST_PIXELS and 0 < image.height < _MOST_PIXELS):
        return None
    label = image.name if file_of(name) == Path(name) else name
    return Reference(label, "image/png", b"", (image.width, image.height))


def _plain(contents: msgspec.Raw) -> bytes:
    """Return turns in ASCII on one line, as the body of a request and a here-document need."""
    compact = msgspec.json.format(bytes(contents), indent=-1)
    if compact.isascii():
        return compact
    return json.dumps(json.loads(compact), separators=(",", ":")).encode("ascii")


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} {why}", hint="--continue takes what --chat wrote beside an image")


def check_maker(
    found: ConversationFile, name: str, model: str, provider: str, base_url: str
) -> None:
    """Raise UsageError unless a model at a provider made a conversation.

    Signatures of others are refused, and what they mean nobody else knows. At an address of the
    user's own may be a sandbox.

    Args:
        found: the file.
        name: of the image or the file, for messages.
        model, provider, base_url: those in force.
    """
    again = f"-i {quote(name)} starts anew from the image"
    if file_of(name) == Path(name):
        again = "-i starts anew from an image"
    may_be_sandbox = bool(base_url) and provider_at(base_url) is None
    if found.provider != provider and not (found.provider == "sandbox" and may_be_sandbox):
        raise UsageError(
            f"{file_of(name)} was made by {found.provider}, and {provider} cannot go on from it",
            hint=f"--provider {quote(found.provider)} goes on; {again}",
        )
    if found.model != model:
        raise UsageError(
            f"{file_of(name)} was made by {found.model}, and {model} cannot go on from it",
            hint=f"-m {quote(found.model)} goes on; {again}",
        )


def changed_note(found: ConversationFile, name: str) -> str | None:
    """Return a note if the image that a conversation is named by is not the one it ends with."""
    path = Path(name)
    if file_of(name) == path or not path.is_file():
        return None
    data = files.read(path, "image")
    same = hashlib.sha256(data).hexdigest() == found.image.sha256
    if same or (found.image.shown and shown_in(data) == found.image.shown):
        return None
    return f"{name} has changed since; the model goes on from the image as it made it"
