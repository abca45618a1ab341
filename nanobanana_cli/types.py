"""Define the records that pass between the layers: requests, replies, images and results.

Records are structs of msgspec, here as everywhere: to define a frozen dataclass takes half a
millisecond, thirty times as long, and a call needs thirty of them before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import msgspec

from nanobanana_cli.errors import Charged, ExitCode, NbError

ImageFormat = Literal["png", "jpeg", "webp", "gif", "tiff", "bmp", "avif"]
# Those that `nb` writes; it keeps the others as they come.
WRITTEN_FORMATS: tuple[ImageFormat, ...] = ("png", "jpeg", "webp")
Modality = Literal["TEXT", "IMAGE"]
Status = Literal["written", "unchanged", "skipped", "failed", "unknown"]

# What is as large as a picture is copied as seldom as can be.
Data = bytes | bytearray | memoryview


class Redacted(msgspec.Struct, frozen=True):
    """A record whose repr leaves out what is secret, or as large as a picture."""

    _hidden: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        fields = [name for name in self.__struct_fields__ if name not in self._hidden]
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return f"{type(self).__name__}({shown})"


class Reference(Redacted, frozen=True):
    """An input image.

    Args:
        name: where it came from, for messages: a path, an address, or `-` for stdin.
        mime_type: what its first bytes say, such as `image/png`.
        data: the file's bytes, sent as they are.
        size: width and height in pixels as displayed; None where nb cannot tell.
        is_fetched: False for an address that is only shown, not fetched; then there is no data.
    """

    _hidden = ("data",)

    name: str
    mime_type: str
    data: Data
    size: tuple[int, int] | None = None
    is_fetched: bool = True


class Conversation(Redacted, frozen=True):
    """The turns that a request goes on from.

    Args:
        name: its file, for messages.
        turns: all of them, as a JSON array in ASCII, on one line.
        images: how many images they have.
        letters: how many characters of text they have.
        last: the last image, without its bytes; None where its size is not known.
    """

    _hidden = ("turns",)

    name: str
    turns: bytes
    images: int = 0
    letters: int = 0
    last: Reference | None = None


class Parameters(msgspec.Struct, frozen=True, gc=False):
    """Request parameters that reach the wire as they were given; None leaves one to the service.

    A new one is added here, as an option, on the wire (`api/request.py`) and, if it has a range, in
    `generation/inputs.py`; manifests take it by the same name. Append it: the order is part of the
    fingerprints in ledgers.

    Args:
        thinking: `minimal`, `medium` or `high`, in lower case.
        search: ground the picture in a web search.
        system: the system instruction.
        temperature: 0 to 2.
        seed: a whole number of 32 bits; results are not guaranteed to repeat.
    """

    thinking: str | None = None
    search: bool | None = None
    system: str | None = None
    temperature: float | None = None
    seed: int | None = None


class ContentRequest(msgspec.Struct, frozen=True):
    """One `generateContent` call.

    Args:
        prompt: as the user wrote it.
        model: the model's id, as in the URL.
        modalities: the kinds of parts to reply with; always sent, since a reply without images
            is the commonest mistake.
        aspect, size: aspect ratio such as `16:9` and image size such as `2K`, as the user knows
            them; None only for a request without an image.
        references: input images, in order.
        parameters: the rest of the request.
        framed: the text part as it is sent, if instructions surround the prompt.
        like: the name of the image whose shape `aspect` follows, for messages.
        conversation: the turns before this one.
    """

    prompt: str
    model: str
    modalities: tuple[Modality, ...] = ("IMAGE",)
    aspect: str | None = None
    size: str | None = None
    references: tuple[Reference, ...] = ()
    parameters: Parameters = Parameters()
    framed: str | None = None
    like: str | None = None
    conversation: Conversation | None = None


class Tariff(msgspec.Struct, frozen=True):
    """Whose prices hold for calls.

    Args:
        provider: the one whose prices in the catalog hold; None where prices are not known.
        per_call: micro-dollars per call that the user names instead; None if not named.
    """

    provider: str | None
    per_call: int | None = None


class Endpoint(Redacted, frozen=True):
    """The address of calls, and the key that goes with them.

    Args:
        provider: its name in the catalog.
        base_url: scheme, host and optional path prefix, no slash at the end.
        key: sent as `x-goog-api-key`, to this host alone; None sends none.
        key_origin: where the key came from, for messages.
        headers: a gateway's own, as secret as the key and sent to this host alone.
    """

    _hidden = ("key", "headers")

    provider: str
    base_url: str
    key: str | None = None
    key_origin: str | None = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key, each header's value, and what follows its scheme, such as `Bearer`."""
        tokens = (value.partition(" ")[2] for value in self.headers.values())
        return tuple(each for each in (self.key, *self.headers.values(), *tokens) if each)


