"""Draw help screens like Typer's own, without rich.

Typer draws help with rich, whose modules take 50 ms to import, as long as all the rest of
`nb --help`. Boxes, two columns and a few colours need none of them.

A docstring is a help text: paragraphs are separated by blank lines and wrapped to fit. What follows
`Examples:`, and a paragraph whose lines are indented or begin with `nb `, is shown as is.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from typer.core import TyperArgument, TyperCommand, TyperGroup

from nanobanana_cli.ui.color import wants_color
from nanobanana_cli.ui.escape import escape
from nanobanana_cli.ui.terminal import Terminal

_MIN_WIDTH, _MAX_WIDTH = 40, 120
# Names take up to this share of a panel; the help of a longer one begins on the next line.
_NAMES_SHARE = 0.4
# Long options begin here, so that they line up under `-o, --output`.
_SHORT = len("-o, ")

_TITLE, _NAME, _SHORT_NAME, _METAVAR, _DIM = "1", "1;36", "1;32", "33", "2"

# A run of characters in one style; "" is plain.
_Word = tuple[str, str]
# A name and its help.
_Row = tuple[list[_Word], list[_Word]]

# A box clockwise from its upper left corner, then its side.
_ROUND = "╭─╮╯╰│"
_ASCII = "+-+++|"


class Look(msgspec.Struct, frozen=True):
    """How to draw a screen.

    Args:
        width: columns.
        color: style with terminal codes.
        unicode: the output's encoding has box characters.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, terminal: Terminal, choice: bool | None = None) -> Look:
        """Return what suits a terminal's stdout.

        Args:
            terminal: where the screen goes.
            choice: `--color/--no-color`, when it came before `--help`.
        """
        columns = shutil.get_terminal_size().columns
        return cls(
            width=max(_MIN_WIDTH, min(columns, _MAX_WIDTH)),
            color=wants_color(terminal.env, terminal.stdout, choice),
            unicode=_can_encode(_ROUND, terminal.stdout.encoding),
        )


class HelpCommand(TyperCommand):
    """A command with this module's help screen: `app.command(cls=HelpCommand)`."""

    # Typer calls this for its effect, as with its own help by rich.
    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Print the help screen on stdout."""
        _show(self, ctx)


class HelpGroup(TyperGroup):
    """A group with this module's help screen: `Typer(cls=HelpGroup)`."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Print the help screen on stdout."""
        _show(self, ctx)


def screen(command: TyperCommand | TyperGroup, ctx: Any, look: Look) -> str:
    """Return a command's help, without the end of the last line.

    Args:
        command: the command or group.
        ctx: its Typer context.
        look: how to draw it.
    """
    panels = _panels(command, ctx)
    longest = max((_length(name) for rows in panels.values() for name, _ in rows), default=0)
    names = min(longest, int(look.width * _NAMES_SHARE))
    head = [_usage(command, ctx, look), *_description(command.help or "", look)]
    body = [line for title, rows in panels.items() for line in _panel(title, rows, names, look)]
    return "\n\n".join([*head, "\n".join(body)])


