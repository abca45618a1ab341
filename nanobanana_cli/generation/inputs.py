"""Read and check what the user typed, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from nanobanana_cli import files
from nanobanana_cli.catalog import MODELS, TEXT_MODELS, THINKING_LEVELS, Model
from nanobanana_cli.errors import UsageError
from nanobanana_cli.generation import remote
from nanobanana_cli.suggest import one_of, shown
from nanobanana_cli.types import ContentRequest, Parameters, Picture, Reference

Fetch: TypeAlias = Callable[[str], bytes]

# MIME types that the service accepts as input images.
REFERENCE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
# More than any known model takes, for models that the catalog does not know.
_MOST_REFERENCES = 14
# A prompt is written by hand; a larger file is a mistake in the path.
_MOST_PROMPT_BYTES = 1_000_000
# Parameter → its lowest and highest value.
RANGES = {"temperature": (0, 2), "seed": (-(2**31), 2**31 - 1)}


def prompt_text(
    argument: str | None, prompt_file: str | None, read_stdin: Callable[[int], bytes]
) -> str:
    """Return the prompt from the argument, a file, or stdin (`-`).

    Args:
        argument, prompt_file: as typed.
        read_stdin: returns all of stdin, or raises if that is more than the given number of bytes.

    Raises:
        UsageError: none or both are given, or the prompt is unreadable, not UTF-8, or blank.
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


def references(
    names: Sequence[str], read_stdin: Callable[[], bytes], fetch: Fetch | None = None
) -> tuple[Reference, ...]:
    """Read the reference images, each whole and of a type that the service accepts.

    Args:
        names, read_stdin: as for `read_image`.
        fetch: returns the bytes behind an address; None leaves addresses unfetched.

    Raises:
        NbError: as for `read_image`.
    """
    return tuple(_reference(name, read_stdin, fetch) for name in names)


def _reference(name: str, read_stdin: Callable[[], bytes], fetch: Fetch | None) -> Reference:
    from nanobanana_cli.images import heif
    from nanobanana_cli.images.displayed import displayed_size

    if fetch is None and remote.is_address(name):
        remote.check(name)
        return Reference(remote.shown(name), remote.guessed_type(name), b"", is_fetched=False)
    mime_type, data, picture = read_image(name, read_stdin, fetch, decode=True)
    size = heif.displayed_size(data) if picture is None else displayed_size(picture)
    return Reference(name, mime_type, data, size)


def read_image(
    name: str,
    read_stdin: Callable[[], bytes],
    fetch: Fetch | None = None,
    *,
    decode: bool,
    accepted: Sequence[str] = REFERENCE_TYPES,
) -> tuple[str, bytes, Picture | None]:
    """Read an image that is to be sent.

    Args:
        name: a path, an address, or `-` for stdin.
        read_stdin: returns the bytes for `-`.
        fetch: returns the bytes behind an address; None if a file is wanted.
        decode: check every pixel, not only that no part of the file is missing.
        accepted: MIME types that may be sent, or converted before.

    Returns:
        The MIME type by its first bytes, all bytes, and the picture; None for HEIC and HEIF, which
        are sent unchecked.

    Raises:
        UsageError: it is missing, unreadable, damaged, or of a type that the service refuses.
        LocalFileError: the device failed.
        Unreachable: the server of an address does not answer.
    """
    from nanobanana_cli.images.formats import DamagedImage, sniff, survey, verify

    data = read_bytes(name, read_stdin, fetch)
    source = "stdin" if name == "-" else remote.shown(name)
    mime_type = sniff(data)
    if mime_type is None or mime_type not in accepted:
        from nanobanana_cli.generation import not_an_image

        found, hint = f"it is {mime_type}", None
        if mime_type is None:
            found, hint = not_an_image.described(data)
        names = ", ".join(each.removeprefix("image/") for each in REFERENCE_TYPES)
        raise UsageError(
            f"{source} cannot be sent: {found}", hint=hint or f"the service accepts {names}"
        )
    if mime_type in ("image/heic", "image/heif"):
        return mime_type, data, None
    try:
        return mime_type, data, verify(data) if decode else survey(data)
    except DamagedImage as error:
        raise UsageError(f"{source} is damaged: {error}", hint="check the file") from None


def read_bytes(name: str, read_stdin: Callable[[], bytes], fetch: Fetch | None = None) -> bytes:
    """Return the bytes of an image file, of an address, or of stdin (`-`).

    Raises:
        UsageError: it is missing, unreadable, or too large.
        LocalFileError: the device failed.
        Unreachable: the server of an address does not answer.
    """
    if name == "-":
        return read_stdin()
    if not name:
        raise UsageError("an image needs a path or an https address", hint="-i fox.png")
    if fetch is not None and remote.is_address(name):
        return fetch(name)
    return files.read(Path(name), "image")


def max_references(model: str) -> int:
    """Return how many reference images a request to a model can have."""
    return MODELS[model].max_references if model in MODELS else _MOST_REFERENCES


def checked(request: ContentRequest) -> ContentRequest:
    """Return the request, normalized; raise UsageError if its model is known not to accept it."""
    parameters = normalized(request.parameters)
    if parameters is not request.parameters:
        request = replace(request, parameters=parameters)
    if "IMAGE" in request.modalities and request.model in TEXT_MODELS:
        raise UsageError(
            f"{request.model} writes texts and makes no images",
            hint="`nb models` lists the models that do",
        )
    most = max_references(request.model)
    if len(request.references) > most:
        raise UsageError(
            f"{len(request.references)} reference images, but {request.model} takes {most}",
            hint="leave some out",
        )
    for name, reason, hint in parameter_problems(request.parameters, request.model):
        raise UsageError(f"--{name.replace('_', '-')} {reason}", hint=hint)
    return request


def normalized(parameters: Parameters) -> Parameters:
    """Return the parameters as they are sent: a thinking level in any case means the same."""
    level = parameters.thinking
    if level is None or level == level.lower():
        return parameters
    return replace(parameters, thinking=level.lower())


def parameter_problems(parameters: Parameters, model_id: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each invalid parameter, what is wrong with it, and a hint.

    Args:
        parameters: normalized.
        model_id: a model that the catalog does not know passes for one that accepts all.
    """
    for name, (low, high) in RANGES.items():
        value = getattr(parameters, name)
        if value is not None and not low <= value <= high:
            typed = f"{value:g}" if isinstance(value, float) else value
            yield name, f"{typed} is not between {low} and {high}", "such as 1"
    model = MODELS.get(model_id)
    if model is None:
        return
    level = parameters.thinking
    if level is not None and level not in model.thinking:
        able = [other.id for other in MODELS.values() if level in other.thinking]
        if not able:
            yield (
                "thinking",
                f"{shown(level)} is not a thinking level",
                one_of(level, THINKING_LEVELS),
            )
        elif model.thinking:
            reason = f"{level} is not a thinking level of {model.id}"
            yield "thinking", reason, _levels(model, level, able)
        else:
            yield "thinking", *_unable(model, able)
    if parameters.search and not model.search:
        yield "search", *_unable(model, [other.id for other in MODELS.values() if other.search])


def _levels(model: Model, level: str, able: Sequence[str]) -> str:
    return f"this model takes {' or '.join(model.thinking)}; {level} works with {', '.join(able)}"


def _unable(model: Model, able: Sequence[str]) -> tuple[str, str]:
    return f"is not known to work with {model.id}", f"it works with {', '.join(able)}"


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{source} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8"
        ) from None
