"""`nb batch`: many images from a manifest."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli.commands.batch.options import BatchOptions
from nanobanana_cli.commands.signature import command_line, takes
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal

# What --init writes.
_USUAL = "images.toml"
# Of each group, one option at most.
_EXCLUSIVE = (
    ("--prune", "--accept", "--dry-run", "--check", "--status", "--init"),
    ("--prune", "--accept", "--gallery"),
    ("--prune", "--accept", "--remake"),
    ("--prune", "--accept", "--retry"),
    ("--remake", "--skip-existing"),
    ("--force", "--skip-existing"),
)


@takes(BatchOptions)
def command(options: BatchOptions, terminal: Terminal) -> None:
    """Make many images from a manifest, never paying for one twice.

    Run it again and only what is missing, changed or failed is made. What was paid for is
    recorded in a ledger beside the manifest: images.toml has images.ledger.jsonl. Options such as
    --aspect apply to rows that do not set them.

    Examples:
      nb batch --init                  # write images.toml, an example
      nb batch images.toml --dry-run   # what would be made, and its price
      nb batch images.toml --max-cost 5 --gallery index.html
      nb batch images.toml --status    # what is there, what failed, when and why
      nb batch images.toml --check     # for CI: 0 when all is up to date, else 3
      jq -c '{prompt: .title}' posts.jsonl | nb batch - --shard 2/8
    """
    _check_contradictions(options)
    if options.init:
        from nanobanana_cli.commands.batch import example

        example.write(options.manifest, terminal)
        return
    from nanobanana_cli.commands.batch import read

    job = read.read_job(options, terminal)
    if options.prune:
        from nanobanana_cli.commands.batch import prune

        prune.run(job, terminal)
    elif options.accept:
        from nanobanana_cli.commands.batch import accept

        accept.run(job, terminal)
    elif options.status:
        from nanobanana_cli.commands.batch import status

        status.show(job, terminal)
    elif options.dry_run or options.check:
        from nanobanana_cli.commands.batch import show_plan

        show_plan.show(job, terminal)
    else:
        from nanobanana_cli.commands.batch import run

        run.make(job, terminal)


def _check_contradictions(options: BatchOptions) -> None:
    if options.manifest is None and not options.init:
        hint = "`nb batch --init` writes an example, images.toml"
        if Path(_USUAL).is_file():
            hint = command_line("batch", replace(options, manifest=_USUAL))
        raise UsageError("no manifest", hint=hint)
    if options.delete and not options.prune:
        raise UsageError("--delete goes with --prune", hint="add --prune, or leave --delete out")
    given = {
        "--prune": options.prune,
        "--accept": options.accept,
        "--dry-run": options.dry_run,
        "--check": options.check,
        "--status": options.status,
        "--init": options.init,
        "--gallery": options.gallery is not None,
        "--remake": options.remake,
        "--retry": options.retry,
        "--force": options.force,
        "--skip-existing": options.skip_existing,
    }
    for group in _EXCLUSIVE:
        found = [option for option in group if given[option]]
        if len(found) > 1:
            raise UsageError(f"{found[0]} and {found[1]} contradict each other", hint="use one")
