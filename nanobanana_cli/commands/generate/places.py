"""Decide, before a call is paid, where images go and which pixels they get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import relpath
from pathlib import Path

from nanobanana_cli.commands.options import Edit, Output, Shape
from nanobanana_cli.commands.results import ResultWriter
from nanobanana_cli.errors import LocalFileError, UsageError
from nanobanana_cli.generation import destinations, fit
from nanobanana_cli.generation.destinations import Destination
from nanobanana_cli.generation.fit import Box
from nanobanana_cli.settings import Settings
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.types import ContentRequest, Data, Result


def boxes(edit: Edit, shape: Shape, output: Output) -> tuple[Box, ...]:
    """Return the pixels that are asked for, each once."""
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
            raise UsageError(f"--fit {text} {error.reason}", hint=error.hint) from None
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
    boxes: Sequence[Box],
    stdout: Callable[[Data], None],
    writer: ResultWriter,
) -> list[list[Destination]]:
    """Return where the images of each call go; an error of the disk is a result, too."""
    try:
        places = destinations.plan(
            _place(output, in_force),
            prompt=request.prompt,
            count=count,
            image_format=in_force.format,
            format_yields=in_force.origins["format"] != "--format",
            force=output.force,
            skip_existing=output.skip_existing,
            stdout=stdout,
        )
        return [fit.spread(place, boxes) for place in places]
    except LocalFileError as error:
        writer.json(Result("failed", request, in_force.provider, error=error))
        raise


def _place(output: Output, in_force: Settings) -> str | None:
    """Return the value of -o, or the configured folder."""
    if output.path is not None or not in_force.output_folder:
        return output.path
    # Of a project file, it is known from the root: show it as it is seen from here.
    folder, here = Path(in_force.output_folder), Path.cwd()
    return f"{relpath(folder) if folder.is_relative_to(here) else folder}/"
