"""`nb generate`: one prompt, one or more images."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from typer import Argument, Option

from nanobanana_cli.commands.editing import Edit
from nanobanana_cli.commands.options import (
    Copies,
    Cost,
    Inputs,
    Output,
    RequestParameters,
    Service,
    Shape,
    Streams,
    Turns,
    Viewing,
)
from nanobanana_cli.commands.signature import takes
from nanobanana_cli.errors import UsageError
from nanobanana_cli.types import ContentRequest, Conversation
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.captions.save import TextDestination
    from nanobanana_cli.commands.caption.options import CaptionOptions
    from nanobanana_cli.commands.display import ImageDisplay
    from nanobanana_cli.commands.results import TextWriter
    from nanobanana_cli.settings import Settings


class AltText(msgspec.Struct, frozen=True):
    """Alt text beside an image."""

    panel = "Text"

    alt: Annotated[
        bool | None,
        Option(
            "--alt/--no-alt", help="Also write alt text beside the image: fox.png, fox.alt.txt."
        ),
    ] = None
    alt_file: Annotated[
        str | None, Option("--alt-file", metavar="FILE", help="Also write alt text, to FILE.")
    ] = None


class GenerateOptions(msgspec.Struct, frozen=True):
    """The options of `nb generate`."""

    prompt: Annotated[
        str | None,
        Argument(metavar="PROMPT", show_default=False, help="What to draw; - reads it from stdin."),
    ] = None
    shape: Shape = Shape()
    edit: Edit = Edit()
    inputs: Inputs = Inputs()
    parameters: RequestParameters = RequestParameters()
    output: Output = Output()
    viewing: Viewing = Viewing()
    copies: Copies = Copies()
    turns: Turns = Turns()
    text: AltText = AltText()
    service: Service = Service()
    cost: Cost = Cost()
    streams: Streams = Streams()


@takes(GenerateOptions)
def command(options: GenerateOptions, terminal: Terminal) -> None:
    """Make an image from a prompt.

    The path of each image goes to stdout; everything else goes to stderr.

    Examples:
      nb generate "a red fox" --aspect 16:9 --size 2K -o fox.png
      nb generate "a red fox" --provider sandbox       # free and offline
      nb generate "the same fox, at night" -i fox.png -n 3 -o night.png
      nb generate "a red fox" --chat -o fox.png
      nb generate "now at night" --continue fox.png -o night.png
      nb generate "a red fox" --fit 1200x630 --fit 1080x1080 -o card.jpg
      nb generate "a red fox" --transparent -o fox.png
      echo "a red fox" | nb generate - -o - | magick - fox.avif
    """
    run(options, options.prompt, terminal)


def run(
    options: "GenerateOptions | CaptionOptions",
    prompt: str | None,
    terminal: Terminal,
    *,
    text: "TextDestination | None" = None,
    texts: "TextWriter | None" = None,
) -> None:
    """Check everything, then make the images, or only show the request.

    Args:
        text: where the text of each image goes; None leaves that to the options.
        texts: writes the texts, when they are the results.

    Raises:
        NbError: a check or the only call failed.
        typer.Exit: some of several calls failed; their errors have been shown.
    """
    from nanobanana_cli.commands import connection
    from nanobanana_cli.commands.generate import places
    from nanobanana_cli.commands.generate.run import Generation
    from nanobanana_cli.commands.results import ResultWriter
    from nanobanana_cli.generation import fit

    output, cost = options.output, options.cost
    _check(options, terminal)
    boxes = places.boxes(options.edit, options.shape, output)
    in_force = connection.settings_in_force(options, terminal)
    if isinstance(options, GenerateOptions):
        text = _text(options, in_force)
    request = _request(options, prompt, in_force, terminal, text)
    if boxes:
        request = fit.shaped(request, boxes, in_force.provider)
    display = _display(in_force, terminal, output.path)
    json = options.streams.json or (texts is not None and texts.as_json)
    writer = ResultWriter(terminal, json, output.path == "-", texts, display)
    take = terminal.binary if display is None else display.binary
    edits = boxes, options.edit.transparent
    calls = places.calls(output, request, in_force, options.copies.count, edits, take, writer)
    images = Generation(
        *(request, calls, in_force, terminal, writer, output.skip_existing, text, output.every),
        chat=_chat(options.turns),
    )
    if cost.dry_run or cost.curl:
        images.show(as_curl=cost.curl)
    else:
        with display or nullcontext():
            images.make(yes=cost.yes)


def _check(options: "GenerateOptions | CaptionOptions", terminal: Terminal) -> None:
    if options.cost.dry_run and options.cost.curl:
        raise UsageError("--dry-run and --curl contradict each other", hint="use one")
    if options.output.path == "-" and terminal.stdout.isatty():
        raise UsageError(
            "-o - would write an image to the terminal", hint="pipe it: -o - | magick - fox.avif"
        )
    if options.output.path == "-" and options.output.every:
        raise UsageError(
            "-o - takes one image, but --all may save several", hint="name a folder: -o images/"
        )


def _display(in_force: "Settings", terminal: Terminal, output: str | None) -> "ImageDisplay | None":
    if not (in_force.open or in_force.preview):
        return None
    from nanobanana_cli.commands.display import ImageDisplay

    return ImageDisplay(in_force, terminal, output)


def _text(options: GenerateOptions, in_force: "Settings") -> "TextDestination | None":
    """Return a file beside the image, for alt text in the usual style, if one is wanted."""
    name = options.text.alt_file
    is_typed = in_force.origins["alt"] == "--alt"
    # What is configured is for images that are files.
    is_wanted = in_force.alt and (is_typed or options.output.path != "-")
    if name is None and not is_wanted:
        return None
    from nanobanana_cli.captions.prompts import TextSpec
    from nanobanana_cli.captions.save import TextDestination

    if name is not None and "\0" in name:
        raise UsageError("--alt-file needs a path", hint="--alt-file fox.alt.txt")
    if name == "-":
        raise UsageError(
            "--alt-file - would mix the text with paths on stdout",
            hint='nb caption "a red fox" prints the text; or name a file: --alt-file fox.alt.txt',
        )
    return TextDestination(
        TextSpec(),
        write=True,
        text_file=None if name is None else Path(name),
        force=options.output.force,
        is_generated=True,
    )


def _request(
    options: "GenerateOptions | CaptionOptions",
    prompt: str | None,
    in_force: "Settings",
    terminal: Terminal,
    text: "TextDestination | None",
) -> ContentRequest:
    from nanobanana_cli.generation import inputs, remote, shape

    images, prompt_file = options.inputs.images or (), options.inputs.prompt_file
    if "-" in images and "-" in (prompt, prompt_file):
        raise UsageError("the prompt and -i - both read stdin", hint="name a file for one of them")
    if images.count("-") > 1:
        raise UsageError("-i - can be given only once", hint="stdin is read once")
    prompt = inputs.prompt_text(prompt, prompt_file, terminal.read)
    is_shown = options.cost.dry_run or options.cost.curl
    fetch = None if is_shown else remote.RemoteImages().get
    continued = None
    if options.turns.continue_from is not None:
        continued = _conversation(options.turns.continue_from, in_force, terminal)
    request = ContentRequest(
        prompt=prompt,
        framed=_framed(prompt, text, is_cut_out=options.edit.transparent),
        modalities=("IMAGE",) if text is None else ("TEXT", "IMAGE"),
        model=in_force.model,
        aspect=in_force.aspect,
        size=in_force.size,
        references=inputs.references(images, terminal.read, fetch),
        parameters=options.parameters,
        conversation=continued,
    )
    return shape.shaped(inputs.checked(request))


def _conversation(name: str, in_force: "Settings", terminal: Terminal) -> Conversation:
    from nanobanana_cli.generation import conversation

    found, turns = conversation.load(name)
    conversation.check_maker(found, name, in_force.model, in_force.provider, in_force.base_url)
    if note := conversation.changed_note(found, name):
        terminal.warn(note)
    return turns


def _chat(turns: Turns) -> str | None:
    """Return the option that asks for the conversation, if one does."""
    if turns.continue_from is not None:
        return "--continue"
    return "--chat" if turns.chat else None


def _framed(prompt: str, text: "TextDestination | None", *, is_cut_out: bool) -> str | None:
    if is_cut_out:
        from nanobanana_cli.images.edits import with_background

        prompt = with_background(prompt)
    if text is None:
        return prompt if is_cut_out else None
    from nanobanana_cli.captions import prompts

    return prompts.for_generation(prompt, text.spec)
