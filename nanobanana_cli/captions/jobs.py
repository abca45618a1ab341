"""Decide what is to be done for one text of an image: nothing, an edit, or a call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.captions import sidecar
from nanobanana_cli.captions.prompts import STYLES, TextSpec
from nanobanana_cli.captions.save import TextDestination
from nanobanana_cli.captions.source_image import SourceImage, picture_of
from nanobanana_cli.errors import LocalFileError, NbError, OutputExists
from nanobanana_cli.generation.inputs import read_bytes
from nanobanana_cli.ui.escape import strip_unsafe


class Job(msgspec.Struct, frozen=True):
    """One text of one image.

    Args:
        path: the image; `-` for stdin.
        destination: where its text goes, and in which language it is.
        typed: the text by a person's word; None to take what is there, or to ask for it.
        owner: the image whose text file this one shares (`fox.png`, `fox.webp`), if it comes first.
        is_left: that may get another text there than this one would.
        variants: the other images that show the same picture (`fox-800w.png`, `fox@2x.png`).
    """

    path: str
    destination: TextDestination
    typed: str | None = None
    owner: str | None = None
    is_left: bool = False
    variants: tuple[str, ...] = ()

    @property
    def subject(self) -> tuple[str, str, str | None]:
        """Return what one text is enough for: the picture, the style and the language."""
        spec = self.destination.spec
        return picture_of(self.path), spec.style, spec.tag or spec.lang


class Decision(msgspec.Struct, frozen=True):
    """A text to ask for, to save, or to leave as it is.

    Args:
        text: the text to save; None to ask for it.
        destination: where it is missing.
        is_there: the text is the one that is there.
    """

    text: str | None
    destination: TextDestination
    is_there: bool = False

    @property
    def is_edit(self) -> bool:
        """True if a file changes."""
        return self.destination.write or self.destination.embed


def with_owners(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs, each with the images that it shares its text, or its text file, with."""
    owners: dict[Path, Job] = {}
    found = []
    alike = defaultdict[str, dict[str, None]](dict)
    jobs = [*jobs]
    for job in jobs:
        alike[picture_of(job.path)][job.path] = None
    for job in jobs:
        others = tuple(path for path in alike[picture_of(job.path)] if path != job.path)
        job = replace(job, variants=others)
        if job.destination.write:
            owner = owners.setdefault(job.destination.text_path(job.path), job)
            if owner.path != job.path:
                job = replace(job, owner=owner.path, is_left=_may_differ(owner, job))
        found.append(job)
    return found


def _may_differ(owner: Job, job: Job) -> bool:
    is_from_inside = job.destination.force and not job.destination.embed
    return job.typed != owner.typed or (job.typed is None and is_from_inside)


def empty_file(job: Job) -> Path | None:
    """Return the empty file that says that an image needs no text, if there is one."""
    return sidecar.empty_file(job.path, job.destination.text_path(job.path))


def short_text(path: str, lang: str | None) -> str | None:
    """Return the alt text that an image has, beside it or inside, in a language."""
    destination = TextDestination(TextSpec("alt", lang=lang))
    with suppress(NbError):
        text = None if path == "-" else sidecar.read(destination.text_path(path))
        if text is None and path != "-":
            text = _inside_of(path, read_bytes(path, lambda: b""), destination)
        return _clean(text)
    return None


def decide(job: Job, image: SourceImage) -> Decision:
    """Return what is to be done for a text.

    Raises:
        OutputExists: another text is there, and nothing may or can replace it.
        UsageError, LocalFileError: the text file cannot be read, or a place cannot hold a text.
    """
    job = placed(job, image)
    found = _decided(job, image)
    if found.text is None and not job.destination.again and found.is_edit:
        found = _of_variant(job) or found
    _check_places(image, found.destination)
    return found


def placed(job: Job, image: SourceImage) -> Job:
    """Return the job with its text beside an image whose format takes none inside."""
    from nanobanana_cli.captions import embedded

    destination = job.destination
    if not destination.embed or embedded.closed_format(image.data) is None:
        return job
    return replace(job, destination=replace(destination, write=True, embed=False))