def _show(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    terminal = ctx.find_object(Terminal) or Terminal.of_process()
    look = Look.of(terminal, ctx.color)
    text = f"{screen(command, ctx, look)}\n\n{_read_on(command, ctx, look)}"
    # Not through Typer's `echo`, which ends in status 1 when the reader has gone; it only writes
    # the end of the last line.
    terminal.binary(text.encode(terminal.stdout.encoding or "utf-8", "replace"))


def _read_on(command: TyperCommand | TyperGroup, ctx: Any, look: Look) -> str:
    """Return where to read on, for the end of the screen."""
    name, *words = ctx.command_path.split()
    places = [f"man {'-'.join([name, *words[:1]])}"]
    if isinstance(command, TyperGroup):
        places.insert(0, " ".join([name, "help", *words, "COMMAND"]))
    if not words:
        places.append(f"{name} help agents")
    text = [(word, "") for word in f"Read on: {', '.join(places)}".split()]
    return "\n".join(f" {_styled(line, look)}" for line in _wrap(text, look.width - 2))


def parameters(command: TyperCommand | TyperGroup, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return names and helps of what a command takes, by the title of their panel.

    The titles come in the order of the first row of each.
    """
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        if record := param.get_help_record(ctx):
            kind = "Arguments" if isinstance(param, TyperArgument) else "Options"
            title = getattr(param, "rich_help_panel", None) or kind
            panels.setdefault(title, []).append(record)
    return panels


def _panels(command: TyperCommand | TyperGroup, ctx: Any) -> dict[str, list[_Row]]:
    panels: dict[str, list[_Row]] = {
        title: [(list(_name_words(name)), list(_help_words(text))) for name, text in rows]
        for title, rows in parameters(command, ctx).items()
    }
    for child in children(command, ctx):
        title = getattr(child, "rich_help_panel", None) or "Commands"
        text = child.get_short_help_str(limit=_MAX_WIDTH)
        panels.setdefault(title, []).append(([(child.name, _NAME)], list(_help_words(text))))
    return panels


def children(command: TyperCommand | TyperGroup, ctx: Any) -> Iterator[Any]:
    """Yield the commands of a group that its help shows; a command has none."""
    if isinstance(command, TyperGroup):
        found = (command.get_command(ctx, name) for name in command.list_commands(ctx))
        yield from (child for child in found if child and not child.hidden)


def _name_words(name: str) -> Iterator[_Word]:
    """Yield the parts of `-o, --output PATH`, with long options below one another."""
    if name.startswith("--"):
        yield " " * _SHORT, ""
    for number, word in enumerate(name.split(" ")):
        if number:
            yield " ", ""
        if word.startswith("--"):
            yield word, _NAME
        elif word.startswith("-"):
            yield word, _SHORT_NAME
        else:
            yield word, "" if word == "/" else _METAVAR


def paragraphs(text: str) -> Iterator[tuple[list[str], bool]]:
    """Yield the lines of each paragraph of a help text, and whether to show them as they are."""
    previous = ""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if lines := paragraph.splitlines():
            yield lines, _is_example(previous) or _is_verbatim(lines)
        previous = paragraph


def _description(text: str, look: Look) -> Iterator[str]:
    for lines, is_verbatim in paragraphs(text):
        if is_verbatim:
            yield "\n".join(f" {escape(line)}".rstrip() for line in lines)
        else:
            words = [(escape(word), "") for line in lines for word in line.split()]
            yield "\n".join(f" {_styled(line, look)}" for line in _wrap(words, look.width - 2))


def _is_example(heading: str) -> bool:
    return heading in ("Example:", "Examples:")


def _is_verbatim(lines: Sequence[str]) -> bool:
    body = lines[1:] if lines and _is_example(lines[0]) else lines
    return bool(body) and all(line.startswith((" ", "nb ")) for line in body)


def usage(command: TyperCommand | TyperGroup, ctx: Any) -> list[str]:
    """Return what goes after a command's name, such as `["[OPTIONS]", "NAME"]`."""
    # Typer's braces around what is required look like a set of choices.
    return [piece.strip("{}") for piece in command.collect_usage_pieces(ctx)]


def _usage(command: TyperCommand | TyperGroup, ctx: Any, look: Look) -> str:
    words = [(ctx.command_path, _TITLE), *((piece, "") for piece in usage(command, ctx))]
    label = "Usage: "
    lines = [_styled(line, look) for line in _wrap(words, look.width - len(label) - 1)]
    return f" {_style(label, _METAVAR, look)}" + f"\n {' ' * len(label)}".join(lines)


def _panel(title: str, rows: Iterable[_Row], names: int, look: Look) -> Iterator[str]:
    edge = tuple(_ROUND if look.unicode else _ASCII)
    upper_left, bar, upper_right, lower_right, lower_left, side = edge
    inner = look.width - 4
    tail = bar * (inner - len(title) - 1)
    top = [(f"{upper_left}{bar} ", _DIM), (title, _TITLE), (f" {tail}{upper_right}", _DIM)]
    yield _styled(top, look)
    side = _style(side, _DIM, look)
    for name, text in rows:
        for words in _lines(name, text, names, inner):
            yield f"{side} {_styled(words, look)}{' ' * (inner - _length(words))} {side}"
    yield _style(f"{lower_left}{bar * (look.width - 2)}{lower_right}", _DIM, look)


def _lines(name: list[_Word], text: list[_Word], names: int, inner: int) -> Iterator[list[_Word]]:
    """Yield a name with its help beside it, or below it if the name is too long for its column."""
    indent = (" " * (names + 2), "")
    lines = list(_wrap(text, inner - names - 2))
    if _length(name) > names or not lines:
        yield from _wrap(name, inner, joiner="")
    else:
        gap = (" " * (names + 2 - _length(name)), "")
        yield [*name, gap, *lines.pop(0)]
    for line in lines:
        yield [indent, *line]


def _help_words(text: str) -> Iterator[_Word]:
    """Yield the words of a parameter's help, with the brackets at its end dimmed."""
    prose, mark, extra = text.rpartition("[")
    if not (mark and text.endswith("]") and (not prose or prose.endswith(" "))):
        prose, mark, extra = text, "", ""
    for word in prose.split():
        yield escape(word), ""
    for word in (mark + extra).split():
        yield escape(word), _DIM


def _wrap(words: Iterable[_Word], width: int, joiner: str = " ") -> Iterator[list[_Word]]:
    """Yield lines of words, at most `width` wide; cut a longer word."""
    line: list[_Word] = []
    for text, style in words:
        if line and _length(line) + len(joiner) + len(text) > width:
            yield line
            line = []
        elif line and joiner:
            line.append((joiner, ""))
        while len(text) > width:
            yield [(text[:width], style)]
            text = text[width:]
        line.append((text, style))
    if line:
        yield line


def _length(words: Iterable[_Word]) -> int:
    return sum(len(text) for text, _ in words)


def _styled(words: Iterable[_Word], look: Look) -> str:
    return "".join(_style(text, style, look) for text, style in words)


def _style(text: str, style: str, look: Look) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if look.color and style else text


def _can_encode(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
