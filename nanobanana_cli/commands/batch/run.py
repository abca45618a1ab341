"""Run a batch: make the images of its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.batch import at_hand as hands
from nanobanana_cli.batch import locking
from nanobanana_cli.batch.destination import AltFiles
from nanobanana_cli.batch.dispatcher import Budget, Dispatcher, Limits
from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.ledger import Ledger
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.planner import Planner
from nanobanana_cli.batch.records import OutputFolder
from nanobanana_cli.batch.runner import Done, Runner
from nanobanana_cli.batch.throttle import RateLimiter
from nanobanana_cli.catalog import prices
from nanobanana_cli.commands import connection, cost
from nanobanana_cli.commands.batch import gallery_page
from nanobanana_cli.commands.batch.plan import HINT_KEPT, BatchJob
from nanobanana_cli.commands.batch.report import BatchReport
from nanobanana_cli.commands.results import recover
from nanobanana_cli.errors import NbError, OutputExists, OverBudget, UsageError
from nanobanana_cli.money import dollars, micro_dollars
from nanobanana_cli.suggest import shown
from nanobanana_cli.system import StopSignals
from nanobanana_cli.ui.terminal import Terminal

# Seconds between two looks at the clock and at signals.
_TICK = 0.2
_SHOWN = 20
# Seconds to keep trying while the service is busy, where nobody says how long.
_WAIT = 600.0
# Calls at once by default.
_AT_ONCE = 8


def make(job: BatchJob, terminal: Terminal) -> None:
    """Make what is missing or changed.

    Raises:
        NbError: not all that was asked for is there; what is there has been shown.
    """
    limits = _limits(job)
    gallery_page.check(job)
    # What others spend meanwhile is in no sum of this run's, so nobody else may.
    alone = limits.total_cost is not None
    part = None if alone else job.shard
    with locking.held(job.images, part, terminal.note):
        steps, past, planner = job.plan(terminal)
        _check_existing(job, steps, terminal)
        due, at_hand = job.due(steps), job.at_hand(steps)
        _check_prices(due, past, limits)
        budget = Budget(limits, past.spent)
        if stale := job.made_stale(steps, terminal):
            terminal.note(stale)
        _confirm(job, due, budget, terminal)
        both = {step.item.target: step for step in (*at_hand, *due)}
        report = BatchReport(terminal, job, steps, past, list(both.values()), budget.allowed)
        # The first lets calls in flight finish, the second aborts them.
        with StopSignals(2, is_busy=terminal.charges.are_unsaved) as signals:
            due = _without_calls(job, planner, steps, due, report, signals)
            # What a killed run left is known by now, as far as it was an image of a row.
            page = Path(job.chosen.gallery or job.root / "index.html")
            folders = {job.root, page.parent, *_folders(job, steps)}
            hands.remove_copies(folders, job.root, locking.all_ledgers(job.ledger))
            recover(folders, terminal)
            reason = _run(job, planner, due, budget, report, signals) if due else None
    unwritten = report.write_gallery()
    if unwritten is not None and (signals.last or reason is not None):
        terminal.warn(unwritten.message)
    report.close(signals.last, reason or unwritten)


def _limits(job: BatchJob) -> Limits:
    total = job.chosen.max_total_cost
    try:
        total_cost = None if total is None else micro_dollars(total)
    except ValueError:
        raise UsageError(
            f"--max-total-cost {shown(str(total))} is not an amount in dollars", hint="such as 25"
        ) from None
    return Limits(job.settings.max_cost, job.chosen.max_images, total_cost)


def _check_existing(job: BatchJob, steps: Sequence[Step], terminal: Terminal) -> None:
    if job.chosen.force or job.chosen.skip_existing:
        return
    there = [step for step in steps if step.kept]
    if not there:
        return
    for step in there[:_SHOWN]:
        terminal.problem(f"{job.path(step)} {step.kept}")
    if len(there) > _SHOWN:
        terminal.problem(f"… and {len(there) - _SHOWN} more")
    some = "1 output exists" if len(there) == 1 else f"{len(there)} outputs exist"
    raise OutputExists(
        f"{some} already",
        hint=HINT_KEPT,
    )


def _check_prices(due: Sequence[Step], past: History, limits: Limits) -> None:
    """A limit in dollars can only be kept when every price is known."""
    if not limits.any_cost:
        return
    for step in due:
        if step.price is None:
            raise OverBudget(
                f"the price of {step.item.settings.model} is unknown, so no limit can be kept",
                hint="--max-images limits the number of calls",
            )
    if limits.total_cost is not None and past.unpriced:
        raise OverBudget(
            f"the ledger records {past.unpriced} calls of unknown price, "
            "so --max-total-cost cannot be kept",
            hint="--max-images limits the number of calls",
        )


def _confirm(job: BatchJob, due: Sequence[Step], budget: Budget, terminal: Terminal) -> None:
    """Get consent for a run that could cost more than `confirm-above`.

    Raises:
        UsageError: consent was declined, or nobody can be asked.
    """
    dearest = sorted((cost.spending(step.price) for step in due), reverse=True)
    micro = sum(dearest[: job.chosen.max_images])
    if budget.limits.total_cost is not None:
        micro = min(micro, budget.allowed or 0)
    counts = Counter(step.state for step in due)
    what = ", ".join(f"{count} {state}" for state, count in counts.items())
    unpriced = sum(step.price is None for step in due)
    guess = f", counting {dollars(cost.spending(None))} for each unknown price" if unpriced else ""
    price = prices.amount(micro, job.price_word)
    could = f"{len(due)} images could cost {price} ({what}{guess})"
    cost.confirm_spending(could, micro, job.settings, terminal, yes=job.chosen.yes)


def _without_calls(
    job: BatchJob,
    planner: Planner,
    steps: Sequence[Step],
    due: Sequence[Step],
    report: BatchReport,
    signals: StopSignals,
) -> list[Step]:
    """Do what takes no call: record what is there, and put in place what is at hand.

    Returns:
        The steps that are due now.
    """
    unrecorded = [step for step in steps if (step.recovered or step.beside) and not step.found]
    at_hand = job.at_hand(steps)
    left = {step.item.target: step for step in due}
    if not unrecorded and not at_hand:
        return list(due)
    with Ledger(locking.own_ledger(job.ledger, job.shard)) as ledger:
        folder = OutputFolder.of(job.root, ledger.path.parent)
        hands.record(unrecorded, folder, ledger)
        _check_folders(job, at_hand)
        for step in at_hand:
            if signals.count:
                break
            result = hands.put(step, folder, ledger, job.settings.provider)
            if step.found and result.status == "written":
                planner.made(step, folder.relative(result.path or ""), result.sha256)
            if result.status == "written" and step.item.target in left:
                # It lacks its text still.
                path = folder.relative(result.path or "")
                left[step.item.target] = replace(
                    step, state="text", found=None, path=path, sha256=result.sha256, doubts=()
                )
            else:
                left.pop(step.item.target, None)
                report.done(Done(step, result))
    return list(left.values())


def _run(
    job: BatchJob,
    planner: Planner,
    due: Sequence[Step],
    budget: Budget,
    report: BatchReport,
    signals: StopSignals,
) -> NbError | None:
    """Make the images.

    Returns:
        The error that kept some from being tried, if any did.
    """
    terminal = report.terminal
    chosen = job.chosen
    at_once = job.settings.concurrency or _AT_ONCE
    wait = _WAIT if job.settings.origins["wait"] == "default" else job.settings.wait
    limiter = RateLimiter(at_once, chosen.rpm, wait, terminal.note)
    with ExitStack() as stack:
        session = stack.enter_context(connection.session(job.settings, terminal, limiter))
        session.rescue.check()
        _check_folders(job, due)
        ledger = stack.enter_context(Ledger(locking.own_ledger(job.ledger, job.shard)))
        alt_files = AltFiles.read(
            job.root, due, locking.all_ledgers(job.ledger), force=chosen.force
        )
        dispatcher = Dispatcher(
            due,
            budget,
            fail_fast=chosen.fail_fast,
            max_failures=chosen.max_failures,
            limit=limiter.limit,
            on_stop=limiter.stop,
        )
        runner = Runner(
            *(session, dispatcher, planner, ledger, job.references, alt_files),
            *(job.root, at_once),
        )
        known = (job.settings, terminal.env, due[0].item.request(()), len(due), at_once)
        usual = partial(connection.usual_seconds, *known)
        update = stack.enter_context(terminal.progress_bar(len(due), usual=usual))
        try:
            _follow(runner, limiter, dispatcher, report, signals, update)
        finally:
            runner.drain()
            while runner.working:
                _obey(signals, runner, report)
                runner.wait(_TICK)
    return dispatcher.reason


def _follow(
    runner: Runner,
    limiter: RateLimiter,
    dispatcher: Dispatcher,
    report: BatchReport,
    signals: StopSignals,
    update: Callable[[int, str], None],
) -> None:
    """Report each image as it gets done, and obey the signals."""
    # A signal may have come before there was anything to stop.
    _obey(signals, runner, report)
    for done in runner.run(_TICK):
        _obey(signals, runner, report)
        if done is not None:
            report.done(done)
        report.spent = dispatcher.spent
        update(report.finished, report.progress(limiter.in_flight, limiter.held_for))


def _obey(signals: StopSignals, runner: Runner, report: BatchReport) -> None:
    if signals.count and not runner.draining:
        runner.drain()
        report.tell_draining(signals.last)
    if signals.count > 1 and not runner.aborted:
        runner.abort()


def _check_folders(job: BatchJob, due: Sequence[Step]) -> None:
    """Raise LocalFileError unless every folder of an image or text can be written to or made.

    What a link leads to is not made.
    """
    for folder in {_first_existing(folder) for folder in _folders(job, due)}:
        files.check_folder(folder)
    for step in due:
        item = step.item
        for place in (step.path or item.target, item.alt_file, item.chat_file):
            if place is not None and (job.root / place).is_symlink():
                files.check_output(job.root / place)


def _folders(job: BatchJob, steps: Sequence[Step]) -> set[Path]:
    """Return the folders of images and texts."""
    items = [step.item for step in steps]
    places = (place for item in items for place in (item.target, item.alt_file) if place)
    return {(job.root / place).parent for place in places}


def _first_existing(folder: Path) -> Path:
    while not files.taken(folder) and folder.parent != folder:
        folder = folder.parent
    return folder
