"""Save the text of an image: clean it, note what may be wrong, write or embed it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions import clean, lint, sidecar
from nanobanana_cli.captions.prompts import STYLES, TextSpec
from nanobanana_cli.errors import Charged, LocalFileError, NoText, OutputExists, UsageError
from nanobanana_cli.generation.destinations import Destination, NamedFile, Stdout
from nanobanana_cli.system import error_of
from nanobanana_cli.types import Reply, Result
from nanobanana_cli.ui.escape import one_line, strip_unsafe

# The finish reasons of a whole text: `STOP`, also as a number, or none in a stream.
_WHOLE = (None, "STOP", "1", "FINISH_REASON_UNSPECIFIED")
# Texts of one image in several languages may come at the same time: one edit of a file at a time.
_EDITS = tuple(Lock() for _ in range(64))


class Decorative(NoText):
    """The model proposes that an image needs no text."""

    kind = "decorative"


class TextDestination(msgspec.Struct, frozen=True):
    """The destination of a text, besides stdout.

    Args:
        spec: the text that was asked for.
        write: write it to a file beside the image.
        text_file: that file, when it does not have the default name.
        embed: embed it in the image file.
        force: replace an existing text, with what is there or typed.
        again: ask for a new text, and replace an existing one.
        break_signature: edit signed files.
        is_generated: a model made the image; `embed` records that as its source.
        is_decorative: the images need no text, by a person's word.
        nth: its place among the texts in several languages, from 0; None for one alone.
    """

    spec: TextSpec
    write: bool = False
    text_file: Path | None = None
    embed: bool = False
    force: bool = False
    again: bool = False
    break_signature: bool = False
    is_generated: bool = False
    is_decorative: bool = False
    nth: int | None = None

    @property
    def is_one_of_several(self) -> bool:
        """True if texts in other languages are asked for, too."""
        return self.nth is not None

    @property
    def options(self) -> dict[str, object]:
        """Return what was asked for, by the names of the options."""
        spec = self.spec
        return {
            "style": spec.style,
            "lang": spec.lang,
            "max_chars": spec.max_chars,
            # A page is long, and nobody's prompt.
            "context": None if spec.is_page else spec.context,
            "write": self.write,
            "embed": self.embed,
        }

    def text_path(self, image: str) -> Path:
        """Return the file that `write` writes for an image."""
        if self.text_file is not None:
            return self.text_file
        if self.is_one_of_several:
            return sidecar.path_of(image, self.spec.style, self.spec.tag)
        if self.is_generated:
            # What is beside a new image is of an older one.
            return sidecar.path_of(image, self.spec.style)
        return sidecar.place_of(image, self.spec)


def preflight(images: Sequence[Destination], destination: TextDestination) -> None:
    """Check, before a call is paid, that the texts of new images can be written.

    Args:
        images: where the images go.
        destination: where their texts go.

    Raises:
        UsageError: a text has no file, or several texts have the same one.
        OutputExists: a text exists already.
        LocalFileError: the folder does not exist or cannot be written to.
    """
    if destination.embed:
        # Before the call: nb may be upgraded meanwhile.
        from nanobanana_cli.captions import embedded  # noqa: F401
    if not destination.write:
        return
    text_file = destination.text_file
    if text_file is not None and len(images) > 1:
        raise UsageError(
            f"--alt-file {text_file} names one file, but {len(images)} images get texts",
            hint="use --alt to write each text beside its image",
        )
    for image in images:
        path = text_file
        if isinstance(image, Stdout) and path is None:
            raise UsageError(
                "--alt writes beside the image file, but -o - writes the image to stdout",
                hint="name a file for the text: --alt-file fox.alt.txt",
            )
        if isinstance(image, NamedFile):
            path = destination.text_path(str(image.path))
            if path in image.paths():
                raise UsageError(
                    f"{path} would be both image and text", hint="choose another --alt-file"
                )
        if path is not None:
            if not destination.force and files.taken(path):
                raise OutputExists(f"{path} exists already", hint="--force replaces it")
            files.check_output(path)


def save_reply_text(result: Result, destination: TextDestination) -> Result:
    """Clean and save the text of the result's reply; a reply without one is an error.

    If the image could not be saved in its place, its text is told.
    """
    reply = result.reply or Reply(None)
    said = clean.tags(reply.text) if destination.spec.style == "tags" else reply.text
    answer = clean.clean(said)
    if result.status in ("failed", "unknown"):
        return _told(result, strip_unsafe(answer))
    if not answer:
        why = "no text could be read" if reply.is_partial else "the service sent no text"
        return replace(result, error=_no_text(why, result, destination))
    if reply.is_partial:
        why = "the reply is cut or damaged, so its text may not be whole"
    elif reply.finish_reason not in _WHOLE:
        why = f"the text was cut ({one_line(str(reply.finish_reason), 60)})"
    elif clean.is_decorative(answer) and destination.spec.style == "alt":
        return replace(result, error=_proposed(result))
    elif (refusal := clean.refusal(said)) is not None:
        why = refusal
    else:
        return save_text(result, answer, destination)
    return replace(result, error=_no_text(f"{why}: {one_line(answer, 4000)}", result, destination))


def save_text(result: Result, text: str, destination: TextDestination) -> Result:
    """Save a text for an image that exists.

    The image is paid for by now, so a failure becomes the result's error and undoes nothing.

    Args:
        result: the image's result.
        text: empty only for a decorative image.
        destination: where the text goes.

    Returns:
        The result with the text, its file, and notes on what may be wrong with it.
    """
    text = strip_unsafe(text)
    result = replace(result, alt=text)
    try:
        notes = (*result.notes, *_notes(result, text, destination))
        result = replace(result, notes=notes)
        if destination.write and result.path is not None:
            result = _write(result, destination.text_path(result.path), text, destination)
        if destination.embed and result.path is not None:
            result = _embed(result, Path(result.path), text, destination)
    except Exception as exception:  # noqa: BLE001 - whatever it is, the text was paid for
        error = error_of(exception)
        if isinstance(error, UsageError) and result.attempts:
            # The file has changed or gone during the call.
            error = LocalFileError(error.message)
        error.charged = Charged.YES if result.attempts else Charged.NO
        if error is not exception:
            error.hint = f"the text was: {text}"
        return replace(result, error=error)
    return result


def _told(result: Result, text: str) -> Result:
    """Tell the text of an image without a place, unless the whole reply is kept."""
    error = result.error
    if not text or error is None or error.reply_path is not None:
        return result
    error.hint = "\n".join(filter(None, (error.hint, f"the text was: {text}")))
    return replace(result, alt=text)


def _write(result: Result, path: Path, text: str, destination: TextDestination) -> Result:
    try:
        saved = sidecar.save(path, text, force=destination.force or destination.again)
    except LocalFileError as error:
        error.hint = f"the text was: {text}"
        raise
    moved = () if saved == path else (f"{path} exists already, so the text is in {saved}",)
    return replace(result, alt_path=str(saved), notes=(*result.notes, *moved))


def _no_text(why: str, result: Result, destination: TextDestination) -> NoText:
    hint = "request the text alone, in another call"
    if result.path not in (None, "-"):
        hint += f": {_command(str(result.path), destination)}"
    if "IMAGE" not in result.request.modalities:
        hint = "run it again, which is a new, paid call; --context may help"
    return NoText(why, hint=hint)


def _command(path: str, destination: TextDestination) -> str:
    """Return the command that asks for the text of an existing image."""
    spec = destination.spec
    words = ["nb", "caption", path]
    words += ["--style", spec.style] if spec.style != "alt" else []
    words += ["--lang", spec.lang] if spec.lang else []
    words += ["--write"] if destination.write else []
    return shlex.join(words + (["--embed"] if destination.embed else []))


def _proposed(result: Result) -> NoText:
    """Return the error for an image that needs no text by the model's word, not a person's."""
    name = str(result.path)
    error = Decorative(f"{name}: the model takes it for decorative, so that it needs no text")
    if name != "-":
        error.hint = f"agree with nb caption {shlex.quote(name)} --decorative --write"
    return error


def _notes(result: Result, text: str, destination: TextDestination) -> tuple[str, ...]:
    if not text:
        return ()
    spec = destination.spec
    problems = lint.lint(
        text, limit=spec.limit, file_name=result.path, prompt=result.request.prompt or None
    )
    name = STYLES[spec.style].name + (f" ({spec.tag})" if destination.is_one_of_several else "")
    return tuple(f"{result.path}: the {name} may be wrong: {each.message}" for each in problems)


def _embed(result: Result, path: Path, text: str, destination: TextDestination) -> Result:
    from nanobanana_cli.captions import embedded
    from nanobanana_cli.images.xmp import packet

    source = None
    if destination.is_generated:
        is_edit = bool(result.request.references)
        source = (
            packet.COMPOSITE_WITH_TRAINED_MEDIA if is_edit else packet.TRAINED_ALGORITHMIC_MEDIA
        )
    new = embedded.description(text, destination.spec.style, source)
    if destination.is_generated and (title := embedded.closed_format(files.read(path, "image"))):
        result = _beside(result, path, text, destination)
        note = f"nb embeds no text in {title} files, so the text of {path} is in {result.alt_path}"
        return replace(result, notes=(*result.notes, note))
    try:
        with _EDITS[hash(path.resolve()) % len(_EDITS)]:
            # Read again: a call takes seconds, in which the file may have changed.
            data = embedded.edit(
                *(str(path), files.read(path, "image"), new, destination.spec),
                force=destination.force,
                break_signature=destination.break_signature,
                nth=destination.nth,
            )
            files.replace(path, data)
    except embedded.SignedFile:
        if not destination.is_generated:
            raise
        return _beside_signed(result, path, text, destination)
    digest = hashlib.sha256(data).hexdigest() if result.sha256 else None
    return replace(result, size=len(data), sha256=digest)


def _beside(result: Result, path: Path, text: str, destination: TextDestination) -> Result:
    """Write the text beside the image, unless it is there already."""
    if result.alt_path is not None:
        return result
    return _write(result, destination.text_path(str(path)), text, destination)


def _beside_signed(result: Result, path: Path, text: str, destination: TextDestination) -> Result:
    """Write the text of a new image that is signed beside it, and say why."""
    result = _beside(result, path, text, destination)
    # The same command would make, and charge for, another image.
    edit = _command(str(path), replace(destination, write=False)) + " --break-signature"
    note = f"{path} is signed with C2PA, which an edit would break, so the text is not inside but "
    note += f"in {result.alt_path}: {edit} embeds it"
    return replace(result, notes=(*result.notes, note))
