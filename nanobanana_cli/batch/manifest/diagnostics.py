"""Collect the errors of a manifest, to report them together."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from nanobanana_cli.errors import UsageError
from nanobanana_cli.ui.layout import counted

# An error in a template of 100,000 rows need not be printed 100,000 times.
_MAX_SHOWN = 100


class ManifestError(UsageError):
    """A manifest that cannot be used; nothing was sent.

    Args:
        name: the manifest, as the user named it.
        messages: a line for each error, in the manifest's order.
    """

    kind = "manifest"

    def __init__(self, name: str, messages: list[str]) -> None:
        self.name = name
        self.messages = tuple(messages)
        count = counted(len(messages), "error")
        super().__init__(f"{name} has {count}", hint="fix the errors above; nothing was sent")

    def lines(self) -> list[str]:
        """Return the messages, or the first hundred and how many more follow."""
        rest = len(self.messages) - _MAX_SHOWN
        return [*self.messages[:_MAX_SHOWN], *([f"… and {rest} more"] if rest > 0 else [])]


def place_of(name: str, location: str) -> tuple[str, int] | None:
    """Return file and line of a location such as `foxes.csv:12: …`; None if it has no line.

    Args:
        name: the manifest, as the user named it.
        location: what `Diagnostics.locate` returns, or a message that begins with it.
    """
    found = re.match(r":(\d+)", location.removeprefix(name))
    return (name, int(found[1])) if found and location.startswith(name) else None


class Diagnostics(msgspec.Struct):
    """Collect errors while a manifest is read.

    Args:
        name: the manifest, as the user named it.
        locate: return the location of a key in a row, such as `foxes.csv:12`.
    """

    name: str
    locate: Callable[[int, str], str]
    # A dictionary, since what a row stands for has each of its errors.
    _found: dict[tuple[int, str], None] = msgspec.field(default_factory=dict)

    def add(self, row: int, key: str, message: str, hint: str = "", *, within: str = "") -> None:
        """Record an error, once.

        Args:
            row: the row's number; 0 for the manifest as a whole.
            key: the key that is wrong; "" for the row as a whole.
            message: what is wrong, naming the value.
            hint: how to fix it.
            within: without a key, the key on whose line the error is.
        """
        parts = [self.locate(row, key or within), *([key] if key else []), message]
        self._found[row, ": ".join(parts) + (f"; {hint}" if hint else "")] = None

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raise ManifestError if errors were recorded."""
        if self._found:
            in_order = sorted(self._found, key=lambda found: found[0])
            raise ManifestError(self.name, [message for _, message in in_order])
