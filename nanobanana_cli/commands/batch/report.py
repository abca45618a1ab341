"""What a person, or a script, sees of a batch."""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nanobanana_cli.batch.gallery import Entry
from nanobanana_cli.captions import sidecar
from nanobanana_cli.commands.batch.plan import (
    HINT_UNKNOWN,
    BatchJob,
    amount,
    is_left_alone,
    shown_path,
)
from nanobanana_cli.commands.generate import run
from nanobanana_cli.errors import BatchIncomplete, Charged, Interrupted, NbError
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result, Status

if TYPE_CHECKING:
    from nanobanana_cli.batch.plan import Step
    from nanobanana_cli.batch.runner import Done
    from nanobanana_cli.ui.terminal import Terminal

_NAMED = 3
_COLUMNS = ("Failed", "Why", "What to do", "Cost", "Images")
_STATUS: dict[str, Status] = {"unchanged": "unchanged", "unknown": "unknown"}


class BatchReport:
    """Shows results as they come, and sums up.

    Args:
        terminal: where to.
        job: what was asked for.
        steps: the whole plan; what of it is not to be made is shown at once.
        due: the steps to make.
        allowed: micro-dollars that the run may cost; None is no limit.

    Attributes:
        spent: micro-dollars by now; set by the run.
        finished: how many images were made, or not, by now.
    """

    def __init__(
        self,
        terminal: Terminal,
        job: BatchJob,
        steps: Sequence[Step],
        due: Sequence[Step],
        allowed: int | None,
    ) -> None:
        self.terminal = terminal
        self.spent = 0
        self.finished = 0
        self._unpriced = 0
        self.counts: Counter[str] = Counter()
        self._job = job
        self._steps = steps
        self._due = len(due)
        self._allowed = allowed
        self._asked = len(due)
        self._began = time.monotonic()
        self._failures: list[tuple[Step, NbError]] = []
        self._results: dict[str, Result] = {}
        made = {step.item.target for step in due}
        for step in steps:
            status = "skipped" if is_left_alone(job, step) else _STATUS.get(step.state)
            if status is not None and step.item.target not in made:
                self._left_alone(step, status)

    @property
    def charged(self) -> Charged:
        """Whether the run has cost money by now."""
        if not self.spent and not self._unpriced:
            return Charged.NO
        return Charged.MAYBE if self._is_unsure() else Charged.YES

    def done(self, done: Done) -> None:
        """An image was made, or not."""
        step, result = done.step, done.result
        self.finished += 1
        self._unpriced += step.price is None and done.charged is not Charged.NO
        self.counts[result.status] += 1
        if self._job.chosen.gallery is not None:
            # The bytes of reference images would stay in memory to the end of the run.
            request = replace(result.request, references=())
            self._results[step.item.target] = replace(result, request=request)
        if self._job.chosen.json:
            self._json(step, result)
        elif result.status == "written" and result.path is not None:
            self._written(result.path, result)
            if result.alt_path is not None:
                self.terminal.result(result.alt_path)
        if result.error is not None:
            self._failures.append((step, result.error))
            self.terminal.warn(f"{self._path(step)}: {result.error.message}")
        for note in result.notes:
            self.terminal.trace(f"{self._path(step)}: {note}")

    def progress(self, in_flight: int, held_for: float) -> str:
        """One line: how far the run is, how fast, and what it cost."""
        minutes = (time.monotonic() - self._began) / 60
        rate = self.counts["written"] / minutes if minutes > 0 else 0
        parts = [f"{self.counts['written']} done"]
        if self.counts["failed"]:
            parts.append(f"{self.counts['failed']} failed")
        parts.append(f"{in_flight} in flight")
        if rate:
            left = (self._due - self.finished) / rate * 60
            parts += [f"{rate:.0f}/min", f"{_clock(left)} left"]
        if held_for > 0:
            parts.append(f"rate limit: waiting {math.ceil(held_for)} s")
        allowed = "" if self._allowed is None else f" of {dollars(self._allowed, zero='$0')}"
        parts.append(amount(self.spent, self._unpriced) + allowed)
        return ", ".join(parts)

    def tell_draining(self, signum: int) -> None:
        """The first signal came."""
        name = "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name
        self.terminal.note(
            f"{name}: no new calls; those in flight are waited for and saved (again to stop now)"
        )

    def entries(self) -> list[Entry]:
        """The images for the contact sheet, in the manifest's order."""
        return [self._entry(step, self._results.get(step.item.target)) for step in self._steps]

    def close(self, signum: int, reason: NbError | None) -> None:
        """Sum up.

        Args:
            signum: the signal that stopped the run; 0 when none did.
            reason: what else stopped it.

        Raises:
            NbError: not all that was asked for is there.
        """
        if self._failures:
            self.terminal.failures(_COLUMNS, self._causes())
        self.terminal.note(self._sum())
        again = f"nb batch {self._job.name} goes on where this stopped"
        unknown = HINT_UNKNOWN if self.counts["unknown"] else None
        if signum:
            interrupted = Interrupted(signum, charged=self.charged)
            interrupted.hint = f"{again}; {unknown}" if unknown else again
            raise interrupted
        if reason is not None:
            if reason.charged is Charged.NO:
                # That is about the last call alone.
                reason.charged = self.charged
            raise reason
        missing = self.counts["failed"] + self.counts["unknown"] + self._not_tried
        if self._failures and not missing:
            raise BatchIncomplete(
                f"{len(self._failures)} of {self._asked} images are there without their text",
                hint=self._failures[0][1].hint,
                charged=Charged.YES,
            )
        if missing:
            raise BatchIncomplete(
                f"{missing} of {self._asked} images are not there",
                hint=unknown or again,
                charged=self.charged,
            )

    def _left_alone(self, step: Step, status: Status) -> None:
        self.counts[status] += 1
        self._asked += 1
        if self._job.chosen.json:
            path = None if status == "unknown" else self._path(step)
            provider = self._job.settings.provider
            result = Result(status, step.item.request(()), provider, path, sha256=step.sha256)
            self._json(step, result)
        elif status != "unchanged":
            self.terminal.note(f"{self._path(step)}: {step.reason}; left alone")

    def _entry(self, step: Step, result: Result | None) -> Entry:
        item = step.item
        path = result.path if result else None
        problem = None
        if result is not None and result.error is not None:
            problem = None if result.status == "written" else result.error.message
        elif result is None and (step.state == "unchanged" or step.kept):
            path = self._path(step)
        elif result is None:
            problem = step.reason or "not made yet"
        return Entry(
            name=path or self._path(step),
            prompt=item.prompt,
            model=item.settings.model,
            aspect=item.settings.aspect,
            size=item.settings.size,
            price=step.price,
            file=None if path is None else Path(path),
            alt=result.alt if result and result.alt else self._alt(step),
            problem=problem,
        )

    def _alt(self, step: Step) -> str | None:
        """The text beside an image that was there: somebody may have mended it since."""
        if step.item.alt_file is None:
            return None
        try:
            text = sidecar.read(self._job.root / step.item.alt_file)
        except NbError:
            return None
        return text.strip() if text else None

    def _json(self, step: Step, result: Result) -> None:
        # A failed row has no path, so this says which it was.
        output = str(self._job.root / step.item.target)
        self.terminal.json({**result.record(), "output": output})

    def _written(self, path: str, result: Result) -> None:
        if self.terminal.stderr.isatty():
            self.terminal.summary(path, run.details(result))
        else:
            self.terminal.result(path)

    def _path(self, step: Step) -> str:
        return shown_path(step, self._job.root)

    def _causes(self) -> list[tuple[str, ...]]:
        """Failures by cause, the most frequent first."""
        causes: dict[tuple[str, str], list[tuple[Step, NbError]]] = {}
        for step, error in self._failures:
            causes.setdefault((error.kind, error.hint or ""), []).append((step, error))
        rows: list[tuple[str, ...]] = []
        for (_, hint), failed in sorted(causes.items(), key=lambda cause: -len(cause[1])):
            message, _ = Counter(error.message for _, error in failed).most_common(1)[0]
            paths = [self._path(step) for step, _ in failed]
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            cost = failed[0][1].charged.sentence
            rows.append((str(len(failed)), message, hint, cost, ", ".join(paths[:_NAMED]) + more))
        return rows

    def _sum(self) -> str:
        counts = self.counts
        seconds = time.monotonic() - self._began
        parts = [f"{counts['written']} made in {_clock(seconds)} for {self._cost()}"]
        parts += [
            f"{counts[status]} {status}"
            for status in ("failed", "unchanged", "skipped", "unknown")
            if counts[status]
        ]
        if self._not_tried:
            parts.append(f"{self._not_tried} not tried")
        return ", ".join(parts)

    def _cost(self) -> str:
        at_most = "at most " if self.charged is Charged.MAYBE else ""
        return at_most + amount(self.spent, self._unpriced)

    @property
    def _not_tried(self) -> int:
        return self._due - self.finished

    def _is_unsure(self) -> bool:
        return any(error.charged is Charged.MAYBE for _, error in self._failures)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
