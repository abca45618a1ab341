"""Take keys out of what is shown and kept: some servers echo them, as they are or encoded."""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import IO

from msgspec.structs import replace

from nanobanana_cli.errors import NbError
from nanobanana_cli.types import Data, Reply

# Anything shorter may occur in a text by chance.
_SHORTEST_SECRET = 8
_PIECE = 1 << 20
_LITTLE = 1 << 17
# Longer than any secret, however it is encoded.
_OVERLAP = 1 << 16
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
# A character as JSON, Python, a URL or HTML escapes it, also several times over.
_ESCAPED = re.compile(
    r"\\+u([0-9a-f]{4})|\\+x([0-9a-f]{2})|%(?:25)*([0-9a-f]{2})|&#x0*([0-9a-f]{1,4});"
    r"|&#0*(\d{1,4});|&(amp|lt|gt|quot|apos);|\\+(?=[!-~])",
    re.IGNORECASE,
)
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# The secrets of this process.
_in_use: set[str] = set()


def remember(secrets: Iterable[str]) -> None:
    """Note secrets that this process uses, for `redact_all`."""
    _in_use.update(secrets)


def redact_all(shown: str, more: Iterable[str] = ()) -> str:
    """Return a text without any of the secrets that this process uses, nor of those given."""
    return redact(shown, (*_in_use, *more))


def redact(shown: str, secrets: str | Iterable[str] | None) -> str:
    """Return a text with `[key]` in place of the key, in any case and however it is encoded.

    Known are the escapes of JSON, Python, URLs and HTML, and base64, of the key alone or among
    other bytes. Cut a text only afterwards: a part of a key is not recognised.

    Args:
        shown: the text; returned as it is if it holds no secret.
        secrets: the key, or all that is as secret: `Endpoint.secrets`.
    """
    forms = _forms((secrets,) if isinstance(secrets, str) else tuple(secrets or ()))
    if not forms:
        return shown
    spans = _spans(shown.translate(_LOWER), forms)
    if any(each in shown for each in "\\%&"):
        # What looks like an escape may be none: "%" before a key that starts with two digits.
        unescaped = _spans(_ESCAPED.sub(_unescaped, shown).translate(_LOWER), forms)
        spans += _before_unescaping(shown, unescaped) if unescaped else []
    if not spans:
        return shown
    pieces, last = [], 0
    for start, end in sorted(spans):
        if start >= last:
            pieces += [shown[last:start], "[key]"]
        last = max(last, end)
    return "".join([*pieces, shown[last:]])


def redact_body(body: Data, secrets: Iterable[str]) -> Data:
    """Return a reply's bytes without the key; the same ones if they do not hold it."""
    view = memoryview(body)
    # In pieces: a reply may take most of the memory.
    for start in range(0, len(view), _PIECE):
        shown = str(view[start : start + _PIECE + _OVERLAP], "latin-1")
        if redact(shown, secrets) is not shown:
            return redact(str(body, "latin-1"), secrets).encode("latin-1")
    return body


class RedactedPieces:
    """A reply without the key, in pieces: there may be hardly any memory left.

    Args:
        body: its bytes, or a file, which is read from its start each time.
        secrets: as for `redact`.
    """

    def __init__(self, body: Data | IO[bytes], secrets: Iterable[str]) -> None:
        self._body = body
        self._secrets = tuple(secrets)

    def __iter__(self) -> Iterator[bytes]:
        rest = ""
        for piece in self._pieces():
            shown = redact(rest + str(piece, "latin-1"), self._secrets)
            # A key that goes on in the next piece begins here.
            shown, rest = shown[:-_OVERLAP], shown[-_OVERLAP:]
            yield shown.encode("latin-1")
        yield rest.encode("latin-1")

    def _pieces(self) -> Iterator[Data]:
        if isinstance(self._body, Data):
            view = memoryview(self._body)
            yield from (view[start : start + _LITTLE] for start in range(0, len(view), _LITTLE))
        else:
            self._body.seek(0)
            yield from iter(partial(self._body.read, _LITTLE), b"")


def redact_error(failed: NbError, key: str | Iterable[str] | None) -> NbError:
    """Take the key out of an error's words; return the same error."""
    failed.message = redact(failed.message, key)
    failed.hint = failed.hint and redact(failed.hint, key)
    failed.details = redact(failed.details, key)
    failed.args = (failed.message,)
    return failed


def redact_reply(found: Reply, key: str | Iterable[str] | None) -> Reply:
    """Return the reply with the key taken out of its strings; the image stays as it is."""

    def clean(value: str | None) -> str | None:
        return None if value is None else redact(value, key)

    return replace(
        found,
        text=redact(found.text, key),
        model_version=clean(found.model_version),
        response_id=clean(found.response_id),
        finish_reason=clean(found.finish_reason),
        links=tuple(redact(link, key) for link in found.links),
    )


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return all that a text with escapes undone and in lower case may hold of the secrets."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) < _SHORTEST_SECRET:
            continue
        found |= {secret, _ESCAPED.sub(_unescaped, secret)}
        data = secret.encode()
        for before in range(3):
            # The characters that hold none of the bytes before the secret, nor of those after it.
            whole = slice(-(-before * 8 // 6), (before + len(data)) * 8 // 6)
            encoded = base64.b64encode(bytes(before) + data).decode()[whole]
            found |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return tuple(form.translate(_LOWER) for form in found)


def _unescaped(match: re.Match[str]) -> str:
    code, short, percent, hexadecimal, decimal, entity = match.groups()
    if entity:
        return _ENTITIES[entity.lower()]
    if decimal:
        return chr(int(decimal))
    number = code or short or percent or hexadecimal
    return chr(int(number, 16)) if number else ""


def _spans(text: str, forms: Iterable[str]) -> list[tuple[int, int]]:
    """Return where the forms are, as starts and ends."""
    found = []
    for form in forms:
        start = text.find(form)
        while start >= 0:
            found.append((start, start + len(form)))
            start = text.find(form, start + 1)
    return found


def _before_unescaping(shown: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans of a text for the one whose escapes were undone to make it."""
    # The escapes' starts and ends in `shown`, and their characters' in the other text.
    escapes, starts, shorter = [], [], 0
    for match in _ESCAPED.finditer(shown):
        start = match.start() - shorter
        end = start + len(_unescaped(match))
        shorter = match.end() - end
        escapes.append((match.start(), match.end(), end))
        starts.append(start)

    def original(position: int, *, is_end: bool = False) -> int:
        number = bisect_right(starts, position) - 1
        if number < 0:
            return position + is_end
        first, after, end = escapes[number]
        if position < end:
            return after if is_end else first
        # Backslashes that stand for nothing themselves belong to what follows.
        if position == starts[number] and not is_end:
            return first
        return after + position - end + is_end

    return [(original(start), original(end - 1, is_end=True)) for start, end in spans]
