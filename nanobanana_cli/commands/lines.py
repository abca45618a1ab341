"""Define the JSON lines of images; those of one command alone are defined where it prints them.

`nb help --json` prints the schemas of all of them, made from these records and their docstrings.
"""

from __future__ import annotations

from typing import Any, Self

import msgspec
from msgspec import UNSET, UnsetType

from nanobanana_cli.money import usd
from nanobanana_cli.types import ErrorRecord, Result, Status, Usage


class ResultLine(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one image; fields are only ever added.

    Args:
        path: the image, - for stdout; null if there is none.
        status: unknown if the outcome of the call is.
        prompt, provider, model, aspect, size: what was asked, and of whom.
        model_version, response_id: as the service names them.
        mime_type, width, height, bytes, sha256: the file.
        alt: the alt text or description.
        alt_path: the file that holds it.
        chat_path: the file that holds the conversation, if it was asked for.
        original_path: the image as it was received, beside its cut-out.
        seconds: the time of the call that was answered.
        attempts: how often the request was sent.
        cost_usd: the price of the call; null if it is not known.
        usage: the tokens that the service reports.
        source: the existing image that a text is about, where the call failed.
        lang: the language asked for.
        notes: for people.
        error: what failed.
    """

    path: str | None
    status: Status
    prompt: str | None
    provider: str | None
    model: str | None
    model_version: str | None
    aspect: str | None
    size: str | None
    mime_type: str | None
    width: int | None
    height: int | None
    bytes: int | None
    sha256: str | None
    alt_path: str | None
    alt: str | None
    seconds: float | None
    attempts: int
    cost_usd: float | None
    response_id: str | None
    usage: Usage | None
    chat_path: str | UnsetType = UNSET
    original_path: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    lang: str | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    error: ErrorRecord | UnsetType = UNSET

    @classmethod
    def of(cls, result: Result, **more: Any) -> Self:
        """Return the line of a result.

        Args:
            more: the fields that a subclass adds.
        """
        request, reply = result.request, result.reply
        has_failed = result.status in ("failed", "unknown")
        return cls(
            path=None if has_failed else result.path,
            status=result.status,
            prompt=request.prompt or None,
            provider=result.provider or None,
            model=request.model or None,
            model_version=reply.model_version if reply else None,
            aspect=request.aspect,
            size=request.size,
            mime_type=result.mime_type,
            width=result.width,
            height=result.height,
            bytes=result.size,
            sha256=result.sha256,
            alt_path=result.alt_path,
            alt=result.alt,
            seconds=None if result.seconds is None else round(result.seconds, 2),
            attempts=result.attempts,
            cost_usd=usd(result.cost),
            response_id=reply.response_id if reply else None,
            usage=reply.usage if reply else None,
            chat_path=UNSET if result.chat_path is None else result.chat_path,
            original_path=UNSET if result.original_path is None else result.original_path,
            # An existing image: under `path` it would look like a result.
            source=result.path if has_failed and result.path is not None else UNSET,
            lang=UNSET if result.lang is None else result.lang,
            notes=result.notes or UNSET,
            error=UNSET if result.error is None else ErrorRecord.of(result.error),
            **more,
        )


class RowLine(ResultLine, frozen=True, kw_only=True):
    """The result for one image of a batch; fields are only ever added.

    Args:
        output: the place that the manifest names.
        row: the number of the manifest's row, from 1.
        id, note: as in the manifest.
    """

    output: str
    row: int
    id: str | int | None
    note: str | None
