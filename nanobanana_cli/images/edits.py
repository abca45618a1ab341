"""Say what is done to an image before it is saved, and ask for a background to cut out."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec


class Edits(msgspec.Struct, frozen=True, gc=False):
    """Changes to an image before it is saved.

    Args:
        box: width and height in pixels that it gets; None leaves its own.
        is_cut_out: its background becomes transparent.
        original: the file, but for its suffix, that keeps the image as it was received.
    """

    box: tuple[int, int] | None = None
    is_cut_out: bool = False
    original: Path | None = None

    @property
    def options(self) -> dict[str, object]:
        """Return what was asked for, by the names of the options."""
        found: dict[str, object] = {"fit": "{}x{}".format(*self.box)} if self.box else {}
        return found | {"transparent": True} if self.is_cut_out else found


NO_EDITS = Edits()


class CannotConvert(ValueError):
    """An image that the target format cannot hold; `str()` gives the reason in one plain line."""


class NotFlat(ValueError):
    """A background that cannot be cut out; `str()` gives the reason in one plain line."""


_COLOURS = {"green": "#00FF00", "magenta": "#FF00FF", "blue": "#0000FF"}
# What is likely to be of a colour: another one is asked for then.
# All patterns are compiled where they are used: few images need them.
_GREEN = (
    r"(?i)\b"
    r"(green|gr[aü]n|verde|vert|grass|lawn|lea(f|ves)|leafy|foliage|plant|tree|forest|jungle|frog"
    r"|toad|cactus|lime|mint|emerald|olive|jade|moss|fern|ivy|avocado|broccoli|clover|parrot|lizard"
    r"|snake|crocodile|alligator|dinosaur|dragon|turtle|vegetable|salad|bamboo|palm|kiwi|pear)"
)
_PINK = (
    r"(?i)\b"
    r"(pink|magenta|purple|violet|fuchsia|lilac|lavender|mauve|orchid|rose\b|roses|flamingo|pig"
    r"|rosa\b|lila\b|flower|bouquet|blossom|tulip|plum|grape|aubergine|eggplant)"
)
_REQUEST = (
    "Show the subject alone on a flat background of pure {name} ({code}) that reaches every edge "
    "of the picture, evenly lit: no floor, no scenery, no gradient, no frame, no cast shadow. No "
    "{name} in the subject, and none reflected in it. The background is cut away afterwards, so "
    "describe it in no text."
)
_ANY = r"\s*" + re.escape(_REQUEST).replace(r"\{name\}", r"\w+").replace(
    r"\{code\}", r"(#[0-9A-F]{6})"
)


def with_background(prompt: str) -> str:
    """Return the prompt with the request for a background that can be cut out.

    Its colour is far from those that the words of the prompt bring to mind.
    """
    name = "green"
    if re.search(_GREEN, prompt):
        name = "blue" if re.search(_PINK, prompt) else "magenta"
    return f"{prompt}\n\n{_REQUEST.format(name=name, code=_COLOURS[name])}"


def split(prompt: str) -> tuple[str, str | None]:
    """Return a prompt without such a request, and the colour that it asks for, such as `#00FF00`.

    The sandbox paints it.
    """
    found = re.search(_ANY, prompt)
    return (re.sub(_ANY, "", prompt), found[1]) if found else (prompt, None)
