"""Define the options of `nb caption`."""

# Without `from __future__ import annotations`, as in `commands/options.py`.

from typing import Annotated

import msgspec
from typer import Argument, Option

from nanobanana_cli.commands import options as shared
from nanobanana_cli.commands.editing import Edit


class Text(msgspec.Struct, frozen=True):
    """The text to ask for."""

    panel = "Text"

    style: Annotated[
        str,
        Option(
            "--style",
            metavar="STYLE",
            help="alt (a short phrase), long (a full description), title or tags.",
        ),
    ] = "alt"
    max_chars: Annotated[
        int | None,
        Option(
            "--max-chars",
            metavar="N",
            min=1,
            help="Length limit in characters. [default: by style; alt: 125]",
        ),
    ] = None
    lang: Annotated[
        str | None,
        Option(
            "--lang",
            metavar="LANG",
            help="Language, by name or BCP 47 tag: German, de-CH; several, a call each: en,de,fr.",
        ),
    ] = None
    typed: Annotated[
        str | None,
        Option("--text", metavar="TEXT", help="Write or embed this text, without a call."),
    ] = None
    text_file: Annotated[
        str | None,
        Option(
            "--text-file",
            metavar="FILE",
            help="Write or embed the text in FILE, or those of a CSV file of path and text.",
        ),
    ] = None
    context: Annotated[
        str | None,
        Option(
            "--context",
            metavar="TEXT",
            help="Text of the page that the image is on: alt text depends on it.",
        ),
    ] = None
    context_file: Annotated[
        str | None,
        Option(
            "--context-file",
            metavar="FILE",
            help="Read the context from FILE: all of it, or the part around the image it names.",
        ),
    ] = None


class TextOutput(msgspec.Struct, frozen=True):
    """The destination and form of the texts."""

    panel = "Text output"

    form: Annotated[
        str,
        Option(
            "--as",
            metavar="FORM",
            help="text, json (lines), json-map (one object), markdown, html, csv, or csv-bom for "
            "Excel.",
        ),
    ] = "text"
    relative_to: Annotated[
        str | None,
        Option("--relative-to", metavar="FOLDER", help="Print image paths relative to FOLDER."),
    ] = None
    write: Annotated[
        bool,
        Option("--write", help="Write each text beside its image; one that is there is kept."),
    ] = False
    embed: Annotated[
        bool,
        Option(
            "--embed",
            help="Embed each text in its image file, as IPTC alt text (XMP); pixels stay the same. "
            "The text beside the image counts, if there is one.",
        ),
    ] = False
    again: Annotated[
        bool, Option("--again", help="Pay for new texts, and replace those that are there.")
    ] = False
    break_signature: Annotated[
        bool,
        Option("--break-signature", help="Embed in files that are signed with C2PA, too."),
    ] = False


class Existing(msgspec.Struct, frozen=True):
    """The options for existing images."""

    panel = "Existing images"

    recursive: Annotated[
        bool, Option("--recursive", "-r", help="Search folders for images, too.")
    ] = False
    concurrency: Annotated[
        int | None,
        Option(
            "--concurrency",
            metavar="N",
            min=1,
            max=64,
            help="Maximum number of calls at once. [default: 8]",
        ),
    ] = None
    check: Annotated[
        bool,
        Option(
            "--check",
            help="Check existing texts, without key or network; exit 3 if one is missing or bad.",
        ),
    ] = False
    strict: Annotated[
        bool,
        Option(
            "--strict",
            help="With --check, fail on warnings and on images that cannot be looked at, too.",
        ),
    ] = False
    decorative: Annotated[
        bool,
        Option(
            "--decorative",
            help='Give the images an empty text, alt="", without a call; --write keeps it.',
        ),
    ] = False
    read: Annotated[bool, Option("--read", help="Print the text embedded in each image.")] = False


class Pages(msgspec.Struct, frozen=True):
    """The options for pages."""

    panel = "Pages"

    pages: Annotated[
        bool,
        Option(
            "--pages",
            help="TARGETs are Markdown and HTML pages, or folders of them: print a diff that gives "
            "alt text to their images without.",
        ),
    ] = False
    apply: Annotated[
        bool, Option("--apply", help="With --pages, write the texts into the pages.")
    ] = False
    root: Annotated[
        str | None,
        Option(
            "--root",
            metavar="FOLDER",
            help="With --pages, the folder that / stands for in addresses: /img/fox.png.",
        ),
    ] = None


class CaptionOptions(msgspec.Struct, frozen=True):
    """The options of `nb caption`."""

    target: Annotated[
        list[str] | None,
        Argument(
            metavar="TARGET...",
            help="A prompt; or images, folders (-r), patterns, - for an image on stdin; or pages "
            "(--pages).",
        ),
    ] = None
    text: Text = Text()
    text_output: TextOutput = TextOutput()
    existing: Existing = Existing()
    pages: Pages = Pages()
    shape: shared.Shape = shared.Shape()
    edit: Edit = Edit()
    inputs: shared.Inputs = shared.Inputs()
    parameters: shared.RequestParameters = shared.RequestParameters()
    output: shared.Output = shared.Output()
    viewing: shared.Viewing = shared.Viewing()
    copies: shared.Copies = shared.Copies()
    turns: shared.Turns = shared.Turns()
    service: shared.Service = shared.Service()
    cost: shared.Cost = shared.Cost()
    streams: shared.Streams = shared.Streams()
