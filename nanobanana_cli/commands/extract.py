"""`nb extract`: image and text out of saved replies, without a call."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from typer import Argument, Option

from nanobanana_cli.commands.lines import ResultLine
from nanobanana_cli.commands.options import Output, Streams, Viewing
from nanobanana_cli.commands.signature import settings_of, takes
from nanobanana_cli.errors import Charged, ConfigError, NbError, NoText, OutputExists, UsageError
from nanobanana_cli.types import Result
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.api.links import LinkFetcher
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.commands.display import ImageDisplay
    from nanobanana_cli.generation.destinations import Destination

_LARGEST_FILE = 512 << 20


class Contents(msgspec.Struct, frozen=True):
    """The parts to take besides images."""

    panel = "Text"

    text: Annotated[bool, Option("--text", help="Also print the text of the reply.")] = False
    alt: Annotated[
        bool, Option("--alt", help="Write the text beside the image: fox.png, fox.alt.txt.")
    ] = False


class ExtractOptions(msgspec.Struct, frozen=True):
    """The options of `nb extract`."""

    file: Annotated[
        list[str] | None,
        Argument(metavar="FILE...", show_default=False, help="Saved replies; - is stdin."),
    ] = None
    output: Output = Output()
    viewing: Viewing = Viewing()
    contents: Contents = Contents()
    fetch: Annotated[
        bool,
        Option(
            "--fetch",
            help="Fetch an image that is a link; https and public addresses only.",
            rich_help_panel="Output",
        ),
    ] = False
    streams: Streams = Streams()


@takes(ExtractOptions)
def command(options: ExtractOptions, terminal: Terminal) -> None:
    """Take images and texts out of saved replies, without a call.

    A reply is JSON, as the service sends it: what curl saved, or what nb kept because its image
    could not be saved. The path of each image goes to stdout.

    Examples:
      nb extract response.json                # response.png
      nb extract response.json -o fox.png --alt
      curl … | nb extract - -o fox.png
    """
    names = options.file or []
    _check(options, names, terminal)
    text = _text_destination(options)
    display = _display(options, terminal)
    json_to_stderr = options.output.path == "-"
    try:
        places = _places(options, names, terminal, text, display)
    except NbError as error:
        if options.streams.json:
            from nanobanana_cli.generation.extract import failed

            terminal.json(ResultLine.of(failed(names[0], error)), to_stderr=json_to_stderr)
        raise
    from nanobanana_cli.commands.results import recover
    from nanobanana_cli.generation.destinations import folders

    recover(folders(places), terminal)
    failures: list[NbError] = []
    with ExitStack() as stack:
        links = stack.enter_context(closing(_fetcher(terminal))) if options.fetch else None
        if display is not None:
            stack.enter_context(display)
        for name, place in zip(names, places, strict=True):
            for result in _extracted(name, place, options, text, links, terminal):
                _show(result, options, terminal, display)
                if result.error is not None:
                    failures.append(result.error)
    if len(failures) == len(names) == 1:
        raise failures[0]
    for failure in failures:
        terminal.error(failure)
    if failures:
        raise typer.Exit(max(each.code for each in failures))


def _check(options: ExtractOptions, names: Sequence[str], terminal: Terminal) -> None:
    if not names:
        raise UsageError("nothing to extract from", hint="name a file: nb extract response.json")
    if names.count("-") > 1:
        raise UsageError("- can be given only once", hint="stdin is read once")
    if options.output.path != "-":
        return
    if options.output.every:
        raise UsageError(
            "-o - takes one image, but --all may save several", hint="name a folder: -o images/"
        )
    if options.contents.text:
        raise UsageError(
            "-o - would mix the image with its text on stdout", hint="name a file: -o fox.png"
        )
    if terminal.stdout.isatty():
        raise UsageError(
            "-o - would write an image to the terminal", hint="send it on: -o - | magick - fox.avif"
        )


def _text_destination(options: ExtractOptions) -> "TextDestination | None":
    if not options.contents.alt:
        return None
    from nanobanana_cli.captions.prompts import TextSpec
    from nanobanana_cli.captions.save import TextDestination

    return TextDestination(TextSpec(), write=True, force=options.output.force, is_generated=True)


def _places(
    options: ExtractOptions,
    names: Sequence[str],
    terminal: Terminal,
    text: "TextDestination | None",
    display: "ImageDisplay | None",
) -> "list[Destination]":
    """Return the place of each reply's image, checked before anything is written."""
    from nanobanana_cli.generation import destinations
    from nanobanana_cli.generation.destinations import NamedFile, UnnamedFile
    from nanobanana_cli.slug import slug

    output = options.output
    places = destinations.plan(
        output.path,
        prompt="",
        count=len(names),
        image_format="auto" if output.image_format is None else output.image_format,
        force=output.force,
        skip_existing=output.skip_existing,
        stdout=terminal.binary if display is None else display.binary,
    )
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        if isinstance(place, UnnamedFile):
            stem = slug("response" if name == "-" else Path(name).stem)
            places[number] = msgspec.structs.replace(place, stem=stem)
        elif isinstance(place, NamedFile) and place.taken() and not output.skip_existing:
            raise OutputExists(f"{place.found()} exists already")
    if text is not None:
        from nanobanana_cli.captions.save import preflight

        preflight([place for place in places if not place.taken()], text)
    return places


