"""The options that several commands share, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli.images.formats import FORMATS, listed

_PICTURE = "Picture"
_OUTPUT = "Output"
_SERVICE = "Service"
_COST = "Cost and safety"
_STREAMS = "Streams"

Aspect = Annotated[
    str | None,
    typer.Option(
        "--aspect",
        "-a",
        metavar="RATIO",
        help="Aspect ratio, such as 16:9. [default: 1:1]",
        rich_help_panel=_PICTURE,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        "-s",
        metavar="SIZE",
        help="Image size: 0.5K, 1K, 2K or 4K. [default: 1K]",
        rich_help_panel=_PICTURE,
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        "-i",
        metavar="FILE",
        help="Reference image, up to 14, repeatable; - reads one from stdin.",
        rich_help_panel=_PICTURE,
    ),
]
Thinking = Annotated[
    str | None,
    typer.Option(
        "--thinking",
        metavar="LEVEL",
        help="How long the model thinks first: minimal or high.",
        rich_help_panel=_PICTURE,
    ),
]
Search = Annotated[
    bool,
    typer.Option("--search", help="Ground the picture in a web search.", rich_help_panel=_PICTURE),
]
System = Annotated[
    str | None,
    typer.Option("--system", metavar="TEXT", help="System instruction.", rich_help_panel=_PICTURE),
]
Temperature = Annotated[
    float | None,
    typer.Option("--temperature", metavar="NUMBER", help="From 0 to 2.", rich_help_panel=_PICTURE),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="NUMBER",
        help="Accepted by the service, which promises nothing for it.",
        rich_help_panel=_PICTURE,
    ),
]
PromptFile = Annotated[
    str | None,
    typer.Option(
        "--prompt-file",
        metavar="FILE",
        help="Read the prompt from a file; - is stdin.",
        rich_help_panel=_PICTURE,
    ),
]

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="File, folder, or - for stdout. [default: a name made from the prompt]",
        rich_help_panel=_OUTPUT,
    ),
]
Count = Annotated[
    int,
    typer.Option(
        "--count",
        "-n",
        metavar="N",
        min=1,
        max=100,
        help="That many images, as that many calls at once.",
        rich_help_panel=_OUTPUT,
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"auto (as received, or by the file's name), {listed(FORMATS)}.",
        rich_help_panel=_OUTPUT,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace a file that is there.", rich_help_panel=_OUTPUT),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing", help="Leave a file that is there alone.", rich_help_panel=_OUTPUT
    ),
]

ModelId = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="ID",
        help="Model; `nb models` lists them. [default: gemini-3.1-flash-image-preview]",
        rich_help_panel=_SERVICE,
    ),
]
ProviderName = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="wisgate, google, or sandbox (free, offline). [default: wisgate]",
        rich_help_panel=_SERVICE,
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="The provider's address; https, or http on loopback.",
        rich_help_panel=_SERVICE,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Deadline for one attempt. [default: 120]",
        rich_help_panel=_SERVICE,
    ),
]
Retries = Annotated[
    str | None,
    typer.Option(
        "--retries",
        metavar="N",
        help="Resends after a failure that is known to be uncharged. [default: 3]",
        rich_help_panel=_SERVICE,
    ),
]

MaxCost = Annotated[
    str | None,
    typer.Option(
        "--max-cost",
        metavar="USD",
        help="Refuse to start what could cost more.",
        rich_help_panel=_COST,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print the request as JSON, and the price; send nothing.",
        rich_help_panel=_COST,
    ),
]
Curl = Annotated[
    bool,
    typer.Option(
        "--curl",
        help="Print the request as a curl command; send nothing.",
        rich_help_panel=_COST,
    ),
]

Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON line for each image.", rich_help_panel=_STREAMS),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Errors alone on stderr.", rich_help_panel=_STREAMS),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Tell the request's course.", rich_help_panel=_STREAMS),
]
Color = Annotated[
    bool | None,
    typer.Option(
        "--color/--no-color",
        help="Colour or not. [default: on a terminal]",
        rich_help_panel=_STREAMS,
    ),
]
