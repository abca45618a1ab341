"""Write to stdout and stderr, whatever their encoding, also if nobody reads them any more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from nanobanana_cli import system
from nanobanana_cli.errors import LocalFileError, OutputClosed

if TYPE_CHECKING:
    from nanobanana_cli.types import Data


def encoded(line: str, encoding: str | None) -> bytes:
    """Return a line of result as bytes; names of files keep theirs."""
    try:
        return line.encode(encoding or "utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return line.encode(encoding or "utf-8", "backslashreplace")


def write_result(stream: TextIO, data: Data) -> None:
    """Write bytes to stdout.

    Raises:
        OutputClosed: its reader has gone.
        LocalFileError: it takes no more.
    """
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        system.redirect_to_null(stream)
        raise OutputClosed("stdout was closed by its reader") from None
    except OSError as error:
        system.redirect_to_null(stream)
        raise LocalFileError(f"cannot write to stdout: {error.strerror}") from error


def write_line(stream: TextIO, text: str) -> None:
    """Write lines to stderr; if it is gone, results and the exit status still tell the outcome."""
    encoding = stream.encoding or "utf-8"
    with suppress(OSError, ValueError):
        stream.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
