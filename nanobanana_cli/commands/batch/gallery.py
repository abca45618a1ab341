"""The contact sheet of a run: where it may go, and that it costs nothing of what was paid for."""

from __future__ import annotations

import os
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.batch import gallery, locking
from nanobanana_cli.commands.batch.plan import BatchJob
from nanobanana_cli.commands.batch.report import BatchReport
from nanobanana_cli.errors import LocalFileError, NbError, OutputExists, UsageError


def check(job: BatchJob) -> None:
    """Pass a job whose contact sheet, if any, can be written and replaces nothing of the user's.

    Raises:
        UsageError: it is the manifest or a ledger.
        OutputExists: there is a file that is no contact sheet, and `--force` was not said.
        LocalFileError: it cannot be written.
    """
    if job.chosen.gallery is None:
        return
    path = Path(job.chosen.gallery)
    ledgers = {*locking.all_ledgers(job.ledger), locking.own_ledger(job.ledger, job.shard)}
    for what, own in (("manifest", Path(job.name)), *(("ledger", own) for own in ledgers)):
        if os.path.realpath(own) == os.path.realpath(path):
            raise UsageError(f"--gallery {path} is the {what}", hint="such as index.html")
    _check_free(path, job)


def write(job: BatchJob, report: BatchReport) -> NbError | None:
    """Write the contact sheet, if one was asked for.

    Returns:
        Why it could not be written.
    """
    if job.chosen.gallery is None:
        return None
    try:
        _check_free(Path(job.chosen.gallery), job)
        gallery.write(Path(job.chosen.gallery), job.name, report.entries())
    except (LocalFileError, OutputExists) as error:
        return error
    return None


def _check_free(path: Path, job: BatchJob) -> None:
    files.check_output(path)
    if files.taken(path) and not job.chosen.force and not gallery.is_one(path):
        raise OutputExists(
            f"{path} exists already, and is no contact sheet of nb",
            hint="name another file; --force replaces it, and images that no ledger knows",
        )
