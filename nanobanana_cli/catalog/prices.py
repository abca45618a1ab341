"""Compute what a call will cost, and what it has cost, in whole micro-dollars."""

from __future__ import annotations

from typing import Literal

import msgspec

from nanobanana_cli.catalog.model_table import MODELS, TEXT_MODELS, Model, TokenPrices
from nanobanana_cli.money import MICRO, dollars
from nanobanana_cli.types import ContentRequest, Reply, Tariff

# What nobody knows the price of counts as this, when a command asks before it spends much.
UNKNOWN = 250_000

# WisGate names no price for a text alone; by one report it is that of an image.
_WISGATE_TEXT = 58_000
# A text alone comes to well under this at Google, without thinking and a long page.
_GOOGLE_TEXT = 2_000
_LONG_PROMPT = 8_000
_SEARCH_QUERY = 14_000

# Tokens, for estimates: of a reference image, of a text in the reply, and of thinking by level.
_REFERENCE_TOKENS = 1_120
_TEXT_TOKENS = 60
_THINKING_TOKENS = {"": 100, "minimal": 100, "medium": 500, "high": 1_500}
_BYTES_PER_TOKEN = 4
# An estimate is shown in steps of a hundredth of a cent, or from a dollar on of a cent, rounded up.
_STEP = 100
_CENT = 10_000


class Price(msgspec.Struct, frozen=True):
    """The price of one call, before it is made.

    Args:
        micro: micro-dollars; None if unknown.
        word: `about` or `at most`, where it is not exact; else "".
    """

    micro: int | None
    word: Literal["", "about", "at most"] = ""

    def times(self, count: int) -> str:
        """Format the price of several calls: `$0.174`, `about $0.0671`, `price unknown`."""
        if self.micro is None:
            return dollars(None)
        return amount(self.micro * count, self.word, zero="nothing")


def amount(micro: int, word: str, *, zero: str = "free") -> str:
    """Format a known amount with a word for its accuracy, as `money.dollars` does."""
    if word == "about":
        step = _STEP if micro < MICRO else _CENT
        micro = -(-micro // step) * step
    return f"{word} {dollars(micro)}" if word and micro else dollars(micro, zero=zero)


def are_estimates(tariff: Tariff) -> bool:
    """Return whether prices are estimates before a call, since tokens are billed."""
    return tariff.per_call is None and tariff.provider == "google"


def of_image(provider: str, model: str, size: str) -> int | None:
    """Return micro-dollars per image by the provider's list; 0 in the sandbox; None if unknown."""
    if provider == "sandbox":
        return 0
    known = MODELS.get(model)
    return known.prices.get(provider, {}).get(size) if known else None


def estimate(request: ContentRequest, tariff: Tariff, references: int | None = None) -> Price:
    """Return what a call will cost.

    Args:
        request: what is asked.
        tariff: whose prices hold.
        references: how many input images; by default those of the request and of the turns that
            it goes on from.
    """
    if tariff.per_call is not None:
        return Price(tariff.per_call)
    if tariff.provider is None:
        return Price(None)
    is_image = "IMAGE" in request.modalities
    listed = of_image(tariff.provider, request.model, request.size or "1K")
    if tariff.provider == "wisgate":
        if is_image:
            return Price(listed)
        return Price(None if listed is None else _WISGATE_TEXT, "at most")
    model = _model(request.model)
    is_listed = listed is not None or request.model in TEXT_MODELS
    if model is None or not is_listed or not are_estimates(tariff):
        return Price(listed)
    known = model.tokens
    if known is None:
        return Price(listed if is_image else _GOOGLE_TEXT, "about")
    count = references
    if count is None:
        earlier = request.conversation.images if request.conversation else 0
        count = len(request.references) + earlier
    micro = _tokens_around(request, model, known, count) + _search(request)
    if is_image:
        return Price(None if listed is None else listed + micro, "about")
    parameters = request.parameters
    is_short = len(request.framed or request.prompt) < _LONG_PROMPT
    is_plain = parameters.thinking is None and not parameters.search and is_short
    return Price(min(micro, _GOOGLE_TEXT) if is_plain else micro, "about")


def cost(request: ContentRequest, reply: Reply, tariff: Tariff) -> int | None:
    """Return micro-dollars that an answered call has cost; None if unknown.

    Where the provider bills by tokens, they come from the reply's usage. A gateway may bill
    otherwise, so that holds only for Google's own prices.
    """
    usage = reply.usage
    known = _model(request.model)
    if (
        are_estimates(tariff)
        and known is not None
        and known.tokens is not None
        and usage is not None
        and usage.prompt_tokens is not None
        and usage.output_tokens is not None
    ):
        is_image = "IMAGE" in request.modalities
        texts = min(reply.text_tokens, usage.output_tokens) if is_image else usage.output_tokens
        spent = (
            usage.prompt_tokens * known.tokens.input
            + (texts + (usage.thinking_tokens or 0)) * known.tokens.text
            + (usage.output_tokens - texts) * known.tokens.image
        )
        return _micro(spent) + reply.queries * _SEARCH_QUERY
    if tariff.per_call is None and tariff.provider is not None and "IMAGE" in request.modalities:
        return of_image(tariff.provider, request.model, request.size or "")
    return estimate(request, tariff).micro


def _model(name: str) -> Model | None:
    return MODELS.get(name) or TEXT_MODELS.get(name)


def _tokens_around(
    request: ContentRequest, model: Model, prices: TokenPrices, references: int
) -> int:
    """Return micro-dollars of all tokens but those of the image."""
    letters = (request.framed or request.prompt) + (request.parameters.system or "")
    length = len(letters.encode("utf-8", "surrogateescape"))
    length += request.conversation.letters if request.conversation else 0
    incoming = references * _REFERENCE_TOKENS + -(-length // _BYTES_PER_TOKEN)
    outgoing = _TEXT_TOKENS if "TEXT" in request.modalities else 0
    level = request.parameters.thinking
    if level is None and "IMAGE" in request.modalities:
        level = "medium" if model.always_thinks else model.default_thinking
    if level is not None:
        outgoing += _THINKING_TOKENS.get(level, _THINKING_TOKENS["high"])
    return _micro(incoming * prices.input + outgoing * prices.text)


def _search(request: ContentRequest) -> int:
    return _SEARCH_QUERY if request.parameters.search else 0


def _micro(spent: int) -> int:
    """Return whole micro-dollars, rounded up, for tokens times their price per million."""
    return -(-spent // MICRO)
