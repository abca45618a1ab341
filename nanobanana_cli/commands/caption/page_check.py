"""`nb caption --check --pages`: check the alt texts in pages. Sends nothing and needs no key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath

from msgspec import UNSET
from msgspec.structs import replace

from nanobanana_cli.captions import lint, sidecar
from nanobanana_cli.captions.lint import Level, Problem
from nanobanana_cli.captions.pages.files import Site
from nanobanana_cli.captions.pages.page import Page
from nanobanana_cli.captions.pages.places import PageImage
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.caption.page_lines import PageLine
from nanobanana_cli.commands.results import step_summary
from nanobanana_cli.commands.signature import command_line
from nanobanana_cli.errors import BatchIncomplete, Charged, NbError
from nanobanana_cli.ui.escape import one_line
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal

_COLUMNS = ("Page", "Image", "Level", "Problem")
_PREFIXES = {"error": "", "warning": "warning: ", "unchecked": "not checked: "}


def check(
    options: CaptionOptions,
    spec: TextSpec,
    pages: Sequence[Page],
    failures: Sequence[tuple[str, NbError]],
    site: Site,
    terminal: Terminal,
) -> None:
    """Print each problem as `page:line: image: problem`, or each image as a JSON line.

    Args:
        options: for `--strict`, `--json`, and the command that the hint names.
        spec: the limit.
        pages: the pages.
        failures: pages that could not be read and folders that could not be searched, and why.
        site: finds the texts beside images.
        terminal: takes problems, notes and annotations.

    Raises:
        BatchIncomplete: a page has a problem.
    """
    found = [_line(one, image, spec, site) for one in pages for image in one.images]
    for name, error in failures:
        problem = Problem("unreadable", error.message)
        found.append(PageLine(page=name, status="failed", problems=(problem,)))
    lines = [replace(each, status=_status(each, options.existing.strict)) for each in found]
    for line in lines:
        if options.streams.json or options.text_output.form == "json":
            terminal.json(line)
        for problem in line.problems or ():
            _tell(line, problem, options, terminal)
    rows = (
        (f"{line.page}:{line.line or 1}", line.src or "", problem.level, problem.message)
        for line in lines
        for problem in line.problems or ()
    )
    summary = _summary(lines, len(pages))
    step_summary(terminal, "nb caption --check --pages", summary, _COLUMNS, rows)
    if not any(line.status == "failed" for line in lines):
        terminal.note(summary)
        return
    hint = "edit the pages"
    if any(_has_missing(line) for line in lines):
        apply = replace(
            options,
            existing=replace(options.existing, check=False, strict=False),
            pages=replace(options.pages, apply=True),
        )
        hint = f"{command_line('caption', apply)} adds missing texts"
    raise BatchIncomplete(summary, hint=hint, charged=Charged.NO)


def _line(one: Page, image: PageImage, spec: TextSpec, site: Site) -> PageLine:
    path = text_file = None
    alt = image.alt
    problems: tuple[Problem, ...] = ()
    if alt:
        is_hard = spec.max_chars is not None
        name = PurePath(image.src).name
        problems = lint.lint(alt, limit=spec.limit, is_hard_limit=is_hard, file_name=name)
    elif alt is None:
        path, _ = site.file_of(image.src, one.path)
        beside = None
        if path is not None:
            text_file = sidecar.place_of(path, spec)
            with suppress(NbError):
                beside = sidecar.read(text_file)
        is_empty = beside is not None and not beside.strip()
        if is_empty and image.place is not None and not image.place.quote:
            # In Markdown, nothing else says that an image is decorative.
            alt = ""
        else:
            problems = (*_missing(image, str(text_file) if beside is not None else None),)
            text_file = text_file if beside is not None else None
    return PageLine(
        page=one.path,
        line=image.line,
        src=image.src,
        path=path,
        status="unchanged",
        alt=alt,
        alt_path=str(text_file) if text_file is not None and alt is None else None,
        reason=image.reason or UNSET,
        problems=problems,
    )


def _missing(image: PageImage, text_file: str | None) -> Iterator[Problem]:
    if image.is_sure:
        beside = f"; {text_file} has one" if text_file else ""
        yield Problem("missing", f"it has no alt text{beside}")
    else:
        yield Problem("template", f"look whether it has alt text: {image.reason}", "unchecked")


def _tell(line: PageLine, problem: Problem, options: CaptionOptions, terminal: Terminal) -> None:
    src = f"{one_line(line.src, 100)}: " if line.src is not None else ""
    level = "error" if problem.level == "error" else "warning"
    terminal.annotate(level, f"{src}{problem.message}", (line.page, line.line))  # type: ignore[arg-type]
    if not (options.streams.json or options.text_output.form == "json"):
        place = f"{line.page}:{line.line}" if line.line else line.page
        terminal.result(f"{place}: {src}{_PREFIXES[problem.level]}{problem.message}")


def _status(line: PageLine, strict: bool) -> str:
    if _has(line, "error") or (strict and line.problems):
        return "failed"
    return "skipped" if _has(line, "unchecked") else "unchanged"


def _has(line: PageLine, level: Level) -> bool:
    return any(problem.level == level for problem in line.problems or ())


def _has_missing(line: PageLine) -> bool:
    return any(problem.kind == "missing" for problem in line.problems or ())


def _summary(lines: Sequence[PageLine], pages: int) -> str:
    """Return what was found: `problems found in 2 of 9 images on 3 pages, warnings in 1`."""
    images = [line for line in lines if line.line is not None]
    where = f"{counted(len(images), 'image')} on {counted(pages, 'page')}"
    bad, warned, unchecked = (
        sum(_has(line, level) for line in images) for level in ("error", "warning", "unchecked")
    )
    parts = [f"problems found in {bad} of {where}" if bad else f"{where} checked"]
    parts += [f"warnings in {warned}"] if warned else []
    parts += [f"{unchecked} not checked"] if unchecked else []
    parts += [] if bad or warned or len(images) < len(lines) else ["no problems found"]
    if unread := len(lines) - len(images):
        parts.append(f"{counted(unread, 'page')} not read")
    return ", ".join(parts)
