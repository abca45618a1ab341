"""Draw tables with rich; imported only when needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text


def console(stream: IO[str], *, color: bool) -> Console:
    """Return a console for a stream that is a terminal."""
    return Console(
        file=stream, no_color=not color, force_terminal=True, emoji=False, highlight=False
    )


def table(on: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Draw a table of plain text, without markup."""
    grid = Table(box=None, pad_edge=False)
    for column in columns:
        grid.add_column(column, header_style="bold", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    on.print(grid)
