"""Decode the lines of a ledger, whole or cut off, as far as planning needs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from nanobanana_cli.batch.ledger import FORM
from nanobanana_cli.errors import LocalFileError
from nanobanana_cli.money import MICRO

_LINE_START = b'{"event":'
_CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>")


class RecordedError(msgspec.Struct, frozen=True, gc=False):
    """The error of a call that failed, as in a JSON line."""

    kind: str = ""
    message: str = ""
    charged: str = "maybe"


class RecordedLine(msgspec.Struct, frozen=True, gc=False):
    """The part of a `LedgerLine` that planning needs: the rest is skipped, not decoded."""

    event: str
    id: str
    row: str
    fingerprint: str
    form: int = 1
    asked: dict[str, str] | None = None
    cost_usd: float | None = None
    time: str | None = None
    provider: str | None = None
    root: str | None = None
    path: str | None = None
    sha256: str | None = None
    shown: str | None = None
    paid: bool | None = None
    origin: str | None = None
    bytes: int | None = None
    alt: str | None = None
    alt_path: str | None = None
    error: RecordedError | None = None

    @property
    def cost(self) -> int | None:
        """Micro-dollars; None for what no call costs, as a damaged line has it."""
        known = self.cost_usd is not None and 0 <= self.cost_usd <= MICRO
        return round((self.cost_usd or 0) * MICRO) if known else None


class _Form(msgspec.Struct, frozen=True, gc=False):
    form: int = 1


_DECODER = msgspec.json.Decoder(RecordedLine)
_FORM_DECODER = msgspec.json.Decoder(_Form)


def lines(path: Path, truncated: list[str]) -> Iterator[RecordedLine]:
    """Yield the lines of a ledger; one that does not exist has none.

    Args:
        path: the ledger.
        truncated: takes the place of each line that was cut off, as `file:line`.

    Raises:
        LocalFileError: it cannot be read, has a form that is not known, or contains a merge
            conflict.
    """
    for number, text in enumerate(_raw_lines(path), 1):
        line = _decoded(text)
        if line is None and text.strip():
            if text.startswith(_CONFLICT):
                raise LocalFileError(
                    f"ledger {path}:{number} contains a merge conflict",
                    hint="keep the lines of both sides and remove the markers",
                )
            _check_form(path, number, text)
            truncated.append(f"{path}:{number}")
            # `cat` appends the first line of another ledger to a truncated last line.
            start = text.rfind(_LINE_START)
            line = _decoded(text[start:]) if start > 0 else None
        if line is not None:
            if line.form > FORM:
                _check_form(path, number, text)
            yield line


def _check_form(path: Path, number: int, text: bytes) -> None:
    """Raise LocalFileError for a line of a form that is newer than this nb."""
    try:
        form = _FORM_DECODER.decode(text).form
    except (ValueError, RecursionError):
        return
    if form > FORM:
        raise LocalFileError(
            f"ledger {path}:{number} has form {form}, and this nb knows forms up to {FORM}",
            hint="use a newer nb: pip install -U nanobanana-wisgate",
        )


def _decoded(text: bytes) -> RecordedLine | None:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _raw_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LocalFileError(f"ledger {path}: {error.strerror}") from error
