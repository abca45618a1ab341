"""Build the ledger's lines for a call: its intent and its outcome."""

from __future__ import annotations

import uuid
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.batch.history import UnsettledCall
from nanobanana_cli.batch.ledger import Event, LedgerLine, now
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.errors import Charged
from nanobanana_cli.money import MICRO
from nanobanana_cli.types import Result


def intent(step: Step, provider: str) -> LedgerLine:
    """Return the line for a call that is about to be sent."""
    item = step.item
    return LedgerLine(
        event="intent",
        id=uuid.uuid4().hex,
        row=item.target,
        fingerprint=item.fingerprint,
        cost_usd=_usd(step.price),
        time=now(),
        provider=provider,
        model=item.settings.model,
        size=item.settings.size,
        replaces=step.sha256,
    )


def outcome(call: LedgerLine, result: Result, root: Path) -> LedgerLine:
    """Return the line for the outcome of a call.

    Args:
        call: its intent.
        result: the result of the call.
        root: the output folder.
    """
    error = None if result.status == "written" else result.error
    line = LedgerLine(
        event="failed" if error else "written",
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        cost_usd=0.0 if error and error.charged is Charged.NO else call.cost_usd,
        time=now(),
        seconds=None if result.seconds is None else round(result.seconds, 2),
        attempts=result.attempts or None,
        response_id=result.reply.response_id if result.reply else None,
    )
    if error is not None:
        return replace(line, error=error.record())
    return replace(
        line,
        path=Path(result.path or "").relative_to(root).as_posix(),
        sha256=result.sha256,
        bytes=result.size,
        width=result.width,
        height=result.height,
        mime_type=result.mime_type,
        alt=result.alt,
    )


def dropped(call: UnsettledCall) -> LedgerLine:
    """Return the line that settles an unknown call whose image is made again."""
    return _settled("dropped", call)


def recovered(step: Step) -> LedgerLine:
    """Return the outcome of a call whose image was saved just before its run was killed."""
    line = _settled("written", step.unknown[-1])
    return replace(line, path=step.path, sha256=step.sha256)


def _settled(event: Event, call: UnsettledCall) -> LedgerLine:
    return LedgerLine(
        event=event,
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        cost_usd=_usd(call.cost),
        time=now(),
    )


def _usd(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO
