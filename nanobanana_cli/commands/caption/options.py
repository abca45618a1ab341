"""The options that are about texts, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

_TEXT = "Text"
_IMAGES = "Existing images"
_DELIVERY = "Delivery"

Alt = Annotated[
    bool,
    typer.Option(
        "--alt",
        help="Also ask for alt text, and write it beside the image: fox.png, fox.alt.txt.",
        rich_help_panel=_TEXT,
    ),
]
AltFile = Annotated[
    str | None,
    typer.Option(
        "--alt-file",
        metavar="FILE",
        help="The same, in a file of this name.",
        rich_help_panel=_TEXT,
    ),
]

Style = Annotated[
    str,
    typer.Option(
        "--style",
        metavar="STYLE",
        help="alt (a short phrase), long (a full description), title or tags.",
        rich_help_panel=_TEXT,
    ),
]
MaxChars = Annotated[
    int | None,
    typer.Option(
        "--max-chars",
        metavar="N",
        min=1,
        help="The most characters. [default: by style; alt: about 125]",
        rich_help_panel=_TEXT,
    ),
]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="LANG",
        help="Language, by name or BCP 47 tag: German, de-CH.",
        rich_help_panel=_TEXT,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="TEXT",
        help="The page that the image stands on: alt text depends on it.",
        rich_help_panel=_TEXT,
    ),
]
ContextFile = Annotated[
    str | None,
    typer.Option(
        "--context-file", metavar="FILE", help="Read that from a file.", rich_help_panel=_TEXT
    ),
]

Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive", "-r", help="Take the images in folders, too.", rich_help_panel=_IMAGES
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        max=64,
        help="That many calls at once.",
        rich_help_panel=_IMAGES,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Check the texts that are there; no key, no network. Exit 3 if one is missing or bad.",
        rich_help_panel=_IMAGES,
    ),
]
Read = Annotated[
    bool,
    typer.Option(
        "--read", help="Print the text that is embedded in each.", rich_help_panel=_IMAGES
    ),
]

As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORM",
        help="text, json, markdown, html or csv.",
        rich_help_panel=_DELIVERY,
    ),
]
RelativeTo = Annotated[
    str | None,
    typer.Option(
        "--relative-to",
        metavar="FOLDER",
        help="Name images as seen from this folder.",
        rich_help_panel=_DELIVERY,
    ),
]
Write = Annotated[
    bool,
    typer.Option(
        "--write",
        help="Put each text beside its image; those that have one are left alone.",
        rich_help_panel=_DELIVERY,
    ),
]
Embed = Annotated[
    bool,
    typer.Option(
        "--embed",
        help="Put each text into its image file, as IPTC alt text (XMP); pixels stay as they are.",
        rich_help_panel=_DELIVERY,
    ),
]
