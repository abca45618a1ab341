"""Write results: images, JSON lines and texts to stdout, all about them to stderr."""

from __future__ import annotations

from nanobanana_cli.captions import formats
from nanobanana_cli.captions.clean import strip_unsafe
from nanobanana_cli.captions.formats import Caption
from nanobanana_cli.money import dollars
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


class ResultWriter:
    """Writes results of images.

    Args:
        terminal: where to.
        json: write a JSON line for each.
        to_stderr: stdout holds an image, so JSON lines go to stderr.
        texts: writes the texts, which then are the results, rather than the paths.
    """

    def __init__(
        self,
        terminal: Terminal,
        *,
        json: bool,
        to_stderr: bool = False,
        texts: TextWriter | None = None,
    ) -> None:
        self._terminal = terminal
        self._json = json
        self._to_stderr = to_stderr
        self._texts = texts

    def show(self, result: Result) -> None:
        """Write one result, and its notes."""
        if self._json:
            self.json(result)
        elif result.status == "written" and result.path is not None:
            self._show_written(result, result.path)
        for note in result.notes:
            self._terminal.warn(note)
        reply = result.reply
        if reply and reply.model_version and reply.model_version != result.request.model:
            self._terminal.trace(f"the service answered with {reply.model_version}")

    def json(self, result: Result) -> None:
        """Write one result as a JSON line, if results are JSON lines."""
        if self._texts is not None and self._texts.as_json:
            self._texts.show(result)
        elif self._json:
            self._terminal.json(result.record(), to_stderr=self._to_stderr)

    def _show_written(self, result: Result, path: str) -> None:
        if self._texts is not None or path == "-":
            where = "" if path == "-" else f"{path}  "
            self._terminal.note(where + details(result))
        else:
            self._terminal.summary(path, details(result))
        if self._texts is not None:
            self._texts.show(result)
        elif result.alt_path is not None:
            say = self._terminal.note if path == "-" else self._terminal.result
            say(result.alt_path)


def details(result: Result) -> str:
    """Return the pixels, bytes, seconds and price of a written image, for people."""
    price = "free (sandbox)" if result.provider == "sandbox" else dollars(result.cost)
    shape = f"{result.width}×{result.height}"
    return f"{shape}  {file_size(result.size or 0)}  {result.seconds:.1f} s  {price}"


def file_size(size: int) -> str:
    """Return a number of bytes for people: `5.1 MB`, `97.2 kB`."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
