"""Take the model's parts out of a reply as they came, to be sent back in a further turn.

The service keeps no state: the whole conversation goes again, the model's parts byte for byte,
since it signs them (https://ai.google.dev/gemini-api/docs/thought-signatures). So nothing is
decoded that need not be, and fields that nobody knows stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from nanobanana_cli.api import schema
from nanobanana_cli.api.plain_json import mended, plain
from nanobanana_cli.types import Data

_WRAPPERS = ("response", "data", "result")
# How deep a reply may be wrapped.
_DEEPEST = 4
_NOTHING = msgspec.Raw(b"null")


def model_parts(body: Data) -> list[msgspec.Raw]:
    """Return the parts of a reply's first candidate, of all chunks in order; [] if it has none.

    Args:
        body: the reply's bytes, which must not change while the parts are in use.
    """
    body = plain(body)
    found = [part for chunk in _documents(body) for part in _parts(chunk, 0)]
    if not all(map(_is_text, found)):
        with suppress(ValueError):
            return [*_parts(msgspec.Raw(mended(body)), 0)]
    return found


def _is_text(part: msgspec.Raw) -> bool:
    """Return whether a part is UTF-8, which no JSON may be sent without."""
    try:
        str(memoryview(part), "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _documents(body: Data) -> list[msgspec.Raw]:
    """Return the JSON values of a reply: one, or those of a stream.

    What is damaged is read in the way that finds most of the parts; as they came, if it can be.
    """
    with suppress(ValueError, RecursionError):
        return [msgspec.json.decode(body, type=msgspec.Raw)]
    chunks, whole = [], list[msgspec.Raw]()
    is_strict = True
    for data in schema.pieces(body):
        try:
            chunks.append(msgspec.json.decode(data, type=msgspec.Raw))
        except (ValueError, RecursionError):
            is_strict = False
            with suppress(ValueError):
                chunks.append(msgspec.Raw(mended(data)))
    if not is_strict:
        with suppress(ValueError):
            whole = [msgspec.Raw(mended(body))]
    return max(chunks, whole, key=lambda found: sum(1 for each in found for _ in _parts(each, 0)))


def _parts(value: msgspec.Raw, depth: int) -> Iterator[msgspec.Raw]:
    """Yield the parts in a JSON value that may be a wrapper of a reply or a list of chunks."""
    first = bytes(memoryview(value)[:1])
    if depth > _DEEPEST or first not in b'["{':
        return
    if first == b'"':
        text = msgspec.json.decode(value, type=str).strip()
        inner = [msgspec.Raw(text.encode())] if text else []
    elif first == b"[":
        inner = _items(value)
    else:
        fields = _fields(value)
        if "candidates" in fields:
            yield from _parts_of_first(fields["candidates"])
            return
        inner = [fields[name] for name in _WRAPPERS if name in fields]
    for each in inner:
        yield from _parts(each, depth + 1)


def _parts_of_first(candidates: msgspec.Raw) -> Iterator[msgspec.Raw]:
    fields = _fields(_listed(candidates)[0])
    # The chunks of a stream have the candidates one after the other, each with its index.
    if bytes(fields.get("index", b"0")) in (b"0", b"null"):
        content = fields.get("content", _NOTHING)
        parts = _fields(content).get("parts", content)
        yield from (part for part in _listed(parts) if _fields(part))


def _listed(value: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the items of a list; a lone value may stand without its list."""
    return _items(value) or [value]


def _items(value: msgspec.Raw) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(value, type=list[msgspec.Raw])
    except (ValueError, RecursionError):
        return []


def _fields(value: msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return {}
