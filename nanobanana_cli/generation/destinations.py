"""Where images go: from `-o`, `-n` and `--format` to places that can be checked before the call
and written to after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from nanobanana_cli import files
from nanobanana_cli.errors import Charged, LocalFileError, NbError, OutputExists, UsageError
from nanobanana_cli.images import formats
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.slug import slug
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import Data, ImageFormat


class Destination(Protocol):
    """A place for one image."""

    @property
    def format(self) -> ImageFormat | None:
        """What the bytes must be; None takes them as they come."""

    def taken(self) -> bool:
        """Whether something is there that must not be replaced unasked."""

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Put the image there whole, and say where it is.

        Args:
            data: its bytes.
            image_format: what they are.

        Raises:
            LocalFileError: it could not be put there; the message says where it was put instead.
        """


class NamedFile(msgspec.Struct, frozen=True):
    """A path that the user named."""

    path: Path
    format: ImageFormat | None
    force: bool = False

    def taken(self) -> bool:
        """Whether the path exists and may not be replaced."""
        return not self.force and files.taken(self.path)

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Write to the path; a paid image that cannot go there is put beside it or set aside."""
        write = files.replace if self.force else files.create
        try:
            write(self.path, data)
        except (OutputExists, LocalFileError) as error:
            raise _rescued(data, self.path, image_format, error) from error
        return str(self.path)


class UnnamedFile(msgspec.Struct, frozen=True):
    """A folder, in which the name is made from the prompt and never collides."""

    folder: Path
    stem: str
    format: ImageFormat | None

    def taken(self) -> bool:
        """Never: another name is found."""
        return False

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Write under the first free name: `a-red-fox.png`, `a-red-fox-2.png`, …"""
        suffix = SUFFIXES[image_format]
        try:
            return str(files.create_unique(self.folder, self.stem, suffix, data))
        except LocalFileError as error:
            path = self.folder / (self.stem + suffix)
            raise _rescued(data, path, image_format, error) from error


class Stdout(msgspec.Struct, frozen=True):
    """Standard output, for one image."""

    write: Callable[[Data], None]
    format: ImageFormat | None

    def taken(self) -> bool:
        """Never."""
        return False

    def save(self, data: Data, image_format: ImageFormat) -> str:  # noqa: ARG002
        """Write the bytes, and nothing else."""
        try:
            self.write(data)
        except LocalFileError as error:
            error.charged = Charged.YES
            raise
        return "-"


def plan(
    output: str | None,
    *,
    prompt: str,
    count: int = 1,
    image_format: str = "auto",
    force: bool = False,
    skip_existing: bool = False,
    stdout: Callable[[Data], None],
) -> list[Destination]:
    """The places for `count` images.

    Args:
        output: what `-o` said: a file, a folder, `-`, or None.
        prompt: names the files that have no name.
        count: how many images, 1 or more.
        image_format: one of `formats.CHOICES`.
        force, skip_existing: as the options; only a named file can be there already.
        stdout: takes the bytes for `-`.

    Raises:
        UsageError: a name or format that cannot be, or options that contradict each other.
        LocalFileError: the folder does not exist, or the file could not be written.
    """
    wanted = format_named(image_format)
    if force and skip_existing:
        raise UsageError("--force and --skip-existing contradict each other", hint="use one")
    if output == "-":
        _refuse_replacing(force, skip_existing, "stdout")
        if count > 1:
            raise UsageError(
                f"-o - takes one image, and -n asks for {count}", hint="name a folder: -o images/"
            )
        return [Stdout(stdout, wanted)]
    if output is not None and (not output or "\0" in output):
        raise UsageError("-o is no path", hint="-o fox.png, -o images/ or -o -")
    path = Path(output or ".")
    # Unlike Path.is_dir, this calls a name that cannot be no folder.
    if output is None or output.endswith(("/", "\\")) or os.path.isdir(path):  # noqa: PTH112
        _refuse_replacing(force, skip_existing, "a name made from the prompt")
        files.check_folder(path)
        return [UnnamedFile(path, slug(prompt), wanted)] * count
    return _named(path, count, _agreed(path, wanted), force)


def _named(path: Path, count: int, wanted: ImageFormat | None, force: bool) -> list[Destination]:
    paths = [path] if count == 1 else [_numbered(path, n) for n in range(1, count + 1)]
    for each in paths:
        files.check_output(each)
    return [NamedFile(each, wanted, force) for each in paths]


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _refuse_replacing(force: bool, skip_existing: bool, what: str) -> None:
    if force or skip_existing:
        option = "--force" if force else "--skip-existing"
        raise UsageError(
            f"{option} needs a named file, and this goes to {what}", hint="-o fox.png names one"
        )


def format_named(name: str) -> ImageFormat | None:
    """Return the format that `--format` names, None for `auto`; raise UsageError for others."""
    try:
        return formats.parse(name)
    except InvalidValue as error:
        raise UsageError(f"--format {name} {error.reason}", hint=error.hint) from None


def _agreed(path: Path, wanted: ImageFormat | None) -> ImageFormat | None:
    """The format that a name's ending and `--format` agree on."""
    if path.name.lower() in FORMAT_OF_SUFFIX:
        raise UsageError(f"-o {path} has an ending and no name", hint=f"-o fox{path.name.lower()}")
    suffix = path.suffix.lower()
    if not suffix:
        return wanted
    named = FORMAT_OF_SUFFIX.get(suffix)
    if named is None:
        raise UsageError(
            f"-o {path}: {suffix} is not a format that nb writes",
            hint=one_of(suffix, FORMAT_OF_SUFFIX),
        )
    if wanted is not None and wanted != named:
        raise UsageError(
            f"--format {wanted} and -o {path} contradict each other",
            hint=f"-o {path.with_suffix(SUFFIXES[wanted])}, or leave --format out",
        )
    return named


def _rescued(data: Data, path: Path, image_format: ImageFormat, error: NbError) -> LocalFileError:
    """Save a paid image that could not go where it should, and say where it is."""
    import tempfile

    folders = [path.parent]
    # There is none where nothing at all can be written.
    with suppress(FileNotFoundError):
        folders.append(Path(tempfile.gettempdir()))
    for folder in folders:
        try:
            saved = files.create_unique(folder, path.stem, SUFFIXES[image_format], data)
        except LocalFileError:
            continue
        return LocalFileError(
            error.message, hint=f"the image was saved as {saved}", charged=Charged.YES
        )
    return LocalFileError(error.message, hint="the image is lost", charged=Charged.YES)
