"""Recognise what ledgers of form 1 recorded, so that nobody pays for an image again.

They have one fingerprint of all that was sent, with the provider and the request for a text in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

from msgspec.structs import replace

from nanobanana_cli.batch import asked
from nanobanana_cli.batch.item import Item, RowSettings
from nanobanana_cli.catalog import DEFAULT_ASPECT
from nanobanana_cli.images.edits import NO_EDITS
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
    if item.settings.edits != NO_EDITS:
        return
    prompt = json.dumps(item.prompt)
    parts = item.settings, item.parameters, item.identities
    for before, after in _around(*parts, item.leaves_aspect, takes_sandbox):
        yield hashlib.sha256(f"{before}{prompt}{after}".encode("ascii")).hexdigest()


@lru_cache(1024)
def _around(
    settings: RowSettings,
    parameters: Parameters,
    references: tuple[tuple[str, str], ...],
    leaves_aspect: bool,
    takes_sandbox: bool,
) -> tuple[tuple[str, str], ...]:
    """Return what may have been sent before and after a prompt, which many rows share."""
    aspects = dict.fromkeys((settings.aspect, *((DEFAULT_ASPECT,) if leaves_aspect else ())))
    origins = _PAID + _FREE if takes_sandbox else _PAID
    level, default = parameters.thinking, asked.default_thinking(settings.model) or None
    levels = dict.fromkeys((None, default) if level in (None, default) else (level,))
    found = []
    for origin, aspect, level, alt in product(origins, aspects, levels, (False, True)):
        shape = settings.model, aspect, settings.size
        sent = replace(parameters, thinking=level)
        found.append(_sent(origin, shape, sent, references, alt=alt))
    return tuple(found)


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
    before, after = _sent(origin, shape, parameters, references, alt=alt)
    return hashlib.sha256(f"{before}{json.dumps(prompt)}{after}".encode("ascii")).hexdigest()


def _sent(
    origin: str,
    shape: tuple[str, str, str],
    parameters: Parameters,
    references: Sequence[tuple[str, str]],
    *,
    alt: bool,
) -> tuple[str, str]:
    """Return the JSON array of all that was sent, cut where the prompt is; as `fingerprint`."""
    model, aspect, size = shape
    rest: list[object] = [
        *(aspect, size, references),
        parameters.thinking,
        bool(parameters.search),
        parameters.system or None,
        parameters.temperature,
        parameters.seed,
    ]
    newer = ((name, getattr(parameters, name)) for name in _NEWER)
    rest.extend(pair for pair in newer if pair[1] is not None)
    if alt:
        rest.append("alt")
    before = json.dumps([_VERSION, origin, model]).removesuffix("]")
    return f"{before}, ", f", {json.dumps(rest).removeprefix('[')}"
