"""Define each option once; `signature` makes a command's signature from the groups that it takes.

A group is a record whose fields are options under one title of the help. A command's record has a
field for each group that the command takes, in the order of its help.
"""

# Without `from __future__ import annotations`: a signature is made from the annotations, and to
# evaluate them from strings takes a millisecond.

from typing import Annotated

import msgspec
from typer import Option

from nanobanana_cli.images.formats import CHOICES, listed
from nanobanana_cli.types import Parameters

_SERVICE = "Service"
_STREAMS = "Streams"

# Also taken one by one, by commands that need no record.
ProviderName = Annotated[
    str | None,
    Option(
        "--provider",
        metavar="NAME",
        help="wisgate, google, or sandbox (free, offline). [default: wisgate]",
        rich_help_panel=_SERVICE,
    ),
]
BaseUrl = Annotated[
    str | None,
    Option(
        "--base-url",
        metavar="URL",
        help="Base URL of the provider; https, or http on loopback.",
        rich_help_panel=_SERVICE,
    ),
]
Quiet = Annotated[
    bool, Option("--quiet", "-q", help="Print only errors.", rich_help_panel=_STREAMS)
]
Color = Annotated[
    bool | None,
    Option(
        "--color/--no-color",
        help="Turn colour on or off. [default: on a terminal]",
        rich_help_panel=_STREAMS,
    ),
]


class Shape(msgspec.Struct, frozen=True):
    """The shape of an image."""

    panel = "Picture"

    aspect: Annotated[
        str | None,
        Option(
            "--aspect",
            "-a",
            metavar="RATIO",
            help="Aspect ratio, such as 16:9, or landscape; auto is the image to --continue, "
            "or the first reference image, else 1:1. [default: auto]",
        ),
    ] = None
    size: Annotated[
        str | None,
        Option(
            "--size", "-s", metavar="SIZE", help="Image size: 0.5K, 1K, 2K or 4K. [default: 1K]"
        ),
    ] = None


class Inputs(msgspec.Struct, frozen=True):
    """Inputs of an image besides the typed prompt."""

    panel = "Picture"

    images: Annotated[
        list[str] | None,
        Option(
            "--image",
            "-i",
            metavar="FILE",
            help="Reference image: a file, an https address, or - for stdin; repeatable, up to 14.",
        ),
    ] = None
    prompt_file: Annotated[
        str | None,
        Option("--prompt-file", metavar="FILE", help="Read the prompt from FILE; - is stdin."),
    ] = None


class RequestParameters(Parameters, frozen=True):
    """The request parameters, as options."""

    panel = "Picture"

    thinking: Annotated[
        str | None,
        Option("--thinking", metavar="LEVEL", help="Thinking level: minimal, medium or high."),
    ] = None
    search: Annotated[bool | None, Option("--search", help="Ground the image in a web search.")] = (
        None
    )
    system: Annotated[
        str | None, Option("--system", metavar="TEXT", help="System instruction.")
    ] = None
    temperature: Annotated[
        float | None,
        Option("--temperature", metavar="NUMBER", help="Sampling temperature, from 0 to 2."),
    ] = None
    seed: Annotated[
        int | None,
        Option(
            "--seed",
            metavar="NUMBER",
            help="Random seed, sent as is; results are not guaranteed to repeat.",
        ),
    ] = None


class Output(msgspec.Struct, frozen=True):
    """Destination and format of images."""

    panel = "Output"

    path: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File (.png and the like may be left out), folder, or - for stdout. "
            "[default: a name made from the prompt]",
        ),
    ] = None
    image_format: Annotated[
        str | None,
        Option(
            "--format",
            metavar="FORMAT",
            help=f"auto (by the file's name, else as received), {listed(CHOICES[1:])}. "
            "[default: auto]",
        ),
    ] = None
    force: Annotated[bool, Option("--force", help="Replace an existing file.")] = False
    skip_existing: Annotated[
        bool, Option("--skip-existing", help="Leave an existing file alone.")
    ] = False
    every: Annotated[bool, Option("--all", help="Save every finished image of a reply.")] = False


class Viewing(msgspec.Struct, frozen=True):
    """Options for an image besides saving it."""

    panel = "Output"

    open: Annotated[
        bool | None,
        Option("--open/--no-open", help="Open the image in the desktop's viewer, too."),
    ] = None
    preview: Annotated[
        bool | None,
        Option(
            "--preview/--no-preview",
            help="Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole.",
        ),
    ] = None


class Copies(msgspec.Struct, frozen=True):
    """The number of calls."""

    panel = "Output"

    count: Annotated[
        int,
        Option(
            "--count",
            "-n",
            metavar="N",
            min=1,
            max=100,
            help="Number of images, one call each, in parallel.",
        ),
    ] = 1


class Turns(msgspec.Struct, frozen=True):
    """The conversation that an image is a part of."""

    panel = "Several turns"

    chat: Annotated[
        bool,
        Option("--chat", help="Keep the conversation beside the image: fox.png, fox.chat.json."),
    ] = False
    continue_from: Annotated[
        str | None,
        Option(
            "--continue",
            metavar="FILE",
            help="Go on from the conversation beside FILE, or in it, and keep the new one.",
        ),
    ] = None


class Service(msgspec.Struct, frozen=True):
    """The service to call, and how long to try."""

    panel = _SERVICE

    model: Annotated[
        str | None,
        Option(
            "--model",
            "-m",
            metavar="ID",
            help="Model, by id or alias (nb2, pro); `nb models` lists them. [default: by provider]",
        ),
    ] = None
    provider: ProviderName = None
    base_url: BaseUrl = None
    timeout: Annotated[
        str | None,
        Option(
            "--timeout",
            metavar="SECONDS",
            help="Deadline for one attempt. [default: 120; 300 at 4K and for Pro]",
        ),
    ] = None
    retries: Annotated[
        str | None,
        Option(
            "--retries",
            metavar="N",
            help="Resends after a failure that is known to be free. [default: 3]",
        ),
    ] = None
    wait: Annotated[
        str | None,
        Option(
            "--wait",
            metavar="DURATION",
            help="Keep trying what is known to be free for so long, such as 30m; wins over "
            "--retries. [default: 10m in a batch]",
        ),
    ] = None


class Cost(msgspec.Struct, frozen=True):
    """Limit and preview of the cost."""

    panel = "Cost and safety"

    max_cost: Annotated[
        str | None,
        Option("--max-cost", metavar="USD", help="Refuse to start what could cost more."),
    ] = None
    yes: Annotated[
        bool, Option("--yes", help="Do not ask before what could cost more than $10.")
    ] = False
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print the request as JSON, and the price; send nothing.")
    ] = False
    curl: Annotated[
        bool, Option("--curl", help="Print the request as a curl command; send nothing.")
    ] = False


class Streams(msgspec.Struct, frozen=True):
    """Output on stdout and stderr."""

    panel = _STREAMS

    json: Annotated[bool, Option("--json", help="Print one JSON line for each result.")] = False
    quiet: Quiet = False
    verbose: Annotated[bool, Option("--verbose", "-v", help="Show each step of the request.")] = (
        False
    )
    color: Color = None
