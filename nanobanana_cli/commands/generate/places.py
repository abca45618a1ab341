"""Decide, before a call is paid, where images go and which pixels they get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import relpath
from pathlib import Path

from nanobanana_cli.commands.editing import Edit
from nanobanana_cli.commands.options import Output, Shape
from nanobanana_cli.commands.results import ResultWriter
from nanobanana_cli.errors import LocalFileError, UsageError
from nanobanana_cli.generation import crops, cutout, destinations, fit
from nanobanana_cli.generation.destinations import Destination, format_named
from nanobanana_cli.generation.fit import Box
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX
from nanobanana_cli.settings import Settings
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.suggest import shown
from nanobanana_cli.types import ContentRequest, Data, Result


def boxes(edit: Edit, shape: Shape, output: Output) -> tuple[Box, ...]:
    """Return the pixels that are asked for, each once."""
    if edit.transparent and output.every:
        raise UsageError("--all and --transparent contradict each other", hint="use one")
    if not edit.fit:
        return ()
    for option, value in (("-a", shape.aspect), ("-s", shape.size)):
        if value is not None:
            raise UsageError(
                f"--fit chooses ratio and size, so {option} contradicts it", hint="use one of them"
            )
    found = []
    for text in edit.fit:
        try:
            found.append(fit.parse(text))
        except InvalidValue as error:
            raise UsageError(f"--fit {shown(text)} {error.reason}", hint=error.hint) from None
    several = tuple(dict.fromkeys(found))
    if len(several) > 1:
        if output.path == "-":
            raise UsageError(
                f"-o - takes one image, but --fit asks for {len(several)}",
                hint="name a file: -o card.png",
            )
        if output.every:
            raise UsageError("--all and several --fit contradict each other", hint="use one")
    return several


def calls(
    output: Output,
    request: ContentRequest,
    in_force: Settings,
    count: int,
    edits: tuple[Sequence[Box], bool],
    stdout: Callable[[Data], None],
    writer: ResultWriter,
) -> list[list[Destination]]:
    """Return where the images of each call go; an error of the disk is a result, too.

    Args:
        output, request, in_force, count: what is asked for.
        edits: the pixels to deliver, and whether the background becomes transparent.
        stdout, writer: take the image for `-`, and the error.
    """
    boxes, is_cut_out = edits
    try:
        places = destinations.plan(
            _place(output, in_force),
            prompt=request.prompt,
            count=count,
            image_format=_format(output, in_force, is_cut_out=is_cut_out),
            format_yields=in_force.origins["format"] != "--format",
            force=output.force,
            skip_existing=output.skip_existing,
            stdout=stdout,
        )
        return [crops.spread(place, boxes, is_cut_out=is_cut_out) for place in places]
    except LocalFileError as error:
        writer.json(Result("failed", request, in_force.provider, error=error))
        raise


def _format(output: Output, in_force: Settings, *, is_cut_out: bool) -> str:
    """Return the value of --format; with --transparent, a format that holds transparency."""
    if not is_cut_out:
        return in_force.format
    suffix = Path(output.path or "").suffix.lower()
    named = FORMAT_OF_SUFFIX.get(suffix) if output.path != "-" else None
    if in_force.origins["format"] == "--format" and in_force.format != "auto":
        return cutout.format_for(format_named(in_force.format), f"--format {in_force.format}")
    return cutout.format_for(named, f"-o {output.path}")


def _place(output: Output, in_force: Settings) -> str | None:
    """Return the value of -o, or the configured folder."""
    if output.path is not None or not in_force.output_folder:
        return output.path
    # Of a project file, it is known from the root: show it as it is seen from here.
    folder, here = Path(in_force.output_folder), Path.cwd()
    return f"{relpath(folder) if folder.is_relative_to(here) else folder}/"
