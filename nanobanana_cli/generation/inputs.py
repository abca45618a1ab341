"""From what a user typed to a request that the model is known to take, or one clear line why not.

Everything here happens before anything is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from nanobanana_cli import files
from nanobanana_cli.catalog import MODELS, Model
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of
from nanobanana_cli.types import ContentRequest, Reference

# What the service takes as an input image.
REFERENCE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
# More than any known model takes, for models that the catalog does not know.
_MOST_REFERENCES = 14
# A prompt is a text that someone wrote; a larger file is a mistake in its name.
_MOST_PROMPT_BYTES = 1_000_000
_MOST_REFERENCE_BYTES = 100_000_000
_SEED_RANGE = (-(2**31), 2**31 - 1)


def prompt_text(
    argument: str | None, prompt_file: str | None, read_stdin: Callable[[int], bytes]
) -> str:
    """The prompt, from the argument, a file, or stdin (`-`).

    Args:
        argument, prompt_file: as typed.
        read_stdin: gives all of stdin, or refuses when that is more than so many bytes.

    Raises:
        UsageError: none or two were given, or it is unreadable, not UTF-8, or blank.
    """
    if argument is not None and prompt_file is not None:
        raise UsageError(
            "a prompt and --prompt-file contradict each other", hint="leave one of them out"
        )
    if argument is None and prompt_file is None:
        raise UsageError("no prompt", hint='nb generate "a red fox", or - to read it from stdin')
    source = "the prompt"
    if "-" in (argument, prompt_file):
        source = "stdin"
        text = _decoded(read_stdin(_MOST_PROMPT_BYTES), source)
    elif prompt_file is not None:
        source = f"prompt file {prompt_file}"
        data = files.read(Path(prompt_file), "prompt file", limit=_MOST_PROMPT_BYTES)
        text = _decoded(data, source)
    else:
        text = _decoded(argument.encode("utf-8", "surrogateescape"), source) if argument else ""
    if not text.strip():
        raise UsageError(f"{source} is empty", hint="say what the picture should show")
    return text.strip()


def references(names: Sequence[str], read_stdin: Callable[[], bytes]) -> tuple[Reference, ...]:
    """The input images, whole and of a type that the service takes.

    Raises:
        UsageError: a file that is missing, unreadable, or not such an image.
    """
    return tuple(_reference(name, read_stdin) for name in names)


def checked(request: ContentRequest) -> ContentRequest:
    """The request itself, when the model is known to take it or is not known at all.

    Raises:
        UsageError: it is known not to.
    """
    model = MODELS.get(request.model)
    most = model.max_references if model else _MOST_REFERENCES
    if len(request.references) > most:
        raise UsageError(
            f"{len(request.references)} reference images, and {request.model} takes {most}",
            hint="leave some out",
        )
    if request.temperature is not None and not _between(request.temperature, 0, 2):
        raise UsageError(
            f"--temperature {request.temperature:g} is not between 0 and 2", hint="such as 1"
        )
    if request.seed is not None and not _between(request.seed, *_SEED_RANGE):
        raise UsageError(
            f"--seed {request.seed} is not a whole number of 32 bits",
            hint="from {} to {}".format(*_SEED_RANGE),
        )
    if model is not None:
        _check_abilities(request, model)
    return request


def _check_abilities(request: ContentRequest, model: Model) -> None:
    level = request.thinking
    if level is not None and level not in model.thinking:
        able = [other.id for other in MODELS.values() if level in other.thinking]
        if not able:
            levels = sorted({each for other in MODELS.values() for each in other.thinking})
            raise UsageError(
                f"--thinking {level} is not a thinking level", hint=one_of(level, levels)
            )
        raise UsageError(
            f"--thinking is not known to work with {model.id}",
            hint="it does with " + ", ".join(able),
        )
    if request.search and not model.search:
        able = [other.id for other in MODELS.values() if other.search]
        raise UsageError(
            f"--search is not known to work with {model.id}", hint="it does with " + ", ".join(able)
        )


def _between(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{source} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8"
        ) from None


def _reference(name: str, read_stdin: Callable[[], bytes]) -> Reference:
    from nanobanana_cli.images.inspect import DamagedImage, sniff, verify

    what = "stdin" if name == "-" else f"reference image {name}"
    if name == "-":
        data = read_stdin()
    else:
        data = files.read(Path(name), "reference image", limit=_MOST_REFERENCE_BYTES)
    mime_type = sniff(data)
    if mime_type not in REFERENCE_TYPES:
        found = f"it is {mime_type}" if mime_type else "it is no image"
        takes = ", ".join(each.removeprefix("image/") for each in REFERENCE_TYPES)
        raise UsageError(f"{what} cannot be sent: {found}", hint=f"the service takes {takes}")
    if mime_type not in ("image/heic", "image/heif"):
        try:
            verify(data)
        except DamagedImage as error:
            raise UsageError(f"{what} is damaged: {error}", hint="check the file") from None
    return Reference(name, mime_type, data)
