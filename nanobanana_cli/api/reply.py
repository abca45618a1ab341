"""Extract the images and the text of a reply, or raise the right error. Pure.

Parts are identified by kind, never by position: text and images come in any order. A part marked as
a thought is a draft, never the result. (`thoughtSignature` means nothing: final images have it.)
Of several finished images the last is the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from nanobanana_cli.api import inline_images, reply_errors, usage
from nanobanana_cli.api.plain_json import is_whole, plain, searchable
from nanobanana_cli.api.schema import (
    Blob,
    Envelope,
    FileData,
    Part,
    candidates,
    finish_reason,
    is_partial,
    parse,
    parts_of,
)
from nanobanana_cli.errors import BadReply, NbError
from nanobanana_cli.settings.redaction import redact_body, redact_error
from nanobanana_cli.types import Data, Modality, Reply

# An image as a link: in Markdown, or as the whole text.
_LINKED_IMAGE = re.compile(
    r"!\[[^\[\]]*+\]\(\s*+<?((?i:https?)://[^\s<>\"()]++(?:\([^\s<>\"()]*+\)[^\s<>\"()]*+)*+)>?"
    r"[^()]{0,200}+\)"
)
_ADDRESS = re.compile(r"\s*+<?((?i:https?)://[^\s<>\"]++)>?\s*+")
# The data of an empty blob, as JSON; b"" if the field is missing.
_NO_DATA = (b"", b'""', b"null")
_IMAGE_MARKS = (
    *(b"inlineData", b"inline_data", b";base64,", b"fileUri", b"file_uri", b"b64_json"),
    # PNG, JPEG, WebP and GIF as base64 in JSON.
    *(b'"iVBORw0KGgo', b'"/9j/', b'"UklGR', b'"R0lGOD'),
)
# An image without JSON around it: PNG, JPEG, WebP, GIF, TIFF, BMP or AVIF.
_BARE_IMAGE = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF|GIF8|II\*\0|MM\0\*|BM.{4}\0{4}|.{4}ftypavi", re.DOTALL
)
# Bytes; a text takes many times its size to be read.
_LARGEST_TEXT = 32 << 20
# The start of a text.
_TEXT = re.compile(rb'"text"\s*+:\s*+"[^"]')
# gzip and UTF-16.
_ENCODED = re.compile(rb"\x1f\x8b|\xff\xfe|\xfe\xff")


def read(
    body: Data,
    want: tuple[Modality, ...],
    *,
    links: bool = True,
    secrets: Sequence[str] = (),
    room: int | None = None,
    takes_drafts: bool = False,
) -> Reply:
    """Return the finished images and the text of a `generateContent` reply.

    Args:
        body: the reply's bytes.
        want: what was asked for. Images are ignored unless wanted; text beside a wanted image may
            be missing.
        secrets: what errors do not show of the reply.
        room: the most bytes that an image may have.
        takes_drafts: where no other image came, take one that may be a draft: the part that holds
            it is cut, and others are drafts.

    Returns:
        The reply. Where an image is wanted and none came inline, it may have `links` instead.

    Raises:
        NoImage: the service refused, in any of the ways it does; with its reason.
        BadReply: the reply is not JSON, has an unexpected shape, or its image is not base64.
        NbError: the reply holds an `error` object, see `status_errors.from_200`.
        MemoryError: a reply without an image is too long.
    """
    if "IMAGE" not in want and len(body) > _LARGEST_TEXT:
        raise MemoryError
    try:
        return _read(body, want, links, room, takes_drafts)
    except NbError as error:
        # A message may quote a part of a secret, which nothing would recognise any more.
        redacted = redact_body(body, secrets)
        if redacted is body:
            raise redact_error(error, secrets) from None
    return _read(redacted, want, links, room, takes_drafts)


def _read(
    body: Data, want: tuple[Modality, ...], links: bool, room: int | None, takes_drafts: bool
) -> Reply:
    body = plain(body)
    wants_image = "IMAGE" in want
    if wants_image and _BARE_IMAGE.match(body):
        return Reply(image=body)
    envelope, parts = _contents(body, wants_image, takes_drafts)
    image = inline_images.decoded(parts.images, room) if wants_image else None
    found = parts.take_links() if links and wants_image and image is None else ()
    text = "".join(parts.text).strip()
    if wants_image and parts.files and not (image or found):
        raise BadReply(f"the image is a link, which is not fetched: {' '.join(parts.files)}")
    if not (image or found if wants_image else text):
        wanted = "image" if wants_image else "text"
        raise reply_errors.missing(envelope, wanted, text, parts.drafts, body)
    return Reply(
        image=image,
        text=text,
        model_version=_string(envelope.model_version),
        response_id=_string(envelope.response_id),
        finish_reason=finish_reason(envelope),
        usage=usage.read(envelope.usage_metadata),
        images=len(found or (*parts.images, *parts.unsure)),
        links=found,
        text_tokens=usage.text_tokens(envelope.usage_metadata),
        queries=sum(map(usage.queries, candidates(envelope))),
        is_partial=is_partial(envelope) or (parts.are_searched and "TEXT" in want and not text),
        may_be_draft=parts.ends_unsure or bool(parts.unsure),
    )


def every_image(body: Data) -> Iterator[Data | None]:
    """Yield each finished image that a reply holds inline, in order, decoded one at a time.

    One that is not valid base64 is None. Those that may be drafts, see `read`, come last.
    """
    parts = _contents(plain(body), takes_drafts=True)[1]
    for image in (*parts.images, *parts.unsure):
        try:
            yield inline_images.decoded([image])
        except BadReply:
            yield None


def may_hold_image(body: Data) -> bool:
    """Return True if a reply in which no usable image was found may hold a finished one."""
    body = plain(body)
    searched = searchable(body)
    if all(searched.find(mark) < 0 for mark in _IMAGE_MARKS):
        return _ENCODED.match(body) is not None
    try:
        parts = _contents(body)[1]
    except (NbError, MemoryError):
        return True
    return bool(parts.images or parts.files or parts.unsure) or not parts.drafts


def may_hold_text(body: Data) -> bool:
    """Return True if a reply that cannot be used may hold a text, or the start of one."""
    return _TEXT.search(plain(body)) is not None


def is_usable(body: Data) -> bool:
    """Return True if nothing is missing from a reply whose end did not come.

    That is a whole JSON value, all parts of an answer, or an image after which no other begins.
    """
    body = plain(body)
    if is_whole(body):
        return True
    try:
        envelope, parts = _contents(body)
    except (NbError, MemoryError):
        return False
    is_over = finish_reason(envelope) is not None
    return bool(parts.images or parts.files or is_over) and not inline_images.ends_within(body)


def _contents(
    body: Data, wants_image: bool = True, takes_drafts: bool = False
) -> tuple[Envelope, _Parts]:
    """Return a reply and its parts; where it has no known shape, the images that it has anywhere.

    Args:
        body: the reply.
        wants_image: an image is wanted, not the text alone.
        takes_drafts: as for `read`.

    Raises:
        BadReply: it holds no object, and no image either.
    """
    failure = None
    try:
        envelope = parse(body)
    except ValueError:
        envelope, failure = None, reply_errors.not_json(body)
    parts = _collect(envelope) if envelope else _Parts()
    if takes_drafts and not parts.images and parts.unsure:
        parts.images, parts.unsure, parts.ends_unsure = parts.unsure, [], True
    found = parts.images or parts.files if wants_image else "".join(parts.text).strip()
    if envelope is not None and is_partial(envelope) and not found:
        envelope, failure = None, reply_errors.not_json(body)
        parts = _Parts(drafts=parts.drafts)
    has_other = parts.images or parts.files or (envelope is not None and envelope.error)
    if wants_image and not has_other:
        parts.images += inline_images.anywhere(body)
        parts.are_searched = bool(parts.images)
    if envelope is None and not parts.images:
        raise failure or reply_errors.other_shape(body)
    return envelope or Envelope(), parts


class _Parts(msgspec.Struct):
    """A reply's parts by kind; `images` are base64, as JSON strings or as text."""

    text: list[str] = msgspec.field(default_factory=list)
    # Texts of candidates after the first, which may only name images.
    other_text: list[str] = msgspec.field(default_factory=list)
    images: list[msgspec.Raw | str] = msgspec.field(default_factory=list)
    files: list[str] = msgspec.field(default_factory=list)
    drafts: bool = False
    # Images that may be drafts: the parts that hold them are cut, and other parts are thoughts.
    unsure: list[msgspec.Raw | str] = msgspec.field(default_factory=list)
    # The last of `images` may be a draft: its part is cut.
    ends_unsure: bool = False
    # The images were found in a reply of no known shape; what is around them was not.
    are_searched: bool = False

    def take_links(self) -> tuple[str, ...]:
        """Return the addresses of images, and take those in texts out of the texts."""
        links = list(self.files)
        for texts in (self.text, self.other_text):
            for number, text in enumerate(texts):
                if whole := _ADDRESS.fullmatch(text):
                    links.append(whole[1])
                    texts[number] = ""
                elif found := _LINKED_IMAGE.findall(text):
                    links += found
                    texts[number] = _LINKED_IMAGE.sub("", text)
        # A link is often given twice, as `fileData` and in the text.
        return tuple(dict.fromkeys(links))


