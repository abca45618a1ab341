"""Decide whether a stream is coloured. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO


def wants_color(env: Mapping[str, str], stream: TextIO, choice: bool | None) -> bool:
    """Return whether to colour a stream.

    `--color` decides, then `NO_COLOR`, `FORCE_COLOR` and `CLICOLOR_FORCE`, then whether the stream
    is a terminal.

    Args:
        env: the environment.
        stream: the stream to write to.
        choice: the value of `--color/--no-color`; None if neither was given.
    """
    if choice is not None:
        return choice
    if env.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if value := env.get(name):
            return value not in ("0", "false")
    return stream.isatty() and env.get("TERM") != "dumb"
