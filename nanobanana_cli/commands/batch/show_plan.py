"""Show the plan of a batch: for `--check` and `--dry-run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

import msgspec

from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.plan import State, Step
from nanobanana_cli.commands.batch import gallery_page
from nanobanana_cli.commands.batch.plan import HINT_KEPT, HINT_WAITING, BatchJob, amount
from nanobanana_cli.commands.results import step_summary
from nanobanana_cli.errors import BatchIncomplete, Charged
from nanobanana_cli.money import dollars, usd
from nanobanana_cli.ui import github
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal

# A longer table takes long to draw, since all of it must be known first.
_MAX_TABLE_ROWS = 500
_COLUMNS = ("Plan", "Image", "Price", "Reason")


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a run for one image of a batch.

    Args:
        path: where the image is or will be.
        plan: what would be done; unchanged for an image that is up to date.
        reason: why.
        prompt, model, aspect, size: what is asked; the ratio is null where it follows an image
            that is not there yet.
        cost_usd: what a run would pay for it; null if the price is not known.
        fingerprint: of what is asked of the model; null while a reference image is not known.
        row: the number of the manifest's row, from 1.
        id, note: as in the manifest.
    """

    path: str
    plan: State
    reason: str | None
    prompt: str
    model: str
    aspect: str | None
    size: str
    cost_usd: float | None
    fingerprint: str | None
    row: int
    id: str | int | None
    note: str | None


def show(job: BatchJob, terminal: Terminal) -> None:
    """List the plan: for `--check` what is not up to date, for `--dry-run` all of it.

    Raises:
        BatchIncomplete: for `--check`, when not everything is up to date.
    """
    gallery_page.check(job)
    steps, past, _ = job.plan(terminal)
    stale = [step for step in steps if step.state != "unchanged" and not job.is_left_alone(step)]
    shown = stale if job.chosen.check else steps
    if job.chosen.streams.json:
        for step in shown:
            terminal.json(_line(job, step))
    elif len(shown) > _MAX_TABLE_ROWS:
        for row in _rows(job, shown):
            terminal.result("\t".join(row))
    elif shown:
        terminal.table(_COLUMNS, _rows(job, shown))
    summary = "; ".join(_summary(job, steps, past, terminal))
    terminal.note(summary)
    title = f"nb batch {job.name} {'--check' if job.chosen.check else '--dry-run'}"
    step_summary(terminal, title, summary, _COLUMNS, _rows(job, shown))
    gallery_page.write(job, terminal, steps, past, {})
    if job.chosen.check and stale:
        _annotate(job, stale, terminal)
        raise BatchIncomplete(
            f"{len(stale)} of {len(steps)} images are not up to date",
            hint=_next_command(job, stale),
            charged=Charged.NO,
        )


def _rows(job: BatchJob, steps: Sequence[Step]) -> Iterator[tuple[str, str, str, str]]:
    return ((step.state, job.path(step), _price(job, step), step.reason) for step in steps)


def _annotate(job: BatchJob, stale: Sequence[Step], terminal: Terminal) -> None:
    for step in stale[: github.MOST["warning"]] if terminal.github.is_on else ():
        what = f"{step.state}, {step.reason}" if step.reason else step.state
        terminal.annotate("warning", f"{job.path(step)}: {what}", job.place(step))


def _next_command(job: BatchJob, stale: Sequence[Step]) -> str:
    if any(step.kept for step in stale) and not job.chosen.force:
        return HINT_KEPT
    if not any(map(job.is_due, stale)):
        return job.retry_command(_prices(job.in_doubt(stale))) or HINT_WAITING
    return job.command(check=False)


def _price(job: BatchJob, step: Step) -> str:
    if step.state == "unchanged" or (step.kept and not job.chosen.force):
        return ""
    return dollars(None) if step.price is None else amount(step.price, 0, "free", job.price_word)


def _line(job: BatchJob, step: Step) -> PlanLine:
    item = step.item
    return PlanLine(
        path=job.path(step),
        plan=step.state,
        reason=step.reason or None,
        prompt=item.prompt,
        model=item.settings.model,
        aspect=item.request(()).aspect,
        size=item.settings.size,
        cost_usd=usd(step.price if job.is_due(step) else 0),
        fingerprint=None if item.is_guess or step.after else item.fingerprint,
        row=item.row,
        id=item.id,
        note=item.note,
    )


def _summary(
    job: BatchJob, steps: Sequence[Step], past: History, terminal: Terminal
) -> Iterator[str]:
    counts: Counter[str] = Counter(step.state for step in steps)
    states = [f"{counts[state]} {state}" for state in get_args(State) if counts[state]]
    yield ", ".join(states) or "no images"
    due = job.due(steps)
    at_hand = job.at_hand(steps)
    if at_hand:
        yield f"{len(at_hand)} at hand"
    if due:
        yield f"{len(due)} to make for {job.cost(due)}"
    if hint := job.retry_hint(_prices(job.in_doubt(steps))):
        yield hint
    kept = sum(bool(step.kept) for step in steps)
    if kept and job.chosen.skip_existing:
        yield f"{kept} left alone"
    elif kept and not job.chosen.force:
        yield f"{kept} not replaced without --force"
    if guesses := sum(step.item.is_guess for step in steps):
        rows = counted(guesses, "row")
        yield f"reference images at addresses were not fetched: {rows} may differ"
    if stale := job.made_stale(steps, terminal):
        yield stale
    if past.spent or past.unpriced:
        yield f"the ledger records {amount(past.spent, past.unpriced)}"
    yield "nothing was sent"


def _prices(steps: Sequence[Step]) -> list[tuple[str, int | None]]:
    return [(step.state, step.price) for step in steps]
