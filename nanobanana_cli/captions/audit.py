"""What existing images have in the way of text. No call, no key, no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from nanobanana_cli import files
from nanobanana_cli.captions import embedded, lint, sidecar, source_image
from nanobanana_cli.captions.lint import Problem
from nanobanana_cli.captions.prompts import TextSpec
from nanobanana_cli.errors import NbError
from nanobanana_cli.images.xmp.packet import Description


class Finding(msgspec.Struct, frozen=True):
    """What `check` says of one image.

    Args:
        path: the image.
        text: its text as it stands; None when it has none.
        text_path: the file that the text stands in, when it is not the image itself.
        problems: what is wrong with it; empty when nothing is.
    """

    path: str
    text: str | None
    text_path: str | None
    problems: tuple[Problem, ...]

    def record(self) -> dict[str, object]:
        """The one JSON line."""
        return {
            "path": self.path,
            "status": "failed" if self.problems else "unchanged",
            "alt": self.text,
            "alt_path": self.text_path,
            "problems": [{"kind": each.kind, "message": each.message} for each in self.problems],
        }


def check(path: str, spec: TextSpec, read_stdin: Callable[[], bytes]) -> Finding:
    """What is wrong with an image's text: in the file beside it or, without one, in itself."""
    beside = sidecar.path_of(path)
    try:
        text = sidecar.read(beside) if path != "-" else None
        if text is not None:
            return Finding(path, text.strip(), str(beside), _problems(text, path, spec))
        inside = embedded.text_of(read(path, read_stdin), spec.style)
    except NbError as error:
        return Finding(path, None, None, (Problem("unreadable", error.message),))
    if inside is None:
        return Finding(path, None, None, (Problem("missing", "it has no alt text"),))
    return Finding(path, inside, None, _problems(inside, path, spec))


def read(path: str, read_stdin: Callable[[], bytes]) -> Description:
    """What is embedded in an image.

    Raises:
        NbError: it cannot be read.
    """
    data = read_stdin() if path == "-" else files.read(Path(path), "image")
    return embedded.read(path, data)


def pixels(path: str, read_stdin: Callable[[], bytes]) -> tuple[int | None, int | None]:
    """Width and height; None where they are not known.

    Raises:
        NbError: it cannot be read, or is damaged.
    """
    picture = source_image.load(path, read_stdin).picture
    return (picture.width, picture.height) if picture else (None, None)


def _problems(text: str, path: str, spec: TextSpec) -> tuple[Problem, ...]:
    return lint.lint(text, limit=spec.limit, file_name=path)
