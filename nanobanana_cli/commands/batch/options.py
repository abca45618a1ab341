"""Define the options of `nb batch`."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

from typing import Annotated

import msgspec
from typer import Argument, Option

from nanobanana_cli.commands.options import Service, Shape, Streams
from nanobanana_cli.images.formats import CHOICES, listed

_PLAN = "Plan"
_SELECTION = "Which images"
_PACE = "Pace"
_COST = "Cost and safety"
_OUTPUT = "Output"


class BatchOptions(msgspec.Struct, frozen=True):
    """The options of `nb batch`."""

    manifest: Annotated[
        str | None,
        Argument(
            metavar="MANIFEST",
            show_default=False,
            help="A .toml, .jsonl, .json, .csv, .tsv or .txt file; - reads JSON from stdin.",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Option(
            "--dry-run",
            help="List what would be made and its price; send nothing.",
            rich_help_panel=_PLAN,
        ),
    ] = False
    check: Annotated[
        bool,
        Option(
            "--check",
            help="Exit 0 if every image is up to date, else 3; needs no key.",
            rich_help_panel=_PLAN,
        ),
    ] = False
    status: Annotated[
        bool,
        Option(
            "--status",
            help="List what is there, what failed, why, when and at what cost; send nothing.",
            rich_help_panel=_PLAN,
        ),
    ] = False
    init: Annotated[
        bool,
        Option(
            "--init",
            help="Write an example manifest: images.toml, or MANIFEST.",
            rich_help_panel=_PLAN,
        ),
    ] = False
    accept: Annotated[
        list[str] | None,
        Option(
            "--accept",
            metavar="GLOB",
            help="Record the files of these images as they are; call nothing.",
            rich_help_panel=_PLAN,
        ),
    ] = None
    prune: Annotated[
        bool,
        Option(
            "--prune",
            help="List files of rows that are gone, and leftovers of killed runs; call nothing.",
            rich_help_panel=_PLAN,
        ),
    ] = False
    delete: Annotated[
        bool, Option("--delete", help="With --prune: remove them.", rich_help_panel=_PLAN)
    ] = False
    only: Annotated[
        list[str] | None,
        Option(
            "--only",
            metavar="GLOB",
            help="Only images whose path matches; repeatable.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    limit: Annotated[
        int | None,
        Option(
            "--limit", metavar="N", min=1, help="Make only the first N.", rich_help_panel=_SELECTION
        ),
    ] = None
    shuffle: Annotated[
        bool, Option("--shuffle", help="Make them in random order.", rich_help_panel=_SELECTION)
    ] = False
    shard: Annotated[
        str | None,
        Option(
            "--shard",
            metavar="K/N",
            help="Only the Kth of N parts, the same on every machine.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    retry: Annotated[
        list[str] | None,
        Option(
            "--retry",
            metavar="KIND",
            help="Make again what may have been paid for: refused, bad-reply, unknown or all; "
            "repeatable.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    remake: Annotated[
        list[str] | None,
        Option(
            "--remake",
            metavar="GLOB",
            help="Make these images anew, and no others; the old one stays as fox.old-1.png.",
            rich_help_panel=_SELECTION,
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        Option(
            "--concurrency",
            metavar="N",
            min=1,
            max=256,
            help="Maximum number of calls at once. [default: 8]",
            rich_help_panel=_PACE,
        ),
    ] = None
    rpm: Annotated[
        float | None,
        Option(
            "--rpm",
            metavar="N",
            min=0.01,
            help="Maximum number of calls started per minute, evenly spread.",
            rich_help_panel=_PACE,
        ),
    ] = None
    fail_fast: Annotated[
        bool,
        Option("--fail-fast", help="Start no more calls after a failure.", rich_help_panel=_PACE),
    ] = False
    max_failures: Annotated[
        int,
        Option(
            "--max-failures",
            metavar="N",
            min=1,
            help="Stop after N failures in a row that may have been charged, or were refusals.",
            rich_help_panel=_PACE,
        ),
    ] = 10
    max_cost: Annotated[
        str | None,
        Option("--max-cost", metavar="USD", help="Limit for this run.", rich_help_panel=_COST),
    ] = None
    max_images: Annotated[
        int | None,
        Option(
            "--max-images",
            metavar="N",
            min=1,
            help="Limit for the calls of this run that may be charged.",
            rich_help_panel=_COST,
        ),
    ] = None
    max_total_cost: Annotated[
        str | None,
        Option(
            "--max-total-cost",
            metavar="USD",
            help="Limit for this run plus everything in the local ledgers; concurrent runs wait.",
            rich_help_panel=_COST,
        ),
    ] = None
    yes: Annotated[
        bool,
        Option(
            "--yes",
            help="Do not ask before what could cost more than $10.",
            rich_help_panel=_COST,
        ),
    ] = False
    folder: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder that outputs are relative to. [default: the manifest's folder]",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    gallery: Annotated[
        str | None,
        Option(
            "--gallery",
            metavar="FILE",
            help="Write a gallery of all images, such as index.html; also with --status.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    image_format: Annotated[
        str | None,
        Option(
            "--format",
            metavar="FORMAT",
            help=f"Format for rows that set none: {listed(CHOICES)}. [default: auto]",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    alt: Annotated[
        bool | None,
        Option(
            "--alt/--no-alt",
            help="Also write alt text, for rows that do not set alt.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None
    force: Annotated[
        bool,
        Option(
            "--force",
            help="Replace files that are edited or in no ledger.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False
    skip_existing: Annotated[
        bool,
        Option(
            "--skip-existing",
            help="Leave files alone that are edited or in no ledger.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False
    shape: Shape = Shape()
    service: Service = Service()
    streams: Streams = Streams()
