"""List the texts that `nb caption` is to make or save for existing images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions import targets, typed
from nanobanana_cli.captions.jobs import Job, with_owners
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.captions.targets import Images
from nanobanana_cli.captions.typed import TypedText
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.escape import strip_unsafe
from nanobanana_cli.ui.terminal import Terminal

# A table of texts for a large site has some megabytes.
_MOST = 20_000_000


def typed_texts(options: CaptionOptions, terminal: Terminal) -> str | list[TypedText] | None:
    """Return the text of `--text`, the text or the table of `--text-file`; None without either.

    Raises:
        UsageError, LocalFileError: the file cannot be read, or a text is empty.
    """
    text, name = options.text.typed, options.text.text_file
    option = "--text" if text is not None else "--text-file"
    found: str | list[TypedText]
    if text is not None:
        found = strip_unsafe(text)
    elif name is not None:
        path = Path(name)
        data = terminal.read() if name == "-" else files.read(path, "text file", limit=_MOST)
        found = typed.read(name, data)
    else:
        return None
    if not found:
        raise UsageError(
            f"{option} is empty" if name is None else f"{option} {name} holds no text",
            hint="--decorative says that an image needs no text",
        )
    return found


def find(options: CaptionOptions, texts: str | list[TypedText] | None) -> Images:
    """Return the images that the arguments name or, without any, the table of texts.

    Raises:
        UsageError, LocalFileError: as for `targets.find`.
    """
    if options.target or not isinstance(texts, list):
        return targets.find(options.target or [], recursive=options.existing.recursive)
    for each in texts:
        if not _image(each, options).is_file():
            raise UsageError(
                f"{each.where}: {_image(each, options)}: no such image",
                hint="paths are relative to the current folder, or to --relative-to",
            )
    return targets.find([str(_image(each, options)) for each in texts], recursive=False)


def jobs(
    options: CaptionOptions,
    images: Images,
    specs: Sequence[TextSpec],
    texts: str | list[TypedText] | None,
    destination: TextDestination,
) -> list[Job]:
    """Return each text of each image, in the order of the images.

    Args:
        options: for `--relative-to`.
        images: the images.
        specs: what is asked for, once for each language.
        texts: as `typed_texts` returns them.
        destination: where the texts go.

    Raises:
        UsageError: a typed text has several images or languages, or an image several texts.
    """
    if isinstance(texts, list):
        return with_owners(_of_table(options, images, texts, destination))
    if texts is not None and len(images.paths) > 1:
        raise UsageError(
            f"a text is for one image, and there are {len(images.paths)}",
            hint="put path and text of each into a CSV file: --text-file texts.csv",
        )
    places = [
        replace(destination, spec=spec, nth=nth if len(specs) > 1 else None)
        for nth, spec in enumerate(specs)
    ]
    return with_owners(Job(path, place, texts) for path in images.paths for place in places)


def _of_table(
    options: CaptionOptions, images: Images, texts: list[TypedText], destination: TextDestination
) -> list[Job]:
    spec = destination.spec
    rows: dict[tuple[str, str | None], TypedText] = {}
    for each in texts:
        key = (str(_image(each, options).absolute()), each.lang or spec.lang)
        if key in rows:
            raise UsageError(f"{each.where}: {each.path} has a text already: {rows[key].where}")
        rows[key] = each
    is_one_of_several = len({lang for _, lang in rows}) > 1
    found, without = list[Job](), list[str]()
    for path in images.paths:
        own = {lang: row for (of, lang), row in rows.items() if of == str(Path(path).absolute())}
        if not own:
            without.append(path)
        for nth, (lang, row) in enumerate(own.items()):
            place = replace(
                destination,
                spec=replace(spec, lang=lang),
                nth=nth if is_one_of_several and lang is not None else None,
            )
            # An empty cell is one that nobody has filled in yet.
            if row.text:
                found.append(Job(path, place, row.text))
    if without or not found:
        missing = f"{without[0]} has no row" if without else "there are no texts"
        raise UsageError(f"{missing} in {options.text.text_file}", hint="add it, or name no images")
    return found


def _image(text: TypedText, options: CaptionOptions) -> Path:
    return Path(options.text_output.relative_to or "", text.path)
