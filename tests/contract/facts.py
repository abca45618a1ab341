"""What is held to be true of a service, as data: each fact with its id, and how it is judged.

The ids are stable: documentation, commits and reports name facts by them. A judge returns "" where
the fact holds, and else what was answered instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contract import judges
from contract import questions as q
from contract.answers import Reply
from contract.questions import Question, Subject

from nanobanana_cli.catalog import MODELS

EVERYWHERE = ("wisgate", "google", "sandbox")
# WisGate documents no list of its models.
LISTED = ("google", "sandbox")
# Only WisGate documents headers about its rate limit, and does not say how they are named.
LIMITED = ("wisgate",)


@dataclass(frozen=True)
class Fact:
    """One thing that is held to be true of a service.

    Args:
        id: names it.
        statement: what is true.
        question: what is asked to find out.
        judge: returns "" or what was answered instead; raises Unjudged where the answer says
            nothing about it.
        at: the providers of which it is held to be true.
        is_extra: asked only where calls are free, or with --every.
    """

    id: str
    statement: str
    question: Question
    judge: Callable[[Reply], str]
    at: tuple[str, ...] = EVERYWHERE
    is_extra: bool = False

    def is_about(self, subject: Subject) -> bool:
        """Return whether it is held to be true of a service and its model."""
        question, known = self.question, MODELS.get(subject.model)
        if known and not {"search", "search types"}.isdisjoint(question.options):
            needed = ("web", "image") if "search types" in question.options else known.search[:1]
            if not known.search or not {*needed} <= {*known.search}:
                return False
        has_shape = (
            question.size in (None, q.SMALLEST, *subject.sizes)
            and question.aspect in (None, *subject.aspects)
        )  # fmt: skip
        return subject.provider in self.at and (has_shape or question.is_refused)


# Free.
_KEYS = (
    Fact("key-missing", "without a key: 401 or 403, a JSON error", q.KEY_MISSING, judges.no_key),
    Fact(
        "key-wrong",
        "a wrong key: 400 that says API_KEY_INVALID, 401 or 403, a JSON error",
        q.KEY_WRONG,
        judges.wrong_key,
    ),
    Fact(
        "key-bearer",
        "the key as Authorization: Bearer alone: 401 or 403, a JSON error",
        q.KEY_BEARER,
        judges.no_key,
    ),
    Fact(
        "nb-reads-key-error",
        "nb takes the answer to a wrong key for one: status 4, not charged",
        q.KEY_WRONG,
        judges.nb_reads_key_error,
    ),
)
_LISTS = (
    Fact(
        "model-unknown",
        "an unknown model: 404, or a gateway's 503 without a channel for it",
        q.MODEL_UNKNOWN,
        judges.unknown_model,
    ),
    Fact(
        "error-shape",
        'an error is {"error": {"message": …, "code": …}}, perhaps as the one element of a list',
        q.MODEL_UNKNOWN,
        judges.error_shape,
    ),
    Fact(
        "nb-reads-unknown-model",
        "nb takes an unknown model for what the service rejects for good: status 7, not charged",
        q.MODEL_UNKNOWN,
        judges.nb_reads_unknown_model,
    ),
    Fact(
        "models-names",
        "GET /v1beta/models lists models whose names begin with models/",
        q.MODELS_LIST,
        judges.models_names,
        LISTED,
    ),
    Fact(
        "models-listed",
        "the list of models has the one that is asked",
        q.MODELS_LIST,
        judges.models_listed,
        LISTED,
    ),
    Fact(
        "models-page",
        "a list cut by pageSize=1 has one model and a nextPageToken",
        q.MODELS_PAGE,
        judges.models_page,
        LISTED,
    ),
    Fact(
        "models-next-page",
        "pageToken gives the models after those of the page before",
        q.MODELS_NEXT,
        judges.models_next_page,
        LISTED,
    ),
)
_REJECTED = (
    Fact("ratio-unknown", "the ratio 7:3: 400", q.RATIO_UNKNOWN, judges.rejected),
    Fact("size-unknown", "the size 3K: 400", q.SIZE_UNKNOWN, judges.rejected),
    Fact(
        "size-spelling",
        "the smallest size spelt 0.5K: 400, since it is spelt 512",
        q.SIZE_IN_POINTS,
        judges.rejected,
        ("google",),
    ),
    Fact(
        "field-unknown",
        "imageConfig with another field than aspectRatio and imageSize: 400",
        q.FIELD_UNKNOWN,
        judges.rejected,
    ),
    Fact("candidates", "candidateCount 2: 400", q.CANDIDATES, judges.rejected),
    Fact("image-broken", "bytes of no image as image/png: 400", q.IMAGE_BROKEN, judges.rejected),
    Fact("heif-broken", "bytes of no image as image/heic: 400", q.HEIF_BROKEN, judges.rejected),
    Fact("type-unknown", "an input image as image/gif: 400", q.TYPE_UNKNOWN, judges.rejected),
    Fact(
        "too-many-references",
        "one input image more than the model takes: 400",
        q.TOO_MANY_REFERENCES,
        judges.rejected,
    ),
    Fact("body-cut", "a body that is cut off: 400", q.BODY_CUT, judges.rejected),
    Fact(
        "ratio-of-others",
        "a ratio that only other models take (8:1 with Lite): 400",
        q.RATIO_OF_OTHERS,
        judges.rejected,
        LISTED,
    ),
    Fact(
        "nb-reads-rejected",
        "nb takes an unknown ratio for what the service rejects for good: status 7, not charged",
        q.RATIO_UNKNOWN,
        judges.nb_reads_rejected,
    ),
)
# Paid.
_IMAGES = (
    Fact(
        "image",
        'responseModalities ["IMAGE"]: 200, an image in inlineData, no text',
        q.IMAGE,
        judges.image_alone,
    ),
    Fact(
        "image-whole",
        "an image is a whole PNG, JPEG or WebP by its bytes, whatever mimeType says",
        q.IMAGE,
        judges.whole_image,
    ),
    Fact("finish-reason", "a finished image: finishReason STOP", q.IMAGE, judges.finish_reason),
    Fact(
        "usage",
        "usageMetadata counts the tokens of prompt, candidates and total; the total is no less "
        "than both together",
        q.IMAGE,
        judges.usage,
    ),
    Fact(
        "usage-price",
        "the tokens of a 1K image, at their price, come to the price of one within a quarter",
        q.IMAGE,
        judges.usage_price,
        LISTED,
    ),
    Fact(
        "version-and-id",
        "a reply names its modelVersion and its responseId",
        q.IMAGE,
        judges.version_and_id,
    ),
    Fact(
        "nb-reads-image",
        "nb finds the same image, usage, version and id in the reply",
        q.IMAGE,
        judges.nb_reads_image,
    ),
    Fact(
        "rate-limit-headers",
        "a reply has a header whose name speaks of the rate limit",
        q.IMAGE,
        judges.rate_limit_headers,
        LIMITED,
    ),
    Fact("shape-1:1-1K", "1:1 at 1K: about 1024 × 1024 pixels", q.IMAGE, judges.shape),
)
_TEXTS = (
    Fact(
        "text-and-image",
        'responseModalities ["TEXT", "IMAGE"]: 200, a text and an image, in any order',
        q.TEXT_AND_IMAGE,
        judges.text_and_image,
    ),
    Fact(
        "nb-reads-text",
        "nb finds the same text and image in a reply that has both",
        q.TEXT_AND_IMAGE,
        judges.nb_reads_text,
    ),
    Fact("shape-16:9-2K", "16:9 at 2K: about 2752 × 1536 pixels", q.TEXT_AND_IMAGE, judges.shape),
    Fact(
        "modalities-left-out",
        "without responseModalities: 200, text alone",
        q.MODALITIES_LEFT_OUT,
        judges.text_alone,
    ),
    Fact(
        "describe",
        'responseModalities ["TEXT"] with an input image before the text: 200, text alone',
        q.DESCRIBE,
        judges.text_alone,
    ),
)
_EDITS = (
    Fact("reference", "an input image and a prompt: 200, an image", q.REFERENCE, judges.has_image),
    Fact(
        "reference-ratio",
        "without aspectRatio, the image has the ratio of the input image (3:2)",
        q.REFERENCE,
        judges.reference_ratio,
    ),
    Fact(
        "refused",
        "a call that ends without an image (maxOutputTokens 1): 200 with a finishReason, a "
        "blockReason or a text",
        q.REFUSED,
        judges.refused,
    ),
    Fact(
        "nb-reads-refused",
        "nb takes such a reply for one without an image: status 9",
        q.REFUSED,
        judges.nb_reads_refused,
    ),
    Fact(
        "turns",
        "the parts of a reply, sent back as the model's turn, and a further prompt: 200, an image",
        q.TURNS,
        judges.has_image,
    ),
    Fact(
        "signature-missing",
        "a turn of the model without the thoughtSignature of its image: 400",
        q.SIGNATURE_MISSING,
        judges.rejected,
    ),
    Fact(
        "signature-altered",
        "a turn of the model with another thoughtSignature: 400",
        q.SIGNATURE_ALTERED,
        judges.rejected,
    ),
    Fact("shape-smallest", "3:4 at the smallest size of the model", q.TURNS, judges.shape),
    Fact(
        "options",
        "seed, thinkingLevel, systemInstruction and safetySettings are taken: 200, an image",
        q.OPTIONS,
        judges.has_image,
    ),
    Fact("shape-21:9-1K", "21:9 at 1K: about 1584 × 672 pixels", q.OPTIONS, judges.shape),
)
_EXTRA = (
    *(
        Fact(
            each.name,
            f"{each.aspect} at {each.size}: 200, an image of that shape",
            each,
            judges.image_of_shape,
            is_extra=True,
        )
        for each in q.SHAPES
    ),
    Fact(
        "most-references",
        "as many input images as the model takes: 200, an image",
        q.MOST_REFERENCES,
        judges.has_image,
        is_extra=True,
    ),
    Fact("search", "grounding in search: 200, an image", q.SEARCH, judges.has_image, is_extra=True),
    Fact(
        "search-types",
        "searchTypes with webSearch and imageSearch is taken: 200, an image",
        q.SEARCH_TYPES,
        judges.has_image,
        LISTED,
        is_extra=True,
    ),
    Fact(
        "temperature",
        "temperature, though deprecated, is taken: 200, an image",
        q.TEMPERATURE,
        judges.has_image,
        is_extra=True,
    ),
    Fact(
        "one-size",
        "a model of one size (Lite), without imageSize: 200, an image of 1K",
        q.ONE_SIZE,
        judges.image_of_shape,
        LISTED,
        is_extra=True,
    ),
    Fact(
        "input-types",
        "input images as image/jpeg and image/webp: 200, an image",
        q.INPUT_TYPES,
        judges.has_image,
        is_extra=True,
    ),
    Fact(
        "input-heif",
        "input images as image/heic and image/heif: 200, an image",
        q.INPUT_HEIF,
        judges.has_image,
        is_extra=True,
    ),
)
FACTS = (*_KEYS, *_LISTS, *_REJECTED, *_IMAGES, *_TEXTS, *_EDITS, *_EXTRA)


def about(subject: Subject, *, every: bool) -> Iterator[Fact]:
    """Yield the facts that hold for a service.

    Args:
        subject: the service.
        every: also those that need a call of their own for each ratio and size.
    """
    for fact in FACTS:
        if fact.is_about(subject) and (every or not fact.is_extra):
            yield fact
