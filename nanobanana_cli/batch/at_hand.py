"""Put images and texts in place that are at hand, without a call."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.batch import history
from nanobanana_cli.batch.contents import sha256_of
from nanobanana_cli.batch.destination import RowDestination
from nanobanana_cli.batch.ledger import Ledger
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.batch.records import OutputFolder, file_line
from nanobanana_cli.batch.reuse import LEFTOVERS
from nanobanana_cli.captions import sidecar
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.captions.save import TextDestination, save_text
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.destinations import chat_file
from nanobanana_cli.generation.save import save_image
from nanobanana_cli.images.content import ImageContent, of_image
from nanobanana_cli.types import Reply, Result


def put(step: Step, folder: OutputFolder, ledger: Ledger, provider: str) -> Result:
    """Put an image at hand, or the text that it lacks, in its place, and record it.

    Args:
        step: with an image at hand, or with a text.
        folder: the output folder.
        ledger: takes a line for the file.
        provider: the name for the result.

    Returns:
        The result, `written` or `failed`. It costs nothing.
    """
    result = Result("written", step.item.request(()), provider, cost=0)
    try:
        text = _text(step)
        if step.found is not None:
            result = _put_image(step, folder, ledger, result, text)
        elif step.path is not None:
            result = replace(result, path=str(folder.path / step.path), sha256=step.sha256)
        if result.status == "written" and text and step.item.alt_file is not None:
            path = folder.path / step.item.alt_file
            place = TextDestination(TextSpec(), write=True, text_file=path)
            result = save_text(result, text, place)
    except NbError as error:
        return replace(result, status="failed", error=error.released())
    return result


def _text(step: Step) -> str | None:
    if step.text == "" and step.found is not None:
        return sidecar.read(step.found.alt_file)
    return step.text


def _put_image(
    step: Step, folder: OutputFolder, ledger: Ledger, result: Result, text: str | None
) -> Result:
    assert step.found is not None
    source = step.found.path
    data = files.read(source, "image")
    contents: list[ImageContent] = []
    called = replace(result, status="unchanged", reply=Reply(image=data))
    saved = save_image(called, RowDestination(folder.path, step, contents.append))
    if saved.status == "written":
        path = folder.relative(saved.path or "")
        ledger.append(file_line(step, folder, path, contents[-1], text))
        _copy_conversation(source, saved)
        if step.found.made is None and any(map(source.match, LEFTOVERS)):
            source.unlink(missing_ok=True)
    return replace(saved, reply=None)


def _copy_conversation(source: Path, saved: Result) -> None:
    """Copy the conversation of an image at hand, too; one that is there gets another name."""
    conversation, path = chat_file(source), chat_file(saved.path or "")
    if conversation.is_file():
        with suppress(NbError):
            data = files.read(conversation, "conversation")
            if files.taken(path):
                if files.read(path, "conversation") == data:
                    return
                files.keep_copy(path, "conversation", ".chat.json")
            files.replace(path, data)


def remove_copies(folders: Iterable[Path], root: Path, ledgers: Iterable[Path]) -> None:
    """Remove temporary files of killed runs whose image is in its place by now.

    Args:
        folders: where they may be.
        root: the output folder.
        ledgers: which say what is in its place.
    """
    left = {path: sha256_of(path) for folder in folders for path in files.abandoned(folder)}
    if not left:
        return
    made = chain.from_iterable(history.read(ledgers).written.values())
    places = {each.sha256: root / each.path for each in made if each.sha256 in left.values()}
    for path, digest in left.items():
        if digest in places and sha256_of(places[digest]) == digest:
            path.unlink(missing_ok=True)


def record(steps: Iterable[Step], folder: OutputFolder, ledger: Ledger) -> None:
    """Record images that are there, and that the manifest's own ledgers do not have.

    A killed run saved them and could not record them, or another manifest made them: its ledger,
    and `--prune` of its rows, may go.
    """
    lines = []
    for step in steps:
        if step.path is not None:
            content = of_image(files.read(Path(folder.path, step.path), "image"))
            text = step.beside.alt if step.beside else None
            lines.append(file_line(step, folder, step.path, content, text))
    ledger.extend(lines)
