"""Write the manual pages in man(7), one for `nb` and one for each of its commands.

As with git, a command's subcommands stand in its page: `man nb-config` has `nb config set`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from nanobanana_cli import __version__
from nanobanana_cli.completion import roff
from nanobanana_cli.completion.manual import EXIT_STATUSES, FILES, VARIABLES, Fact
from nanobanana_cli.errors import ExitCode
from nanobanana_cli.ui import help as screens

# Of this version; a page that is made again is the same.
_DATE = "2026-11-26"

_ABOUT_ALL = """\
Results go to stdout: the path of each image, one a line. Everything else goes to stderr.

A request that may have been paid for is never sent again unasked, and a file under its final name
is whole. Where a call was possible, an error ends with a line that says whether it was charged."""
_HEADINGS = ("Example:", "Examples:")
# What any command ends with.
_COMMON = (ExitCode.OK, ExitCode.DEFECT, ExitCode.USAGE)


class _Page(msgspec.Struct, frozen=True):
    """A Typer command with its context."""

    command: Any
    ctx: Any

    @property
    def words(self) -> list[str]:
        """`["config", "set"]`; empty for `nb`."""
        name: str = self.ctx.command_path
        return name.split()[1:]

    @property
    def title(self) -> str:
        """The page's name: `nb-config`."""
        return "-".join(["nb", *self.words])

    @property
    def paragraphs(self) -> list[tuple[list[str], bool]]:
        """Those of the help text, and whether to show each as it is."""
        return list(screens.paragraphs(self.command.help or ""))

    @property
    def about(self) -> str:
        """The first sentence of the help, as a phrase: `make an image from a prompt`."""
        first = " ".join(self.paragraphs[0][0]).removesuffix(".")
        return first[0].lower() + first[1:]

    @property
    def rows(self) -> dict[str, list[tuple[str, str]]]:
        """Names and helps of arguments and options, by the title of their panel."""
        return screens.parameters(self.command, self.ctx)

    def options(self) -> set[str]:
        """Return the long options, those of subcommands included."""
        own = {
            word
            for rows in self.rows.values()
            for name, _ in rows
            for word in re.split(r"[ ,/]+", name)
        }
        return own.union(*(child.options() for child in self.children()))

    def children(self) -> Iterator[_Page]:
        """Yield the subcommands that help shows."""
        for child in screens.children(self.command, self.ctx):
            ctx = child.make_context(child.name, [], parent=self.ctx, resilient_parsing=True)
            yield _Page(child, ctx)


def pages(command: Any) -> dict[str, str]:
    """Return the manual pages by the names of their files: `nb.1`, `nb-generate.1`.

    Args:
        command: the outermost Typer group, with all of its commands.
    """
    root = _Page(command, command.make_context("nb", [], resilient_parsing=True))
    found = [root, *root.children()]
    titles = [page.title for page in found]
    return {f"{page.title}.1": _page(page, titles) for page in found}


def _page(page: _Page, titles: Sequence[str]) -> str:
    sections = {
        "NAME": roff.filled(f"{roff.escaped(page.title)} \\- {roff.prose(page.about)}"),
        "SYNOPSIS": _synopsis(page),
        "DESCRIPTION": _description(page),
        "COMMANDS": _commands(page),
        "OPTIONS": _parameters(page, in_groups=True),
        "EXAMPLES": _examples(page),
        "EXIT STATUS": _statuses(page),
        "ENVIRONMENT": _facts(page, VARIABLES),
        "FILES": _facts(page, FILES),
        "SEE ALSO": _see_also(page, titles),
    }
    lines = [
        f'.TH {roff.escaped(page.title.upper())} 1 {_DATE} "nb {__version__}" "nb manual"',
        # No word is broken or stretched: names and options can be searched for and copied.
        ".nh",
        ".ad l",
    ]
    for title, content in sections.items():
        body = list(content)
        lines += [f".SH {title}", *body] if body else []
    return "\n".join(lines) + "\n"


def _synopsis(page: _Page) -> Iterator[str]:
    for number, each in enumerate([page] if not page.words else [*page.children()] or [page]):
        if number:
            yield ".br"
        yield _usage(each)


