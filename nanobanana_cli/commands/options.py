"""Define each option once, and make a command's signature from the groups that it takes.

A group is a record whose fields are options under one title of the help. A command's record has a
field for each group that the command takes, in the order of its help.
"""

# Without `from __future__ import annotations`: a signature is made from the annotations, and to
# evaluate them from strings takes a millisecond.

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from typer import Option

from nanobanana_cli.images.formats import FORMATS, listed
from nanobanana_cli.types import Parameters
from nanobanana_cli.ui.terminal import Terminal

R = TypeVar("R", bound=msgspec.Struct)

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
            "--aspect", "-a", metavar="RATIO", help="Aspect ratio, such as 16:9. [default: 1:1]"
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
            help="Reference image; repeatable, up to 14; - reads one from stdin.",
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
        Option("--thinking", metavar="LEVEL", help="Thinking level: minimal or high."),
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
    """Destination, number and format of images."""

    panel = "Output"

    path: Annotated[
        str | None,
        Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File, folder, or - for stdout. [default: a name made from the prompt]",
        ),
    ] = None
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
    image_format: Annotated[
        str,
        Option(
            "--format",
            metavar="FORMAT",
            help=f"auto (by the file's name, else as received), {listed(FORMATS)}.",
        ),
    ] = "auto"
    force: Annotated[bool, Option("--force", help="Replace an existing file.")] = False
    skip_existing: Annotated[
        bool, Option("--skip-existing", help="Leave an existing file alone.")
    ] = False


class Service(msgspec.Struct, frozen=True):
    """The service to call, and how long to try."""

    panel = _SERVICE

    model: Annotated[
        str | None,
        Option(
            "--model",
            "-m",
            metavar="ID",
            help="Model; `nb models` lists them. [default: gemini-3.1-flash-image-preview]",
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
            "--retries.",
        ),
    ] = None


class Cost(msgspec.Struct, frozen=True):
    """Limit and preview of the cost."""

    panel = "Cost and safety"

    max_cost: Annotated[
        str | None,
        Option("--max-cost", metavar="USD", help="Refuse to start what could cost more."),
    ] = None
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


def takes(record: type[R]) -> Callable[[Callable[[R, Terminal], None]], Callable[..., None]]:
    """Make a Typer callback of a function that takes a command's options and the terminal.

    Args:
        record: the command's options; every field has a default.
    """

    def decorate(function: Callable[[R, Terminal], None]) -> Callable[..., None]:
        def callback(ctx: typer.Context, **values: Any) -> None:
            terminal: Terminal = ctx.obj
            streams = ("quiet", "verbose", "color")
            terminal.configure(**{name: values[name] for name in streams if name in values})
            function(_filled(record(), values), terminal)

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *_parameters(record())]
        callback.__doc__ = function.__doc__
        callback.__annotations__ = {each.name: each.annotation for each in parameters}
        callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return callback

    return decorate


def settings_of(options: msgspec.Struct) -> dict[str, str | None]:
    """Return the options that override a setting, by the setting's name; None if not given."""
    from nanobanana_cli.settings.resolve import DEFAULTS

    typed = dict(_values(options))
    return {name: typed.get(name.replace("-", "_")) for name in DEFAULTS}


def _parameters(group: msgspec.Struct) -> Iterator[inspect.Parameter]:
    """Yield a parameter for each option of a group, and of the groups in it."""
    annotations = inspect.get_annotations(type(group))
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if isinstance(value, msgspec.Struct):
            yield from _parameters(value)
            continue
        if panel := getattr(group, "panel", None):
            annotations[name].__metadata__[0].rich_help_panel = panel
        yield inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=annotations[name]
        )


def _values(group: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for name in group.__struct_fields__:
        value = getattr(group, name)
        if isinstance(value, msgspec.Struct):
            yield from _values(value)
        else:
            yield name, value


def _filled(group: R, values: dict[str, Any]) -> R:
    """Return a group of the same type with the values that were typed."""
    fields = {}
    for name in group.__struct_fields__:
        value = getattr(group, name)
        is_group = isinstance(value, msgspec.Struct)
        fields[name] = _filled(value, values) if is_group else values[name]
    return type(group)(**fields)
