"""What `nb caption` does: which of its jobs the arguments ask for, and whether they fit it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import targets
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.commands.caption import wishing
from nanobanana_cli.commands.caption.wishing import TextOptions
from nanobanana_cli.commands.generate import command
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.terminal import Terminal


class CaptionOptions(msgspec.Struct, frozen=True):
    """What was typed.

    Args:
        targets: the arguments.
        recursive, concurrency, check, read: for existing images.
        text: what is about the text.
        making: what is about the call; its prompt is still among the targets.
    """

    targets: tuple[str, ...]
    recursive: bool
    concurrency: int
    check: bool
    read: bool
    text: TextOptions
    making: command.GenerateOptions


def run(chosen: CaptionOptions, terminal: Terminal) -> None:
    """Do the one job that the arguments ask for.

    Raises:
        NbError: whatever went wrong; `typer.Exit` when the errors have been shown already.
    """
    wish = wishing.wish(chosen.text)
    if not chosen.targets and chosen.making.prompt_file is None:
        raise UsageError(
            "nothing to caption",
            hint='a prompt, nb caption "a red fox", or images: nb caption *.png',
        )
    if chosen.check or chosen.read:
        _check_audit(chosen)
        from nanobanana_cli.commands.caption import check as caption_check

        images = targets.find(chosen.targets, recursive=chosen.recursive)
        job = caption_check.check if chosen.check else caption_check.read
        job(images, wish, _texts(chosen, terminal, is_single=images.is_single), terminal)
    elif chosen.making.prompt_file is not None or targets.is_prompt(chosen.targets):
        _check_prompt(chosen)
        _make(chosen, terminal)
    else:
        from nanobanana_cli.commands.caption import describe

        images = targets.find(chosen.targets, recursive=chosen.recursive)
        _check_images(chosen, images)
        order = describe.DescribeJob(
            images=images,
            delivery=_delivery(chosen, is_generated=False),
            call=chosen.making,
            concurrency=chosen.concurrency,
            read_stdin=_stdin(terminal),
        )
        texts = _texts(chosen, terminal, is_single=images.is_single)
        describe.run(order, texts, terminal)


def _make(chosen: CaptionOptions, terminal: Terminal) -> None:
    """An image and its text in one call: what generate does, with the text as the result."""
    making = replace(
        chosen.making,
        prompt=chosen.targets[0] if chosen.targets else None,
        delivery=_delivery(chosen, is_generated=True),
        texts=_texts(chosen, terminal, is_single=chosen.making.count == 1),
    )
    command.run(making, terminal)


def _delivery(chosen: CaptionOptions, *, is_generated: bool) -> TextDestination:
    return TextDestination(
        wishing.wish(chosen.text),
        write=chosen.text.write,
        embed=chosen.text.embed,
        force=chosen.making.force,
        is_generated=is_generated,
    )


def _texts(chosen: CaptionOptions, terminal: Terminal, *, is_single: bool) -> TextWriter:
    return TextWriter(
        terminal, chosen.text.form, relative_to=chosen.text.relative_to, is_single=is_single
    )


def _stdin(terminal: Terminal) -> Callable[[], bytes]:
    """Reads stdin once, however often it is asked for."""
    return cache(terminal.read)


def _check_prompt(chosen: CaptionOptions) -> None:
    if len(chosen.targets) > 1:
        raise UsageError(
            "--prompt-file and several arguments contradict each other",
            hint="an image that the new one is to follow goes to -i",
        )
    if chosen.making.output == "-":
        raise UsageError(
            "-o - would mix the image with its text on stdout",
            hint="name a file: -o hero.png; or nb generate --alt-file hero.alt.txt -o -",
        )
    if chosen.recursive:
        raise UsageError("-r is for folders, and this is a prompt")


def _check_images(chosen: CaptionOptions, images: targets.Images) -> None:
    making = chosen.making
    given = {
        "--aspect": making.settings["aspect"] is not None,
        "--size": making.settings["size"] is not None,
        "-i": bool(making.images),
        "-o": making.output is not None,
        "-n": making.count != 1,
        "--format": making.image_format != "auto",
        "--search": making.search,
    }
    first = "an image on stdin" if images.paths[0] == "-" else images.paths[0]
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} is for making an image, and {first} is there already",
                hint="leave it out, or give a prompt: it comes from --prompt-file if it looks "
                "like a file name",
            )
    if "-" in images.paths and (chosen.text.write or chosen.text.embed):
        option = "--write" if chosen.text.write else "--embed"
        raise UsageError(f"{option} needs a file, and - is stdin", hint="name the file")


def _check_audit(chosen: CaptionOptions) -> None:
    job = "--check" if chosen.check else "--read"
    given = {
        "--read": chosen.read and chosen.check,
        "--write": chosen.text.write,
        "--embed": chosen.text.embed,
        "--prompt-file": chosen.making.prompt_file is not None,
        "-o": chosen.making.output is not None,
        "--dry-run": chosen.making.dry_run,
        "--curl": chosen.making.curl,
        f"--as {chosen.text.form}": chosen.check and chosen.text.form not in ("text", "json"),
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{job} and {option} contradict each other", hint="use one")
