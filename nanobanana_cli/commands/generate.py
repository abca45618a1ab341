"""`nb generate`: one prompt, one or more images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from nanobanana_cli.commands import options, text_options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.deliver import Delivery
    from nanobanana_cli.commands.rendering import Texts
    from nanobanana_cli.models import ContentRequest
    from nanobanana_cli.settings import Settings


class Options(msgspec.Struct, frozen=True):
    """What was typed, for `run`."""

    prompt: str | None
    prompt_file: str | None
    images: Sequence[str]
    thinking: str | None
    search: bool
    system: str | None
    temperature: float | None
    seed: int | None
    output: str | None
    count: int
    image_format: str
    force: bool
    skip_existing: bool
    dry_run: bool
    curl: bool
    json: bool
    settings: dict[str, str | None]
    delivery: Delivery | None = None
    texts: Texts | None = None


def command(
    ctx: typer.Context,
    prompt: Annotated[
        str | None,
        typer.Argument(
            metavar="PROMPT", show_default=False, help="What to draw; - reads it from stdin."
        ),
    ] = None,
    aspect: options.Aspect = None,
    size: options.Size = None,
    image: options.Images = None,
    prompt_file: options.PromptFile = None,
    thinking: options.Thinking = None,
    search: options.Search = False,
    system: options.System = None,
    temperature: options.Temperature = None,
    seed: options.Seed = None,
    output: options.Output = None,
    count: options.Count = 1,
    image_format: options.Format = "auto",
    force: options.Force = False,
    skip_existing: options.SkipExisting = False,
    alt: text_options.Alt = False,
    alt_file: text_options.AltFile = None,
    model: options.ModelId = None,
    provider: options.ProviderName = None,
    base_url: options.BaseUrl = None,
    timeout: options.Timeout = None,
    retries: options.Retries = None,
    max_cost: options.MaxCost = None,
    dry_run: options.DryRun = False,
    curl: options.Curl = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    color: options.Color = None,
) -> None:
    """Make an image from a prompt.

    The path of each image goes to stdout; everything else goes to stderr.

    Examples:
      nb generate "a red fox" --aspect 16:9 --size 2K -o fox.png
      nb generate "a red fox" --provider sandbox       # free and offline
      nb generate "the same fox, at night" -i fox.png -n 3 -o night/
      echo "a red fox" | nb generate - -o - | magick - fox.avif
    """
    terminal: Terminal = ctx.obj
    terminal.configure(quiet=quiet, verbose=verbose, color=color)
    run(
        Options(
            prompt=prompt,
            prompt_file=prompt_file,
            images=image or (),
            thinking=thinking,
            search=search,
            system=system,
            temperature=temperature,
            seed=seed,
            output=output,
            count=count,
            image_format=image_format,
            force=force,
            skip_existing=skip_existing,
            dry_run=dry_run,
            curl=curl,
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
            delivery=_delivery(alt_file, force=force) if alt or alt_file is not None else None,
        ),
        terminal,
    )


def run(chosen: Options, terminal: Terminal) -> None:
    """Check everything, then make the images, or only show the request.

    Raises:
        NbError: whatever went wrong; `typer.Exit` when the errors have been shown already.
    """
    from nanobanana_cli import outputs, settings
    from nanobanana_cli.commands import making

    if chosen.dry_run and chosen.curl:
        raise UsageError("--dry-run and --curl contradict each other", hint="use one")
    if chosen.output == "-" and terminal.stdout.isatty():
        raise UsageError(
            "-o - would write an image to the terminal", hint="send it on: -o - | magick - fox.avif"
        )
    in_force = settings.load(terminal.env, settings.current_folder(), chosen.settings)
    request = _request(chosen, in_force, terminal)
    places = outputs.plan(
        chosen.output,
        prompt=request.prompt,
        count=chosen.count,
        image_format=chosen.image_format,
        force=chosen.force,
        skip_existing=chosen.skip_existing,
        stdout=terminal.binary,
    )
    order = making.Order(
        request=request,
        outputs=tuple(places),
        settings=in_force,
        skip_existing=chosen.skip_existing,
        report=making.Report(chosen.json, chosen.output == "-", chosen.texts),
        delivery=chosen.delivery,
    )
    if chosen.dry_run or chosen.curl:
        making.show(order, terminal, as_curl=chosen.curl)
    else:
        making.make(order, terminal)


def _delivery(alt_file: str | None, *, force: bool) -> Delivery:
    """Alt text beside the image, in the usual style."""
    from nanobanana_cli.alt.wording import Wish
    from nanobanana_cli.captions.deliver import Delivery

    if alt_file is not None and (not alt_file or "\0" in alt_file):
        raise UsageError("--alt-file is no path", hint="--alt-file fox.alt.txt")
    text_file = None if alt_file is None else Path(alt_file)
    return Delivery(Wish(), write=True, text_file=text_file, force=force, is_generated=True)


def _request(chosen: Options, in_force: Settings, terminal: Terminal) -> ContentRequest:
    from nanobanana_cli import compose
    from nanobanana_cli.models import ContentRequest

    if "-" in chosen.images and "-" in (chosen.prompt, chosen.prompt_file):
        raise UsageError("the prompt and -i - both read stdin", hint="name a file for one of them")
    if chosen.images.count("-") > 1:
        raise UsageError("-i - can be given once, and was given twice", hint="there is one stdin")
    prompt = compose.prompt_text(chosen.prompt, chosen.prompt_file, terminal.read)
    return compose.checked(
        ContentRequest(
            prompt=prompt,
            framed=_framed(prompt, chosen.delivery),
            modalities=("IMAGE",) if chosen.delivery is None else ("TEXT", "IMAGE"),
            model=in_force.model,
            aspect=in_force.aspect,
            size=in_force.size,
            references=compose.references(chosen.images, terminal.read),
            thinking=chosen.thinking,
            search=chosen.search,
            system=chosen.system or None,
            temperature=chosen.temperature,
            seed=chosen.seed,
        )
    )


def _framed(prompt: str, delivery: Delivery | None) -> str | None:
    if delivery is None:
        return None
    from nanobanana_cli.alt import wording

    return wording.for_generation(prompt, delivery.wish)
