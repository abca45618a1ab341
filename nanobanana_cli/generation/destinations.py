"""Turn `-o`, `-n` and `--format` into destinations, checked before the call that costs money."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from nanobanana_cli import files
from nanobanana_cli.errors import Charged, LocalFileError, OutputExists, UsageError
from nanobanana_cli.images import formats
from nanobanana_cli.images.edits import Edits
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, FORMATS, SUFFIXES, DamagedImage, verify
from nanobanana_cli.settings.validators import InvalidValue
from nanobanana_cli.slug import slug
from nanobanana_cli.suggest import one_of, shown
from nanobanana_cli.types import Data, ImageFormat

_LARGEST_IMAGE = 512 << 20
# Those of images that other programs make.
_OTHER_SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".ico", ".jp2", ".jxl", ".pdf", ".tga", ".tif", ".tiff")
)


class Destination(Protocol):
    """A place for one image."""

    @property
    def format(self) -> ImageFormat | None:
        """The format that the image must have; None takes it as received."""

    @property
    def edits(self) -> Edits:
        """Return what is done to the image before it is saved."""

    @property
    def unedited(self) -> Path | None:
        """The file, without suffix, of an image to which that cannot be done; None for any."""

    def taken(self) -> bool:
        """Return True if something exists there that must not be replaced unasked."""

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Save the whole image and return its path, `-` for stdout.

        Args:
            data: the image's bytes.
            image_format: their format.

        Raises:
            MisplacedImage: it was saved, but under another name; the hint has it.
            LocalFileError: it could not be saved there.
        """


class MisplacedImage(LocalFileError):
    """The image is saved, but under another name than the user's.

    Args:
        path: that name.
    """

    charged = Charged.YES

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message, hint=f"the image was saved as {path}")
        self.path = self.image_path = path


