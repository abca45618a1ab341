"""From a model's answer to a checked text, and from there into files."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions import sidecar
from nanobanana_cli.captions.clean import clean, strip_unsafe
from nanobanana_cli.captions.prompts import STYLES, TextSpec
from nanobanana_cli.errors import Charged, LocalFileError, NbError, NoText
from nanobanana_cli.types import Result


class TextDestination(msgspec.Struct, frozen=True):
    """What becomes of a text.

    Args:
        wish: what was asked for.
        write: put it into a file beside the image.
        text_file: that file, when it is not the usual one.
        embed: put it into the image file.
        force: replace texts that are there, and edit signed files.
        is_generated: a model made the image, which `embed` then says in it.
    """

    wish: TextSpec
    write: bool = False
    text_file: Path | None = None
    embed: bool = False
    force: bool = False
    is_generated: bool = False

    def text_path(self, image: str) -> Path:
        """Where `write` puts the text of an image."""
        return self.text_file or sidecar.path_of(image)


def save_reply_text(result: Result, delivery: TextDestination) -> Result:
    """`deliver` for the text in the result's reply, mended; without one, that is the error."""
    text = clean(result.reply.text) if result.reply else ""
    return save_text(result, text, delivery) if text else replace(result, error=_no_text(result))


def save_text(result: Result, text: str, delivery: TextDestination) -> Result:
    """The result with its text, in files where that is asked for.

    The image is there and paid for by now: trouble with the text becomes the result's error, and
    costs nothing of what is done.

    Args:
        result: of an image that is saved, or was there already.
        text: not empty.
        delivery: what is to become of it.
    """
    text = strip_unsafe(text)
    result = replace(result, alt=text, notes=(*result.notes, *_remarks(result, text, delivery)))
    try:
        if delivery.write and result.path is not None:
            result = _written(result, delivery.text_path(result.path), text, delivery)
        if delivery.embed and result.path is not None:
            result = _embedded(result, Path(result.path), text, delivery)
    except NbError as error:
        error.charged = Charged.YES if result.attempts else Charged.NO
        return replace(result, error=error)
    return result


def _written(result: Result, path: Path, text: str, delivery: TextDestination) -> Result:
    try:
        saved = sidecar.save(path, text, force=delivery.force)
    except LocalFileError as error:
        error.hint = f"the text was: {text}"
        raise
    moved = () if saved == path else (f"{path} is taken, so the text went to {saved}",)
    return replace(result, alt_path=str(saved), notes=(*result.notes, *moved))


def _no_text(result: Result) -> NoText:
    again = "ask for the text alone, which is another call"
    if result.path not in (None, "-"):
        again += f": nb caption {shlex.quote(str(result.path))}"
    return NoText("the service sent no text", hint=again)


def _remarks(result: Result, text: str, delivery: TextDestination) -> tuple[str, ...]:
    # Here, since its patterns take as long to compile as all the rest to import: meanwhile, the
    # first calls are under way.
    from nanobanana_cli.captions import lint

    found = lint.lint(
        text,
        limit=delivery.wish.limit,
        file_name=result.path,
        prompt=result.request.prompt or None,
    )
    subject = f"{result.path}: the {STYLES[delivery.wish.style].name}"
    return tuple(f"{subject} may be wrong: {problem.message}" for problem in found)


def _embedded(result: Result, path: Path, text: str, delivery: TextDestination) -> Result:
    from nanobanana_cli.captions import embedded
    from nanobanana_cli.images.xmp.packet import TRAINED_ALGORITHMIC_MEDIA

    source = TRAINED_ALGORITHMIC_MEDIA if delivery.is_generated else None
    new = embedded.description(text, delivery.wish.style, source)
    # Read again: a call takes seconds, in which the file may have changed.
    old = files.read(path, "image")
    again = "--embed --force edits it all the same"
    if delivery.is_generated:
        # The same command would make, and charge for, another image.
        again = f"nb caption {shlex.quote(str(path))} {again}"
    data = embedded.edited(str(path), old, new, delivery.wish, force=delivery.force, hint=again)
    files.replace(path, data)
    digest = hashlib.sha256(data).hexdigest() if result.sha256 else None
    return replace(result, size=len(data), sha256=digest)
