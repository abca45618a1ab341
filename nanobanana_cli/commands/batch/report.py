"""Report the results of a batch as they come, and sum up at the end."""

from __future__ import annotations

import glob
import math
import time
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from msgspec.structs import replace

from nanobanana_cli.batch import history
from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.runner import Done
from nanobanana_cli.batch.throttle import NotSent
from nanobanana_cli.commands.batch import gallery_page
from nanobanana_cli.commands.batch.failures import FailedRow, blocks
from nanobanana_cli.commands.batch.plan import HINT_WAITING, BatchJob, amount
from nanobanana_cli.commands.batch.row_lines import RowLines
from nanobanana_cli.errors import BadReply, BatchIncomplete, Charged, Interrupted, NbError
from nanobanana_cli.generation.destinations import MisplacedImage
from nanobanana_cli.generation.edit import LOSES_PROVENANCE
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result, Status
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal

_MOST_REMADE = 10
_DOUBTS = get_args(history.Doubt)
_NOT_DUE: dict[str, Status] = {
    "unchanged": "unchanged",
    "unknown": "unknown",
    "refused": "failed",
    "bad-reply": "failed",
    "waiting": "skipped",
}


class BatchReport:
    """Show results as they come, and sum up.

    Args:
        terminal: shows the results.
        job: the manifest and options.
        steps: the whole plan; the steps that are not due are shown at once.
        past: the content of the ledgers before the run.
        due: the steps to make.
        allowed: micro-dollars that the run may cost; None is no limit.

    Attributes:
        spent: micro-dollars by now; set by the run.
        finished: the number of images that were made or failed by now.
    """

    def __init__(
        self,
        terminal: Terminal,
        job: BatchJob,
        steps: Sequence[Step],
        past: History,
        due: Sequence[Step],
        allowed: int | None,
    ) -> None:
        self.terminal = terminal
        self.spent = 0
        self.finished = 0
        self._unpriced = 0
        self._reused = 0
        self._counts: Counter[str] = Counter()
        # Why images were not made without another, and how many.
        self._skips: Counter[str] = Counter()
        self._rows = RowLines(terminal, job)
        self._job = job
        self._steps = steps
        self._past = past
        self._due = len(due)
        # By target, what is due and not made by now, in order; and what was tried.
        self._left = {step.item.target: step for step in due}
        self._tried: set[str] = set()
        self._without_text = 0
        # The images whose conversations could not be kept.
        self._without_turns: list[str] = []
        self._allowed = allowed
        self._total = len(due)
        self._began = time.monotonic()
        self._failures: list[FailedRow] = []
        # How many images have lost something by a conversion.
        self._conversions: Counter[str] = Counter()
        self._results: dict[str, Result] = {}
        # Why each image that is left may have been paid for, and the price of another call.
        self._not_due = job.in_doubt(steps)
        self._doubts = [(step.state, step.price) for step in self._not_due]
        targets = {step.item.target for step in due}
        for step in steps:
            status = "skipped" if job.is_left_alone(step) else _NOT_DUE.get(step.state)
            if status is None or step.item.target in targets:
                continue
            self._total += 1
            if step.state == "waiting":
                self._not_due.append(step)
                self._skipped(step, f"waiting {step.reason}")
            else:
                self._counts[status] += 1
                self._rows.left_alone(step, status)

    @property
    def charged(self) -> Charged:
        """True if the run has cost money by now."""
        if not self.spent and not self._unpriced:
            return Charged.NO
        unsure = any(row.error.charged is Charged.MAYBE for row in self._failures)
        return Charged.MAYBE if unsure else Charged.YES

    def done(self, done: Done) -> None:
        """Show the result of a step."""
        self.finished += 1 + len(done.dropped)
        if done.result.status == "skipped" and done.result.error is not None:
            self._skipped(done.step, done.result.error.message)
        else:
            self._ended(done)
        is_made = done.result.status == "written"
        why = "whose conversation was not kept" if is_made else "which was not made"
        for each in done.dropped:
            self._skipped(each, f"made from {self._job.path(done.step)}, {why}")

    def _ended(self, done: Done) -> None:
        step, result, error = done.step, done.result, done.result.error
        self._unpriced += step.price is None and done.charged is not Charged.NO
        self._counts[result.status] += 1
        if self._job.chosen.gallery is not None:
            # Without the reference images, which would stay in memory to the end of the run.
            request = replace(result.request, references=())
            self._results[step.item.target] = replace(result, request=request)
        self._tried.add(step.item.target)
        self._left[step.item.target] = step
        if result.status in ("written", "unchanged"):
            self._made(step, result)
        if error is not None:
            self._failed(step, result, error)
        self._rows.show(step, result)

    def _made(self, step: Step, result: Result) -> None:
        del self._left[step.item.target]
        is_without_text = step.lacks_text and result.status == "written" and not result.alt_path
        if isinstance(result.error, BadReply):
            self._without_turns.append(step.item.target)
        else:
            self._without_text += is_without_text or result.error is not None
        self._reused += result.status == "written" and not result.attempts
        for note in result.notes:
            # A picture of the sandbox has none to lose.
            self._conversions[note] += LOSES_PROVENANCE in note and result.provider != "sandbox"

    def _failed(self, step: Step, result: Result, error: NbError) -> None:
        """Note an image that failed, or that lacks its text."""
        cost = step.price if result.cost is None else result.cost
        self._failures.append(FailedRow(self._job.path(step), error, cost))
        kind = history.doubt(error.kind, error.charged.value)
        if kind and result.status != "written" and not isinstance(error, MisplacedImage):
            self._doubts.append((kind, step.price))

    def _skipped(self, step: Step, reason: str) -> None:
        """Note and show an image that was not made, since one that it is made from is missing."""
        self._skips[reason] += 1
        self._counts["skipped"] += 1
        request, provider = step.item.request(()), self._job.settings.provider
        result = Result("skipped", request, provider, error=NotSent(reason))
        self._results[step.item.target] = result
        self._rows.show(step, result)

    def progress(self, in_flight: int, held_for: float) -> str:
        """Return one line: images made, rate, time left, and cost.

        Args:
            in_flight: the number of calls in flight.
            held_for: seconds until the rate limit allows the next call; 0 when it does now.
        """
        minutes = (time.monotonic() - self._began) / 60
        rate = self._counts["written"] / minutes if minutes > 0 else 0
        parts = [f"{self._counts['written']} done"]
        if self._counts["failed"]:
            parts.append(f"{self._counts['failed']} failed")
        parts.append(f"{in_flight} in flight")
        if rate:
            left = (self._due - self.finished) / rate * 60
            parts += [f"{rate:.0f}/min", f"{_clock(left)} left"]
        if held_for > 0:
            parts.append(f"the service is busy: waiting {math.ceil(held_for)} s")
        allowed = "" if self._allowed is None else f" of {dollars(self._allowed, zero='$0')}"
        parts.append(amount(self.spent, self._unpriced) + allowed)
        return ", ".join(parts)

    def tell_draining(self, signum: int) -> None:
        """Announce that the run ends once the calls in flight are done."""
        name = Interrupted(signum).name
        self.terminal.note(
            f"{name}: no new calls; waiting for those in flight (repeat to stop now)"
        )

    def write_gallery(self) -> NbError | None:
        """Write the gallery if one is wanted, and return the error if it cannot be written."""
        try:
            gallery_page.write(self._job, self.terminal, self._steps, self._past, self._results)
        except NbError as error:
            return error
        return None

    def close(self, signum: int, reason: NbError | None) -> None:
        """Sum up.

        Args:
            signum: the signal that stopped the run; 0 when none did.
            reason: the error that stopped it.

        Raises:
            NbError: not everything that was asked for was made.
        """
        if self._failures:
            for line in blocks(self._failures):
                self.terminal.problem(line)
        for why, count in self._skips.items():
            self.terminal.problem(f"{counted(count, 'image')} skipped: {why}")
        for note, count in self._conversions.items():
            if count:
                self.terminal.warn(f"{counted(count, 'image')}: {note}")
        summary = self._summary()
        self.terminal.note(summary)
        self._rows.write_summary(summary)
        failed = self._counts["failed"] + self._counts["unknown"] + self._due - self.finished
        hint = self._hint(failed)
        if signum:
            interrupted = Interrupted(signum)
            interrupted.hint = hint
            raise interrupted
        if reason is not None:
            raise reason
        if failed or self._skips or self._failures or self._without_text:
            raise BatchIncomplete(self._incomplete(), hint=hint or HINT_WAITING)

    def _incomplete(self) -> str:
        """Return how many images are missing, out of date, or without text or conversation."""
        counts = Counter(
            "missing" if step.path is None else "without text" if step.lacks_text else "out of date"
            for step in (*self._left.values(), *self._not_due)
        )
        counts["without text"] += self._without_text
        counts["without conversation"] += len(self._without_turns)
        kinds = ("missing", "out of date", "without text", "without conversation")
        parts = [f"{counts[kind]} {kind}" for kind in kinds if counts[kind]]
        number, _, first = parts[0].partition(" ")
        return ", ".join([f"{number} of {self._total} images are {first}", *parts[1:]])

    def _hint(self, failed: int) -> str:
        """Return how to go on: what this run has made again is not to be made again unasked."""
        if self._job.chosen.remake:
            if len(self._left) > _MOST_REMADE:
                return "run it again with --remake for the images that are missing"
            rest = self._job.command(remake=list(map(glob.escape, self._left)))
            return f"run this to continue: {rest}"
        left = (step for target, step in self._left.items() if target not in self._tried)
        untried = [(step.state, step.price) for step in left if step.state in _DOUBTS]
        doubts = [*self._doubts, *untried]
        # To try those again that wait for others helps only once these are there.
        is_more = failed > len(doubts) or self._without_text
        again = f"run it again to continue: {self._job.command(retry=None)}"
        hints = [again if is_more else None, self._job.retry_command(doubts)]
        if 0 < len(self._without_turns) <= _MOST_REMADE:
            anew = self._job.command(remake=list(map(glob.escape, self._without_turns)))
            hints.append(f"to make them with their conversations, in new, paid calls: {anew}")
        return "\n".join(filter(None, hints))

    def _summary(self) -> str:
        counts = self._counts
        at_most = "at most " if self.spent and self.charged is Charged.MAYBE else ""
        cost = at_most + amount(self.spent, self._unpriced)
        seconds = time.monotonic() - self._began
        parts = [f"{counts['written']} made in {_clock(seconds)} for {cost}"]
        if self._reused:
            parts.append(f"{self._reused} of them without a call")
        shown = ("failed", "unchanged", "skipped", "unknown")
        parts += [f"{counts[status]} {status}" for status in shown if counts[status]]
        if self._due > self.finished:
            parts.append(f"{self._due - self.finished} not made")
        return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