def _of_variant(job: Job) -> Decision | None:
    """Return what to do with the text of another size or format of the picture, if there is one."""
    for path in job.variants:
        with suppress(NbError):
            text = _clean(sidecar.read(job.destination.text_path(path)))
            if text is None:
                data = read_bytes(path, lambda: b"")
                text = _clean(_inside_of(path, data, job.destination))
            if text:
                return Decision(text, job.destination)
            if text is not None:
                nothing = replace(job.destination, write=False, embed=False)
                return Decision("", nothing, is_there=True)
    return None


def _decided(job: Job, image: SourceImage) -> Decision:
    destination = job.destination
    typed = "" if destination.is_decorative else job.typed
    if not (destination.write or destination.embed):
        if typed is None and not destination.again and empty_file(job):
            return Decision("", destination, is_there=True)
        return Decision(typed, destination)
    if destination.again:
        return Decision(None, destination)
    # Compared as they are saved.
    beside = _clean(sidecar.read(destination.text_path(job.path)))
    if beside is None and empty_file(job):
        beside = ""
    inside = _clean(_inside_of(image.path, image.data, destination))
    if typed is not None:
        return _typed(job, strip_unsafe(typed), beside, inside)
    if beside is None and inside is None:
        return Decision(None, destination)
    return _kept(job, beside, inside)


def _kept(job: Job, beside: str | None, inside: str | None) -> Decision:
    """Return what to do with a text that is there: the one beside the image counts.

    A person edits it there, and an empty one is a decorative image's. `--force --write` takes the
    one inside.
    """
    destination = job.destination
    is_replaced = destination.force and destination.write and not destination.embed
    if beside is None or (is_replaced and inside is not None):
        text, write, embed = inside, destination.write and inside != beside, False
    else:
        text, write, embed = beside, False, destination.embed and beside not in ("", inside)
    if destination.force and not (write or embed or beside == inside):
        where = f"{job.path} has a text already"
        if beside is not None:
            where = f"{destination.text_path(job.path)} exists already"
        raise OutputExists(
            f"{where}, and nothing else is there to replace it with",
            hint="--again pays for a new text; --text takes yours",
        )
    return Decision(text, replace(destination, write=write, embed=embed), is_there=True)


def _typed(job: Job, text: str, beside: str | None, inside: str | None) -> Decision:
    """Return what to do with a text by a person's word."""
    destination = job.destination
    write = destination.write and beside != text
    embed = destination.embed and inside != text
    if not destination.force:
        other = beside if write else inside if embed and beside != text else None
        if other is not None and destination.is_decorative:
            return Decision(other, replace(destination, write=False, embed=False), is_there=True)
        if other is not None:
            where = destination.text_path(job.path) if write else f"a text in {job.path}"
            raise OutputExists(
                f'{where} exists already: "{other}"' if other else f"{where} exists already",
                hint="--force replaces it",
            )
    is_there = not (write or embed)
    return Decision(text, replace(destination, write=write, embed=embed), is_there=is_there)


def _clean(text: str | None) -> str | None:
    return None if text is None else strip_unsafe(text)


def _inside_of(path: str, data: bytes, destination: TextDestination) -> str | None:
    from nanobanana_cli.captions import embedded

    # If it cannot be read and that matters, the attempt to embed says so.
    with suppress(LocalFileError):
        return embedded.text_of(
            *(path, data, destination.spec), is_sure=destination.is_one_of_several
        )
    return None


def _check_places(image: SourceImage, destination: TextDestination) -> None:
    """Raise LocalFileError, before a call is paid, unless the text can be saved."""
    if destination.write:
        files.check_output(destination.text_path(image.path))
    if not destination.embed:
        return
    from nanobanana_cli.captions import embedded

    files.check_output(Path(image.path))
    # Some formats hold only so much; a text is seldom longer, nor its characters.
    spec = destination.spec
    trial = embedded.description("文" * STYLES[spec.style].limit, spec.style)
    embedded.edit(
        *(image.path, image.data, trial, spec),
        force=destination.force,
        break_signature=destination.break_signature,
    )
