"""List the files that no row needs any more, and remove them if told to."""

from __future__ import annotations

import msgspec

from nanobanana_cli.batch import history, locking
from nanobanana_cli.batch.prune import Pruner
from nanobanana_cli.commands.batch.plan import BatchJob
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal


class LeftoverLine(msgspec.Struct, frozen=True):
    """A file that no row of the manifest needs any more.

    Args:
        path: the file.
        reason: why no row needs it.
        bytes: its size.
    """

    path: str
    reason: str
    bytes: int


def run(job: BatchJob, terminal: Terminal) -> None:
    """List the files and texts of rows that are gone, and leftovers of killed runs.

    Raises:
        LocalFileError: one cannot be removed.
    """
    with locking.held(job.images, None, terminal.note):
        own = history.read(locking.all_ledgers(job.ledger))
        others = history.read(locking.ledgers_beside(job.ledger))
        items = [step.item for step in job.plan(terminal, whole=True)[0]]
        pruner = Pruner(own, others, items, job.root, job.ledger.parent)
        found = [*pruner.images_and_texts(), *pruner.leftovers()]
        for each in found:
            size = each.path.stat().st_size
            if job.chosen.delete:
                try:
                    each.path.unlink()
                except OSError as error:
                    reason = f"{each.path} cannot be removed: {error.strerror}"
                    raise LocalFileError(reason) from error
            if job.chosen.streams.json:
                terminal.json(LeftoverLine(str(each.path), each.reason, size))
            else:
                terminal.result(str(each.path))
    for path in pruner.wanted:
        terminal.note(f"{path} is what a row without a file asks for, so it stays")
    for path in pruner.edited:
        terminal.note(f"{path} was edited or accepted since it was made, so it stays")
    files = counted(len(found), "file")
    if job.chosen.delete:
        terminal.note(f"{files} removed")
    else:
        more = f"; to remove: {job.command(delete=True)}" if found else ""
        terminal.note(f"{files}{more}")
