"""Decide which job of `nb caption` the arguments ask for, and whether the options fit it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.captions import targets
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.languages import tag_of
from nanobanana_cli.captions.prompts import EMBEDDABLE, STYLES, TextSpec, is_language
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.commands.caption import checks, jobs
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.generate import command as generate
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of, shown
from nanobanana_cli.ui.terminal import Terminal

# A page is a text that someone wrote; a larger file is a mistake in its name.
_MOST_CONTEXT = 1_000_000


def run(options: CaptionOptions, terminal: Terminal) -> None:
    """Do the one job that the arguments ask for.

    Raises:
        NbError: whatever went wrong.
        typer.Exit: the errors have been shown already.
    """
    form, specs = _form(options), _specs(options)
    checks.check_pages(options, form, len(specs))
    if options.pages.pages:
        from nanobanana_cli.commands.caption import pages

        pages.run(options, specs[0], form, terminal)
    else:
        _run(options, specs, form, terminal)


def _run(options: CaptionOptions, specs: Sequence[TextSpec], form: str, terminal: Terminal) -> None:
    """Do the job that is about a prompt or images."""
    arguments, existing = options.target or [], options.existing
    texts = jobs.typed_texts(options, terminal)
    if not arguments and options.inputs.prompt_file is None and not isinstance(texts, list):
        raise UsageError(
            "nothing to caption",
            hint='a prompt, nb caption "a red fox", or images: nb caption *.png',
        )
    if existing.strict and not (existing.check or existing.read):
        raise UsageError("--strict is for --check", hint="nb caption --check --strict -r img/")
    if existing.check or existing.read:
        checks.check_audit(options, form)
        _audit(options, specs, form, terminal)
    elif options.inputs.prompt_file is not None or (
        texts is None and targets.is_prompt(arguments, recursive=existing.recursive)
    ):
        checks.check_prompt(options, specs)
        # An image and its text in one call: what generate does, with the text as the result.
        is_single = options.copies.count == 1 and len({*(options.edit.fit or ())}) < 2
        writer = _writer(options, form, terminal, is_single)
        try:
            generate.run(
                options,
                arguments[0] if arguments else None,
                terminal,
                text=_destination(options, specs[0], is_generated=True),
                texts=writer,
            )
        finally:
            if writer.last is not None:
                writer.close()
    else:
        from nanobanana_cli.commands.caption import describe

        images = jobs.find(options, texts)
        checks.check_images(options, images, specs)
        destination = _destination(options, specs[0], is_generated=False)
        todo = jobs.jobs(options, images, specs, texts, destination)
        writer = _writer(options, form, terminal, images.is_single and len(todo) == 1)
        writer.has_languages = any(job.destination.is_one_of_several for job in todo)
        unsearched = [targets.cannot_search(*each) for each in images.unsearched]
        describe.run(options, todo, unsearched, writer, terminal)


def _audit(
    options: CaptionOptions, specs: Sequence[TextSpec], form: str, terminal: Terminal
) -> None:
    from nanobanana_cli.commands.caption import check

    # A check names what it cannot look at, too.
    existing = options.existing
    suffixes = targets.SUFFIXES + (targets.OTHER_SUFFIXES if existing.check else ())
    images = targets.find(options.target or [], recursive=existing.recursive, suffixes=suffixes)
    writer = _writer(options, form, terminal, images.is_single and len(specs) == 1)
    writer.has_languages = len(specs) > 1
    if existing.check:
        check.check(images, specs, writer, terminal, strict=existing.strict)
    else:
        check.read(images, specs, writer, terminal)


def _form(options: CaptionOptions) -> str:
    """Return the form of the output; `--json` is `--as json` under its usual name."""
    form = options.text_output.form
    _check_choice("--as", form, FORMS)
    if not options.streams.json:
        return form
    if form not in ("text", "json"):
        raise UsageError(f"--json and --as {form} contradict each other", hint="use one")
    return "json"


def _specs(options: CaptionOptions) -> list[TextSpec]:
    """Return the texts that are wanted, one for each language; read the context."""
    text = options.text
    _check_choice("--style", text.style, tuple(STYLES))
    jobs_of_files = {
        "--embed": options.text_output.embed,
        "--check": options.existing.check,
        "--read": options.existing.read,
    }
    if text.style not in EMBEDDABLE and any(jobs_of_files.values()):
        job = next(name for name, is_given in jobs_of_files.items() if is_given)
        raise UsageError(
            f"{job} has no field for --style {text.style}",
            hint=f"{job} takes {' or '.join(EMBEDDABLE)}; --write takes any style",
        )
    context = _context(text.context, text.context_file)
    return [
        TextSpec(
            style=text.style,
            max_chars=text.max_chars,
            lang=lang,
            context=context,
            is_page=text.context_file is not None,
        )
        for lang in _languages(text.lang)
    ]


def _languages(given: str | None) -> list[str | None]:
    """Return the languages of `--lang`, each once."""
    if given is None:
        return [None]
    found: dict[str, str | None] = {}
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if not is_language(name):
            raise UsageError(
                f"--lang {name!r} is not a language", hint="a name or a tag: German, de, de-CH"
            )
        tag = tag_of(name)
        if tag is None and len(names) > 1:
            raise UsageError(
                f"--lang {name} has no tag that nb knows, which the files of several need",
                hint="name each by its BCP 47 tag: --lang en,de,fr",
            )
        found.setdefault(tag or name, name)
    return list(found.values())


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {shown(value)} is unknown", hint=one_of(value, choices))


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
        again=options.text_output.again,
        break_signature=options.text_output.break_signature,
        is_generated=is_generated,
        is_decorative=options.existing.decorative,
    )


def _writer(options: CaptionOptions, form: str, terminal: Terminal, is_single: bool) -> TextWriter:
    relative_to, style = options.text_output.relative_to, options.text.style
    return TextWriter(terminal, form, relative_to, is_single, style)
