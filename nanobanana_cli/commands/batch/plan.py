"""From a manifest to a plan, and the plan on the screen; nothing is sent."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files as resources
from pathlib import Path

import msgspec

from nanobanana_cli import files
from nanobanana_cli import settings as settings_room
from nanobanana_cli.batch import history, locking, selection, unique_names
from nanobanana_cli.batch.item import Item
from nanobanana_cli.batch.manifest import readers, validate
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics, ManifestError
from nanobanana_cli.batch.manifest.references import References
from nanobanana_cli.batch.paths import Listing
from nanobanana_cli.batch.plan import Step, plan
from nanobanana_cli.commands.batch.options import BatchOptions
from nanobanana_cli.commands.generate import run
from nanobanana_cli.errors import BatchIncomplete, Charged, OutputExists, UsageError
from nanobanana_cli.generation import destinations
from nanobanana_cli.money import MICRO, dollars
from nanobanana_cli.settings import Settings, address
from nanobanana_cli.ui.terminal import Terminal

_EXAMPLE = "images.toml"
_MOST_BYTES = 500_000_000
# A grid is drawn only when all of it is known, and nobody reads one that is longer.
_LONGEST_TABLE = 500
HINT_KEPT = "--skip-existing leaves what is there alone, --force replaces it; --only narrows it"
HINT_UNKNOWN = "--retry-unknown makes those again that may have been paid for"


class BatchJob(msgspec.Struct, frozen=True):
    """A checked manifest, and what to do with it.

    Args:
        chosen: the options.
        settings: what is in force.
        items: the images of the manifest, named as if none was made yet.
        mistakes: gathers what is wrong with the manifest.
        references: the reference images.
        root: the output folder.
        ledger: the manifest's ledger.
        shard: the part that this run is about; None is all of it.
    """

    chosen: BatchOptions
    settings: Settings
    items: list[Item]
    mistakes: Diagnostics
    references: References
    root: Path
    ledger: Path
    shard: selection.Shard | None

    @property
    def name(self) -> str:
        """The manifest, as the user named it."""
        return self.chosen.manifest or ""


def write_example(name: str | None, terminal: Terminal) -> None:
    """Write the example manifest.

    Raises:
        UsageError: the name is none of a TOML file.
        OutputExists: there is such a file.
    """
    path = Path(name or _EXAMPLE)
    if path.suffix.lower() != ".toml":
        raise UsageError(f"{path}: the example is TOML", hint=f"name it {_EXAMPLE}")
    example = resources("nanobanana_cli.batch").joinpath("example.toml").read_bytes()
    try:
        files.create(path, example)
    except OutputExists as error:
        raise OutputExists(error.message, hint="name another: nb batch --init more.toml") from None
    terminal.result(str(path))
    terminal.note(f"try it, free and offline: nb batch {path} --provider sandbox")


def read(chosen: BatchOptions, terminal: Terminal) -> BatchJob:
    """Read and check a manifest.

    Raises:
        ManifestError: its mistakes have been shown, all of them.
        UsageError: an option or the file itself cannot be used.
    """
    name = chosen.manifest or ""
    shard = None if chosen.shard is None else selection.shard(chosen.shard)
    settings = settings_room.load(terminal.env, settings_room.current_folder(), chosen.settings)
    folder = Path(name).parent if name != readers.STDIN else Path()
    root = folder if chosen.folder is None else Path(chosen.folder)
    if not (chosen.dry_run or chosen.check):
        files.check_folder(root)
    destinations.format_named(chosen.image_format)
    references = References(folder)
    defaults = validate.Defaults(
        model=settings.model,
        aspect=settings.aspect,
        size=settings.size,
        format=chosen.image_format,
        origin=_origin(settings),
        alt=chosen.alt,
    )
    with _shown(terminal):
        rows = readers.parse(name, _content(name, terminal), folder)
        folders = Listing(root)
        items = validate.check(rows, defaults, references, folders)
        items = unique_names.named_apart(items, history.History(), folders)
        ledger = locking.main_ledger(name)
        reserved = _reserved(chosen, ledger, root)
        unique_names.check_places(items, rows.mistakes, folders, reserved)
        rows.mistakes.check()
    for model in dict.fromkeys(item.settings.model for item in items):
        run.note_unknown_model(model, terminal)
    return BatchJob(chosen, settings, items, rows.mistakes, references, root, ledger, shard)


def _reserved(chosen: BatchOptions, ledger: Path, root: Path) -> list[str]:
    """The run's own files, as seen from the output folder."""
    own = [Path(chosen.manifest or ""), *locking.all_ledgers(ledger)]
    if chosen.gallery is not None:
        own.append(Path(chosen.gallery))
    folder = os.path.realpath(root)
    seen = (
        os.path.relpath(os.path.realpath(path.parent) + "/" + path.name, folder) for path in own
    )
    return [path for path in seen if not path.startswith("..")]


def planned(job: BatchJob, terminal: Terminal) -> tuple[list[Step], history.History]:
    """What is to be done for each image that this run is about, by what the ledgers say now.

    Raises:
        ManifestError: two images are one file, since one of them was made under that name.
        UsageError: no image is chosen by `--only`.
    """
    past = history.read(locking.all_ledgers(job.ledger))
    for place in past.torn:
        terminal.warn(f"{place}: a line that was cut off when a run was killed is set aside")
    folders = Listing(job.root)
    items = unique_names.named_apart(job.items, past, folders)
    if any(now is not before for now, before in zip(items, job.items, strict=True)):
        with _shown(terminal):
            reserved = _reserved(job.chosen, job.ledger, job.root)
            unique_names.check_places(items, job.mistakes, folders, reserved)
            job.mistakes.check()
    items = selection.chosen(items, job.chosen.only, job.shard, folders)
    return plan(items, past, folders, job.settings.provider), past


