"""Read a manifest and the options of a run, and check them; nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from nanobanana_cli import files
from nanobanana_cli.batch import history, locking, selection
from nanobanana_cli.batch.history import Doubt
from nanobanana_cli.batch.item import References
from nanobanana_cli.batch.manifest import readers, validate
from nanobanana_cli.batch.paths import Listing
from nanobanana_cli.batch.unique_names import assign_names
from nanobanana_cli.commands import connection
from nanobanana_cli.commands.batch.options import BatchOptions
from nanobanana_cli.commands.batch.plan import BatchJob, errors_shown
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of, shown
from nanobanana_cli.ui.terminal import Terminal

_MAX_BYTES = 500_000_000
_KINDS = (*get_args(Doubt), "all")
_DEFAULTED = ("model", "aspect", "size")


def read_job(chosen: BatchOptions, terminal: Terminal) -> BatchJob:
    """Read and check a manifest.

    Raises:
        ManifestError: it has errors; they have been shown.
        UsageError: an option or the file itself cannot be used.
    """
    name = chosen.manifest or ""
    shard = None if chosen.shard is None else selection.parse_shard(chosen.shard)
    settings = connection.settings_in_force(chosen, terminal)
    folder = Path(name).parent if name != readers.STDIN else Path()
    root = folder if chosen.folder is None else Path(chosen.folder)
    if not (chosen.dry_run or chosen.check or chosen.status):
        files.check_folder(root)
    _check_kinds(chosen.retry or ())
    is_offline = chosen.dry_run or chosen.status
    references = References(folder, settings.provider, settings.base_url, is_offline=is_offline)
    defaults = validate.Defaults(
        model=settings.model,
        aspect=settings.aspect,
        size=settings.size,
        format=settings.format,
        alt=settings.alt,
        format_yields=settings.origins["format"] != "--format",
        builtin=frozenset(name for name in _DEFAULTED if settings.origins[name] == "default"),
        provider=settings.provider,
    )
    with errors_shown(terminal):
        manifest = readers.parse(name, _content(name, terminal))
        listing = Listing(root)
        items = validate.check(manifest, defaults, references, listing)
        items = assign_names(items, history.History(), listing)
        ledger = locking.main_ledger(name)
        job = BatchJob(
            chosen, settings, items, manifest.diagnostics, references, root, ledger, shard
        )
        job.check_paths(items, listing)
    given = settings.configured_aspect
    if given and any(
        (row.images or row.continues) and row.aspect is None for _, row in manifest.rows
    ):
        terminal.warn(
            f"{settings.aspect} from {given} holds for rows with reference images too: "
            "`--aspect auto` keeps their shape"
        )
    for model in dict.fromkeys(item.settings.model for item in items):
        connection.note_model(model, settings.provider, terminal)
    return job


def _content(name: str, terminal: Terminal) -> bytes:
    if name == readers.STDIN:
        return terminal.read(_MAX_BYTES)
    readers.format_of(name)
    return files.read(Path(name), "manifest", limit=_MAX_BYTES)


def _check_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if kind not in _KINDS:
            raise UsageError(f"--retry {shown(kind)} is not known", hint=one_of(kind, _KINDS))
