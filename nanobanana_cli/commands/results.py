"""Write results: images, JSON lines and texts to stdout, all about them to stderr."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from nanobanana_cli.captions import formats, sidecar
from nanobanana_cli.captions.formats import Caption
from nanobanana_cli.commands.lines import ResultLine
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.shape import described
from nanobanana_cli.money import dollars
from nanobanana_cli.types import Result
from nanobanana_cli.ui import github
from nanobanana_cli.ui.escape import escape, strip_unsafe
from nanobanana_cli.ui.terminal import Terminal

if TYPE_CHECKING:
    from nanobanana_cli.commands.display import ImageDisplay


class TextWriter(msgspec.Struct):
    """Write texts, one after the other.

    Args:
        terminal: takes them.
        form: one of `formats.FORMS`.
        relative_to: the folder that paths are relative to; None leaves them as they are.
        is_single: write one text alone, without its path.
        style: the style of the texts.
        has_languages: each image has several texts, told apart by their language.
        last: the image of the text that was written last.
    """

    terminal: Terminal
    form: str
    relative_to: str | None
    is_single: bool
    style: str = "alt"
    has_languages: bool = False
    last: str | None = None

    @property
    def as_json(self) -> bool:
        """True if each result, failures too, is a JSON line."""
        return self.form == "json"

    def path(self, path: str) -> str:
        """Return a path as it is shown."""
        return path if path == "-" else formats.relative(path, self.relative_to)

    def show(self, result: Result) -> None:
        """Write a result; one without a text only as JSON."""
        if self.as_json:
            self.record(ResultLine.of(result))
        elif result.alt is not None and result.path is not None:
            size = (result.width, result.height)
            self.text(Caption(result.path, result.alt, *size, lang=result.lang))

    def record(self, record: msgspec.Struct) -> None:
        """Write a JSON line, with its paths as they are shown."""
        shown = {
            name: self.path(value)
            for name in ("path", "source")
            if isinstance(value := getattr(record, name, None), str)
        }
        self.terminal.json(replace(record, **shown))

    def text(self, caption: Caption) -> None:
        """Write a text in a form other than JSON lines."""
        if self.form == "html" and self.style == "long":
            from nanobanana_cli.captions import jobs

            caption = replace(caption, short=jobs.short_text(caption.path, caption.lang) or "")
        caption = replace(caption, path=self.path(caption.path))
        if self.form.startswith("csv") and self.last is None:
            more = ("lang",) if self.has_languages else ()
            # Excel takes a file without a mark for one in an old encoding.
            mark = "\ufeff" if self.form == "csv-bom" else ""
            self.terminal.result(mark + ",".join([*formats.CSV_COLUMNS, *more]))
        self.terminal.result(self._line(caption))
        self.last = caption.path

    def close(self) -> None:
        """End the JSON object of `json-map`."""
        if self.form == "json-map":
            is_nested = self.last is not None and self.has_languages
            self.terminal.result("{}" if self.last is None else "}" * (1 + is_nested))

    def _line(self, caption: Caption) -> str:
        match self.form:
            case "markdown":
                return formats.as_markdown(caption)
            case "html":
                return formats.as_html(caption)
            case "json-map":
                return self._entry(caption)
            case "csv" | "csv-bom":
                more = [caption.lang or ""] if self.has_languages else []
                return formats.as_csv(caption, more)
            case _:
                text = strip_unsafe(caption.text)
                more = [caption.lang or ""] if self.has_languages else []
                return text if self.is_single else self._columns(caption.path, *more, text)

    def problem(self, path: str, what: str, lang: str | None = None) -> None:
        """Write the path of an image, and what is wrong with it or its text in a language."""
        more = [lang or ""] if self.has_languages else []
        self.terminal.result(self._columns(self.path(path), *more, what))

    def _entry(self, caption: Caption) -> str:
        """Return an entry of a JSON object: a line, so that each text is there once it is known."""
        parts = (strip_unsafe(caption.text), caption.path)
        text, path = (github.json_text(json.dumps(part)) for part in parts)
        start = "{" if self.last is None else ","
        if not self.has_languages:
            return f"{start}{path}: {text}"
        lang = json.dumps(caption.lang or "")
        if caption.path == self.last:
            return f", {lang}: {text}"
        return f"{'}' * (self.last is not None)}{start}{path}: {{{lang}: {text}"

    def _columns(self, *columns: str) -> str:
        # On a terminal, a TAB would be spelled out like every control character.
        gap = "  " if self.terminal.stdout.isatty() else "\t"
        return gap.join(map(escape, columns))


class ResultWriter(msgspec.Struct, frozen=True):
    """Write results of images.

    Args:
        terminal: takes them.
        as_json: write a JSON line for each.
        to_stderr: stdout holds an image, so JSON lines go to stderr.
        texts: writes the texts, which then are the results, rather than the paths.
        display: shows the images themselves.
    """

    terminal: Terminal
    as_json: bool
    to_stderr: bool = False
    texts: TextWriter | None = None
    display: ImageDisplay | None = None

    def show(self, result: Result) -> None:
        """Write one result, and its notes."""
        if self.as_json:
            self.json(result)
        elif result.status == "written" and result.path is not None:
            self._show_written(result, result.path)
        if self.display is not None:
            self.display.show(result)
        for note in result.notes:
            self.terminal.warn(note)
        reply = result.reply
        if reply and reply.model_version and reply.model_version != result.request.model:
            self.terminal.trace(f"the service answered with {reply.model_version}")

    def json(self, result: Result) -> None:
        """Write one result as a JSON line, if results are JSON lines."""
        if self.texts is not None and self.texts.as_json:
            self.texts.show(result)
        elif self.as_json:
            self.terminal.json(ResultLine.of(result), to_stderr=self.to_stderr)

    def skipped(self, result: Result) -> None:
        """Write the paths of an image that was left alone and its text, or their JSON line."""
        self.json(result)
        if not self.as_json and self.texts is None:
            for path in filter(None, (result.path, result.alt_path)):
                self.terminal.result(path)
        if self.display is not None:
            self.display.show(result)

    def _show_written(self, result: Result, path: str) -> None:
        if self.texts is not None or path == "-":
            where = "" if path == "-" else f"{path}  "
            self.terminal.note(where + details(result))
        else:
            self.terminal.summary(path, details(result))
        if self.texts is not None:
            self.texts.show(result)
        elif result.alt_path is not None:
            say = self.terminal.note if path == "-" else self.terminal.result
            say(result.alt_path)
        if result.chat_path is not None:
            self.terminal.note(f"conversation: {result.chat_path}")


def step_summary(
    terminal: Terminal,
    title: str,
    text: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
) -> None:
    """Append a table to the summary of a step of GitHub Actions, if `nb` runs there.

    Args:
        terminal: takes a note if it cannot be written.
        title, text, columns, rows: see `GitHub.add_summary`.
    """
    try:
        terminal.github.add_summary(title, text, columns, rows)
    except OSError as error:
        terminal.warn(f"the step's summary cannot be written: {error.strerror}")


def recover(folders: Iterable[Path], terminal: Terminal) -> None:
    """Save the images that killed runs left unnamed in the folders, remove their other leftovers.

    A folder that does not exist has none.
    """
    from nanobanana_cli.generation.rescue import recovered

    for folder in sorted(set(folders)):
        for path in recovered(folder):
            terminal.warn(f"{path} is an image that a killed run had not named yet")


def with_file(result: Result, path: Path, text_file: Path | None) -> Result:
    """Return the result of an image that was left as it is, with what its files show.

    Args:
        result: without what is known of the file.
        path: of the image.
        text_file: of its text, which may not exist; None for none.
    """
    from nanobanana_cli.images.formats import FORMATS, DamagedImage, survey

    result = replace(result, cost=0)
    with suppress(OSError, DamagedImage):
        data = path.read_bytes()
        digest = result.sha256 or hashlib.sha256(data).hexdigest()
        result = replace(result, size=len(data), sha256=digest)
        picture = survey(data)
        mime_type = FORMATS[picture.format].mime_type
        result = replace(result, mime_type=mime_type, width=picture.width, height=picture.height)
    with suppress(NbError):
        if text_file is not None and (text := (sidecar.read(text_file) or "").strip()):
            result = replace(result, alt=text, alt_path=str(text_file))
    return result


def details(result: Result) -> str:
    """Return the pixels, ratio, bytes, seconds and price of a written image, for people."""
    price = "free (sandbox)" if result.provider == "sandbox" else dollars(result.cost)
    shape = f"{result.width}×{result.height}"
    if like := described(result.request):
        shape += f"  {like}"
    return f"{shape}  {file_size(result.size or 0)}  {result.seconds:.1f} s  {price}"


def file_size(size: int) -> str:
    """Return a number of bytes for people: `5.1 MB`, `97.2 kB`."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