@contextmanager
def _shown(terminal: Terminal) -> Iterator[None]:
    """Shows the mistakes that a manifest is refused for."""
    try:
        yield
    except ManifestError as error:
        for line in error.lines():
            terminal.mistake(line)
        raise


def is_due(job: BatchJob, step: Step) -> bool:
    """Whether the options have this image made."""
    wanted = step.state in ("make", "changed", "exists")
    if step.state == "unknown":
        wanted = job.chosen.retry_unknown
    return wanted and (job.chosen.force or not step.kept)


def is_left_alone(job: BatchJob, step: Step) -> bool:
    """Whether the options take the file that is there as it is."""
    return job.chosen.skip_existing and bool(step.kept)


def to_make(job: BatchJob, steps: Sequence[Step]) -> list[Step]:
    """The steps that call for a call, in the order to take."""
    steps = [step for step in steps if is_due(job, step)]
    if job.chosen.shuffle:
        random.SystemRandom().shuffle(steps)
    return steps[: job.chosen.limit]


def show(job: BatchJob, terminal: Terminal) -> None:
    """List the plan: for `--check` what is not up to date, for `--dry-run` all of it.

    Raises:
        BatchIncomplete: for `--check`, when not all is up to date.
    """
    steps, past = planned(job, terminal)
    stale = [s for s in steps if s.state != "unchanged" and not is_left_alone(job, s)]
    shown = stale if job.chosen.check else steps
    if job.chosen.json:
        for step in shown:
            terminal.json(_record(job, step))
    else:
        _list(job, shown, terminal)
    terminal.note(_sum(job, steps, past))
    if job.chosen.check and stale:
        raise BatchIncomplete(
            f"{len(stale)} of {len(steps)} images are not up to date",
            hint=_way_on(job, stale),
            charged=Charged.NO,
        )


def _way_on(job: BatchJob, stale: Sequence[Step]) -> str:
    """What makes them up to date."""
    if any(step.kept for step in stale) and not job.chosen.force:
        return HINT_KEPT
    if all(step.state == "unknown" for step in stale) and not job.chosen.retry_unknown:
        return HINT_UNKNOWN
    return f"nb batch {job.name}" + (" --skip-existing" if job.chosen.skip_existing else "")


def _content(name: str, terminal: Terminal) -> bytes:
    if name == readers.STDIN:
        return terminal.read(_MOST_BYTES)
    readers.kind_of(name)
    return files.read(Path(name), "manifest", limit=_MOST_BYTES)


def _origin(settings: Settings) -> str:
    """Who is asked: a server on this machine is not the service that it stands for."""
    here = address.is_loopback(address.host(settings.base_url))
    local = here and settings.provider != "sandbox"
    return f"{settings.provider} on this machine" if local else settings.provider


def _list(job: BatchJob, steps: Sequence[Step], terminal: Terminal) -> None:
    rows = (
        (step.state, shown_path(step, job.root), _price(job, step), step.reason) for step in steps
    )
    if len(steps) <= _LONGEST_TABLE:
        terminal.table(("Plan", "Image", "Price", "Why"), rows)
    else:
        for row in rows:
            terminal.result("\t".join(row))


def shown_path(step: Step, root: Path) -> str:
    """Where an image is or will be, as seen from the current folder."""
    return str(root / (step.path or step.item.target))


def _price(job: BatchJob, step: Step) -> str:
    return dollars(step.price) if is_due(job, step) else ""


def _record(job: BatchJob, step: Step) -> dict[str, object]:
    item = step.item
    due = step.price if is_due(job, step) else 0
    return {
        "path": shown_path(step, job.root),
        "plan": step.state,
        "reason": step.reason or None,
        "prompt": item.prompt,
        "model": item.settings.model,
        "aspect": item.settings.aspect,
        "size": item.settings.size,
        "cost_usd": None if due is None else due / MICRO,
        "fingerprint": item.fingerprint,
    }


def _sum(job: BatchJob, steps: Sequence[Step], past: history.History) -> str:
    return "; ".join(_sums(job, steps, past))


def _sums(job: BatchJob, steps: Sequence[Step], past: history.History) -> Iterator[str]:
    counts: Counter[str] = Counter(step.state for step in steps)
    yield ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state]) or "no images"
    due = to_make(job, steps)
    if due:
        unpriced = sum(step.price is None for step in due)
        total = sum(step.price or 0 for step in due)
        yield f"{len(due)} to make for {amount(total, unpriced, zero='nothing')}"
    kept = sum(bool(step.kept) for step in steps)
    if kept and job.chosen.skip_existing:
        yield f"{kept} left alone"
    elif kept and not job.chosen.force:
        yield f"{kept} not replaced without --force"
    if past.spent or past.unpriced:
        yield f"the ledger records {amount(past.spent, past.unpriced)}"
    yield "nothing was sent"


def amount(micro: int, unpriced: int, *, zero: str = "$0") -> str:
    """Money, and how many calls are not in it since nobody knows what they cost."""
    known = dollars(micro, zero=zero)
    return f"{known} and {unpriced} of unknown price" if unpriced else known


_STATES = ("make", "changed", "unchanged", "unknown", "exists")
