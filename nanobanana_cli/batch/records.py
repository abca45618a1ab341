"""Build the lines of a ledger: before a call, after it, and for one that a killed run left open."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.batch.history import UnsettledCall
from nanobanana_cli.batch.ledger import Event, LedgerLine
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.errors import Charged
from nanobanana_cli.money import usd
from nanobanana_cli.types import Result


def intent_line(step: Step, provider: str) -> LedgerLine:
    """Return the line for a call that is about to be sent."""
    item = step.item
    return LedgerLine(
        event="intent",
        id=uuid.uuid4().hex,
        row=item.target,
        fingerprint=item.fingerprint,
        cost_usd=usd(step.price),
        time=_now(),
        provider=provider,
        model=item.settings.model,
        size=item.settings.size,
        replaces=step.sha256,
    )


def outcome_line(call: LedgerLine, result: Result, root: Path) -> LedgerLine:
    """Return the line for the outcome of a call.

    Args:
        call: its intent.
        result: the result of the call.
        root: the output folder.
    """
    error = None if result.status == "written" else result.error
    cost = call.cost_usd if result.cost is None else usd(result.cost)
    line = LedgerLine(
        event="failed" if error else "written",
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        cost_usd=0.0 if error and error.charged is Charged.NO else cost,
        time=_now(),
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


def settled_line(
    event: Event, call: UnsettledCall, path: str | None = None, sha256: str | None = None
) -> LedgerLine:
    """Return the line that settles an unknown call.

    Args:
        event: `dropped` if its image is made again, `written` if it had saved its image.
        call: the call.
        path, sha256: of the image that was saved.
    """
    return LedgerLine(
        event=event,
        id=call.id,
        row=call.row,
        fingerprint=call.fingerprint,
        cost_usd=usd(call.cost),
        time=_now(),
        path=path,
        sha256=sha256,
    )


def _now() -> str:
    """Return the current time as in a ledger: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
