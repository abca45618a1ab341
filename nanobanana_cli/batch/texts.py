"""Which texts beside images came from a run, word for word: those alone are replaced unasked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from nanobanana_cli import files
from nanobanana_cli.batch.plan import Step
from nanobanana_cli.captions import sidecar
from nanobanana_cli.errors import NbError


class _AltLine(msgspec.Struct, frozen=True, gc=False):
    row: str
    alt: str | None = None


class AltFiles:
    """The texts that stand beside images.

    Args:
        root: the output folder.
        known: rows, each with a text that a ledger recorded for it.
        force: replace any text.
    """

    def __init__(self, root: Path, known: Iterable[tuple[str, str]], *, force: bool) -> None:
        self._root = root
        self._known = frozenset(known)
        self._force = force

    @classmethod
    def read(
        cls, root: Path, steps: Sequence[Step], ledgers: Iterable[Path], *, force: bool
    ) -> Self:
        """What ledgers say of the texts that are there.

        Args:
            root, force: as for the class.
            steps: the images to make.
            ledgers: the files; what cannot be read holds nothing, so that its texts stay.
        """
        items = (step.item for step in steps)
        rows = {
            item.target for item in items if item.alt_file and files.taken(root / item.alt_file)
        }
        known = (pair for path in ledgers for pair in _recorded(path) if pair[0] in rows)
        return cls(root, known if rows else (), force=force)

    def may_be_replaced(self, step: Step) -> bool:
        """Whether nothing of the user's is lost with the text that an image has."""
        if self._force or step.item.alt_file is None:
            return self._force
        try:
            text = sidecar.read(self._root / step.item.alt_file)
        except NbError:
            return False
        return text is not None and (step.item.target, text.strip()) in self._known


def _recorded(ledger: Path) -> Iterator[tuple[str, str]]:
    decode = msgspec.json.Decoder(_AltLine).decode
    with suppress(OSError), ledger.open("rb") as lines:
        for line in lines:
            if b'"alt":' in line:
                with suppress(msgspec.DecodeError):
                    read = decode(line)
                    if read.alt is not None:
                        yield read.row, read.alt.strip()
