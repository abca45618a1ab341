"""Describe what is asked of the model part by part, each as a short hash: never in words.

The parts make the fingerprint of a request, and say afterwards which of them changed. The
provider, its address, the alt text and the output's name are no parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from nanobanana_cli.catalog import MODELS
from nanobanana_cli.images.edits import NO_EDITS, Edits
from nanobanana_cli.types import Parameters

# Part → hash, as in a ledger.
Asked: TypeAlias = Mapping[str, str]

# Before the hash of a value that the row leaves to a built-in default. Such a part is in no
# fingerprint: only the default can change it, and that makes nothing out of date.
_DEFAULT = "default:"
# A reference image that was not fetched, and a ratio that follows it.
UNKNOWN = "?"
_REFERENCES = "references"
_CONVERSATION = "conversation"
_DEFAULTED = frozenset({"model", "aspect", "size", "thinking"})
_LENGTH = 16  # hexadecimal digits of a hash
_OTHERS = tuple(name for name in Parameters.__struct_fields__ if name != "thinking")


def parts(
    prompt: str,
    shape: tuple[str, str, str],
    parameters: Parameters,
    references: Sequence[str],
    builtin: frozenset[str],
    edits: Edits = NO_EDITS,
) -> dict[str, str]:
    """Return the parts of a request.

    Args:
        prompt: as sent.
        shape: model, aspect and size.
        parameters: of the request.
        references: SHA-256 of each reference image, hexadecimal; or UNKNOWN.
        builtin: which of `model`, `aspect` and `size` are built-in defaults.
        edits: what is done to the image.
    """
    asked = {"prompt": _hash(prompt), **_shared(shape, parameters, builtin)}
    asked |= {name: _hash(str(value)) for name, value in edits.options.items()}
    if references:
        asked[_REFERENCES] = _joined(references)
    return asked


def with_references(
    asked: Asked, references: Sequence[str], aspect: str, conversation: str | None = None
) -> dict[str, str]:
    """Return the parts of a request with other reference images, and the ratio that follows them.

    Args:
        asked: the parts.
        references: as for `parts`.
        aspect: the ratio; or UNKNOWN.
        conversation: SHA-256 of what it goes on from; or UNKNOWN; None if it begins anew.
    """
    default = _DEFAULT if asked["aspect"].startswith(_DEFAULT) else ""
    ratio = default + (aspect if aspect == UNKNOWN else _hash(aspect))
    found = {**asked, "aspect": ratio}
    if references:
        found[_REFERENCES] = _joined(references)
    return found if conversation is None else {**found, _CONVERSATION: _joined([conversation])}


def fingerprint(asked: Asked) -> str:
    """Return the SHA-256 of a request, hexadecimal: equal for what is asked in the same way."""
    sent = sorted(pair for pair in asked.items() if not pair[1].startswith(_DEFAULT))
    return hashlib.sha256("\n".join(map("=".join, sent)).encode("ascii")).hexdigest()


def key(asked: Asked) -> str:
    """Return what two requests must have in common to differ in what has a default at most."""
    return " ".join(f"{name}={asked[name]}" for name in sorted(asked) if name not in _DEFAULTED)


def changed(then: Asked, now: Asked) -> list[str]:
    """Return the names of the parts that ask for something else.

    A default equals its value, written out; and itself, whatever value it had.
    """
    return [
        name
        for name in dict.fromkeys((*now, *then))
        if then.get(name) != now.get(name) and not _agree(then.get(name), now.get(name))
    ]


def is_value(asked: Asked, part: str, value: str) -> bool:
    """Return whether a part had this value, as a default or not."""
    return asked.get(part, "").removeprefix(_DEFAULT) == _hash(value)


def in_words(names: Sequence[str], then: Asked, now: Asked, images: Sequence[str]) -> str:
    """Return what changed, such as `prompt, reference hero.png`.

    Args:
        names: as `changed` returns them.
        then, now: the parts.
        images: the names of the reference images now.
    """
    words: list[str] = []
    for name in names:
        words += _references(then, now, images) if name == _REFERENCES else [name]
    return ", ".join(words)


def _references(then: Asked, now: Asked, images: Sequence[str]) -> Iterator[str]:
    before, after = then.get(_REFERENCES, "").split(), now.get(_REFERENCES, "").split()
    new = [image for image, each in zip(images, after, strict=True) if each not in before]
    yield from (f"reference {name}" for name in new)
    if not new:
        gone = len(before) - len(after)
        yield f"{gone} reference less" if gone > 0 else "order of the references"


def _joined(references: Sequence[str]) -> str:
    return UNKNOWN if UNKNOWN in references else " ".join(each[:_LENGTH] for each in references)


def _agree(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return UNKNOWN in (one, other)
    if one.startswith(_DEFAULT) and other.startswith(_DEFAULT):
        return True
    values = one.removeprefix(_DEFAULT), other.removeprefix(_DEFAULT)
    return UNKNOWN in values or values[0] == values[1]


@lru_cache(1024)
def _shared(
    shape: tuple[str, str, str], parameters: Parameters, builtin: frozenset[str]
) -> dict[str, str]:
    """Return the parts that many rows share."""
    asked = {
        name: (_DEFAULT if name in builtin else "") + _hash(value)
        for name, value in zip(("model", "aspect", "size"), shape, strict=True)
    }
    level = parameters.thinking
    default = _DEFAULT + _hash(default_thinking(shape[0]))
    asked["thinking"] = default if level is None else _hash(level)
    for name in _OTHERS:
        value = getattr(parameters, name)
        # Nothing is sent for a search that is off, or a system instruction that is empty.
        if value is not None and value is not False and value != "":
            asked[name] = _hash(repr(value))
    return asked


def default_thinking(model_id: str) -> str:
    """Return the level of a model that is asked for none; "" when not known."""
    model = MODELS.get(model_id)
    if model is None:
        return ""
    return model.default_thinking or ("minimal" if "minimal" in model.thinking else "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]
