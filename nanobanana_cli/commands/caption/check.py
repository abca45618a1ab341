"""`nb caption --check` and `--read`: check and show the texts of existing images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from nanobanana_cli.captions import audit, embedded, targets
from nanobanana_cli.captions.audit import Finding
from nanobanana_cli.captions.formats import Caption
from nanobanana_cli.captions.lint import Level
from nanobanana_cli.captions.prompts import STYLES, TextSpec
from nanobanana_cli.captions.targets import Images
from nanobanana_cli.commands.results import TextWriter, step_summary
from nanobanana_cli.errors import BatchIncomplete, Charged
from nanobanana_cli.generation.inputs import read_bytes
from nanobanana_cli.system import error_of
from nanobanana_cli.ui import github
from nanobanana_cli.ui.layout import counted
from nanobanana_cli.ui.terminal import Terminal

_COLUMNS = ("Image", "Language", "Level", "Problem")
_PREFIXES: Mapping[Level, str] = {"error": "", "warning": "warning: ", "unchecked": "not checked: "}


class EmbeddedLine(msgspec.Struct, frozen=True):
    """The texts that are embedded in an image.

    Args:
        path: the image.
        alt: the alt text.
        description: the long description.
        digital_source_type: how the image came about, as an address of IPTC's vocabulary.
        lang: the language asked for.
    """

    path: str
    alt: str | None
    description: str | None
    digital_source_type: str | None
    lang: str | UnsetType = UNSET


def check(
    images: Images,
    specs: Sequence[TextSpec],
    texts: TextWriter,
    terminal: Terminal,
    *,
    strict: bool,
) -> None:
    """Print each problem as `path<TAB>problem`, or each image as a JSON line.

    Args:
        strict: warnings and images that could not be looked at fail the check, too.

    Raises:
        BatchIncomplete: a text has a problem.
    """
    findings = audit.check(images.paths, specs, terminal.read, strict=strict)
    folders = [audit.of_folder(*each, strict=strict) for each in images.unsearched]
    for finding in (*findings, *folders):
        if texts.as_json:
            texts.record(finding)
        for problem in finding.problems:
            level: github.Level = "error" if problem.level == "error" else "warning"
            lang = f" ({finding.lang})" if finding.lang else ""
            place = None if finding.path == "-" else (finding.path, None)
            terminal.annotate(level, f"{problem.message}{lang}", place)
            if not texts.as_json:
                what = f"{_PREFIXES[problem.level]}{problem.message}"
                texts.problem(finding.path, what, finding.lang or None)
    summary = _summary(findings, len(folders))
    rows = (
        (texts.path(finding.path), finding.lang or "", problem.level, problem.message)
        for finding in (*findings, *folders)
        for problem in finding.problems
    )
    step_summary(terminal, "nb caption --check", summary, _COLUMNS, rows)
    if any(finding.status == "failed" for finding in (*findings, *folders)):
        raise BatchIncomplete(
            summary,
            hint="nb caption --write adds missing texts, --write --again replaces bad ones",
            charged=Charged.NO,
        )
    terminal.note(summary)


def _summary(findings: Sequence[Finding], folders: int) -> str:
    """Return what was found: `problems found in 2 of 9 images, warnings in 1, 3 not checked`.

    Args:
        findings: those of the images.
        folders: how many could not be searched.
    """
    bad, warned, unchecked = (
        len({finding.path for finding in findings if finding.has(level)})
        for level in ("error", "warning", "unchecked")
    )
    # With several languages, an image has a finding for each.
    count = len({finding.path for finding in findings})
    total = counted(count, "image")
    if bad:
        parts = [f"problems found in {bad} of {total}"]
    elif unchecked:
        parts = [f"{count - unchecked} of {total} checked"]
    else:
        parts = [f"{total} checked"]
    if warned:
        parts.append(f"warnings in {warned}")
    elif not bad and unchecked < count:
        parts.append("no problems found")
    if unchecked:
        parts.append(f"{unchecked} not checked")
    if folders:
        parts.append(f"{folders} folder{'s' * (folders > 1)} not searched")
    return ", ".join(parts)


def read(images: Images, specs: Sequence[TextSpec], texts: TextWriter, terminal: Terminal) -> None:
    """Print the text that is embedded in each image, in each language asked for.

    Raises:
        NbError: the only image cannot be read.
        BatchIncomplete: an image cannot be read, or has no embedded text of this style.
    """
    read_stdin = cache(terminal.read)
    missing = 0
    _warn_of_folders(images, terminal)
    for path in images.paths:
        try:
            data = read_bytes(path, read_stdin)
            found = [_embedded(path, data, spec) for spec in specs]
        except Exception as exception:
            if images.is_single:
                raise
            missing += 1
            message = error_of(exception).message
            terminal.warn(message if path in message else f"{path}: {message}")
            continue
        missing += any(text is None for _, text in found)
        for spec, (record, text) in zip(specs, found, strict=True):
            if texts.as_json:
                texts.record(record)
            elif text is not None:
                texts.text(Caption(path, text, *_pixels(data), lang=spec.tag or spec.lang))
        for spec, (_, text) in zip(specs, found, strict=True):
            if text is None and not texts.as_json:
                where = f" in {spec.lang}" if spec.lang else ""
                terminal.warn(f"{path} has no embedded {STYLES[spec.style].name}{where}")
    texts.close()
    if missing or images.unsearched:
        raise BatchIncomplete(
            f"no embedded text in {missing} of {counted(len(images.paths), 'image')}",
            hint="embed texts with nb caption --embed",
            charged=Charged.NO,
        )


def _warn_of_folders(images: Images, terminal: Terminal) -> None:
    for folder in images.unsearched:
        terminal.warn(targets.cannot_search(*folder).message)


def _embedded(path: str, data: bytes, spec: TextSpec) -> tuple[EmbeddedLine, str | None]:
    """Return the JSON line of an image's embedded texts, and the one of the style asked for."""
    found = embedded.read(path, data)
    alt, long = (
        embedded.text_of(path, data, replace(spec, style=style), is_sure=True)
        for style in ("alt", "long")
    )
    record = EmbeddedLine(path, alt, long, found.source, spec.tag or spec.lang or UNSET)
    return record, long if spec.style == "long" else alt


def _pixels(data: bytes) -> tuple[int | None, int | None]:
    """Return width and height as displayed; None for both when the image is damaged."""
    from nanobanana_cli.images.displayed import size_of

    return size_of(data) or (None, None)