class NamedFile(msgspec.Struct, frozen=True):
    """A path that the user named; without a suffix, it gets that of the format that comes."""

    path: Path
    format: ImageFormat | None
    force: bool = False
    edits: Edits = Edits()
    unedited: ClassVar[None] = None

    def found(self) -> Path | None:
        """Return the file that is there; without a suffix, that with any image's."""
        return next(filter(files.taken, self.paths()), None)

    def paths(self) -> list[Path]:
        """Return the paths that the image may have."""
        endings = () if self.path.suffix else (s for row in FORMATS.values() for s in row.suffixes)
        return [self.path, *map(self._with, endings)]

    def taken(self) -> bool:
        """Return True if the path exists and must not be replaced."""
        return not self.force and self.found() is not None

    def intact(self) -> Path:
        """Return the file that is there and is to be left alone.

        Raises:
            OutputExists: it is not a whole image.
            UsageError, LocalFileError: it cannot be read.
        """
        path = self.found() or self.path
        if path.is_file():
            try:
                verify(files.read(path, "image", limit=_LARGEST_IMAGE))
            except DamagedImage as error:
                raise OutputExists(
                    f"{path} exists, but is damaged: {error}", hint="--force replaces it"
                ) from error
        return path

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Write to the path, or beside it if it was taken meanwhile."""
        suffix = SUFFIXES[image_format]
        path = self.path if self.path.suffix else self._with(suffix)
        if self.force:
            files.replace(path, data)
            return str(path)
        try:
            files.create(path, data)
        except OutputExists as error:
            saved = files.create_unique(path.parent, path.stem, suffix, data)
            raise MisplacedImage(error.message, saved) from error
        return str(path)

    def _with(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


class UnnamedFile(msgspec.Struct, frozen=True):
    """A folder, in which the file gets a free name made from the prompt."""

    folder: Path
    stem: str
    format: ImageFormat | None
    edits: Edits = Edits()
    unedited: ClassVar[None] = None

    def taken(self) -> bool:
        """Return False: there is always a free name."""
        return False

    def save(self, data: Data, image_format: ImageFormat) -> str:
        """Write under the first free name: `a-red-fox.png`, `a-red-fox-2.png`, …"""
        return str(files.create_unique(self.folder, self.stem, SUFFIXES[image_format], data))


class Stdout(msgspec.Struct, frozen=True):
    """Standard output, for one image."""

    write: Callable[[Data], None]
    format: ImageFormat | None
    edits: Edits = Edits()
    unedited: ClassVar[None] = None

    def taken(self) -> bool:
        """Return False."""
        return False

    def save(self, data: Data, image_format: ImageFormat) -> str:  # noqa: ARG002
        """Write the bytes and nothing else."""
        self.write(data)
        return "-"


def plan(
    output: str | None,
    *,
    prompt: str,
    count: int = 1,
    image_format: str = "auto",
    format_yields: bool = False,
    force: bool = False,
    skip_existing: bool = False,
    stdout: Callable[[Data], None],
) -> list[Destination]:
    """Return the destinations of `count` images.

    Args:
        output: the value of `-o`: a file, a folder, `-`, or None.
        prompt: names the files if `output` does not.
        count: number of images, 1 or more.
        image_format: one of `formats.CHOICES`.
        format_yields: a suffix wins over the format, which is configured.
        force, skip_existing: as the options; they need a named file.
        stdout: writes the bytes for `-`.

    Raises:
        UsageError: the name or format is not possible, or options contradict each other.
        LocalFileError: the folder does not exist, or the file cannot be written.
    """
    wanted = format_named(image_format)
    if force and skip_existing:
        raise UsageError("--force and --skip-existing contradict each other", hint="use one")
    if output == "-":
        _refuse_replacing(force, skip_existing, "stdout")
        if count > 1:
            raise UsageError(
                f"-o - takes one image, but -n asks for {count}", hint="name a folder: -o images/"
            )
        return [Stdout(stdout, wanted)]
    if output is not None and (not output or "\0" in output):
        raise UsageError("-o needs a path", hint="use -o fox.png, -o images/ or -o -")
    path = Path(output or ".")
    # Unlike Path.is_dir, this returns False for an impossible name.
    if output is None or output.endswith(("/", "\\")) or os.path.isdir(path):  # noqa: PTH112
        _refuse_replacing(force, skip_existing, "named after the prompt")
        files.check_folder(path)
        return [UnnamedFile(path, slug(prompt), wanted)] * count
    # `fox.` is `fox` whose suffix was not typed.
    path = path.with_name(path.name.rstrip(".") or path.name)
    agreed = _agreed(path, None if format_yields and path.suffix else wanted)
    return _named(path, count, agreed, force)


def chat_file(image: str | Path) -> Path:
    """Return the file for the conversation of an image: `fox.chat.json` for `fox.png`."""
    return Path(image).with_suffix(".chat.json")


def numbered(destination: Destination, number: int) -> Destination:
    """Return the destination of a further image: `fox-2.png` beside `fox.png`."""
    if number == 1 or not isinstance(destination, NamedFile):
        return destination
    return msgspec.structs.replace(destination, path=_numbered(destination.path, number))


def folders(destinations: Iterable[Destination]) -> Iterator[Path]:
    """Yield the folders that hold the files of destinations, or their temporary files."""
    for each in destinations:
        if isinstance(each, UnnamedFile):
            yield each.folder
        elif isinstance(each, NamedFile):
            yield (each.path.resolve() if each.path.is_symlink() else each.path).parent


def _named(path: Path, count: int, wanted: ImageFormat | None, force: bool) -> list[Destination]:
    if wanted is not None and not path.suffix:
        path = path.with_name(path.name + SUFFIXES[wanted])
    paths = [path] if count == 1 else [_numbered(path, n) for n in range(1, count + 1)]
    return [check_place(NamedFile(each, wanted, force)) for each in paths]


def check_place(place: NamedFile) -> NamedFile:
    """Return the place; raise UsageError or LocalFileError if it is not one for a file."""
    # What is there may be a folder, a device or a pipe; a longer name may be too long.
    for each in {place.path, *filter(files.taken, place.paths()), place.paths()[-1]}:
        files.check_output(each)
    return place


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def _refuse_replacing(force: bool, skip_existing: bool, what: str) -> None:
    if force or skip_existing:
        option = "--force" if force else "--skip-existing"
        raise UsageError(
            f"{option} needs a named file, but the output is {what}", hint="name one: -o fox.png"
        )


def format_named(name: str) -> ImageFormat | None:
    """Return the format that `--format` names, None for `auto`; raise UsageError for others."""
    try:
        return formats.parse(name)
    except InvalidValue as error:
        raise UsageError(f"--format {shown(name)} {error.reason}", hint=error.hint) from None


def _agreed(path: Path, wanted: ImageFormat | None) -> ImageFormat | None:
    """Return the format on which a file's suffix and `--format` agree."""
    if path.name.lower() in FORMAT_OF_SUFFIX:
        raise UsageError(f"-o {path} has a suffix but no name", hint=f"-o fox{path.name.lower()}")
    suffix = path.suffix.lower()
    if not suffix:
        return wanted
    named = FORMAT_OF_SUFFIX.get(suffix)
    if named is None:
        raise UsageError(
            f"-o {path}: {suffix} is not a format that nb writes", hint=_formats(path, suffix)
        )
    if wanted is not None and wanted != named:
        raise UsageError(
            f"--format {wanted} and -o {path} contradict each other",
            hint=f"-o {path.with_suffix(SUFFIXES[wanted])}, or leave --format out",
        )
    return named


def _formats(path: Path, suffix: str) -> str:
    """Return the hint for a suffix: the formats, and how to convert to another one."""
    if suffix not in _OTHER_SUFFIXES:
        return one_of(suffix, FORMAT_OF_SUFFIX)
    from shlex import quote

    other = f"-o - | magick - {quote(str(path))}"
    return f"one of {', '.join(FORMAT_OF_SUFFIX)}; or convert it: {other}"
