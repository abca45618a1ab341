"""`nb batch`: many images from a manifest."""

from __future__ import annotations

import typer

from nanobanana_cli.commands import options
from nanobanana_cli.commands.batch import options as own
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal


def command(
    ctx: typer.Context,
    manifest: own.Manifest = None,
    dry_run: own.DryRun = False,
    check: own.Check = False,
    init: own.Init = False,
    only: own.Only = None,
    limit: own.Limit = None,
    shuffle: own.Shuffle = False,
    shard: own.ShardOf = None,
    retry_unknown: own.RetryUnknown = False,
    concurrency: own.Concurrency = 8,
    rpm: own.Rpm = None,
    fail_fast: own.FailFast = False,
    max_cost: own.MaxCost = None,
    max_images: own.MaxImages = None,
    max_total_cost: own.MaxTotalCost = None,
    output: own.Folder = None,
    gallery: own.Gallery = None,
    image_format: own.Format = "auto",
    alt: own.Alt = False,
    force: own.Force = False,
    skip_existing: own.SkipExisting = False,
    aspect: options.Aspect = None,
    size: options.Size = None,
    model: options.ModelId = None,
    provider: options.ProviderName = None,
    base_url: options.BaseUrl = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    json: own.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    color: options.Color = None,
) -> None:
    """Make many images from a manifest, never paying for one twice.

    Run it again and only what is missing, changed or failed is made. What was paid for is
    recorded in a ledger beside the manifest: images.toml has images.ledger.jsonl. Options such as
    --aspect hold for rows that do not say.

    Examples:
      nb batch --init                                  # writes images.toml, to begin with
      nb batch images.toml --dry-run                   # what would be made, and its price
      nb batch images.toml --max-cost 5 --gallery index.html
      nb batch images.toml --check                     # for CI: 0 when all is up to date, else 3
      jq -c '{prompt: .title}' posts.jsonl | nb batch - --shard 2/8
    """
    terminal: Terminal = ctx.obj
    terminal.configure(quiet=quiet, verbose=verbose, color=color)
    run(
        own.BatchOptions(
            manifest=manifest,
            dry_run=dry_run,
            check=check,
            init=init,
            only=only or (),
            limit=limit,
            shuffle=shuffle,
            shard=shard,
            retry_unknown=retry_unknown,
            concurrency=concurrency,
            rpm=rpm,
            fail_fast=fail_fast,
            max_images=max_images,
            max_total_cost=max_total_cost,
            folder=output,
            gallery=gallery,
            image_format=image_format,
            alt=alt,
            force=force,
            skip_existing=skip_existing,
            json=json,
            settings={
                "provider": provider,
                "base-url": base_url,
                "model": model,
                "aspect": aspect,
                "size": size,
                "timeout": timeout,
                "retries": retries,
                "max-cost": max_cost,
            },
        ),
        terminal,
    )


def run(chosen: own.BatchOptions, terminal: Terminal) -> None:
    """Write an example, show the plan, or make the images.

    Raises:
        NbError: whatever went wrong.
    """
    from nanobanana_cli.commands.batch import plan, show_plan
    from nanobanana_cli.commands.batch import run as batch_run

    _check_contradictions(chosen)
    if chosen.init:
        plan.write_example(chosen.manifest, terminal)
        return
    job = plan.read(chosen, terminal)
    if chosen.dry_run or chosen.check:
        show_plan.show(job, terminal)
    else:
        batch_run.make(job, terminal)


def _check_contradictions(chosen: own.BatchOptions) -> None:
    if chosen.manifest is None and not chosen.init:
        raise UsageError("no manifest", hint="`nb batch --init` writes an example, images.toml")
    pairs = (
        ("--dry-run", chosen.dry_run, "--check", chosen.check),
        ("--dry-run", chosen.dry_run, "--init", chosen.init),
        ("--check", chosen.check, "--init", chosen.init),
        ("--dry-run", chosen.dry_run, "--gallery", chosen.gallery is not None),
        ("--check", chosen.check, "--gallery", chosen.gallery is not None),
        ("--force", chosen.force, "--skip-existing", chosen.skip_existing),
    )
    for first, is_first, second, is_second in pairs:
        if is_first and is_second:
            raise UsageError(f"{first} and {second} contradict each other", hint="use one")
