"""Decide which job of `nb caption` the arguments ask for, and whether the options fit it."""

from __future__ import annotations

import shlex
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.captions import targets
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.prompts import EMBEDDABLE, STYLES, TextSpec, is_language
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.generate import command as generate
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of
from nanobanana_cli.ui.terminal import Terminal

# A page is a text that someone wrote; a larger file is a mistake in its name.
_MOST_CONTEXT = 1_000_000


def run(options: CaptionOptions, terminal: Terminal) -> None:
    """Do the one job that the arguments ask for.

    Raises:
        NbError: whatever went wrong.
        typer.Exit: the errors have been shown already.
    """
    form, spec = _form(options), _spec(options)
    arguments = options.target or []
    if not arguments and options.inputs.prompt_file is None:
        raise UsageError(
            "nothing to caption",
            hint='a prompt, nb caption "a red fox", or images: nb caption *.png',
        )
    existing = options.existing
    if existing.strict and not (existing.check or existing.read):
        raise UsageError("--strict is for --check", hint="nb caption --check --strict -r img/")
    if existing.check or existing.read:
        _check_audit(options, form)
        from nanobanana_cli.commands.caption import check

        # A check names what it cannot look at, too.
        suffixes = targets.SUFFIXES + (targets.OTHER_SUFFIXES if existing.check else ())
        images = targets.find(arguments, recursive=existing.recursive, suffixes=suffixes)
        writer = _writer(options, form, terminal, images.is_single)
        if existing.check:
            check.check(images, spec, writer, terminal, strict=existing.strict)
        else:
            check.read(images, spec, writer, terminal)
    elif options.inputs.prompt_file is not None or targets.is_prompt(
        arguments, recursive=existing.recursive
    ):
        _check_prompt(options)
        # An image and its text in one call: what generate does, with the text as the result.
        generate.run(
            options,
            arguments[0] if arguments else None,
            terminal,
            text=_destination(options, spec, is_generated=True),
            texts=_writer(options, form, terminal, options.copies.count == 1),
        )
    else:
        from nanobanana_cli.commands.caption import describe

        images = targets.find(arguments, recursive=existing.recursive)
        _check_images(options, images)
        destination = _destination(options, spec, is_generated=False)
        writer = _writer(options, form, terminal, images.is_single)
        describe.run(options, images, destination, writer, terminal)


def _form(options: CaptionOptions) -> str:
    """Return the form of the output; `--json` is `--as json` under its usual name."""
    form = options.text_output.form
    _check_choice("--as", form, FORMS)
    if not options.streams.json:
        return form
    if form not in ("text", "json"):
        raise UsageError(f"--json and --as {form} contradict each other", hint="use one")
    return "json"


def _spec(options: CaptionOptions) -> TextSpec:
    """Return the text that is wanted; read the context."""
    text = options.text
    _check_choice("--style", text.style, tuple(STYLES))
    jobs = {
        "--embed": options.text_output.embed,
        "--check": options.existing.check,
        "--read": options.existing.read,
    }
    if text.style not in EMBEDDABLE and any(jobs.values()):
        job = next(name for name, is_given in jobs.items() if is_given)
        raise UsageError(
            f"{job} has no field for --style {text.style}",
            hint=f"{job} takes {' or '.join(EMBEDDABLE)}; --write takes any style",
        )
    if text.lang is not None and not is_language(text.lang):
        raise UsageError(
            f"--lang {text.lang!r} is not a language", hint="a name or a tag: German, de, de-CH"
        )
    return TextSpec(
        style=text.style,
        max_chars=text.max_chars,
        lang=text.lang,
        context=_context(text.context, text.context_file),
        is_page=text.context_file is not None,
    )


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value} is unknown", hint=one_of(value, choices))


def _context(context: str | None, context_file: str | None) -> str | None:
    if context_file is None:
        return (context or "").strip() or None
    if context is not None:
        raise UsageError("--context and --context-file contradict each other", hint="use one")
    data = files.read(Path(context_file), "context file", limit=_MOST_CONTEXT)
    try:
        return data.decode("utf-8-sig").strip() or None
    except UnicodeDecodeError:
        raise UsageError(
            f"context file {context_file} is not UTF-8 text", hint="save it as UTF-8"
        ) from None


def _destination(options: CaptionOptions, spec: TextSpec, *, is_generated: bool) -> TextDestination:
    return TextDestination(
        spec,
        write=options.text_output.write,
        embed=options.text_output.embed,
        force=options.output.force,
        is_generated=is_generated,
        is_decorative=options.existing.decorative,
    )


def _writer(options: CaptionOptions, form: str, terminal: Terminal, is_single: bool) -> TextWriter:
    return TextWriter(terminal, form, options.text_output.relative_to, is_single)


def _check_prompt(options: CaptionOptions) -> None:
    if len(options.target or ()) > 1:
        raise UsageError(
            "--prompt-file and several arguments contradict each other",
            hint="pass a reference image with -i",
        )
    if options.output.path == "-":
        raise UsageError(
            "-o - would mix the image with its text on stdout",
            hint="name a file: -o hero.png; or nb generate --alt-file hero.alt.txt -o -",
        )
    if options.existing.recursive:
        raise UsageError("-r searches folders, but this is a prompt")
    output, prompt = options.text_output, (options.target or [""])[0]
    # Without a word about a new image, it may be the name of one that exists, mistyped.
    is_meant = prompt == "" or options.output.path is not None or options.inputs.images
    if (output.write or output.embed) and not is_meant:
        raise UsageError(
            f"{prompt}: no such image, and {'--write' if output.write else '--embed'} is for "
            "images that exist",
            hint=f"a new image with its text beside it: nb generate {shlex.quote(prompt)} --alt",
        )
    if options.existing.decorative:
        raise UsageError(
            "--decorative is for images that exist", hint="make it, then mark it: nb caption FILE"
        )


def _check_images(options: CaptionOptions, images: targets.Images) -> None:
    given = {
        "--aspect": options.shape.aspect is not None,
        "--size": options.shape.size is not None,
        "-i": bool(options.inputs.images),
        "-o": options.output.path is not None,
        "-n": options.copies.count != 1,
        "--format": options.output.image_format != "auto",
        "--all": options.output.every,
        "--search": options.parameters.search,
    }
    first = "an image on stdin" if images.paths[0] == "-" else images.paths[0]
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} is for making an image, and {first} exists already",
                hint="leave it out; a prompt that looks like a file name goes to --prompt-file",
            )
    output = options.text_output
    if options.existing.decorative and output.embed:
        raise UsageError(
            "--decorative has nothing to embed: image files have no field for it",
            hint="--write keeps it beside the image, as an empty text file",
        )
    if "-" in images.paths and (output.write or output.embed):
        option = "--write" if output.write else "--embed"
        raise UsageError(f"{option} needs a file, and - is stdin", hint="name the file")


def _check_audit(options: CaptionOptions, form: str) -> None:
    existing = options.existing
    job = "--check" if existing.check else "--read"
    given = {
        "--read": existing.read and existing.check,
        "--strict": existing.read and existing.strict,
        "--decorative": existing.decorative,
        "--write": options.text_output.write,
        "--embed": options.text_output.embed,
        "--prompt-file": options.inputs.prompt_file is not None,
        "-o": options.output.path is not None,
        "--dry-run": options.cost.dry_run,
        "--curl": options.cost.curl,
        f"--as {form}": existing.check and form not in ("text", "json"),
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{job} and {option} contradict each other", hint="use one")
