"""Parse a `generateContent` reply, as leniently as JSON allows.

A reply that was paid for must not be lost because a field beside the image has a strange type. So
every level accepts any JSON value, and the caller checks what it got. Base64 stays `msgspec.Raw`, a
view into the reply's bytes, so that 65 MB of it are never copied.

Gateways wrap a reply, pad it, or send it in chunks, as `streamGenerateContent` does: a JSON array,
server-sent events, or a JSON value a line. `parse` makes one reply of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any

import msgspec

from nanobanana_cli.api.memory import has_too_many_values
from nanobanana_cli.api.plain_json import CUT, mended, searchable, start_of
from nanobanana_cli.types import Data

Scalar = str | int | float | bool | None
Other = list[Any] | Scalar

# How deep a reply may be wrapped.
_DEEPEST = 4
# OpenAI's mark of a stream's end, which gateways add.
_END = b"[DONE]"
# Server-sent events begin with a field or a comment.
_EVENT_FIELD = re.compile(rb"data:|event:|id:|retry:|:")


class Blob(msgspec.Struct):
    """`inlineData`. Its MIME type is not read: services are known to declare a wrong one."""

    data: msgspec.Raw = msgspec.Raw()


class FileData(msgspec.Struct, rename="camel"):
    """`fileData`: the address of an image."""

    file_uri: Any = None
    file_uri_snake: Any = msgspec.field(default=None, name="file_uri")


class Part(msgspec.Struct, rename="camel"):
    """A part of the reply: text or an image, either of which may be a thought."""

    text: Any = None
    thought: Any = None
    inline_data: Blob | Other = None
    file_data: FileData | Other = None
    # As some gateways spell them.
    inline_data_snake: Blob | Other = msgspec.field(default=None, name="inline_data")
    file_data_snake: FileData | Other = msgspec.field(default=None, name="file_data")
    # Where the reply was cut: within this part, or where it stands.
    is_cut: Any = msgspec.field(default=None, name=CUT)


class Content(msgspec.Struct):
    """A candidate's parts."""

    parts: list[Part | Other] | Part | Scalar = None


class Candidate(msgspec.Struct, rename="camel"):
    """A candidate, with the reason why the model stopped."""

    content: Content | list[Part | Other] | Scalar = None
    finish_reason: Any = None
    finish_message: Any = None
    grounding_metadata: Any = None
    index: Any = None


class Envelope(msgspec.Struct, rename="camel"):
    """The whole reply, or a chunk of it; `response`, `data` and `result` may hold it instead."""

    candidates: list[Candidate | Other] | Candidate | Scalar = None
    prompt_feedback: Any = None
    usage_metadata: Any = None
    model_version: Any = None
    response_id: Any = None
    error: Any = None
    response: Envelope | list[Envelope | Other] | Scalar = None
    data: Envelope | list[Envelope | Other] | Scalar = None
    result: Envelope | list[Envelope | Other] | Scalar = None
    is_cut: Any = msgspec.field(default=None, name=CUT)


_Document = Envelope | list[Envelope | Other] | Scalar
_decoder: msgspec.json.Decoder[_Document] = msgspec.json.Decoder(_Document)


def parse(body: Data) -> Envelope | None:
    """Parse `body`, which must not change while the result is in use.

    Returns:
        The reply, unwrapped, its chunks merged into one; None if it is JSON, but holds no object.

    Raises:
        ValueError: it is not JSON, or would take much more memory than bytes.
    """
    if has_too_many_values(body):
        raise ValueError("too many values")
    try:
        return _unwrapped(_decoder.decode(body))
    except (ValueError, RecursionError):
        chunks, is_whole = _stream(body)
        if is_whole:
            return chunks
    try:
        return _unwrapped(_decoder.decode(mended(body)))
    except (ValueError, RecursionError):
        chunks, _ = _stream(body, is_lenient=True)
        # What is damaged or cut must not take the images of whole chunks with it.
        if chunks is None or not any(map(_has_image, candidates(chunks))):
            raise ValueError("not JSON") from None
        return chunks


def _unwrapped(value: _Document, depth: int = 0) -> Envelope | None:
    """Return the reply in a JSON value that may be a wrapper of it or a list of chunks."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = _decoder.decode(value)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list):
        found = (_unwrapped(each, depth) for each in value if isinstance(each, Envelope))
        return _merged([each for each in found if each is not None])
    if not isinstance(value, Envelope):
        return None
    if not value.candidates and not value.prompt_feedback and depth < _DEEPEST:
        for wrapped in (value.response, value.data, value.result):
            inner = _unwrapped(wrapped, depth + 1)
            if inner and (inner.candidates or inner.prompt_feedback or inner.error):
                return inner
    return value


def _merged(chunks: list[Envelope]) -> Envelope | None:
    """Return one reply with the parts of all chunks in order, their texts joined.

    The parts of candidates after the first, which have an `index`, stay apart from its own.
    """
    if len(chunks) < 2:
        return chunks[0] if chunks else None
    whole, last = Envelope(), Candidate()
    parts: list[Part] = []
    others: list[Part] = []
    for chunk in chunks:
        for name in Envelope.__struct_fields__[1:]:
            if value := getattr(chunk, name):
                setattr(whole, name, value)
        for number, candidate in enumerate(candidates(chunk)):
            if number or candidate.index:
                others += parts_of(candidate)
                continue
            for name in Candidate.__struct_fields__[1:]:
                setattr(last, name, getattr(candidate, name) or getattr(last, name))
            parts += parts_of(candidate)
    # Whatever a chunk says, more of them may have come.
    parts += [Part(is_cut=True)] if whole.is_cut else []
    last.content = Content([*_joined(parts)])
    whole.candidates = [last, Candidate(Content([*_joined(others)]))] if others else [last]
    return whole


def _joined(parts: list[Part]) -> Iterator[Part]:
    """Yield the parts, with texts that follow each other as one: chunks cut a text anywhere."""
    for (is_text, is_thought), group in groupby(parts, _kind):
        if is_text:
            yield Part(text="".join(part.text for part in group), thought=is_thought)
        else:
            yield from group


def holds_image(body: Data) -> bool:
    """Return True for a reply with a finished image, whatever status came with it.

    An image that an error quotes, as of the request, does not count.
    """
    try:
        envelope = parse(body)
    except ValueError:
        return False
    found = candidates(envelope) if envelope else []
    parts = [part for candidate in found for part in parts_of(candidate)]
    return any(
        isinstance(part.inline_data or part.inline_data_snake, Blob) and part.thought is not True
        for part in parts
    )


def _kind(part: Part) -> tuple[bool, bool]:
    others = (part.inline_data, part.inline_data_snake, part.file_data, part.file_data_snake)
    return isinstance(part.text, str) and not any(others), part.thought is True


def _stream(body: Data, *, is_lenient: bool = False) -> tuple[Envelope | None, bool]:
    """Return the reply in a stream, and whether all of the stream could be read.

    A stream is server-sent events, or JSON values on lines of their own.

    Args:
        body: the stream.
        is_lenient: repair chunks that are not JSON in the strict sense, and mark where others were.
    """
    read = [_chunk(data, is_lenient=is_lenient) for data in pieces(body)]
    chunks = [chunk for chunk in read if chunk is not None]
    if is_lenient and chunks:
        chunks = [chunk or Envelope(is_cut=True) for chunk in read]
    return _merged(chunks), bool(chunks) and None not in read


def pieces(body: Data) -> Iterator[Data]:
    """Return the data of each event of a stream, or its lines that are not blank; not decoded."""
    start = start_of(body)
    has_fields = _EVENT_FIELD.match(body, start) is not None
    return (_events if has_fields else _lines)(body, start)


def _has_image(candidate: Candidate) -> bool:
    # A part that is cut is an image only if one has come.
    return any(not _kind(part)[0] and part != Part(is_cut=True) for part in parts_of(candidate))


def _events(body: Data, start: int) -> Iterator[Data]:
    """Yield the data of each server-sent event; several lines of data make one event."""
    data: list[memoryview] = []
    for line in _split(body, start):
        if not line and data:
            yield data[0] if len(data) == 1 else b"\n".join(data)
            data = []
        elif bytes(line[:5]) == b"data:" and bytes(line[5:12]).strip() != _END:
            data.append(line[5:])
    if data:
        yield data[0] if len(data) == 1 else b"\n".join(data)


def _lines(body: Data, start: int) -> Iterator[Data]:
    for line in _split(body, start):
        if bytes(line[:256]).strip() or bytes(line).strip():
            yield line


def _split(body: Data, start: int) -> Iterator[memoryview]:
    """Yield the lines, not copied."""
    searched, view = searchable(body), memoryview(body)
    # Server-sent events may also end their lines with a carriage return alone.
    mark = b"\r" if searched.find(b"\n", start) < 0 else b"\n"
    while start <= len(view):
        end = searched.find(mark, start)
        end = len(view) if end < 0 else end
        has_return = end > start and view[end - 1] == ord("\r")
        yield view[start : end - has_return]
        start = end + 1


def _chunk(data: Data, *, is_lenient: bool) -> Envelope | None:
    with suppress(ValueError, RecursionError):
        return _unwrapped(_decoder.decode(data))
    with suppress(ValueError, RecursionError):
        return _unwrapped(_decoder.decode(mended(data))) if is_lenient else None
    return None


def is_partial(reply: Envelope) -> bool:
    """Return True if the first candidate may have more parts than came, or than could be read."""
    if not reply.is_cut:
        return False
    is_cut_within = any(part.is_cut for each in candidates(reply)[:1] for part in parts_of(each))
    return is_cut_within or finish_reason(reply) is None


def finish_reason(reply: Envelope) -> str | None:
    """Return the finish reason of the first candidate that has one."""
    for candidate in candidates(reply):
        if candidate.finish_reason is not None:
            return str(candidate.finish_reason)
    return None


def candidates(reply: Envelope) -> list[Candidate]:
    """Return the candidates that are objects; a lone one may stand without its list."""
    found = reply.candidates
    listed = found if isinstance(found, list) else [found]
    return [candidate for candidate in listed if isinstance(candidate, Candidate)]


def parts_of(candidate: Candidate) -> list[Part]:
    """Return the parts of a candidate that are objects; a lone one may stand without its list."""
    content = candidate.content
    found = content.parts if isinstance(content, Content) else content
    listed = found if isinstance(found, list) else [found]
    return [part for part in listed if isinstance(part, Part)]
