"""Recognise what ledgers of form 1 recorded, so that nobody pays for an image again.

They have one fingerprint of all that was sent, with the provider and the request for a text in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import product

from msgspec.structs import replace

from nanobanana_cli.batch import asked
from nanobanana_cli.batch.item import Item
from nanobanana_cli.catalog import DEFAULT_ASPECT
from nanobanana_cli.types import Parameters

_VERSION = 1
_PAID = ("wisgate", "google")
# A server on this machine may have been a sandbox, and the ledger does not say.
_FREE = ("sandbox", *(f"{name} on this machine" for name in _PAID))
# The parameters of then are always in the fingerprint.
_NEWER = Parameters.__struct_fields__[5:]


def fingerprints(item: Item, *, takes_sandbox: bool) -> Iterator[str]:
    """Yield the fingerprints under which an image of the item may be recorded.

    Args:
        item: the image.
        takes_sandbox: images of a sandbox will do.
    """
    settings = item.settings
    aspects = dict.fromkeys((settings.aspect, *((DEFAULT_ASPECT,) if item.leaves_aspect else ())))
    origins = _PAID + _FREE if takes_sandbox else _PAID
    level, default = item.parameters.thinking, asked.default_thinking(settings.model) or None
    levels = (None, default) if level in (None, default) else (level,)
    for origin, aspect, level, alt in product(origins, aspects, levels, (False, True)):
        shape = settings.model, aspect, settings.size
        parameters = replace(item.parameters, thinking=level)
        yield fingerprint(origin, item.prompt, shape, parameters, item.identities, alt=alt)


def fingerprint(
    origin: str,
    prompt: str,
    shape: tuple[str, str, str],
    parameters: Parameters,
    references: Sequence[tuple[str, str]] = (),
    *,
    alt: bool = False,
) -> str:
    """Return the fingerprint of form 1, hexadecimal.

    Args:
        origin: the service.
        prompt: as sent.
        shape: model, aspect and size.
        parameters: of the request.
        references: media type and SHA-256 of each reference image.
        alt: a text was asked for, too.
    """
    model, aspect, size = shape
    sent: list[object] = [
        *(_VERSION, origin, model, prompt, aspect, size, references),
        parameters.thinking,
        bool(parameters.search),
        parameters.system or None,
        parameters.temperature,
        parameters.seed,
    ]
    newer = ((name, getattr(parameters, name)) for name in _NEWER)
    sent.extend(pair for pair in newer if pair[1] is not None)
    if alt:
        sent.append("alt")
    return hashlib.sha256(json.dumps(sent).encode("ascii")).hexdigest()