def _display(options: ExtractOptions, terminal: Terminal) -> "ImageDisplay | None":
    """Return what shows the images, if that is asked for or, on a terminal, configured."""
    typed = settings_of(options.viewing)
    if not (any(typed.values()) or terminal.stderr.isatty()):
        return None
    from nanobanana_cli import settings

    try:
        in_force = settings.load(terminal.env, settings.current_folder(), typed)
    except ConfigError:
        if any(typed.values()):
            raise
        # It must not hinder the rescue of an image.
        return None
    if not (in_force.open or in_force.preview):
        return None
    from nanobanana_cli.commands.display import ImageDisplay

    return ImageDisplay(in_force, terminal, options.output.path)


def _fetcher(terminal: Terminal) -> "LinkFetcher":
    from nanobanana_cli import settings
    from nanobanana_cli.api.links import LinkFetcher

    in_force = settings.load(terminal.env, settings.current_folder(), {})
    return LinkFetcher(in_force.base_url, timeout=in_force.timeout)


def _extracted(
    name: str,
    place: "Destination",
    options: ExtractOptions,
    text: "TextDestination | None",
    links: "LinkFetcher | None",
    terminal: Terminal,
) -> list[Result]:
    """Return the results of one file."""
    from nanobanana_cli import files
    from nanobanana_cli.generation import extract
    from nanobanana_cli.generation.destinations import NamedFile

    if isinstance(place, NamedFile) and place.taken():
        found = str(place.intact())
        terminal.note(f"{found} exists, left alone")
        return [extract.skipped(found)]
    try:
        body = (
            terminal.read(_LARGEST_FILE)
            if name == "-"
            else files.read(Path(name), "reply", limit=_LARGEST_FILE)
        )
    except NbError as error:
        return [extract.failed(name, error)]
    results = extract.extract(
        name,
        body,
        place,
        every=options.output.every,
        with_text=options.contents.text,
        links=links,
    )
    last = results[-1]
    if last.status == "failed" or not (text or options.contents.text):
        return results
    if text is not None and last.status == "written":
        from nanobanana_cli.captions.save import save_reply_text

        results[-1] = save_reply_text(last, text)
    else:
        found = last.reply.text if last.reply else ""
        missing = None if found else NoText("the reply holds no text", hint="")
        results[-1] = msgspec.structs.replace(last, alt=found or None, error=missing)
    if results[-1].error is not None:
        results[-1].error.charged = Charged.NO
    return results


def _show(
    result: Result, options: ExtractOptions, terminal: Terminal, display: "ImageDisplay | None"
) -> None:
    if options.streams.json:
        terminal.json(ResultLine.of(result), to_stderr=options.output.path == "-")
    else:
        _show_lines(result, terminal, with_text=options.contents.text)
    if display is not None:
        display.show(result)
    for note in result.notes:
        terminal.warn(note)


def _show_lines(result: Result, terminal: Terminal, *, with_text: bool) -> None:
    from nanobanana_cli.commands.results import file_size

    if result.status == "written" and result.path is not None:
        details = f"{result.width}×{result.height}  {file_size(result.size or 0)}"
        if result.path == "-":
            terminal.note(details)
        else:
            terminal.summary(result.path, details)
    elif result.status == "skipped" and result.path is not None:
        terminal.result(result.path)
    if result.alt_path is not None:
        terminal.result(result.alt_path)
    if with_text and result.alt is not None:
        for line in result.alt.splitlines():
            terminal.result(line)
