"""All that is wrong with a manifest, told at once."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nanobanana_cli.errors import UsageError

# A slip in the one template of 100,000 rows need not be read 100,000 times.
SHOWN = 100


class ManifestError(UsageError):
    """A manifest that cannot be used; nothing was sent.

    Args:
        name: the manifest, as the user named it.
        mistakes: one line each, in the manifest's order.
    """

    kind = "manifest"

    def __init__(self, name: str, mistakes: list[str]) -> None:
        self.mistakes = tuple(mistakes)
        some = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"{name} has {some}", hint="mend what is listed above; nothing was sent")

    def lines(self) -> list[str]:
        """What to show: each mistake, or the first hundred and how many more there are."""
        rest = len(self.mistakes) - SHOWN
        return [*self.mistakes[:SHOWN], *([f"… and {rest} more"] if rest > 0 else [])]


class Diagnostics(msgspec.Struct):
    """Gathers what is wrong while a manifest is read.

    Args:
        name: the manifest, as the user named it.
        where: names a row's place for people, such as `foxes.csv:12`.
    """

    name: str
    where: Callable[[int, str], str]
    _found: list[tuple[int, str]] = msgspec.field(default_factory=list)

    def add(self, row: int, key: str, message: str, hint: str = "") -> None:
        """Note a mistake.

        Args:
            row: the row's number; 0 for the manifest as a whole.
            key: the key that is wrong; "" for the row as a whole.
            message: what is wrong, naming the value.
            hint: how to fix it.
        """
        parts = [self.where(row, key), *([key] if key else []), message]
        self._found.append((row, ": ".join(parts) + (f"; {hint}" if hint else "")))

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raise what was found, if anything was.

        Raises:
            ManifestError: with all mistakes.
        """
        if self._found:
            in_order = sorted(self._found, key=lambda found: found[0])
            raise ManifestError(self.name, [line for _, line in in_order])
