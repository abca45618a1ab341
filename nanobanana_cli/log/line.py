"""Describe a call and what came of it: a line of the log."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from nanobanana_cli.catalog import PROVIDERS
from nanobanana_cli.errors import Charged
from nanobanana_cli.money import usd
from nanobanana_cli.sandbox import RESPONSE_ID
from nanobanana_cli.settings.redaction import redact
from nanobanana_cli.types import ContentRequest, Endpoint, Reference, Result, Status


class LoggedReference(msgspec.Struct, frozen=True):
    """A reference image.

    Args:
        name: its absolute path, its address without the query, or `-` for stdin.
        sha256: of its bytes.
    """

    name: str
    sha256: str


class LoggedCall(msgspec.Struct, frozen=True):
    """A call that was paid for, or may have been; the JSON line of `nb log`.

    Args:
        time: when its outcome was known, as ISO 8601 in UTC.
        status: `written`, `unchanged` (a text that was only shown), `failed` or `unknown`.
        path: absolute, of the image as it was saved or described; `-` for stdout or stdin.
        sha256: of that file as written; for the text of an existing image, as it was sent.
        prompt: as the user wrote it; None for the text of an existing image.
        provider: of the call; `sandbox` where the reply said that it is one's.
        model: its id, as it was sent.
        settings: what else was asked for, by the names of the options.
        references: the reference images, or the image that a text is about.
        alt: the text that came.
        cost_usd: None where the price is not known, or whether the call was charged.
        charged: `no` for a sandbox, and for all images of a reply but one.
        seconds: of the call that was answered.
        response_id: as the service names it.
        error: the kind of error that it ended with.
    """

    time: str
    status: Status
    path: str | None
    sha256: str | None
    prompt: str | None
    provider: str
    model: str
    settings: dict[str, Any] = {}
    references: tuple[LoggedReference, ...] = ()
    alt: str | None = None
    cost_usd: float | None = None
    charged: Literal["no", "maybe", "yes"] = "yes"
    seconds: float | None = None
    response_id: str | None = None
    error: str | None = None


def of_result(
    result: Result,
    endpoint: Endpoint,
    *,
    settings: Mapping[str, object],
    hashes: Sequence[str] | None = None,
    is_further: bool = False,
) -> LoggedCall | None:
    """Return the line for a result, without keys; None if it cost nothing for sure.

    Args:
        result: what came of a call, with its files saved.
        endpoint: where the call went.
        settings: what the command asked for besides the request; None is left out.
        hashes: SHA-256 of the reference images, if they are known already.
        is_further: another image of the same reply has the cost.
    """
    error, request = result.error, result.request
    failed = error is not None and result.status not in ("written", "unchanged")
    charged = error.charged if error is not None and failed else Charged.YES
    if not result.attempts or charged is Charged.NO:
        return None
    response_id = result.reply.response_id if result.reply else None
    is_free = endpoint.provider == "sandbox" or (response_id or "").startswith(RESPONSE_ID)
    is_sure = charged is Charged.YES
    references = _references(request, hashes)
    is_image = "IMAGE" in request.modalities
    described = references[0].sha256 if references and not is_image else None
    line = LoggedCall(
        time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        status=result.status,
        path=absolute(result.path) if result.path else None,
        sha256=described or result.sha256,
        prompt=request.prompt or None,
        provider="sandbox" if is_free else endpoint.provider,
        model=request.model,
        settings=_settings(request, endpoint, {**settings, **result.edits}, is_free=is_free),
        references=references,
        alt=result.alt,
        cost_usd=0.0 if is_free else usd(result.cost) if is_sure else None,
        charged="no" if is_free or is_further else charged.value,
        seconds=None if result.seconds is None else round(result.seconds, 2),
        response_id=response_id,
        error=error.kind if error else None,
    )
    return _redacted(line, endpoint.secrets)


def payer(results: Sequence[Result]) -> int:
    """Return which result of a call has its cost: the first with an image, or else the first."""
    return next((at for at, each in enumerate(results) if each.status == "written"), 0)


def plain(text: str) -> str:
    """Return a text as the log holds it: bytes that are not UTF-8 spelled out (`\\udcff`)."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _settings(
    request: ContentRequest, endpoint: Endpoint, more: Mapping[str, object], *, is_free: bool
) -> dict[str, Any]:
    is_own = endpoint.base_url != PROVIDERS[endpoint.provider].base_url
    found = {
        "aspect": request.aspect,
        "size": request.size,
        **msgspec.structs.asdict(request.parameters),
        "base_url": endpoint.base_url if is_own and not is_free else None,
        **more,
    }
    return {
        name: plain(value) if isinstance(value, str) else value
        for name, value in found.items()
        if value is not None and value is not False
    }


def _references(
    request: ContentRequest, hashes: Sequence[str] | None
) -> tuple[LoggedReference, ...]:
    if hashes is None:
        hashes = [hashlib.sha256(each.data).hexdigest() for each in request.references]
    named = zip(request.references, hashes, strict=True)
    return tuple(LoggedReference(_name(each), digest) for each, digest in named)


def _name(reference: Reference) -> str:
    if "://" in reference.name:
        return plain(reference.name.partition("?")[0])
    return absolute(reference.name)


def absolute(path: str) -> str:
    """Return a path as the log holds it; `-` as it is."""
    # Unlike Path.absolute, it takes `..` away.
    if path == "-":
        return path
    with suppress(OSError):  # The current folder may be gone; what is logged is paid for.
        path = os.path.abspath(path)  # noqa: PTH100
    return plain(path)


def _redacted(line: LoggedCall, secrets: Sequence[str]) -> LoggedCall:
    text = msgspec.json.encode(line).decode()
    shown = redact(text, secrets)
    return line if shown is text else msgspec.json.decode(shown, type=LoggedCall)
