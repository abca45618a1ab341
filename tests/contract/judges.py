"""Judge answers: "" where a fact holds, and else what was answered instead."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from contract.answers import Reply
from contract.questions import SMALLEST

from nanobanana_cli.api import reply as nb_reply
from nanobanana_cli.api import status_errors
from nanobanana_cli.catalog import DEFAULT_SIZE, MODELS, pixels
from nanobanana_cli.errors import (
    Charged,
    ExitCode,
    KeyRejected,
    NbError,
    NoImage,
    Rejected,
    Unavailable,
)
from nanobanana_cli.images import formats
from nanobanana_cli.types import Endpoint

# What services round stays within that; the next ratio is further away.
_RATIO_TOLERANCE = 0.05
# The area of the next smaller and larger size is a quarter and four times as large.
_LEAST_AREA, _MOST_AREA = 0.5, 2.0
_PRICE_TOLERANCE = 0.25
_NO_CHANNEL = ("model_not_found", "no available channel", "无可用渠道")

_RATE_LIMIT = re.compile("rate-?limit", re.IGNORECASE)


class Unjudged(Exception):
    """The answer says nothing about the fact."""


def _unless(holds: object, answer: Reply, more: str = "") -> str:
    return "" if holds else _answered(answer, more)


def _answered(answer: Reply, more: str = "") -> str:
    return ", ".join(each for each in (answer.brief(), more) if each)


# Errors.


def no_key(answer: Reply) -> str:
    """The key was missing, or not where it belongs."""
    return _unless(answer.status in (401, 403) and answer.is_error, answer)


def wrong_key(answer: Reply) -> str:
    """The key was wrong."""
    named = b"API_KEY_INVALID" in answer.body or b"API key not valid" in answer.body
    is_right = answer.status in (401, 403) or (answer.status == 400 and named)
    return _unless(is_right and answer.is_error, answer)


def unknown_model(answer: Reply) -> str:
    """The model does not exist."""
    words = answer.body.decode("utf-8", "replace")
    has_no_channel = answer.status == 503 and any(each in words for each in _NO_CHANNEL)
    return _unless((answer.status == 404 or has_no_channel) and answer.is_error, answer)


def error_shape(answer: Reply) -> str:
    """The body of an error."""
    if answer.status < 400:
        raise Unjudged("no error came")
    return _unless(answer.is_error and "code" in answer.error, answer)


def rejected(answer: Reply) -> str:
    """A value was wrong."""
    return _unless(answer.status == 400 and answer.is_error, answer)


def nb_error(answer: Reply) -> NbError:
    """Return what `nb` takes an answer other than 200 for."""
    endpoint = Endpoint(answer.subject.provider, answer.subject.base_url, answer.subject.key)
    return status_errors.from_status(
        answer.status,
        answer.headers,
        answer.body,
        endpoint=endpoint,
        model=answer.question.model or answer.subject.model,
    )


def _nb_reads(kind: type[NbError], usual: Callable[[Reply], str]) -> Callable[[Reply], str]:
    def judge(answer: Reply) -> str:
        if usual(answer):
            raise Unjudged(f"another error came: {answer.brief()}")
        found = nb_error(answer)
        is_right = isinstance(found, kind) and found.charged is Charged.NO
        return _unless(is_right, answer, f"{type(found).__name__}: {found.message}")

    return judge


nb_reads_key_error = _nb_reads(KeyRejected, wrong_key)
nb_reads_unknown_model = _nb_reads(Rejected, unknown_model)
nb_reads_rejected = _nb_reads(Rejected, rejected)


# Lists of models.


def _names(answer: Reply) -> list[str]:
    listed = answer.object.get("models")
    found = listed if isinstance(listed, list) else []
    return [str(each.get("name")) for each in found if isinstance(each, dict)]


def models_names(answer: Reply) -> str:
    """The list of all models."""
    names = _names(answer)
    is_right = bool(names) and all(name.startswith("models/") for name in names)
    return _unless(answer.status == 200 and is_right, answer, f"names: {names[:3]}")


def models_listed(answer: Reply) -> str:
    """The list of all models, of which one is asked."""
    names = [name.removeprefix("models/") for name in _names(answer)]
    if not names:
        raise Unjudged(f"no list came: {answer.brief()}")
    return "" if answer.subject.model in names else f"{answer.subject.model} is not in the list"


def models_page(answer: Reply) -> str:
    """The first page of one model."""
    token = answer.object.get("nextPageToken")
    is_right = len(_names(answer)) == 1 and isinstance(token, str) and bool(token)
    return _unless(is_right, answer, f"{len(_names(answer))} models, nextPageToken {token!r}")


def models_next_page(answer: Reply) -> str:
    """The second page of one model."""
    return _unless(len(_names(answer)) == 1, answer, f"{len(_names(answer))} models")


# Images and texts.


def has_image(answer: Reply) -> str:
    """An image came, perhaps with a text."""
    return _unless(answer.status == 200 and bool(answer.images), answer)


def image_alone(answer: Reply) -> str:
    """An image came without a text."""
    return has_image(answer) or _unless(not answer.text.strip(), answer)


def text_and_image(answer: Reply) -> str:
    """Both came."""
    return has_image(answer) or _unless(bool(answer.text.strip()), answer)


def text_alone(answer: Reply) -> str:
    """A text came without an image."""
    is_right = bool(answer.text.strip()) and not answer.images
    return _unless(answer.status == 200 and is_right, answer)


def _image_of(answer: Reply) -> bytes:
    if answer.status != 200 or not answer.images:
        raise Unjudged(f"no image came: {answer.brief()}")
    return answer.images[-1]


def whole_image(answer: Reply) -> str:
    """The bytes of an image."""
    try:
        found = formats.verify(_image_of(answer))
    except formats.DamagedImage as error:
        return _answered(answer, str(error))
    return _unless(found.format in ("png", "jpeg", "webp"), answer, found.format)


def finish_reason(answer: Reply) -> str:
    """How an image ended."""
    _image_of(answer)
    return _unless(answer.candidate.get("finishReason") == "STOP", answer)


def usage(answer: Reply) -> str:
    """The tokens of an image."""
    _image_of(answer)
    found = answer.object.get("usageMetadata")
    counts = found if isinstance(found, dict) else {}
    names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
    prompt, output, total = (_count(counts.get(name)) for name in names)
    is_right = prompt and output and total >= prompt + output
    return "" if is_right else f"usageMetadata {counts}"


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def usage_price(answer: Reply) -> str:
    """The tokens of an image, at the price of tokens."""
    model = MODELS.get(answer.subject.model)
    listed = model.prices.get("google", {}).get(DEFAULT_SIZE) if model else None
    if usage(answer) or model is None or model.tokens is None or listed is None:
        raise Unjudged("no tokens came, or their price is unknown")
    tokens = answer.object["usageMetadata"]["candidatesTokenCount"]
    price = tokens * model.tokens.image / 1_000_000
    is_near = abs(price / listed - 1) <= _PRICE_TOLERANCE
    return "" if is_near else f"{tokens} tokens: ${price / 1e6:.4f}, not ${listed / 1e6:.4f}"


def version_and_id(answer: Reply) -> str:
    """The names in a reply."""
    _image_of(answer)
    found = {name: answer.object.get(name) for name in ("modelVersion", "responseId")}
    return "" if all(isinstance(each, str) and each for each in found.values()) else f"{found}"


def rate_limit_headers(answer: Reply) -> str:
    """The headers of a reply with an image, which names them as it likes."""
    _image_of(answer)
    names = sorted(answer.headers)
    return "" if any(_RATE_LIMIT.search(name) for name in names) else f"headers: {names}"


def shape(answer: Reply) -> str:
    """The pixels of an image."""
    _image_of(answer)
    aspect = answer.question.aspect or "1:1"
    size = answer.question.size_at(answer.subject) or _only_size(answer)
    return _pixels_differ(answer, *pixels(aspect, size))


def _only_size(answer: Reply) -> str:
    size = answer.question.size
    return DEFAULT_SIZE if size in (None, SMALLEST) else str(size)


def image_of_shape(answer: Reply) -> str:
    """An image came, of the right pixels."""
    return has_image(answer) or shape(answer)


def reference_ratio(answer: Reply) -> str:
    """The shape of an image that follows an input image."""
    _image_of(answer)
    return _pixels_differ(answer, *pixels("3:2", answer.question.size or DEFAULT_SIZE))


def _pixels_differ(answer: Reply, width: int, height: int) -> str:
    if answer.pixels is None:
        return _answered(answer)
    found_width, found_height = answer.pixels
    ratio = math.log(found_width / found_height * height / width)
    area = found_width * found_height / (width * height)
    is_near = abs(ratio) <= _RATIO_TOLERANCE and _LEAST_AREA < area < _MOST_AREA
    return _unless(is_near, answer, f"not about {width} × {height}")


def refused(answer: Reply) -> str:
    """No image came, for a reason."""
    if answer.images:
        raise Unjudged(f"an image came all the same: {answer.brief()}")
    feedback = answer.object.get("promptFeedback")
    has_reason = bool(
        answer.candidate.get("finishReason")
        or (feedback.get("blockReason") if isinstance(feedback, dict) else None)
        or answer.text
    )
    return _unless(answer.status == 200 and has_reason, answer)


def nb_reads_refused(answer: Reply) -> str:
    """What `nb` makes of a reply without an image."""
    if refused(answer):
        raise Unjudged(f"another answer came: {answer.brief()}")
    try:
        nb_reply.read(answer.body, ("IMAGE",))
    except NoImage:
        return ""
    except NbError as error:
        return _answered(answer, f"{type(error).__name__}: {error.message}")
    return _answered(answer, "nb found an image")


def _nb_reading(answer: Reply, *want: Any) -> Any:
    _image_of(answer)
    return nb_reply.read(answer.body, want)


def nb_reads_image(answer: Reply) -> str:
    """What `nb` finds in a reply with an image."""
    found = _nb_reading(answer, "IMAGE")
    counts = answer.object.get("usageMetadata") or {}
    total = found.usage.total_tokens if found.usage else None
    same = {
        "image": bytes(found.image or b"") == answer.images[-1],
        "images": found.images == len(answer.images),
        "usage": total == counts.get("totalTokenCount"),
        "version": found.model_version == answer.object.get("modelVersion"),
        "id": found.response_id == answer.object.get("responseId"),
    }
    other = [name for name, is_same in same.items() if not is_same]
    return _unless(not other, answer, f"nb reads another {', '.join(other)}")


def nb_reads_text(answer: Reply) -> str:
    """What `nb` finds in a reply with an image and a text."""
    found = _nb_reading(answer, "TEXT", "IMAGE")
    is_same = bytes(found.image or b"") == answer.images[-1]
    return _unless(is_same and found.text == answer.text.strip(), answer, "nb reads another")


def is_no_answer(answer: Reply) -> bool:
    """Return whether the service was out of order, or the account may not ask."""
    if answer.status < 300:
        return False
    found = nb_error(answer)
    if isinstance(found, KeyRejected):
        return answer.question.key == "right"
    return isinstance(found, Unavailable) or found.code in (
        ExitCode.BUDGET,
        ExitCode.OUTCOME_UNKNOWN,
    )
