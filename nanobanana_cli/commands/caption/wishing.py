"""From the options about texts to a checked wish."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nanobanana_cli import files
from nanobanana_cli.captions.formats import FORMS
from nanobanana_cli.captions.prompts import EMBEDDABLE, STYLES, TextSpec, is_language
from nanobanana_cli.errors import UsageError
from nanobanana_cli.suggest import one_of

# A page is a text that someone wrote; a larger file is a mistake in its name.
_MOST_CONTEXT = 1_000_000


class TextOptions(msgspec.Struct, frozen=True):
    """What was typed about the text."""

    style: str
    max_chars: int | None
    lang: str | None
    context: str | None
    context_file: str | None
    form: str
    relative_to: str | None
    write: bool
    embed: bool


def wish(chosen: TextOptions) -> TextSpec:
    """What text is wanted.

    Raises:
        UsageError: a value that cannot be, or options that contradict each other.
    """
    _check_choice("--style", chosen.style, tuple(STYLES))
    _check_choice("--as", chosen.form, FORMS)
    if chosen.embed and chosen.style not in EMBEDDABLE:
        raise UsageError(
            f"--embed has no field for --style {chosen.style}",
            hint=f"it has one for {' and '.join(EMBEDDABLE)}; --write takes any",
        )
    if chosen.lang is not None and not is_language(chosen.lang):
        raise UsageError(
            f"--lang {chosen.lang!r} is no language", hint="a name or a tag: German, de, de-CH"
        )
    return TextSpec(
        style=chosen.style,
        max_chars=chosen.max_chars,
        lang=chosen.lang,
        context=_context(chosen),
    )


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{option} {value} is unknown", hint=one_of(value, choices))


def _context(chosen: TextOptions) -> str | None:
    if chosen.context_file is None:
        return (chosen.context or "").strip() or None
    if chosen.context is not None:
        raise UsageError("--context and --context-file contradict each other", hint="use one")
    data = files.read(Path(chosen.context_file), "context file", limit=_MOST_CONTEXT)
    try:
        return data.decode("utf-8-sig").strip() or None
    except UnicodeDecodeError:
        raise UsageError(
            f"context file {chosen.context_file} is not UTF-8 text", hint="save it as UTF-8"
        ) from None
