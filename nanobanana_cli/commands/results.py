"""Texts on stdout, in the form that was asked for."""

from __future__ import annotations

from nanobanana_cli.captions import formats
from nanobanana_cli.captions.clean import strip_unsafe
from nanobanana_cli.captions.formats import Caption
from nanobanana_cli.types import Result
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.terminal import Terminal


class TextWriter:
    """Shows texts one after the other.

    Args:
        terminal: where to.
        form: one of `delivery.FORMS`.
        relative_to: the folder that paths are told from; None tells them as they are.
        is_single: there is only one text, which needs no path beside it.
    """

    def __init__(
        self, terminal: Terminal, form: str, *, relative_to: str | None, is_single: bool
    ) -> None:
        self._terminal = terminal
        self._form = form
        self._relative_to = relative_to
        self._is_single = is_single
        self._has_head = False

    @property
    def as_json(self) -> bool:
        """Whether each result is a JSON line; then failures have one, too."""
        return self._form == "json"

    def path(self, path: str) -> str:
        """A path as it is to be shown."""
        return path if path == "-" else formats.relative(path, self._relative_to)

    def show(self, result: Result) -> None:
        """One result; without a text it has a line only as JSON."""
        if self.as_json:
            self.record(result.record())
        elif result.alt is not None and result.path is not None:
            self.text(Caption(result.path, result.alt, result.width, result.height))

    def record(self, record: dict[str, object]) -> None:
        """One JSON line, with its paths as they are to be shown."""
        shown = {
            name: self.path(value)
            for name in ("path", "source")
            if isinstance(value := record.get(name), str)
        }
        self._terminal.json(record | shown)

    def text(self, item: Caption) -> None:
        """One text in a form other than JSON."""
        item = Caption(self.path(item.path), item.text, item.width, item.height)
        if self._form == "csv" and not self._has_head:
            self._terminal.result(",".join(formats.CSV_COLUMNS))
            self._has_head = True
        self._terminal.result(self._line(item))

    def _line(self, item: Caption) -> str:
        match self._form:
            case "markdown":
                return formats.as_markdown(item)
            case "html":
                return formats.as_html(item)
            case "csv":
                return formats.as_csv(item)
            case _:
                text = strip_unsafe(item.text)
                return text if self._is_single else self._columns(item.path, text)

    def problem(self, path: str, what: str) -> None:
        """What is wrong with an image, beside its path."""
        self._terminal.result(self._columns(self.path(path), what))

    def _columns(self, path: str, text: str) -> str:
        # On a terminal, a TAB would be spelt out like every control character.
        gap = "  " if self._terminal.stdout.isatty() else "\t"
        return f"{escape(path)}{gap}{escape(text)}"
