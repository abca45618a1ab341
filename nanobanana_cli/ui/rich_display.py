"""Draw tables, progress bars and spinners with rich; imported only when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
)
from rich.segment import ControlType, Segment, Segments
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


def print_above(on: Console, ansi: str) -> None:
    """Print a line, or an image as `preview` writes it, above what is animated."""
    if ansi.startswith(("\x1b_G", "\x1b]1337;")):
        # Rich passes on what it takes for control codes, whatever they are.
        on.print(Segments([Segment(f"{ansi}\n", None, [(ControlType.BELL,)])]), soft_wrap=True)
    else:
        on.print(Text.from_ansi(ansi), soft_wrap=True)


class _WithTextBelow(Progress):
    """Show the text below the bar: beside it, 80 columns would cut off the cost."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            yield self.make_tasks_table([task])
            yield Text(task.description)


@contextmanager
def bar(on: Console, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a bar with `3/12`, and a line of text below it; yield what updates both."""
    with _WithTextBelow(
        SpinnerColumn(),
        # Red, as rich has it, would look like trouble.
        BarColumn(24, complete_style="green", finished_style="green"),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False),
        console=on,
        transient=True,
        redirect_stdout=False,
        refresh_per_second=5,
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, text: progress.update(task, completed=done, description=text)


class _SecondsColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.elapsed or 0:.0f} s", style="dim")


@contextmanager
def spinner(on: Console, label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a spinner with the seconds passed, and `2/3` if there are several things to do.

    Yields:
        A function that counts one more thing as done.
    """
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        _SecondsColumn(),
    ]
    if total > 1:
        columns.insert(2, TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False))
    with Progress(*columns, console=on, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)
