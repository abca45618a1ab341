"""What the contract suite asks a service: one request each, as data.

Several facts may be judged by the answer to one question, so that a fact costs no call of its own.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from nanobanana_cli import catalog
from nanobanana_cli.catalog import ASPECTS, MODELS, PROVIDERS, SIZES
from nanobanana_cli.types import Redacted

# Stands for the smallest size of the model.
SMALLEST = "smallest"
# Names of a field of a part.
SIGNATURES = ("thoughtSignature", "thought_signature")
_OTHER_SIGNATURE = base64.b64encode(b"a signature of the contract suite").decode()
NO_MODEL = "nb-contract-no-such-model"
_LITE = "gemini-3.1-flash-lite-image"
_WRONG_KEY = "sk-nb-contract-wrong-key-0123456789"


class Subject(Redacted, frozen=True):
    """The service that is asked.

    Args:
        provider: whose prices and spellings hold.
        base_url: scheme, host and path prefix.
        key: a right one.
        model: the id that is asked.
    """

    _hidden = ("key",)

    provider: str
    base_url: str
    key: str
    model: str

    @property
    def aspects(self) -> tuple[str, ...]:
        """The ratios that its model takes."""
        known = MODELS.get(self.model)
        return known.aspects if known else ASPECTS

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes that its model takes."""
        return catalog.sizes(self.model, self.provider) or SIZES

    @property
    def most_references(self) -> int:
        """How many input images its model takes."""
        known = MODELS.get(self.model)
        return known.max_references if known else 14


def is_signed(part: Mapping[str, Any]) -> bool:
    """Return whether a part of a reply has a thought signature."""
    return any(part.get(name) for name in SIGNATURES)


