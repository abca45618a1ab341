"""Write the gallery that `--gallery` names, of all images of the manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nanobanana_cli.batch.history import History
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.commands.batch.plan import BatchJob
from nanobanana_cli.errors import UsageError
from nanobanana_cli.types import Result
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal


def check(job: BatchJob) -> None:
    """Raise unless the gallery, if one is wanted, can be written to its own file."""
    if job.chosen.gallery is None:
        return
    from nanobanana_cli.batch import gallery

    if job.chosen.gallery == "-":
        raise UsageError("--gallery needs a file", hint="--gallery index.html")
    path = Path(job.chosen.gallery)
    if os.path.realpath(path) in map(os.path.realpath, job.own_files()):
        raise UsageError(
            f"--gallery {path} is the manifest or its ledger", hint="--gallery index.html"
        )
    gallery.check(path, force=job.chosen.force)


def write(
    job: BatchJob,
    terminal: Terminal,
    steps: Sequence[Step],
    past: History,
    results: Mapping[str, Result],
) -> None:
    """Write the gallery if one is wanted, and tell so.

    Args:
        job: the manifest and options.
        terminal: is told.
        steps, past: as planned for the images that were selected.
        results: those of this run, by target.

    Raises:
        NbError: it cannot be written.
    """
    if job.chosen.gallery is None:
        return
    from nanobanana_cli.batch import gallery

    path = Path(job.chosen.gallery)
    if job.is_narrowed:
        steps, past, _ = job.plan(terminal, whole=True)
    entries = [gallery.entry(step, results.get(step.item.target), past, job.root) for step in steps]
    gallery.write(path, job.name, entries, force=job.chosen.force)
    count = counted(len(entries), "image")
    terminal.note(f"{path}: a gallery of {count}")
