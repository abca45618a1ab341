"""What moves or needs a grid, drawn with rich. Imported only when there is something to draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Table
from rich.text import Text


def console(stream: IO[str], *, color: bool) -> Console:
    """A console for a terminal that someone else has found to be one."""
    return Console(
        file=stream, no_color=not color, force_terminal=True, emoji=False, highlight=False
    )


def table(
    on: Console, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None
) -> None:
    """Draw a table; the cells are text, never markup."""
    grid = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        grid.add_column(column, header_style="bold", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    on.print(grid)


def above(on: Console, ansi: str) -> None:
    """Put a line above a spinner that is turning."""
    on.print(Text.from_ansi(ansi), soft_wrap=True)


class RichSpinner:
    """A spinner that is turning.

    Args:
        progress: the live display.
        task: what it shows.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        """One of several things is done."""
        self._progress.advance(self._task)


class RichProgressBar:
    """A progress bar with a line of text under it.

    Args:
        progress: the live display.
        task: what it shows.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def update(self, done: int, text: str) -> None:
        """So much is done, and what there is to say of it."""
        self._progress.update(self._task, completed=done, description=text)


class _WithTextBelow(Progress):
    """Beside a bar, the end of a text would be cut off: the money, on 80 columns."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            yield self.make_tasks_table([task])
            yield Text(task.description)


@contextmanager
def bar(on: Console, total: int) -> Iterator[RichProgressBar]:
    """A bar with `3/12`, and a text under it that changes."""
    with _WithTextBelow(
        SpinnerColumn(),
        BarColumn(24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False),
        console=on,
        transient=True,
        redirect_stdout=False,
        refresh_per_second=5,
    ) as progress:
        yield RichProgressBar(progress, progress.add_task("", total=total))


class _SecondsColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.elapsed or 0:.0f} s", style="dim")


@contextmanager
def spinner(on: Console, label: str, total: int) -> Iterator[RichSpinner]:
    """A spinner with the seconds gone, and `2/3` when there is more than one thing to do."""
    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        _SecondsColumn(),
    ]
    if total > 1:
        columns.insert(2, TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False))
    with Progress(*columns, console=on, transient=True, redirect_stdout=False) as progress:
        yield RichSpinner(progress, progress.add_task(label, total=total))