@dataclass(frozen=True)
class Question:
    """One HTTP request.

    Args:
        name: names it in cases and messages.
        prompt: the text part.
        modalities: None leaves them out.
        aspect, size: of the image; None leaves them out. A size is left out, too, where the model
            has one alone.
        references: input images, as MIME type and bytes, in front of the text.
        config: further fields of `generationConfig`.
        more: further fields of the request.
        options: `search`, `search types`, `thinking`, `most references`, `too many references`,
            spelt and counted as the subject has them.
        key: what goes along as the key.
        model: another model than the subject's.
        is_refused: the service must refuse it, so that it is free.
        path: of a GET; `{nextPageToken}` stands for that of the answer to `after`.
        after: the question whose answer comes before it: the model's turn of a conversation.
        cut: of the body, keep only so much.
        signature: what becomes of the thought signatures in the model's turn.
    """

    name: str
    prompt: str = "a red fox"
    modalities: tuple[str, ...] | None = ("IMAGE",)
    aspect: str | None = "1:1"
    size: str | None = "1K"
    references: tuple[tuple[str, bytes], ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    image_config: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    key: Literal["right", "wrong", "none", "bearer"] = "right"
    model: str | None = None
    is_refused: bool = False
    path: str = ""
    after: Question | None = None
    cut: int | None = None
    options: tuple[str, ...] = ()
    signature: Literal["kept", "missing", "altered"] = "kept"

    @property
    def costs_nothing(self) -> bool:
        """Return whether no service could charge for it."""
        return bool(self.path) or self.key != "right" or self.model == NO_MODEL

    def size_at(self, subject: Subject) -> str | None:
        """Return the size as the catalog names it; None where it goes unsaid."""
        sizes = subject.sizes
        if self.size is None or (len(sizes) == 1 and self.size in (*sizes, SMALLEST)):
            return None
        return sizes[0] if self.size == SMALLEST else self.size

    def target(self, subject: Subject, before: Mapping[str, Any]) -> str:
        """Return the path and the query."""
        if self.path:
            return self.path.replace("{nextPageToken}", str(before.get("nextPageToken", "")))
        return f"/v1beta/models/{self.model or subject.model}:generateContent"

    def headers(self, subject: Subject) -> dict[str, str]:
        """Return the headers."""
        given = {
            "right": {"x-goog-api-key": subject.key},
            "wrong": {"x-goog-api-key": _WRONG_KEY},
            "bearer": {"Authorization": f"Bearer {subject.key}"},
            "none": {},
        }[self.key]
        return {"Content-Type": "application/json", **given}

    def body(self, subject: Subject, before: Mapping[str, Any]) -> bytes | None:
        """Return the body: JSON, or None for a GET."""
        if self.path:
            return None
        images = [
            {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}
            for kind, data in self.all_references(subject)
        ]
        turns: list[Any] = [{"role": "user", "parts": [*images, {"text": self.prompt}]}]
        if self.after:
            first = {"role": "user", "parts": [{"text": self.after.prompt}]}
            turns = [first, {"role": "model", "parts": self._turn(before)}, *turns]
        body = {"contents": turns, "generationConfig": self._config(subject), **self.more}
        if "search" in self.options:
            kinds: dict[str, Any] = {"webSearch": {}, "imageSearch": {}}
            asked = {"searchTypes": kinds} if "search types" in self.options else {}
            body["tools"] = [{PROVIDERS[subject.provider].search_tool: asked}]
        return json.dumps(body).encode()[: self.cut]

    def _turn(self, before: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the parts of the model's turn."""
        parts: list[dict[str, Any]] = before["candidates"][0]["content"]["parts"]
        if self.signature == "kept":
            return parts
        changed = {"missing": {}, "altered": {"thoughtSignature": _OTHER_SIGNATURE}}[self.signature]
        return [
            {name: value for name, value in part.items() if name not in SIGNATURES}
            | (changed if is_signed(part) else {})
            for part in parts
        ]

    def all_references(self, subject: Subject) -> tuple[tuple[str, bytes], ...]:
        if "most references" in self.options:
            return self.references * subject.most_references
        if "too many references" in self.options:
            return self.references * (subject.most_references + 1)
        return self.references

    def _config(self, subject: Subject) -> dict[str, Any]:
        config = dict(self.config)
        if self.modalities is not None:
            config["responseModalities"] = list(self.modalities)
        size = self.size_at(subject)
        spelt = PROVIDERS[subject.provider].size_names.get(size or "", size)
        image = {"aspectRatio": self.aspect, "imageSize": spelt, **self.image_config}
        image = {name: value for name, value in image.items() if value is not None}
        if image and self.modalities and "IMAGE" in self.modalities:
            config["imageConfig"] = image
        known = MODELS.get(subject.model)
        if "thinking" in self.options and known and known.thinking:
            config["thinkingConfig"] = {"thinkingLevel": known.thinking[0]}
        return config


@cache
def _picture(image_format: str = "PNG", side: int = 256) -> bytes:
    """A picture of 3:2, in two colours."""
    image = Image.new("RGB", (side * 3, side * 2), "teal")
    image.paste("orange", (side, side // 2, side * 2, side))
    buffer = io.BytesIO()
    image.save(buffer, image_format)
    return buffer.getvalue()


_REFERENCE = ("image/png", _picture())
_SMALL = ("image/png", _picture(side=16))
# The same picture; Pillow writes no HEIC.
_HEIC = Path(__file__).with_name("picture.heic").read_bytes()

# Free: about keys, models, and values that no service takes.
KEY_MISSING = Question("key-missing", key="none", is_refused=True)
KEY_WRONG = Question("key-wrong", key="wrong", is_refused=True)
# Of no model, so that it is free even where such a key is taken.
KEY_BEARER = Question("key-bearer", key="bearer", model=NO_MODEL, is_refused=True)
MODEL_UNKNOWN = Question("model-unknown", model=NO_MODEL, is_refused=True)
MODELS_LIST = Question("models", path="/v1beta/models?pageSize=1000")
MODELS_PAGE = Question("models-page", path="/v1beta/models?pageSize=1")
MODELS_NEXT = Question(
    "models-next-page",
    path="/v1beta/models?pageSize=1&pageToken={nextPageToken}",
    after=MODELS_PAGE,
)
RATIO_UNKNOWN = Question("ratio-unknown", aspect="7:3", is_refused=True)
SIZE_UNKNOWN = Question("size-unknown", image_config={"imageSize": "3K"}, is_refused=True)
SIZE_IN_POINTS = Question("size-spelling", image_config={"imageSize": "0.5K"}, is_refused=True)
FIELD_UNKNOWN = Question("field-unknown", image_config={"numberOfImages": 1}, is_refused=True)
CANDIDATES = Question("candidates", config={"candidateCount": 2}, is_refused=True)
IMAGE_BROKEN = Question(
    "image-broken", references=(("image/png", b"not an image"),), is_refused=True
)
HEIF_BROKEN = Question(
    "heif-broken", references=(("image/heic", b"not an image"),), is_refused=True
)
TYPE_UNKNOWN = Question(
    "type-unknown", references=(("image/gif", _picture("GIF", 16)),), is_refused=True
)
TOO_MANY_REFERENCES = Question(
    "too-many-references",
    references=(_SMALL,),
    options=("too many references",),
    is_refused=True,
)
BODY_CUT = Question("body-cut", cut=-20, is_refused=True)
RATIO_OF_OTHERS = Question("ratio-of-others", model=_LITE, aspect="8:1", size=None, is_refused=True)

# Paid.
IMAGE = Question("image")
TEXT_AND_IMAGE = Question(
    "text-and-image",
    "Draw a red fox in the snow, and describe the picture in one sentence.",
    modalities=("TEXT", "IMAGE"),
    aspect="16:9",
    size="2K",
)
MODALITIES_LEFT_OUT = Question("modalities-left-out", modalities=None, aspect=None, size=None)
DESCRIBE = Question(
    "describe",
    "Describe this picture in one sentence.",
    modalities=("TEXT",),
    references=(_REFERENCE,),
)
REFERENCE = Question("reference", "Make the sky darker.", aspect=None, references=(_REFERENCE,))
REFUSED = Question("refused", config={"maxOutputTokens": 1})
TURNS = Question("turns", "Now in winter.", aspect="3:4", size=SMALLEST, after=IMAGE)
# Refused, but what they change is paid for.
SIGNATURE_MISSING, SIGNATURE_ALTERED = (
    Question(
        f"signature-{change}", "Now in winter.", after=IMAGE, signature=change, is_refused=True
    )
    for change in ("missing", "altered")
)
OPTIONS = Question(
    "options",
    aspect="21:9",
    config={"seed": 7},
    more={
        "systemInstruction": {"parts": [{"text": "Draw in pencil."}]},
        "safetySettings": [
            {"category": f"HARM_CATEGORY_{name}", "threshold": "BLOCK_ONLY_HIGH"}
            for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
        ],
    },
    options=("thinking",),
)

# Paid, and asked only with --every.
SEARCH = Question("search", "The weather in Oslo today, as a map.", options=("search",))
SEARCH_TYPES = Question(
    "search-types",
    "The bridges of Oslo, as a map.",
    size=SMALLEST,
    options=("search", "search types"),
)
TEMPERATURE = Question("temperature", size=SMALLEST, config={"temperature": 0.7})
ONE_SIZE = Question("one-size", model=_LITE, size=None)
INPUT_TYPES = Question(
    "input-types",
    references=(("image/jpeg", _picture("JPEG")), ("image/webp", _picture("WEBP"))),
    size=SMALLEST,
)
INPUT_HEIF = Question(
    "input-heif", references=(("image/heic", _HEIC), ("image/heif", _HEIC)), size=SMALLEST
)
MOST_REFERENCES = Question(
    "most-references", references=(_SMALL,), options=("most references",), size=SMALLEST
)
_ASKED = {(each.aspect, each.size) for each in (IMAGE, TEXT_AND_IMAGE, OPTIONS, TURNS)}
SHAPES = tuple(
    Question(f"shape-{aspect}-{size}", aspect=aspect, size=size)
    for aspect, size in [
        *((aspect, "1K") for aspect in ASPECTS),
        *(("1:1", size) for size in SIZES),
    ]
    if (aspect, size) not in _ASKED and aspect not in ("3:4", "16:9")
)
