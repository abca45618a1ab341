"""`nb caption --pages`: alt text for the images of pages, as a diff or into the pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import sidecar, targets
from nanobanana_cli.captions.jobs import Job, with_owners
from nanobanana_cli.captions.pages import files, page
from nanobanana_cli.captions.pages.files import Site
from nanobanana_cli.captions.pages.page import Page
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.commands.caption import page_check
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.caption.page_report import Missing, Report
from nanobanana_cli.commands.results import TextWriter
from nanobanana_cli.errors import NbError, UsageError
from nanobanana_cli.types import Result
from nanobanana_cli.ui.escape import strip_unsafe
from nanobanana_cli.ui.terminal import Terminal


class _Kept(TextWriter):
    """Keep the results by image, instead of writing them."""

    results: dict[str, Result] = msgspec.field(default_factory=dict)

    def show(self, result: Result) -> None:
        """Keep a result."""
        self.results[str(result.path)] = result

    def close(self) -> None:
        """Write nothing."""


def run(options: CaptionOptions, spec: TextSpec, form: str, terminal: Terminal) -> None:
    """Describe the images of pages that have no alt text, or check all of them.

    Raises:
        NbError: a check before the calls failed, or the only page cannot be read.
        BatchIncomplete: a page, or some of the texts, failed.
    """
    root = options.pages.root
    if root is not None and not Path(root).is_dir():
        raise UsageError(f"--root {root}: no such folder", hint="the folder that / stands for")
    found = files.find(options.target or [])
    for each in found.left_out:
        terminal.note(each)
    pages, failures = _read(found)
    own = {str(Path(path).parent) for path in found.paths if path in (options.target or [])}
    site = Site(root, (*found.folders, *own, *([root] if root else [])))
    if options.existing.check:
        page_check.check(options, spec, pages, failures, site, terminal)
        return
    missing = [each for one in pages for each in _missing(one, site, spec)]
    writer = _Kept(terminal, form, relative_to=None, is_single=False)
    failure = _describe(options, spec, missing, writer, terminal)
    if options.cost.dry_run or options.cost.curl:
        return
    report = Report(options, writer.results, terminal, writer.as_json)
    for one in pages:
        report.add(one, [each for each in missing if each.page is one])
    for name, error in failures:
        report.fail(name, error)
    report.close(pages, failure)


def _read(found: files.PageFiles) -> tuple[list[Page], list[tuple[str, NbError]]]:
    """Return the pages, and what failed by page or folder.

    Raises:
        NbError: the only page cannot be read.
    """
    pages, failures = list[Page](), [*found.unsearched]
    for path in found.paths:
        try:
            pages.append(page.read(path))
        except NbError as error:
            if len(found.paths) == 1 and not found.unsearched:
                raise
            failures.append((path, error))
    return pages, failures


def _missing(one: Page, site: Site, spec: TextSpec) -> Iterator[Missing]:
    # A page may show one image often.
    files_of = cache(lambda src: _file(src, one, site, spec))
    for number, image in enumerate(one.images):
        if image.alt is None and image.place is None:
            yield Missing(one, number, None, image.reason)
        elif image.alt is None:
            yield Missing(one, number, *files_of(image.src))


def _file(
    src: str, one: Page, site: Site, spec: TextSpec
) -> tuple[str | None, str | None, str | None]:
    """Return the file of an image, why it is not described, and the text that is there instead."""
    path, reason = site.file_of(src, one.path)
    if path is None or path.lower().endswith(targets.SUFFIXES):
        return path, reason, None
    place = sidecar.place_of(path, spec)
    try:
        text = sidecar.read(place)
    except NbError as error:
        return path, error.message, None
    if text is not None:
        return path, None, strip_unsafe(text)
    kind = Path(path).suffix.upper().lstrip(".") or "such"
    return path, f"nb sends no {kind} images; put its text into {place}", None


def _describe(
    options: CaptionOptions,
    spec: TextSpec,
    missing: Sequence[Missing],
    writer: _Kept,
    terminal: Terminal,
) -> NbError | None:
    """Get a text for each image, once, and return what failed.

    Raises:
        NbError: a check before the calls failed.
    """
    jobs: dict[str, Job] = {}
    for each in missing:
        if each.path is None or each.reason is not None or each.text is not None:
            continue
        # The page that comes first decides, where several show the same image.
        if each.path in jobs:
            continue
        parts = [spec.context or "", each.page.context(each.image)]
        own = replace(spec, context="\n\n".join(filter(None, parts)), is_page=True)
        destination = TextDestination(own, write=True, again=options.text_output.again)
        jobs[each.path] = Job(each.path, destination)
    if not jobs:
        if options.cost.dry_run or options.cost.curl:
            terminal.note("nothing was sent; no text needs a call")
        return None
    from nanobanana_cli.commands.caption import describe

    options = replace(options, text_output=replace(options.text_output, write=True))
    try:
        describe.run(options, with_owners(jobs.values()), (), writer, terminal)
    except NbError as error:
        if not writer.results:
            raise
        return error
    return None
