"""Rows → images: every value checked before the first call, all mistakes noted.

100,000 rows are checked in a second or two because what rows have in common is checked once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.batch import paths
from nanobanana_cli.batch.item import Item, RowSettings, fingerprint
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.expand import expand
from nanobanana_cli.batch.manifest.readers import Manifest
from nanobanana_cli.batch.manifest.references import References
from nanobanana_cli.batch.manifest.rows import Row
from nanobanana_cli.catalog import MODELS
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation import inputs
from nanobanana_cli.images import formats
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.settings import validators
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import ImageFormat, Parameters

_Value = TypeVar("_Value")

MOST_IMAGES_A_ROW = 1000
_MOST_REFERENCES = 14
# Of an image that will not be made, since its row has mistakes: its place is checked all the same.
_UNSOUND = {alt: RowSettings("", "", "", None, alt=alt) for alt in (False, True)}
# Those that most rows of a manifest share.
_COMMON = attrgetter(
    *(name for name in Parameters.__struct_fields__ if name not in ("system", "seed"))
)


class Defaults(msgspec.Struct, frozen=True):
    """What holds for rows that do not say.

    Args:
        model, aspect, size, format, alt: as the options.
        origin: who is asked; part of each fingerprint.
    """

    model: str
    aspect: str
    size: str
    format: str
    origin: str
    alt: bool = False


def check(
    manifest: Manifest, defaults: Defaults, references: References, folders: paths.Listing
) -> list[Item]:
    """The images that a manifest asks for, in its order, with names that may yet meet.

    What is wrong is added to the manifest's mistakes, and the rest is checked.
    """
    checker = _Checker(manifest.mistakes, defaults, references, folders)
    checker.check_defaults(manifest.defaults)
    return [
        item
        for number, row in manifest.rows
        for each in expand(number, row, manifest.mistakes)
        for item in checker.items(number, each)
    ]


class _Checker:
    """Checks rows, and remembers what it has seen."""

    def __init__(
        self,
        mistakes: Diagnostics,
        defaults: Defaults,
        references: References,
        folders: paths.Listing,
    ) -> None:
        self._mistakes = mistakes
        self._defaults = defaults
        self._references = references
        self._folders = folders
        # What was asked for → how it is sent; what is wrong with it, by key.
        self._settings: dict[tuple[object, ...], tuple[RowSettings | None, list[_Invalid]]] = {}
        self._told: list[_Invalid] = []

    def check_defaults(self, defaults: Row) -> None:
        """What is wrong in the defaults is told once, and not for each row again."""
        _settings(defaults, self._defaults, self._told)
        for each in self._told:
            self._mistakes.add(0, f"defaults.{each.key}", each.message)

    def items(self, number: int, row: Row) -> Iterator[Item]:
        """The images of one row; when a mistake was found, what is known of their places."""
        prompt = self._prompt(number, row)
        settings = self._shared(number, row)
        images = self._images(number, row, settings)
        count = self._count(number, row)
        self._check_seed(number, row)
        alt_file = self._alt_file(number, row, count)
        target = self._target(number, row, settings, prompt)
        if target is None or not count:
            return
        is_named = row.output is not None and not row.output.endswith("/")
        places = [target] if count == 1 else [paths.numbered(target, n + 1) for n in range(count)]
        if prompt is None or settings is None or images is None:
            unsound = _UNSOUND[_has_text(row, self._defaults)]
            for each in places if is_named else ():
                yield Item(number, "", unsound, (), Parameters(), "", each, None, alt_file)
            return
        parameters = row.parameters()
        digest = fingerprint(
            self._defaults.origin,
            prompt,
            settings,
            parameters,
            [self._references.identity(name) for name in images],
        )
        for each in places:
            plain = None if is_named else each
            yield Item(number, prompt, settings, images, parameters, digest, each, plain, alt_file)

    def _prompt(self, number: int, row: Row) -> str | None:
        if row.prompt is None:
            self._mistakes.add(number, "", "has no prompt")
            return None
        prompt = row.prompt.strip()
        if not prompt:
            self._mistakes.add(number, "prompt", "is empty")
            return None
        return prompt

    def _count(self, number: int, row: Row) -> int:
        count = 1 if row.count is None else row.count
        if not 1 <= count <= MOST_IMAGES_A_ROW:
            self._mistakes.add(number, "count", f"{count} is not from 1 to {MOST_IMAGES_A_ROW}")
            return 0
        return count

    def _check_seed(self, number: int, row: Row) -> None:
        if row.seed is None:
            return
        for key, reason, hint in inputs.parameter_problems(Parameters(seed=row.seed), ""):
            self._mistakes.add(number, key, f"{reason}; {hint}")

    def _images(
        self, number: int, row: Row, settings: RowSettings | None
    ) -> tuple[str, ...] | None:
        if not row.images:
            return ()
        listed = (row.images,) if isinstance(row.images, str) else tuple(row.images)
        model = MODELS.get(settings.model) if settings else None
        most = model.max_references if model else _MOST_REFERENCES
        if len(listed) > most:
            self._mistakes.add(number, "images", f"names {len(listed)}; at most {most}")
        whole = True
        for name in listed:
            try:
                self._references.identity(name)
            except NbError as error:
                self._mistakes.add(number, "images", error.message)
                whole = False
        return listed if whole else None

    # Model, ratio, size and the like: few combinations, many rows.

    def _shared(self, number: int, row: Row) -> RowSettings | None:
        asked = (
            row.model,
            row.aspect,
            row.size,
            row.format,
            row.alt,
            row.alt_file is not None,
            *_COMMON(row),
        )
        if asked not in self._settings:
            wrong: list[_Invalid] = []
            self._settings[asked] = (_settings(row, self._defaults, wrong), wrong)
        settings, wrong = self._settings[asked]
        for each in wrong:
            if each not in self._told:
                self._mistakes.add(number, each.key, each.message)
        return None if wrong else settings

    # Where it goes.

    def _target(
        self, number: int, row: Row, settings: RowSettings | None, prompt: str | None
    ) -> str | None:
        output = row.output
        wanted = settings.format if settings else None
        if output is None or output.endswith("/"):
            folder = self._normal(number, output or "./")
            if folder is None or prompt is None:
                return None
            suffix = SUFFIXES[wanted] if wanted else paths.ANY_SUFFIX
            return f"{folder}/{files.slug(prompt)}{suffix}".lstrip("/")
        path = self._normal(number, output)
        if path is None:
            return None
        if not path or self._folders.is_folder(path):
            self._mistakes.add(number, "output", f"{output} is a folder; write {output}/")
            return None
        return path if self._format_fits(number, path, wanted) else None

    def _alt_file(self, number: int, row: Row, count: int) -> str | None:
        if row.alt_file is None:
            return None
        if count > 1:
            self._mistakes.add(number, "alt_file", f"{row.alt_file} cannot hold {count} texts")
        return self._normal(number, row.alt_file, "alt_file")

    def _normal(self, number: int, output: str, key: str = "output") -> str | None:
        try:
            if not output or (key != "output" and output.endswith("/")):
                raise paths.InvalidPath("is no file")
            return paths.normal(output)
        except paths.InvalidPath as error:
            self._mistakes.add(number, key, f"{output!r} {error}")
            return None

    def _format_fits(self, number: int, path: str, wanted: ImageFormat | None) -> bool:
        suffix = paths.split(path)[1].lower()
        named = FORMAT_OF_SUFFIX.get(suffix)
        if suffix and named is None:
            known = ", ".join(FORMAT_OF_SUFFIX)
            message = f"{path} does not end in one of {known}"
            self._mistakes.add(number, "output", message, one_of(suffix, FORMAT_OF_SUFFIX, ""))
            return False
        if named and wanted and named != wanted:
            self._mistakes.add(number, "format", f"{wanted} contradicts output {path}")
            return False
        return True


class _Invalid(msgspec.Struct, frozen=True):
    key: str
    message: str


def _settings(row: Row, defaults: Defaults, wrong: list[_Invalid]) -> RowSettings | None:
    model = _value("model", row.model or defaults.model, validators.model, wrong)
    if model is None:
        return None
    aspect = _value("aspect", row.aspect or defaults.aspect, _for(validators.aspect, model), wrong)
    size = _value("size", row.size or defaults.size, _for(validators.size, model), wrong)
    image_format = _value("format", row.format or defaults.format, formats.parse, wrong)
    parameters = replace(row.parameters(), seed=None)
    for key, reason, hint in inputs.parameter_problems(parameters, model):
        wrong.append(_Invalid(key, f"{reason}; {hint}"))
    if wrong or aspect is None or size is None:
        return None
    return RowSettings(
        model=model,
        aspect=aspect,
        size=size,
        format=image_format,
        alt=_has_text(row, defaults),
    )


def _has_text(row: Row, defaults: Defaults) -> bool:
    return row.alt_file is not None or (defaults.alt if row.alt is None else row.alt)


def _for(parse: Callable[[str, str], str], model: str) -> Callable[[str], str]:
    return lambda text: parse(text, model)


def _value(
    key: str, text: str, parse: Callable[[str], _Value], wrong: list[_Invalid]
) -> _Value | None:
    try:
        return parse(text)
    except validators.InvalidValue as error:
        hint = f"; {error.hint}" if error.hint else ""
        wrong.append(_Invalid(key, f"{text} {error.reason}{hint}"))
        return None
