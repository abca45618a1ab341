"""Check the texts of existing images. Sends nothing and needs no key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nanobanana_cli.captions import embedded, lint, sidecar
from nanobanana_cli.captions.lint import Problem
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import NbError
from nanobanana_cli.generation.inputs import read_bytes
from nanobanana_cli.types import Status


class Finding(msgspec.Struct, frozen=True):
    """One image's text and its problems, as a JSON line of `--check` has them.

    Args:
        path: the image.
        status: `failed` or `unchanged`.
        alt: its text; None when it has none.
        alt_path: the text file; None when the text is in the image itself.
        problems: empty when the text is good.
    """

    path: str
    status: Status
    alt: str | None
    alt_path: str | None
    problems: tuple[Problem, ...]


def check(path: str, spec: TextSpec, read_stdin: Callable[[], bytes]) -> Finding:
    """Check the text in the file beside an image or, without one, in the image itself."""
    text = text_path = None
    try:
        beside = sidecar.path_of(path)
        if path != "-" and (text := sidecar.read(beside)) is not None:
            text, text_path = text.strip(), str(beside)
        else:
            found = embedded.read(path, read_bytes(path, read_stdin))
            text = embedded.text_of(found, spec.style)
        problems: tuple[Problem, ...] = (Problem("missing", "it has no alt text"),)
        if text is not None:
            problems = lint.lint(text, limit=spec.limit, file_name=path)
    except NbError as error:
        problems = (Problem("unreadable", error.message),)
    return Finding(path, "failed" if problems else "unchanged", text, text_path, problems)