class Usage(msgspec.Struct, frozen=True):
    """Token counts as the service reports them; None where it does not."""

    prompt_tokens: int | None = None
    output_tokens: int | None = None
    thinking_tokens: int | None = None
    total_tokens: int | None = None


class Reply(Redacted, frozen=True):
    """The content of a `generateContent` reply, without drafts.

    Args:
        image: the final image's bytes as received, not yet verified; None when only text was asked
            for.
        text: the text parts joined, stripped; "" when there were none.
        model_version, response_id: as the service names them.
        finish_reason: such as `STOP`.
        images: how many finished images came; the last of them is `image`.
        links: the addresses of the images, where they came as links rather than inline.
        linked: the bytes behind the links, as far as they were fetched; the last is `image`.
        body: the whole reply as received, until its images are saved.
        text_tokens: how many of the output tokens are text, beside an image.
        queries: how many search queries the model made.
        is_partial: more text, images or other parts may have come than could be read, since the
            reply is cut, damaged or of no known shape.
        may_be_draft: the part of the last image is cut, so nothing says whether it is a draft.
    """

    _hidden = ("image", "linked", "body")

    image: Data | None
    text: str = ""
    model_version: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    images: int = 1
    text_tokens: int = 0
    queries: int = 0
    links: tuple[str, ...] = ()
    linked: tuple[Data, ...] = ()
    body: Data | None = None
    is_partial: bool = False
    may_be_draft: bool = False


class Picture(Redacted, frozen=True):
    """A whole, decodable image.

    Args:
        data: the file's bytes.
        format: what the bytes are, whatever anything else claims.
        width, height: pixels.
    """

    _hidden = ("data",)

    data: Data
    format: ImageFormat
    width: int
    height: int


class ErrorRecord(msgspec.Struct, frozen=True):
    """An error, as JSON lines and ledgers have it.

    Args:
        code: the exit status.
        kind: a stable name of what happened.
        message: what happened, for people.
        hint: what to do about it.
        charged: whether the call was charged.
    """

    code: ExitCode
    kind: str
    message: str
    hint: str | None
    charged: Charged

    @classmethod
    def of(cls, error: NbError) -> Self:
        """Return the record of an error."""
        return cls(error.code, error.kind, error.message, error.hint, error.charged)


class Result(msgspec.Struct, frozen=True):
    """The result for one image.

    Args:
        status: `written`, `unchanged`, `skipped`, `failed` or `unknown`.
        request: as it was sent, or would have been.
        provider: its name in the catalog.
        path: of the image, `-` for stdout; None without one. In a failed JSON line an existing
            image is the `source`, and the path is null.
        mime_type, width, height, size, sha256: of the file as written; size in bytes.
        shown: SHA-256 of the image without metadata, also where it has no place; None if not known.
        alt, alt_path: the alt text, and the file that holds it.
        chat_path: the file that holds the conversation.
        original_path: the file that holds the image as it was received, beside its cut-out.
        lang: the language asked for: its tag, or its name where that is not known.
        seconds: wall-clock time of the call that was answered, without waiting for a turn.
        attempts: the number of times that the request was sent.
        cost: micro-dollars by the reply's tokens or the catalog; None when not known.
        reply: without its image once that is saved.
        notes: for people: the image has another ratio, was converted, …
        error: the reason of a failure.
        edits: what was to be done to the image, by the names of the options.
    """

    status: Status
    request: ContentRequest
    provider: str
    path: str | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    sha256: str | None = None
    shown: str | None = None
    alt: str | None = None
    alt_path: str | None = None
    chat_path: str | None = None
    original_path: str | None = None
    lang: str | None = None
    seconds: float | None = None
    attempts: int = 0
    cost: int | None = None
    reply: Reply | None = None
    notes: tuple[str, ...] = ()
    error: NbError | None = None
    edits: Mapping[str, object] = {}
