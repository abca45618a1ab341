"""Text that runs from right to left, put into the order in which it stands on the picture."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_IN_NUMBER = re.compile(r"(?<=\d)[.,:/](?=\d)")


def leftwards(text: str) -> bool:
    """Whether a text as a whole runs from right to left: its first letter decides."""
    return next((kind for char in text if (kind := _direction(char)) in "LR"), "L") == "R"


def visual(line: str, *, leftwards: bool) -> str:
    """The characters of a line as they stand from left to right.

    The Unicode bidirectional algorithm (UAX 9), as far as plain text without embeddings needs it.

    Args:
        line: in the order of reading.
        leftwards: whether the whole text runs from right to left.
    """
    if not _RIGHT_TO_LEFT.search(line):
        return line
    level = {"R": 1, "N": 2, "L": 2 if leftwards else 0}
    levels = [level[kind] for kind in _kinds(line, "R" if leftwards else "L")]
    places = list(range(len(line)))
    for lowest in (2, 1):
        places = _turned(places, [levels[place] >= lowest for place in places])
    return "".join(
        line[place].translate(_MIRRORED) if levels[place] == 1 else line[place] for place in places
    )


def _turned(places: list[int], chosen: list[bool]) -> list[int]:
    """Each run of the chosen ones the other way round."""
    turned: list[int] = []
    for turn, pairs in groupby(zip(chosen, places, strict=True), lambda pair: pair[0]):
        run = [place for _, place in pairs]
        turned += run[::-1] if turn else run
    return turned


def _kinds(line: str, base: str) -> list[str]:
    """The direction of each character: L, R, or N for a number amid R."""
    kinds = [_direction(char) for char in line]
    for found in _IN_NUMBER.finditer(line):
        kinds[found.start()] = "N"
    strong = base
    for place, kind in enumerate(kinds):
        if kind == "N":
            kinds[place] = "L" if strong == "L" else "N"
        elif kind != " ":
            strong = kind
    return _settled(kinds, base)


def _settled(kinds: list[str], base: str) -> list[str]:
    """Spaces and marks go with their neighbours where these agree, else with the whole text."""
    runs = [(base, 0), *((kind, len(list(run))) for kind, run in groupby(kinds)), (base, 0)]
    settled: list[str] = []
    for (before, _), (kind, length), (after, _) in zip(runs, runs[1:], runs[2:], strict=False):
        if kind == " ":
            sides = {"L" if side == "L" else "R" for side in (before, after)}
            kind = sides.pop() if len(sides) == 1 else base
        settled += [kind] * length
    return settled


def _direction(char: str) -> str:
    """L, R, N for a digit, and a space for what has none of its own."""
    kind = unicodedata.bidirectional(char)
    if kind in ("R", "AL"):
        return "R"
    if kind in ("EN", "AN"):
        return "N"
    # The marks that are set, those of Thai and Indian scripts, go with their letter.
    return "L" if kind in ("L", "NSM") else " "
