"""Show what there is of a batch, what failed, why, when, and what it cost: for `--status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.commands.batch import gallery_page
from nanobanana_cli.commands.batch.plan import BatchJob, amount
from nanobanana_cli.commands.results import step_summary, with_file
from nanobanana_cli.errors import Charged, OutcomeUnknown
from nanobanana_cli.money import dollars, usd
from nanobanana_cli.types import Result
from nanobanana_cli.ui.terminal import Terminal

_COLUMNS = ("Status", "Image", "When", "Cost", "Details")
_WORDS = {
    "unchanged": "there",
    "text": "there",
    "make": "missing",
    "refused": "failed",
    "bad-reply": "failed",
}
_IS_THERE = ("there", "exists", "changed")


class RowStatus(msgspec.Struct, frozen=True):
    """The state of one image, as the ledger and the files tell it.

    Args:
        step: the image, and what a run would do for it.
        status: `there`, `failed`, `missing`, `unknown` (its call's outcome was not recorded), or
            the step's state.
        details: why; "" when the status says it all.
        time: when it was made, or its call failed: UTC, ISO 8601; None when not known.
        cost: micro-dollars of that call; None when not known.
        charged: whether they were charged; None if no call is known.
        error: the kind of the failure.
    """

    step: Step
    status: str
    details: str
    time: str | None = None
    cost: int | None = None
    charged: Charged | None = None
    error: str | None = None


class StatusError(msgspec.Struct, frozen=True):
    """The failure of an image's last call, as the ledger has it.

    Args:
        kind: a stable name of what happened.
        message: what happened, for people.
        charged: whether the call was charged; null if no call is known.
    """

    kind: str
    message: str
    charged: Charged | None


class StatusLine(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one image of a batch.

    Args:
        path: the image; null if it is not there.
        status: there, missing, failed, unknown (the outcome of its call was not recorded), or what
            a run would do.
        details: why.
        time: when it was made, or its call failed; UTC, ISO 8601.
        cost_usd: the price of that call; null if it is not known.
        prompt, model, aspect, size: what is asked.
        mime_type, width, height, bytes, sha256: the file.
        alt, alt_path: its alt text, and the file that holds it.
        error: why it failed.
        output: the place that the manifest names.
        row: the number of the manifest's row, from 1.
        id, note: as in the manifest.
    """

    path: str | None
    status: str
    details: str | None
    time: str | None
    cost_usd: float | None
    prompt: str
    model: str
    aspect: str | None
    size: str | None
    mime_type: str | None
    width: int | None
    height: int | None
    bytes: int | None
    sha256: str | None
    alt_path: str | None
    alt: str | None
    error: StatusError | None
    output: str
    row: int
    id: str | int | None
    note: str | None


def show(job: BatchJob, terminal: Terminal) -> None:
    """List the images of a manifest with their status; nothing is sent."""
    gallery_page.check(job)
    steps, past, _ = job.plan(terminal)
    rows = [_row(step, past) for step in steps]
    if job.chosen.streams.json:
        for row in rows:
            terminal.json(_line(job, row))
    elif rows:
        terminal.table(_COLUMNS, _cells(job, rows))
    counts = Counter(row.status for row in rows)
    parts = [f"{count} {status}" for status, count in counts.most_common()]
    if past.spent or past.unpriced:
        parts.append(f"the ledger records {amount(past.spent, past.unpriced)}")
    summary = ", ".join([*parts, "nothing was sent"])
    terminal.note(summary)
    title = f"nb batch {job.name} --status"
    step_summary(terminal, title, summary, _COLUMNS, _cells(job, rows))
    gallery_page.write(job, terminal, steps, past, {})


def _cells(job: BatchJob, rows: Sequence[RowStatus]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield row.status, job.path(row.step), _when(row.time), _cost(row), row.details


def _row(step: Step, past: History) -> RowStatus:
    status = _WORDS.get(step.state, step.state)
    failure = past.failed.get(step.item.target)
    if status == "unknown" and not step.doubts[-1].message:
        call, kind = step.doubts[-1], OutcomeUnknown.kind
        return RowStatus(step, status, step.reason, call.time, call.cost, Charged.MAYBE, kind)
    if status in ("missing", "failed", "unknown") and failure is not None:
        charged = Charged(failure.charged)
        message = (
            f"its text: {failure.message}" if step.path and step.lacks_text else failure.message
        )
        return RowStatus(
            *(step, "failed", message, failure.time, failure.cost, charged, failure.kind)
        )
    if step.path is None:
        return RowStatus(step, status, step.reason)
    made = [each for each in past.made_for(step.item.target) if each.path == step.path]
    if not made or step.kept:
        return RowStatus(step, status, step.reason)
    charged = Charged.YES if made[-1].paid else Charged.NO
    return RowStatus(step, status, step.reason, made[-1].time, made[-1].cost, charged)


def _when(time: str | None) -> str:
    """Return a time of a ledger in this machine's zone, to the minute."""
    try:
        return datetime.fromisoformat(time or "").astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def _cost(row: RowStatus) -> str:
    if row.charged is None:
        return ""
    if row.charged is Charged.NO:
        return "free" if row.error is None else "not charged"
    price = dollars(row.cost)
    return f"at most {price}" if row.charged is Charged.MAYBE and row.cost else price


def _line(job: BatchJob, row: RowStatus) -> StatusLine:
    item, path = row.step.item, Path(job.path(row.step))
    request = item.request(())
    is_there = row.step.path is not None and (row.status in _IS_THERE or row.step.lacks_text)
    result = Result("unchanged", request, "", str(path), sha256=row.step.sha256)
    if is_there:
        text = item.alt_file
        result = with_file(result, path, None if text is None else job.root / text)
    error = StatusError(row.error, row.details, row.charged) if row.error else None
    return StatusLine(
        path=str(path) if is_there else None,
        status=row.status,
        details=row.details or None,
        time=row.time,
        cost_usd=usd(row.cost),
        prompt=request.prompt,
        model=request.model,
        aspect=request.aspect,
        size=request.size,
        mime_type=result.mime_type,
        width=result.width,
        height=result.height,
        bytes=result.size,
        sha256=result.sha256,
        alt_path=result.alt_path,
        alt=result.alt,
        error=error,
        output=str(job.root / item.target),
        row=item.row,
        id=item.id,
        note=item.note,
    )