def _usage(page: _Page) -> str:
    name = " ".join(["nb", *page.words])
    pieces = " ".join(screens.usage(page.command, page.ctx))
    return f"\\fB{roff.escaped(name)}\\fR {roff.with_italics(pieces)}".rstrip()


def _description(page: _Page) -> Iterator[str]:
    common = [] if page.words else screens.paragraphs(_ABOUT_ALL)
    described = [each for each in [*page.paragraphs, *common] if not _is_example(*each)]
    for number, (lines, is_verbatim) in enumerate(described):
        if number:
            yield ".PP"
        if is_verbatim:
            yield from roff.verbatim(lines)
        else:
            yield from roff.filled(roff.prose(" ".join(lines)))


def _commands(page: _Page) -> Iterator[str]:
    """Yield the list of commands in the page of `nb`, and subcommands with all that they have."""
    for child in page.children():
        if page.words:
            yield f".SS {_usage(child)}"
            yield from _description(child)
            yield from _parameters(child, in_groups=False)
        else:
            yield ".TP"
            yield f"\\fB{roff.escaped(child.title)}\\fR(1)"
            yield from roff.filled(roff.prose(f"{child.about[0].upper()}{child.about[1:]}."))


def _parameters(page: _Page, *, in_groups: bool) -> Iterator[str]:
    """Yield arguments and options, under the titles of their groups if there are several."""
    for title, rows in page.rows.items():
        if not in_groups:
            # Said once, in the page's own options.
            rows = [row for row in rows if "--help" not in row[0]]
        elif len(page.rows) > 1:
            yield f".SS {roff.escaped(title)}"
        for name, text in rows:
            yield ".TP"
            yield _name(name)
            # Typer's own words for --help, where this page is not its message.
            text = text.replace("Show this message", "Show the help")
            yield from roff.filled(roff.prose(text, values=roff.VALUE.findall(name)))


def _name(text: str) -> str:
    """Return `-o, --output PATH` with options bold and the value's name in italics."""
    words = (
        f"\\fB{roff.escaped(word)}\\fR" if word.startswith("-") else roff.with_italics(word)
        for word in re.sub(r"[][]", "", text).replace(",", " ,").replace(" / ", " , ").split()
    )
    return " ".join(words).replace(" ,", ",")


def _examples(page: _Page) -> Iterator[str]:
    """Yield the examples of a command and of its subcommands."""
    shown = [
        line
        for each in ([page, *page.children()] if page.words else [page])
        for lines, is_verbatim in each.paragraphs
        if _is_example(lines, is_verbatim)
        for line in lines
        if line not in _HEADINGS
    ]
    return roff.verbatim(shown)


def _is_example(lines: Sequence[str], is_verbatim: bool) -> bool:
    return is_verbatim and (lines[0] in _HEADINGS or lines[0].startswith("nb "))


def _statuses(page: _Page) -> Iterator[str]:
    options = page.options()
    calls = not page.words or "--timeout" in options
    for status in EXIT_STATUSES if calls else _COMMON:
        if status is ExitCode.INCOMPLETE and "--check" not in options:
            continue
        meaning, charged = EXIT_STATUSES[status]
        yield ".TP"
        yield f"\\fB{int(status)}\\fR"
        text = f"{meaning[0].upper()}{meaning[1:]}."
        yield from roff.filled(roff.prose(f"{text} Charged: {charged}." if calls else text))
    if not calls:
        yield ".PP"
        yield "\\fBnb\\fR(1) lists the others."


def _facts(page: _Page, facts: Iterable[Fact]) -> Iterator[str]:
    options = page.options()
    for fact in facts:
        if fact.matters_to("".join(page.words), options):
            is_path = not fact.name.isupper()
            yield ".TP"
            yield f"\\f{'I' if is_path else 'B'}{roff.escaped(fact.name)}\\fR"
            yield from roff.filled(roff.prose(fact.about))


def _see_also(page: _Page, titles: Sequence[str]) -> Iterator[str]:
    others = [title for title in titles if title != page.title]
    for title in others:
        comma = "" if title == others[-1] else ","
        yield f"\\fB{roff.escaped(title)}\\fR(1){comma}"
