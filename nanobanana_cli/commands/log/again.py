"""Print commands that ask for the same again as lines of the log."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote
from typing import Any

from nanobanana_cli import settings as resolved
from nanobanana_cli.commands.caption.options import CaptionOptions
from nanobanana_cli.commands.generate.command import GenerateOptions
from nanobanana_cli.commands.log.show import relative
from nanobanana_cli.commands.signature import command_words, with_values
from nanobanana_cli.log.line import LoggedCall
from nanobanana_cli.settings import Settings
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.terminal import Terminal


def show(lines: Iterable[LoggedCall], terminal: Terminal) -> None:
    """Write a command for each line; what is in force here anyway is left out."""
    in_force = resolved.load(terminal.env, resolved.current_folder(), {})
    for line in lines:
        terminal.result(" ".join(map(_quoted, _words(line, in_force))))


def _words(line: LoggedCall, in_force: Settings) -> list[str]:
    values: dict[str, Any] = {
        **line.settings,
        "model": line.model,
        "provider": line.provider,
        "images": [relative(each.name) for each in line.references] or None,
    }
    if "fit" in values:
        values |= {"fit": [values["fit"]], "aspect": None, "size": None}
    is_text = line.prompt is None
    follows = bool(line.references) or "continue" in line.settings
    model = in_force.caption_model if is_text else in_force.model
    # Not a name that Python takes for an argument.
    if name := values.pop("continue", None):
        values["continue_from"] = relative(name)
    same = {
        "model": model if line.provider == in_force.provider else None,
        "provider": in_force.provider,
        "base_url": in_force.base_url,
        "size": in_force.size,
        # Without an image to follow, `auto` is 1:1.
        "aspect": "1:1" if in_force.aspect == "auto" and not follows else in_force.aspect,
    }
    for name, value in same.items():
        if values.get(name) == value:
            values[name] = None
    if is_text:
        values |= {"target": [relative(line.path or "")], "images": None}
        return command_words("caption", with_values(CaptionOptions(), _given(values)))
    values["path"] = relative(line.path) if line.path else None
    if "style" in values:
        values["target"] = [line.prompt]
        return command_words("caption", with_values(CaptionOptions(), _given(values)))
    values["prompt"] = line.prompt
    return command_words("generate", with_values(GenerateOptions(), _given(values)))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _quoted(word: str) -> str:
    r"""Return a word quoted for a shell, on one line: what is harmful as in `$'\033'`."""
    if escape(word) == word:
        return quote(word)
    parts = []
    for char in word:
        is_harmful = escape(char) != char
        octal = "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "replace"))
        parts.append(octal if is_harmful else f"\\{char}" if char in "\\'" else char)
    return f"$'{''.join(parts)}'"
