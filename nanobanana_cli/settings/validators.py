"""What each setting may hold: text in, value out, the same for option, environment and file.

Pure. A parser raises `Wrong`, which knows nothing of where the text came from; `resolve` adds that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from nanobanana_cli.catalog import MODELS, PROVIDERS, SIZES, Model
from nanobanana_cli.money import micro_dollars
from nanobanana_cli.suggest import one_of

MAX_TIMEOUT = 86_400
MAX_RETRIES = 20

_RATIO = re.compile(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SIZE = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2})?K")
_MODEL = re.compile(r"[!-~]{1,200}")
_SIZE_ALIASES = {"512": "0.5K", "512PX": "0.5K"}


class InvalidValue(ValueError):
    """A value that a setting does not take.

    Args:
        reason: continues a sentence whose subject is the value: `is not …`.
        hint: what would be right.
        secret: the value may hold a password and is not to be shown.
    """

    def __init__(self, reason: str, *, hint: str | None = None, secret: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.secret = secret


def provider(text: str) -> str:
    """The name of a provider in the catalog."""
    if text in PROVIDERS:
        return text
    raise InvalidValue("is not a provider", hint=one_of(text, PROVIDERS))


def model(text: str) -> str:
    """A model's id; one that the catalog does not know passes, since models come and go."""
    if _MODEL.fullmatch(text):
        return text
    raise InvalidValue("is not a model id", hint=one_of(text, MODELS))


def aspect(text: str, model: str) -> str:
    """An aspect ratio such as `16:9` that the model takes."""
    known = MODELS.get(model)
    if known is None:
        if _RATIO.fullmatch(text):
            return text
        raise InvalidValue("is not an aspect ratio", hint="it looks like 16:9")
    if text in known.aspects:
        return text
    elsewhere = [other.id for other in MODELS.values() if text in other.aspects]
    raise InvalidValue(
        f"is not an aspect ratio of {model}",
        hint=_elsewhere(text, elsewhere, known.aspects)
        if elsewhere
        else one_of(_nearest_ratio(text, known.aspects), known.aspects),
    )


def size(text: str, model: str) -> str:
    """An image size such as `2K` that the model takes; `2k`, `512` and `512px` are understood."""
    folded = text.upper()
    folded = _SIZE_ALIASES.get(folded, folded)
    known = MODELS.get(model)
    if known is None:
        if _SIZE.fullmatch(folded):
            return folded
        raise InvalidValue("is not an image size", hint=one_of("", SIZES))
    if folded in known.sizes:
        return folded
    elsewhere = [other.id for other in MODELS.values() if folded in other.sizes]
    raise InvalidValue(
        f"is not an image size of {model}",
        hint=_elsewhere(folded, elsewhere, known.sizes)
        if elsewhere
        else one_of(_nearest_size(folded, known), known.sizes),
    )


def timeout(text: str) -> float:
    """A deadline in seconds, above 0 and up to a day."""
    try:
        seconds = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        seconds = math.nan
    # A comparison with nan is false, so this one refuses it and infinity as well.
    if 0 < seconds <= MAX_TIMEOUT:
        return seconds
    raise InvalidValue(
        "is not a deadline", hint=f"seconds, above 0 and up to {MAX_TIMEOUT}, such as 120"
    )


def retries(text: str) -> int:
    """How often a failure that cost nothing is sent again: 0 to 20."""
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) <= MAX_RETRIES:
        return int(text)
    raise InvalidValue("is not a number of retries", hint=f"a whole number from 0 to {MAX_RETRIES}")


def max_cost(text: str) -> int:
    """A limit in dollars, as micro-dollars."""
    try:
        return micro_dollars(text)
    except ValueError:
        raise InvalidValue("is not an amount in dollars", hint="such as 0.50") from None


def _elsewhere(value: str, models: list[str], choices: Iterable[str]) -> str:
    return f"this model takes {', '.join(choices)}; {value} goes with {', '.join(models)}"


def _nearest_ratio(text: str, choices: Iterable[str]) -> str:
    """Return the ratio of that shape, or `text`: `16x9` and `1920x1080` both mean `16:9`."""
    numbers = [float(number) for number in _NUMBERS.findall(text[:40])]
    if len(numbers) != 2 or not all(numbers):
        return text
    shape = math.log(numbers[0] / numbers[1])
    return min(choices, key=lambda choice: abs(math.log(_quotient(choice)) - shape))


def _quotient(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)


def _nearest_size(folded: str, model: Model) -> str:
    """Return the size of that scale, or "": `8K` means `4K`, and `2048` means `2K`."""
    numbers = [float(number) for number in _NUMBERS.findall(folded[:40])]
    if len(numbers) != 1 or not all(numbers):
        return ""
    # From 64 on, a plain number counts pixels.
    scale = math.log(numbers[0] if numbers[0] < 64 else numbers[0] / 1024)
    return min(model.sizes, key=lambda choice: abs(math.log(float(choice[:-1])) - scale))
