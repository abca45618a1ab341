"""The options that `nb batch` alone has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from nanobanana_cli.images.formats import CHOICES, listed

_PLAN = "Plan"
_SELECTION = "Which images"
_PACE = "Pace"
_OUTPUT = "Output"
_COST = "Cost and safety"
_STREAMS = "Streams"

Manifest = Annotated[
    str | None,
    typer.Argument(
        metavar="MANIFEST",
        show_default=False,
        help="A .toml, .jsonl, .csv or .txt file; - reads JSON Lines from stdin.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="List what would be made and its price; send nothing.",
        rich_help_panel=_PLAN,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Exit 0 when every image is up to date, else 3; needs no key.",
        rich_help_panel=_PLAN,
    ),
]
Init = Annotated[
    bool,
    typer.Option(
        "--init", help="Write an example manifest: images.toml, or MANIFEST.", rich_help_panel=_PLAN
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only images whose path matches, repeatable.",
        rich_help_panel=_SELECTION,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", min=1, help="Make the first N only.", rich_help_panel=_SELECTION
    ),
]
Shuffle = Annotated[
    bool,
    typer.Option("--shuffle", help="Make them in random order.", rich_help_panel=_SELECTION),
]
ShardOf = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="The Kth of N parts, the same on every machine.",
        rich_help_panel=_SELECTION,
    ),
]
RetryUnknown = Annotated[
    bool,
    typer.Option(
        "--retry-unknown",
        help="Make those again that may have been paid for.",
        rich_help_panel=_SELECTION,
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency", metavar="N", min=1, max=256, help="Calls at once.", rich_help_panel=_PACE
    ),
]
Rpm = Annotated[
    float | None,
    typer.Option(
        "--rpm",
        metavar="N",
        min=0.01,
        help="Calls started a minute, evenly spread.",
        rich_help_panel=_PACE,
    ),
]
FailFast = Annotated[
    bool,
    typer.Option("--fail-fast", help="Start no more after a failure.", rich_help_panel=_PACE),
]
Folder = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where outputs are relative to. [default: the manifest's folder]",
        rich_help_panel=_OUTPUT,
    ),
]
Gallery = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        metavar="FILE",
        help="Write a contact sheet, such as index.html.",
        rich_help_panel=_OUTPUT,
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"For rows that do not say: {listed(CHOICES)}.",
        rich_help_panel=_OUTPUT,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace files that no ledger knows, and edited ones.",
        rich_help_panel=_OUTPUT,
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Leave files alone that no ledger knows, and edited ones.",
        rich_help_panel=_OUTPUT,
    ),
]
Alt = Annotated[
    bool,
    typer.Option(
        "--alt", help="Also ask for alt text, for rows that do not say.", rich_help_panel=_OUTPUT
    ),
]
MaxCost = Annotated[
    str | None,
    typer.Option(
        "--max-cost", metavar="USD", help="What this run may cost.", rich_help_panel=_COST
    ),
]
MaxImages = Annotated[
    int | None,
    typer.Option(
        "--max-images",
        metavar="N",
        min=1,
        help="How many calls of this run may be charged.",
        rich_help_panel=_COST,
    ),
]
MaxTotalCost = Annotated[
    str | None,
    typer.Option(
        "--max-total-cost",
        metavar="USD",
        help="What this run and all that ledgers on this machine record may cost; "
        "runs follow one another.",
        rich_help_panel=_COST,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON line for each row.", rich_help_panel=_STREAMS),
]


class BatchOptions(msgspec.Struct, frozen=True):
    """What was typed."""

    manifest: str | None
    dry_run: bool
    check: bool
    init: bool
    only: Sequence[str]
    limit: int | None
    shuffle: bool
    shard: str | None
    retry_unknown: bool
    concurrency: int
    rpm: float | None
    fail_fast: bool
    folder: str | None
    gallery: str | None
    image_format: str
    alt: bool
    force: bool
    skip_existing: bool
    max_images: int | None
    max_total_cost: str | None
    json: bool
    settings: dict[str, str | None]
