"""`nb caption`: a prompt → an image and its text; existing images → their texts."""

from __future__ import annotations

from typing import Annotated

import typer

from nanobanana_cli.commands import options
from nanobanana_cli.commands.caption import options as caption_options
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal


def command(
    ctx: typer.Context,
    target: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            show_default=False,
            help="A prompt; or images, folders (-r), patterns, - for an image on stdin.",
        ),
    ] = None,
    style: caption_options.Style = "alt",
    max_chars: caption_options.MaxChars = None,
    lang: caption_options.Lang = None,
    context: caption_options.Context = None,
    context_file: caption_options.ContextFile = None,
    form: caption_options.As = "text",
    relative_to: caption_options.RelativeTo = None,
    write: caption_options.Write = False,
    embed: caption_options.Embed = False,
    recursive: caption_options.Recursive = False,
    concurrency: caption_options.Concurrency = 8,
    check: caption_options.Check = False,
    read: caption_options.Read = False,
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
    """Make an image with its alt text, or alt text for images that are there.

    The text goes to stdout: alone for one, with path and TAB in front for several. A prompt makes
    an image, too, as nb generate does; images are never changed, but with --embed.

    Examples:
      ALT=$(nb caption "a red fox" -o hero.png)
      nb caption hero.png --style long --lang de
      nb caption -r img/ --write          # img/fox.alt.txt beside img/fox.png
      nb caption -r img/ --check          # exit 3 if one lacks alt text; no key, no network
    """
    from nanobanana_cli.commands.caption import run
    from nanobanana_cli.commands.caption.wishing import TextOptions
    from nanobanana_cli.commands.generate.command import GenerateOptions

    terminal: Terminal = ctx.obj
    terminal.configure(quiet=quiet, verbose=verbose, color=color)
    run.run(
        run.CaptionOptions(
            targets=tuple(target or ()),
            recursive=recursive,
            concurrency=concurrency,
            check=check,
            read=read,
            text=TextOptions(
                style=style,
                max_chars=max_chars,
                lang=lang,
                context=context,
                context_file=context_file,
                form=_form(form, json=json),
                relative_to=relative_to,
                write=write,
                embed=embed,
            ),
            making=GenerateOptions(
                prompt=None,
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
                json=json or form == "json",
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
        ),
        terminal,
    )


def _form(form: str, *, json: bool) -> str:
    """`--json` is `--as json` by its name in the other commands."""
    if json and form not in ("text", "json"):
        raise UsageError(f"--json and --as {form} contradict each other", hint="use one")
    return "json" if json else form
