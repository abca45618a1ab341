"""Refuse options of `nb caption` that do not fit the job."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nanobanana_cli.captions import targets
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.errors import UsageError


def check_prompt(options: CaptionOptions, specs: Sequence[TextSpec]) -> None:
    """Raise UsageError unless the options fit a prompt."""
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
    if len(specs) > 1:
        raise UsageError(
            "a new image gets its text in one language",
            hint="make it, then add the others: nb caption FILE --lang en,de --write",
        )
    given = {
        "--decorative": options.existing.decorative,
        "--text": options.text.typed is not None,
        "--text-file": options.text.text_file is not None,
        "--again": options.text_output.again,
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} is for images that exist",
                hint=f"make it, then: nb caption FILE {option}",
            )


def check_images(
    options: CaptionOptions, images: targets.Images, specs: Sequence[TextSpec]
) -> None:
    """Raise UsageError unless the options fit existing images."""
    given = _of_new_images(options)
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
    _check_words(options, specs)


def _of_new_images(options: CaptionOptions) -> dict[str, bool | None]:
    """Return the options for making an image, and whether each is given."""
    return {
        "--aspect": options.shape.aspect is not None,
        "--size": options.shape.size is not None,
        "--fit": bool(options.edit.fit),
        "--transparent": options.edit.transparent,
        "-i": bool(options.inputs.images),
        "-o": options.output.path is not None,
        "-n": options.copies.count != 1,
        "--format": options.output.image_format is not None,
        "--all": options.output.every,
        "--chat": options.turns.chat,
        "--continue": options.turns.continue_from is not None,
        "--open": options.viewing.open,
        "--preview": options.viewing.preview,
        "--search": options.parameters.search,
    }


def check_pages(options: CaptionOptions, form: str, languages: int) -> None:
    """Raise UsageError unless the options fit `--pages`, or are none of its own without it."""
    pages, existing, text = options.pages, options.existing, options.text
    if not pages.pages:
        alone = {"--apply": pages.apply, "--root": pages.root is not None}
        for option, is_meant in alone.items():
            if is_meant:
                raise UsageError(
                    f"{option} is for --pages", hint=f"nb caption --pages content/ {option}"
                )
        return
    given: dict[str, bool | None] = {
        **_of_new_images(options),
        "--prompt-file": options.inputs.prompt_file is not None,
        f"--style {text.style}": text.style != "alt",
        "--text": text.typed is not None,
        "--text-file": text.text_file is not None,
        "--context-file": text.context_file is not None,
        "--write": options.text_output.write,
        "--embed": options.text_output.embed,
        "--break-signature": options.text_output.break_signature,
        "--relative-to": options.text_output.relative_to is not None,
        f"--as {form}": form not in ("text", "json"),
        "--decorative": existing.decorative,
        "--read": existing.read,
        "--force": options.output.force,
        "--skip-existing": options.output.skip_existing,
    }
    for option, is_given in given.items():
        if is_given:
            hint = "texts are kept beside the images anyway" if option == "--write" else "use one"
            raise UsageError(f"--pages and {option} contradict each other", hint=hint)
    _check_page_jobs(options)
    if languages > 1:
        raise UsageError("a page is in one language", hint="name that one with --lang")
    if not options.target:
        raise UsageError("--pages needs pages or folders", hint="nb caption --pages content/")


def _check_page_jobs(options: CaptionOptions) -> None:
    existing, output, cost = options.existing, options.text_output, options.cost
    if existing.strict and not existing.check:
        raise UsageError("--strict is for --check", hint="nb caption --check --strict -r img/")
    given = {
        "--check": existing.check,
        "--apply": options.pages.apply,
        "--again": existing.check and output.again,
        "--dry-run": cost.dry_run,
        "--curl": cost.curl,
    }
    clash = [option for option, is_given in given.items() if is_given]
    if len(clash) > 1 and clash[0] in ("--check", "--apply"):
        raise UsageError(f"{clash[0]} and {clash[1]} contradict each other", hint="use one")


def _check_words(options: CaptionOptions, specs: Sequence[TextSpec]) -> None:
    """Raise UsageError unless the options about whose text counts fit each other."""
    text, output = options.text, options.text_output
    has_place = output.write or output.embed
    typed = {
        "--text": text.typed is not None,
        "--text-file": text.text_file is not None,
        "--decorative": options.existing.decorative,
    }
    sources = [name for name, is_given in typed.items() if is_given]
    changes = {"--again": output.again, "--force": options.output.force}
    if len(sources) > 1 or (sources and output.again):
        raise UsageError(
            f"{sources[0]} and {[*sources[1:], '--again'][0]} contradict each other",
            hint="use one",
        )
    if all(changes.values()):
        raise UsageError(
            "--again and --force contradict each other",
            hint="--again pays for new texts, --force replaces texts without a call",
        )
    if sources and sources[0] != "--decorative":
        if not has_place:
            raise UsageError(
                f"{sources[0]} needs --write or --embed",
                hint="--write keeps the text beside the image, --embed inside it",
            )
        if len(specs) > 1:
            raise UsageError(f"{sources[0]} is in one language", hint="name that one with --lang")
    elif options.output.force and not has_place:
        raise UsageError("--force replaces texts with --write or --embed", hint="add one of them")
    if output.break_signature and not output.embed:
        raise UsageError("--break-signature is for --embed", hint="add --embed, or leave it out")


def check_audit(options: CaptionOptions, form: str) -> None:
    """Raise UsageError unless the options fit `--check` or `--read`."""
    existing = options.existing
    job = "--check" if existing.check else "--read"
    given = {
        "--read": existing.read and existing.check,
        "--strict": existing.read and existing.strict,
        "--decorative": existing.decorative,
        "--write": options.text_output.write,
        "--embed": options.text_output.embed,
        "--again": options.text_output.again,
        "--text": options.text.typed is not None,
        "--text-file": options.text.text_file is not None,
        "--prompt-file": options.inputs.prompt_file is not None,
        "-o": options.output.path is not None,
        "--dry-run": options.cost.dry_run,
        "--curl": options.cost.curl,
        f"--as {form}": existing.check and form not in ("text", "json"),
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{job} and {option} contradict each other", hint="use one")
