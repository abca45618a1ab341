"""`nb generate`: one prompt, one or more images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from nanobanana_cli.commands import options
from nanobanana_cli.commands.caption import options as caption_options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.commands.results import TextWriter
    from nanobanana_cli.settings import Settings
    from nanobanana_cli.types import ContentRequest


class GenerateOptions(msgspec.Struct, frozen=True):
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
    delivery: TextDestination | None = None
    texts: TextWriter | None = None


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
    alt: caption_options.Alt = False,
    alt_file: caption_options.AltFile = None,
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
        GenerateOptions(
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


def run(chosen: GenerateOptions, terminal: Terminal) -> None:
    """Check everything, then make the images, or only show the request.

    Raises:
        NbError: whatever went wrong; `typer.Exit` when the errors have been shown already.
    """
    from nanobanana_cli import settings
    from nanobanana_cli.commands.generate import run as generate_run
    from nanobanana_cli.commands.results import ResultWriter
    from nanobanana_cli.generation import destinations

    if chosen.dry_run and chosen.curl:
        raise UsageError("--dry-run and --curl contradict each other", hint="use one")
    if chosen.output == "-" and terminal.stdout.isatty():
        raise UsageError(
            "-o - would write an image to the terminal", hint="send it on: -o - | magick - fox.avif"
        )
    in_force = settings.load(terminal.env, settings.current_folder(), chosen.settings)
    request = _request(chosen, in_force, terminal)
    places = destinations.plan(
        chosen.output,
        prompt=request.prompt,
        count=chosen.count,
        image_format=chosen.image_format,
        force=chosen.force,
        skip_existing=chosen.skip_existing,
        stdout=terminal.binary,
    )
    writer = ResultWriter(
        terminal, json=chosen.json, to_stderr=chosen.output == "-", texts=chosen.texts
    )
    act = generate_run.make
    if chosen.dry_run or chosen.curl:
        act = partial(generate_run.show, as_curl=chosen.curl)
    act(
        request,
        places,
        in_force,
        terminal,
        writer=writer,
        skip_existing=chosen.skip_existing,
        text=chosen.delivery,
    )


def _delivery(alt_file: str | None, *, force: bool) -> TextDestination:
    """Alt text beside the image, in the usual style."""
    from nanobanana_cli.captions.prompts import TextSpec
    from nanobanana_cli.captions.save import TextDestination

    if alt_file is not None and (not alt_file or "\0" in alt_file):
        raise UsageError("--alt-file is no path", hint="--alt-file fox.alt.txt")
    text_file = None if alt_file is None else Path(alt_file)
    return TextDestination(
        TextSpec(), write=True, text_file=text_file, force=force, is_generated=True
    )


def _request(chosen: GenerateOptions, in_force: Settings, terminal: Terminal) -> ContentRequest:
    from nanobanana_cli.generation import inputs
    from nanobanana_cli.types import ContentRequest, Parameters

    if "-" in chosen.images and "-" in (chosen.prompt, chosen.prompt_file):
        raise UsageError("the prompt and -i - both read stdin", hint="name a file for one of them")
    if chosen.images.count("-") > 1:
        raise UsageError("-i - can be given once, and was given twice", hint="there is one stdin")
    prompt = inputs.prompt_text(chosen.prompt, chosen.prompt_file, terminal.read)
    return inputs.checked(
        ContentRequest(
            prompt=prompt,
            framed=_framed(prompt, chosen.delivery),
            modalities=("IMAGE",) if chosen.delivery is None else ("TEXT", "IMAGE"),
            model=in_force.model,
            aspect=in_force.aspect,
            size=in_force.size,
            references=inputs.references(chosen.images, terminal.read),
            parameters=Parameters(
                thinking=chosen.thinking,
                search=chosen.search,
                system=chosen.system,
                temperature=chosen.temperature,
                seed=chosen.seed,
            ),
        )
    )


def _framed(prompt: str, delivery: TextDestination | None) -> str | None:
    if delivery is None:
        return None
    from nanobanana_cli.captions import prompts

    return prompts.for_generation(prompt, delivery.spec)
