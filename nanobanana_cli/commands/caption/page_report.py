"""Show the texts for pages as diffs, or write them into the pages, and sum up."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from nanobanana_cli.captions.pages import diff
from nanobanana_cli.captions.pages.page import Page
from nanobanana_cli.captions.pages.places import PageImage
from nanobanana_cli.captions.save import Decorative
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.caption.page_lines import PageLine, place_of
from nanobanana_cli.errors import BatchIncomplete, LocalFileError, NbError, UsageError
from nanobanana_cli.money import usd
from nanobanana_cli.types import ErrorRecord, Result, Status
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal


class Missing(msgspec.Struct, frozen=True):
    """An image without alt text.

    Args:
        page: where it is.
        number: its place among the images there.
        path: its file; None without one.
        reason: why it is left to a person; None if it is described.
        text: the text beside a file that cannot be described.
    """

    page: Page
    number: int
    path: str | None
    reason: str | None
    text: str | None = None

    @property
    def image(self) -> PageImage:
        """The image as the page has it."""
        return self.page.images[self.number]


class Report(msgspec.Struct):
    """Show the texts of each page as a diff, or write them into it; keep what failed."""

    options: CaptionOptions
    results: dict[str, Result]
    terminal: Terminal
    as_json: bool
    failed: int = 0
    texts: int = 0
    pages: int = 0
    paid: set[str] = msgspec.field(default_factory=set)
    decorative: str | None = None

    def add(self, one: Page, missing: Sequence[Missing]) -> None:
        """Show or write the texts of one page.

        Raises:
            OutputClosed, LocalFileError: stdout takes no more.
        """
        texts = {each.number: text for each in missing if (text := self._text(each)) is not None}
        data, lost = one.edited(texts)
        failures: dict[int, NbError] = {}
        if data != one.data:
            error = self._edit(one, data)
            if error is None:
                self.pages += 1
                self.texts += len(texts) - len(lost)
            else:
                self._fail(one.path, error)
                failures = dict.fromkeys(texts, error)
        for each in missing:
            if each.number in lost:
                error = LocalFileError("its place takes no text as it is", hint="edit the page")
                self._fail(place_of(one, each.image), error)
                failures[each.number] = error
            self._tell(each, texts.get(each.number), failures.get(each.number))

    def fail(self, name: str, error: NbError) -> None:
        """Tell the failure of a page or folder that was not read."""
        self._fail(name, error)
        if self.as_json:
            self.terminal.json(PageLine(page=name, status="failed", error=ErrorRecord.of(error)))

    def close(self, pages: Sequence[Page], failure: NbError | None) -> None:
        """Sum up, and raise what failed.

        Raises:
            NbError: what ended the calls.
            BatchIncomplete: a page, or some of the texts, failed.
        """
        apply = self.options.pages.apply
        if self.texts:
            where = f"{counted(self.texts, 'text')} {'in' if apply else 'for'} "
            where += counted(self.pages, "page")
            self.terminal.note(where if apply else f"{where}; --apply writes them")
        elif not self.failed and failure is None:
            images = sum(len(one.images) for one in pages)
            where = f"{counted(images, 'image')} on {counted(len(pages), 'page')}"
            self.terminal.note(f"{where}, no texts to add")
        if failure is not None and not isinstance(failure, BatchIncomplete):
            raise failure
        if failure is not None or self.failed:
            what = failure.message if failure else f"{counted(self.failed, 'failure')} in the pages"
            hint = "the same command makes only what is missing"
            if self.decorative:
                hint = f"agree with nb caption {self.decorative} --decorative --write"
            raise BatchIncomplete(what, hint=hint)

    def _text(self, each: Missing) -> str | None:
        result = self.results.get(each.path or "")
        return each.text if each.text is not None or result is None else result.alt

    def _fail(self, name: str, error: NbError) -> None:
        self.failed += 1
        self.terminal.warn(error.message if name in error.message else f"{name}: {error.message}")

    def _edit(self, one: Page, data: bytes) -> NbError | None:
        """Write a page or its diff; return why the page could not be written."""
        if self.options.pages.apply:
            try:
                one.save(data)
            except (LocalFileError, UsageError) as error:
                return error
            if not self.as_json:
                self.terminal.result(one.path)
        elif not self.as_json:
            self._print(diff.unified(one.path, one.data, data))
        return None

    def _print(self, difference: bytes) -> None:
        """Write a diff: its bytes, but as lines of text where a person reads them."""
        terminal = self.terminal
        text = difference.decode("utf-8", "surrogateescape")
        if terminal.stdout.isatty():
            for line in text.removesuffix("\n").split("\n"):
                terminal.result(line.removesuffix("\r"))
            return
        shown = terminal.github.inert_result(text, terminal.stdout)
        terminal.binary(shown.encode("utf-8", "surrogateescape"))

    def _tell(self, each: Missing, text: str | None, failure: NbError | None) -> None:
        """Tell what became of an image."""
        place, result = each.image.place, self.results.get(each.path or "")
        status: Status = "unchanged"
        if each.reason is not None:
            status = "skipped"
            where = place_of(each.page, each.image)
            self.terminal.warn(f"{where}: left as it is: {each.reason}")
        elif failure is not None:
            status = "failed"
        elif text is None and result is not None:
            status, failure = "failed", result.error
            if isinstance(failure, Decorative):
                self.decorative = each.path
        elif self.options.pages.apply and place is not None and (text or place.quote):
            status = "written"
        if self.as_json:
            is_paid = result is not None and result.attempts and each.path not in self.paid
            cost = result.cost if result is not None and is_paid else 0
            self.paid.add(each.path or "")
            self.terminal.json(
                PageLine(
                    page=each.page.path,
                    line=each.image.line,
                    src=each.image.src,
                    path=each.path,
                    status=status,
                    alt=text,
                    alt_path=result.alt_path if result else None,
                    reason=each.reason or UNSET,
                    cost_usd=usd(cost),
                    error=ErrorRecord.of(failure) if failure else UNSET,
                )
            )
