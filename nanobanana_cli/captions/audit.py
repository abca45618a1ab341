"""Check the texts of existing images. Sends nothing and needs no key."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from nanobanana_cli.captions import embedded, lint, sidecar
from nanobanana_cli.captions.lint import Level, Problem
from nanobanana_cli.captions.prompts import STYLES, TextSpec
from nanobanana_cli.captions.source_image import picture_of
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.inputs import read_bytes
from nanobanana_cli.system import error_of
from nanobanana_cli.types import Status
from nanobanana_cli.ui.escape import strip_unsafe


class Finding(msgspec.Struct, frozen=True):
    """The text of an existing image and what is wrong with it: a JSON line of `--check`.

    Args:
        path: the image.
        status: failed, unchanged, or skipped for an image that could not be looked at.
        alt: its text; "" for a decorative image, null when it has none.
        alt_path: the text file; null when the text is in the image itself.
        problems: empty when the text is good.
        lang: the language asked for.
    """

    path: str
    status: Status
    alt: str | None
    alt_path: str | None
    problems: tuple[Problem, ...]
    lang: str | UnsetType = UNSET

    def has(self, level: Level) -> bool:
        """Return whether a problem is of this level."""
        return any(problem.level == level for problem in self.problems)


class _Look(msgspec.Struct, frozen=True):
    """The texts of an image and of the file beside it; `unreadable` is why it could not be read."""

    beside: str | None
    inside: str | None
    digest: bytes
    unreadable: str | None


def check(
    paths: Sequence[str],
    specs: Sequence[TextSpec],
    read_stdin: Callable[[], bytes],
    *,
    strict: bool,
) -> list[Finding]:
    """Check the text in the file beside each image or, without one, in the image itself.

    Args:
        paths: the images.
        specs: the style, and the limit, for each language.
        read_stdin: returns the bytes of the image `-`.
        strict: warnings and images that could not be looked at fail, too.
    """
    findings: list[Finding] = []
    pictures: dict[str, tuple[str, bytes]] = {}
    for path in paths:
        for spec in specs:
            text_file = sidecar.path_of(path, spec.style, spec.tag)
            if len(specs) == 1:
                text_file = sidecar.place_of(path, spec)
            finding, digest = _checked(path, text_file, spec, read_stdin)
            findings.append(finding)
            pictures[path] = (picture_of(path), digest)
    findings = [*_with_repeated(findings, pictures)]
    return [replace(each, status=_status(each, strict)) for each in findings]


def of_folder(folder: str, reason: str, *, strict: bool) -> Finding:
    """Return the finding for a folder that could not be searched."""
    problem = Problem("unsearched", f"the folder cannot be searched: {reason}", "unchecked")
    return Finding(folder, "failed" if strict else "skipped", None, None, (problem,))


def _checked(
    path: str, text_file: Path, spec: TextSpec, read_stdin: Callable[[], bytes]
) -> tuple[Finding, bytes]:
    blank = Finding(path, "unchanged", None, None, (), spec.tag or spec.lang or UNSET)
    try:
        look = _look(path, text_file, spec, read_stdin)
    except NbError as error:
        unreadable = Problem("unreadable", error.message)
        return replace(blank, problems=(unreadable,)), b""
    if look.beside is not None:
        problems = [*_faults(look.beside, spec, path), *_difference(look)]
        found = replace(blank, alt=look.beside.strip(), alt_path=str(text_file))
    elif look.inside is not None:
        problems = [*_faults(look.inside, spec, path)]
        found = replace(blank, alt=look.inside)
    elif look.unreadable is not None:
        problems, found = [Problem("unreadable", look.unreadable, "unchecked")], blank
    else:
        where = f" in {spec.lang}" if spec.lang else ""
        missing = f"it has no {STYLES[spec.style].name}{where}"
        if spec.lang is None and (others := sidecar.languages_of(path, spec.style)):
            missing += f" without --lang {','.join(others)}"
        problems, found = [Problem("missing", missing)], blank
    return replace(found, problems=tuple(problems)), look.digest


def _look(path: str, text_file: Path, spec: TextSpec, read_stdin: Callable[[], bytes]) -> _Look:
    """Read both texts of an image.

    Raises:
        NbError: the file beside it cannot be read.
    """
    beside = None if path == "-" else sidecar.read(text_file)
    if beside is None and sidecar.empty_file(path):
        beside = ""
    inside = unreadable = None
    data = b""
    try:
        data = read_bytes(path, read_stdin)
        inside = embedded.text_of(path, data, spec)
    except Exception as exception:  # noqa: BLE001 - it must not end the check of the others
        unreadable = error_of(exception).message.removeprefix(f"{path}: ")
    return _Look(beside, inside, hashlib.sha256(data).digest(), unreadable)


def _faults(text: str, spec: TextSpec, path: str) -> tuple[Problem, ...]:
    if not text.strip():
        # Empty on purpose: a decorative image.
        return ()
    is_hard_limit = spec.max_chars is not None
    return lint.lint(text, limit=spec.limit, is_hard_limit=is_hard_limit, file_name=path)


def _difference(look: _Look) -> Iterable[Problem]:
    if look.inside is not None and strip_unsafe(look.inside) != strip_unsafe(look.beside or ""):
        yield Problem("differs", f'it differs from the embedded "{look.inside}"', "warning")


def _with_repeated(
    findings: list[Finding], pictures: dict[str, tuple[str, bytes]]
) -> Iterable[Finding]:
    """Yield the findings, with a warning where another picture has the same text."""
    by_text = defaultdict(list)
    for finding in findings:
        by_text[(finding.alt or "").casefold()].append(finding.path)
    for finding in findings:
        own, digest = pictures[finding.path]
        others = [
            other
            for other in dict.fromkeys(by_text[(finding.alt or "").casefold()])
            if finding.alt and pictures[other][0] != own and pictures[other][1] != digest
        ]
        if not others:
            yield finding
            continue
        more = f" and {len(others) - 1} more have" if len(others) > 1 else " has"
        problem = Problem("repeated", f"{others[0]}{more} the same text", "warning")
        yield replace(finding, problems=(*finding.problems, problem))


def _status(finding: Finding, strict: bool) -> Status:
    if finding.has("error") or (strict and finding.has("warning")):
        return "failed"
    if finding.has("unchecked"):
        return "failed" if strict else "skipped"
    return "unchanged"