def _collect(envelope: Envelope) -> _Parts:
    found = _Parts()
    parts = [(n, part) for n, each in enumerate(candidates(envelope)) for part in parts_of(each)]
    thinks = any(part.thought is True for _, part in parts)
    for number, part in parts:
        texts, count = found.other_text if number else found.text, len(found.images)
        if part.is_cut and part.thought is not True and thinks:
            unsure = _Parts()
            _add(part, unsure, unsure.text)
            found.unsure += unsure.images
            continue
        _add(part, found, texts)
        if len(found.images) > count:
            # Of a part that was cut, nothing says whether it is a draft.
            found.ends_unsure = part.is_cut is True
    return found


def _add(part: Part, found: _Parts, texts: list[str]) -> None:
    blob = next(
        (b for b in (part.inline_data, part.inline_data_snake) if isinstance(b, Blob)), None
    )
    file = next(
        (f for f in (part.file_data, part.file_data_snake) if isinstance(f, FileData)), None
    )
    if part.thought is True:
        found.drafts = found.drafts or blob is not None or file is not None
        return
    if isinstance(part.text, str):
        pieces, images = inline_images.split(part.text)
        texts += pieces
        found.images += images
    if blob is not None and bytes(memoryview(blob.data)[:5]) not in _NO_DATA:
        found.images.append(blob.data)
    if file is not None:
        uris = (file.file_uri, file.file_uri_snake)
        named = [uri.strip() for uri in uris if isinstance(uri, str) and uri.strip()]
        found.images += [uri for uri in named if _is_data(uri)]
        found.files += [uri for uri in named if not _is_data(uri)]


def _is_data(uri: str) -> bool:
    return uri[:5].lower() == "data:"


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
