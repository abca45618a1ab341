"""Record the files of images as they are, without a call."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.batch import locking
from nanobanana_cli.batch.at_hand import record
from nanobanana_cli.batch.ledger import Ledger
from nanobanana_cli.batch.paths import Listing
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.records import OutputFolder, dropped_line
from nanobanana_cli.batch.selection import matching
from nanobanana_cli.commands.batch.plan import BatchJob
from nanobanana_cli.commands.lines import RowLine
from nanobanana_cli.commands.results import with_file
from nanobanana_cli.errors import BatchIncomplete, LocalFileError
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, DamagedImage, survey
from nanobanana_cli.types import Result
from nanobanana_cli.ui.terminal import Terminal


def run(job: BatchJob, terminal: Terminal) -> None:
    """Record the file of each image that `--accept` selects as what its row asks for.

    Raises:
        UsageError: a pattern matches no image.
        LocalFileError: a file is not a whole image of the format that its name says; then none is
            recorded.
        BatchIncomplete: an image has no file.
    """
    with locking.held(job.images, job.shard, terminal.note):
        steps, _, planner = job.plan(terminal)
        items = [step.item for step in steps]
        targets = matching(items, job.chosen.accept or (), Listing(job.root), "--accept")
        chosen = [step for step in steps if step.item.target in targets]
        there = [step for step in chosen if step.path is not None]
        for step in there:
            _check(Path(job.path(step)))
            for first in planner.parents(step):
                raise LocalFileError(
                    f"{job.path(step)} cannot be accepted before {job.path(first)}, which it is "
                    "made from",
                    hint="accept both, or make that first",
                )
        with Ledger(locking.own_ledger(job.ledger, job.shard)) as ledger:
            folder = OutputFolder.of(job.root, ledger.path.parent)
            for step in there:
                if step.state not in ("unchanged", "text") or step.recovered:
                    # What is at hand elsewhere is not what is accepted.
                    call = None if step.found else step.recovered
                    record([replace(step, found=None, recovered=call)], folder, ledger)
                    ledger.extend(
                        dropped_line(each, each.cost) for each in step.doubts if each != call
                    )
                _show(job, step, terminal)
    if missing := len(chosen) - len(there):
        raise BatchIncomplete(f"{missing} of {len(chosen)} images have no file to accept")


def _check(path: Path) -> None:
    try:
        picture = survey(files.read(path, "image"))
    except DamagedImage as error:
        raise LocalFileError(
            f"{path} cannot be accepted: {error}", hint="put a whole image there, or leave it out"
        ) from None
    named = FORMAT_OF_SUFFIX.get(path.suffix.lower(), picture.format)
    if picture.format != named:
        raise LocalFileError(
            f"{path} cannot be accepted: it is {picture.format}, not {named}",
            hint="name it after its format, in the manifest too",
        )


def _show(job: BatchJob, step: Step, terminal: Terminal) -> None:
    path = job.path(step)
    if not job.chosen.streams.json:
        terminal.result(path)
        return
    text = step.item.alt_file
    result = Result("unchanged", step.item.request(()), job.settings.provider, path)
    result = with_file(result, Path(path), None if text is None else job.root / text)
    output = str(job.root / step.item.target)
    terminal.json(RowLine.of(result, output=output, **step.item.source))
