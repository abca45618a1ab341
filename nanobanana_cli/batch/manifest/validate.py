"""Check the rows of a manifest before the first call, and turn them into items.

100,000 rows are checked in a second or two because what rows have in common is checked once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from operator import attrgetter
from typing import TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from nanobanana_cli.batch import asked, paths
from nanobanana_cli.batch.item import Item, References, RowSettings
from nanobanana_cli.batch.manifest import links
from nanobanana_cli.batch.manifest.diagnostics import Diagnostics
from nanobanana_cli.batch.manifest.expand import Expander
from nanobanana_cli.batch.manifest.readers import Manifest
from nanobanana_cli.batch.manifest.rows import Row
from nanobanana_cli.catalog import DEFAULT_PROVIDER
from nanobanana_cli.generation import cutout, fit, inputs, shape
from nanobanana_cli.images import formats
from nanobanana_cli.images.edits import Edits
from nanobanana_cli.images.formats import FORMAT_OF_SUFFIX, SUFFIXES
from nanobanana_cli.settings import validators
from nanobanana_cli.slug import slug
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import ImageFormat, Parameters

_Value = TypeVar("_Value")
_Invalid: TypeAlias = tuple[str, str]  # a key, and what is wrong with its value

MAX_COUNT = 1000
_OWN_PARAMETERS = ("system", "seed")  # of a row; the others are shared by most rows
_SHARED = attrgetter(
    *("model", "aspect", "size", "fit", "transparent", "format", "alt"),
    *(name for name in Parameters.__struct_fields__ if name not in _OWN_PARAMETERS),
)


class Defaults(msgspec.Struct, frozen=True):
    """Values for rows without their own.

    Args:
        model, aspect, size, format, alt: as the options.
        format_yields: a suffix wins over `format`, which is configured.
        builtin: which of `model`, `aspect` and `size` were neither typed nor configured.
        provider: decides which models and sizes a name means.
    """

    model: str
    aspect: str
    size: str
    format: str
    alt: bool = False
    format_yields: bool = False
    builtin: frozenset[str] = frozenset()
    provider: str = DEFAULT_PROVIDER


def check(
    manifest: Manifest, defaults: Defaults, references: References, listing: paths.Listing
) -> list[Item]:
    """Return the images of a manifest in its order, with names that may still collide.

    Errors are added to the manifest's diagnostics, and the rest is checked.
    """
    diagnostics = manifest.diagnostics
    checker = _Checker(diagnostics, defaults, listing)
    checker.check_defaults(manifest.defaults)
    expander = Expander(diagnostics, references.read_prompt)
    items = [
        item
        for number, row in manifest.rows
        for each in expander.expand(number, row)
        for item in checker.items(number, each)
    ]
    return links.bound_to_references(items, checker.others, references, listing.root, diagnostics)


class _Checker:
    """Check rows, and remember the results that rows share."""

    def __init__(
        self, diagnostics: Diagnostics, defaults: Defaults, listing: paths.Listing
    ) -> None:
        self._diagnostics = diagnostics
        self._defaults = defaults
        # Reference images of rows that have another error: row and name.
        self.others: list[tuple[int, str]] = []
        self._listing = listing
        # Requested values → checked settings, and the errors by key.
        self._settings: dict[tuple[object, ...], tuple[RowSettings | None, list[_Invalid]]] = {}
        self._reported: list[_Invalid] = []
        self._with_ratio: dict[RowSettings, RowSettings] = {}
        self._positions = count()

    def check_defaults(self, defaults: Row) -> None:
        """Report errors of the defaults once, instead of for each row."""
        _, self._reported = _settings(defaults, self._defaults)
        for key, message in self._reported:
            self._diagnostics.add(0, f"defaults.{key}", message)

    def items(self, number: int, row: Row) -> Iterator[Item]:
        """Yield the images of a row but for its references; after an error, those with a path."""
        prompt = self._prompt(number, row)
        settings = self._shared_settings(number, row)
        images = self._images(number, row, settings)
        copies = self._count(number, row)
        if row.seed is not None:
            for key, message in _invalid_parameters(Parameters(seed=row.seed), ""):
                self._diagnostics.add(number, key, message)
        alt_file = self._alt_file(number, row, copies)
        target = self._target(number, row, settings, prompt)
        if target is None or not copies or prompt is None or settings is None:
            self.others += [(number, name) for name in images[row.continues is not None :]]
        if target is None or not copies:
            return
        is_named = row.output is not None and not row.output.endswith("/")
        targets = [target]
        if copies > 1:
            targets = [paths.numbered(target, n + 1) for n in range(copies)]
        parameters = row.parameters()
        left = _left(row, self._defaults)
        if prompt is None or settings is None:
            if not is_named:
                return
            # It will not be made, but its paths are checked all the same.
            prompt, images = "", ()
            settings = RowSettings("", "", "", None, alt=_has_alt(row, self._defaults))
        elif not images:
            settings = self._shaped(settings)
        wanted = settings.model, settings.aspect, settings.size
        parts = asked.parts(prompt, wanted, parameters, (), left, settings.edits)
        fingerprint = asked.fingerprint(parts)
        for each in targets:
            plain = None if is_named else each
            yield Item(
                *(number, prompt, settings, images, parameters, fingerprint, parts),
                *(each, plain, alt_file, next(self._positions)),
                leaves_aspect="aspect" in left and not row.fit,
                continues=row.continues is not None and bool(images),
                chat=bool(row.chat) or row.continues is not None,
                id=row.id,
                note=row.note,
            )

    def _shaped(self, settings: RowSettings) -> RowSettings:
        """Return the settings of a row without reference images, which `auto` could follow."""
        if settings.aspect != validators.AUTO:
            return settings
        plain = replace(settings, aspect=shape.follow(settings.model, ())[0])
        return self._with_ratio.setdefault(plain, plain)

    def _prompt(self, number: int, row: Row) -> str | None:
        prompt = row.prompt.strip() if row.prompt is not None else None
        if prompt is None:
            self._diagnostics.add(number, "", "has no prompt")
        elif not prompt:
            self._diagnostics.add(number, "prompt", "is empty")
        return prompt or None

    def _count(self, number: int, row: Row) -> int:
        count = 1 if row.count is None else row.count
        if not 1 <= count <= MAX_COUNT:
            self._diagnostics.add(number, "count", f"{count} is not between 1 and {MAX_COUNT}")
            return 0
        return count

    def _images(self, number: int, row: Row, settings: RowSettings | None) -> tuple[str, ...]:
        first = () if row.continues is None else (row.continues,)
        if not row.images:
            return first
        names = (row.images,) if isinstance(row.images, str) else tuple(row.images)
        most = inputs.max_references(settings.model if settings else "")
        if len(names) > most:
            self._diagnostics.add(
                number, "images", f"lists {len(names)} files; the limit is {most}"
            )
        return (*first, *names)

    def _shared_settings(self, number: int, row: Row) -> RowSettings | None:
        """Check model, aspect, size and the like: few combinations in many rows."""
        requested = (row.alt_file is not None, *_SHARED(row))
        if requested not in self._settings:
            self._settings[requested] = _settings(row, self._defaults)
        settings, invalid = self._settings[requested]
        for key, message in invalid:
            if (key, message) not in self._reported:
                self._diagnostics.add(number, key, message)
        return settings

    def _target(
        self, number: int, row: Row, settings: RowSettings | None, prompt: str | None
    ) -> str | None:
        output = row.output
        wanted = settings.format if settings else None
        suffix = SUFFIXES[wanted] if wanted else paths.ANY_SUFFIX
        if output is None or output.endswith("/"):
            folder = self._normalized(number, output or "./")
            if folder is None or prompt is None:
                return None
            return f"{folder}/{slug(prompt)}{suffix}".lstrip("/")
        path = self._normalized(number, output)
        if path is None:
            return None
        if not path or self._listing.is_folder(path):
            self._diagnostics.add(number, "output", f"{output} is a folder; write {output}/")
            return None
        if row.format is None and (self._defaults.format_yields or row.transparent):
            wanted = None
        if not self._has_format(number, row, path, wanted):
            return None
        return path if paths.split(path)[1] else path + suffix

    def _alt_file(self, number: int, row: Row, count: int) -> str | None:
        if row.alt_file is None:
            return None
        if count > 1:
            self._diagnostics.add(number, "alt_file", f"{row.alt_file} cannot hold {count} texts")
        return self._normalized(number, row.alt_file, "alt_file")

    def _normalized(self, number: int, output: str, key: str = "output") -> str | None:
        try:
            if not output or (key != "output" and output.endswith("/")):
                raise paths.InvalidPath("is not a file name")
            return paths.normalized(output)
        except paths.InvalidPath as error:
            self._diagnostics.add(number, key, f"{output!r} {error}")
            return None

    def _has_format(self, number: int, row: Row, path: str, wanted: ImageFormat | None) -> bool:
        suffix = paths.split(path)[1].lower()
        named = FORMAT_OF_SUFFIX.get(suffix)
        if suffix and named is None:
            message = f"{path} must end in one of {', '.join(FORMAT_OF_SUFFIX)}"
            self._diagnostics.add(number, "output", message, one_of(suffix, FORMAT_OF_SUFFIX, ""))
            return False
        if row.transparent and named == "jpeg":
            self._diagnostics.add(number, "output", f"{path} holds no transparency; use .png")
            return False
        if named and wanted and named != wanted:
            self._diagnostics.add(number, "format", f"{wanted} does not match output {path}")
            return False
        return True


def _settings(row: Row, defaults: Defaults) -> tuple[RowSettings | None, list[_Invalid]]:
    """Return the checked settings of a row, None if any is invalid, and the errors."""
    invalid: list[_Invalid] = []

    def checked(key: str, parse: Callable[[str], _Value]) -> _Value | None:
        text = getattr(row, key) or getattr(defaults, key)
        try:
            return parse(text)
        except validators.InvalidValue as error:
            hint = f"; {error.hint}" if error.hint else ""
            invalid.append((key, f"{text} {error.reason}{hint}"))
            return None

    model = checked("model", lambda text: validators.model(text, defaults.provider))
    if model is None:
        return None, invalid
    box = checked("fit", fit.parse) if row.fit else None
    if row.fit:
        found = box and checked("fit", lambda _: fit.choose([box], model, defaults.provider))
        aspect, size = found or (None, None)
        given = [key for key in ("aspect", "size") if getattr(row, key)]
        invalid += [(key, "contradicts fit, which chooses it; use one of them") for key in given]
    else:
        aspect = checked("aspect", lambda text: validators.aspect(text, model))
        size = checked("size", lambda text: validators.size(text, model, defaults.provider))
    image_format = checked("format", formats.parse)
    if row.transparent and image_format not in cutout.TRANSPARENT:
        if image_format and (row.format or not defaults.format_yields):
            invalid.append(("format", f"{image_format} holds no transparency; use png or webp"))
        image_format = "png"
    invalid += _invalid_parameters(replace(row.parameters(), seed=None), model)
    if invalid or aspect is None or size is None:
        return None, invalid
    values = (model, aspect, size, image_format, _has_alt(row, defaults))
    return RowSettings(*values, Edits(box, bool(row.transparent))), invalid


def _invalid_parameters(parameters: Parameters, model: str) -> list[_Invalid]:
    problems = inputs.parameter_problems(parameters, model)
    return [(key, f"{reason}; {hint}") for key, reason, hint in problems]


def _left(row: Row, defaults: Defaults) -> frozenset[str]:
    """Return what the row leaves to a default, or to the pixels that it asks for."""
    left = frozenset(name for name in defaults.builtin if getattr(row, name) is None)
    return left | {"aspect", "size"} if row.fit else left


def _has_alt(row: Row, defaults: Defaults) -> bool:
    return row.alt_file is not None or (defaults.alt if row.alt is None else row.alt)
