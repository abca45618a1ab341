"""Say what is done to an image before it is saved."""

from __future__ import annotations

import msgspec


class Edits(msgspec.Struct, frozen=True, gc=False):
    """What is done to an image before it is saved.

    Args:
        box: width and height in pixels that it gets; None leaves its own.
    """

    box: tuple[int, int] | None = None

    @property
    def options(self) -> dict[str, object]:
        """What was asked for, by the names of the options."""
        return {"fit": "{}x{}".format(*self.box)} if self.box else {}


NO_EDITS = Edits()
