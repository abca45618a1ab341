"""Take a model's answer apart: the text, what is around it, and what is no text at all."""

from __future__ import annotations

import html
import json
import re
import tomllib
from importlib.resources import files as resources
from typing import Any

from nanobanana_cli.ui.escape import strip_unsafe

_PHRASES: dict[str, list[str]] = tomllib.loads(
    resources("nanobanana_cli.captions").joinpath("phrases.toml").read_text(encoding="utf-8")
)


def phrases(name: str) -> str:
    """Return the pattern of any phrase of a table in phrases.toml."""
    return f"(?:{'|'.join(_PHRASES[name])})"


# How much of a text is looked at, in characters: more than any style asks for. Some patterns take
# the square of it, and a model that repeats itself sends a hundred thousand.
MOST = 5_000
# How many layers around a text are taken off: more than any model wraps.
_MOST_LAYERS = 20
# Possessive, so that no run of them makes a search slow.
_MARKS = r"[*_#`\s]*+"
_COUNT = (
    r"[(\[\uff08]\s*(?:about |approx\.? |~ ?|约|約)?\d+ ?"
    r"(?:characters?|chars?|words?|zeichen|caractères|caracteres|caratteri|tekens|字符?|文字|자|글자|حرف\w*"
    r"|символ\w*)[^()\uff08\uff09]{0,20}[)\]\uff09]"
)
_ALT_LABEL = (
    rf"{phrases('alt_labels')}(?:[*_`\s]*[(\uff08][^()\uff08\uff09]{{0,60}}[)\uff09])?"
    r"(?:は(?:以下|次)の(?:通り|とおり)(?:です)?)?[*_`\s]*[:\uff1a]"
)
_OTHER_LABEL = rf"{phrases('other_labels')}[*_`\s]*[:\uff1a]"
_LABEL = re.compile(
    rf"{_MARKS}(?:{_ALT_LABEL}|{_OTHER_LABEL})(?:[*_`]+(?=\s|$))?\s*", re.IGNORECASE
)
_AGREEMENT = rf"[¡]?{phrases('agreements')}"
# Up to 100 characters and a colon that speak of the text: "Here is a short alt text for it:".
_LEAD_IN = (
    rf"{phrases('leads')}[^:\uff1a\n]{{0,80}}?(?:\b(?:alt|text|description|caption|title|tags)|text"
    r"|beschreibung|descri|textos?|tekst|metin|描述|文本|文字|説明|テキスト|텍스트|설명|النص|وصف|описани|текст)"
    r"[^:\uff1a\n]{0,60}[:\uff1a]"
)
_PREAMBLE = re.compile(
    rf"{_MARKS}(?:{_AGREEMENT}\s*[!\uff01]+|{_LEAD_IN}"
    rf"|{phrases('leads')}\s?[:\uff1a]"
    rf"|{_AGREEMENT}\s*[,\uff0c\u3001.\u3002\u2013\u2014-]?\s*(?={_LEAD_IN}|{_ALT_LABEL}))[*_`]*\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"(?<=[.!?\u3002\uff01\uff1f\"'\u201d\u00bb\u300d)*`])(?<!\*\*)[-*_(\s]*+{phrases('closings')}[^\"\u201d]*$",
    re.IGNORECASE,
)
# A label, or a few words that speak of the text, on a line of their own.
_FIRST_LINE = re.compile(
    rf"(?<![*_#`\s]){_MARKS}(?:{_AGREEMENT}[^\w\n]+)?"
    rf"(?:{phrases('leads')}[^\n]{{0,100}}[:\uff1a]|{phrases('alt_labels')})[*_ ]*\n\s*(?=\S)",
    re.IGNORECASE,
)
# But not "> 5 km".
_BLOCK_QUOTE = re.compile(r"^>\s?(?=[^\W\d]|[\"\u201c\u201e])", re.MULTILINE)
_BULLET = re.compile(r"\s*(?:[-*\u2022] |[1-9][.)] |[A-C]\) )\s*")
_KIND = re.compile(rf"{_MARKS}{phrases('kinds_of_texts')}[*_ ]*[:,\uff1a]", re.IGNORECASE)
_ALTERNATIVE = re.compile(r"(?:or|alternative|alternatively|oder|ou|oppure)[:,]", re.IGNORECASE)
_COUNTED = re.compile(rf"\s*{_COUNT}\s*$", re.IGNORECASE)
_THINKING = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|$)|^.*</(?:think|thinking|thought|reasoning)>",
    re.IGNORECASE | re.DOTALL,
)
_WRAPPED = re.compile(r"(\*\*|__|[*_])(?!\s)([^*_]+)(?<!\s)\1")
_FENCE = re.compile(r"(?:```|~~~)(?:\w+(?=\s))?\s*(.*?)\s*(?:```|~~~)", re.DOTALL)
_ELEMENT = re.compile(r"<(\w+)>([^<>]*)</\1>", re.IGNORECASE)
_IMAGE_TAG = re.compile(
    r"<img\s[^>]*?\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^>]*>|alt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')",
    re.IGNORECASE,
)
_MARKDOWN_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*\)")
_JSON_FIELD = re.compile(r'"[\w -]+"\s*:\s*"')
_JSON_FIELDS = (
    *("alt", "alttext", "alternativetext", "text", "description", "caption", "title", "tags"),
    "result",
)
_JSON_ERRORS = {"error", "message", "reason", "refusal", "status"}
_DATA = re.compile(r"\{.*\}|\[[^\[{\"]*[\[{\"].*\]", re.DOTALL)

_NOTHING = re.compile(r"(?:null|none|nil|n/?a|undefined)?[-_.,:;!?*\"'(){}\[\]\s]*", re.IGNORECASE)
_REFUSAL = re.compile(rf"{_MARKS}{phrases('refusals')}", re.IGNORECASE)
_ONE = (
    r"\s*#?\s*(?:1|one|a|i|eins|一)\s*(?:\([^()]{1,40}\)\s*)?[*_]*\s*[:.)\uff1a\u3001\u2013\u2014-]"
)
_SEVERAL = (
    rf"(?:{_AGREEMENT}[!\uff01,\uff0c.\u3001\s]*)?{phrases('leads')}[^:\uff1a]{{0,40}}?"
    rf"{phrases('several')}\b"
)
_OPTIONS = re.compile(
    rf"{_MARKS}(?:{phrases('options')}{_ONE}"
    rf"|{_SEVERAL}"
    r"|1[.)]\s.+\s2[.)]\s|\[\s*[\"{])",
    re.IGNORECASE,
)
_DECORATIVE = re.compile(phrases("decorative"), re.IGNORECASE)
_THOUGHT = re.compile(phrases("thoughts"), re.IGNORECASE)
# Opening and closing, in the main languages.
_QUOTES = (
    ('"', '"'),
    ("'", "'"),
    ("`", "`"),
    ("\u201c", "\u201d"),
    ("\u201e", "\u201c"),
    ("\u201e", "\u201d"),
    ("\u201d", "\u201d"),
    ("\u2018", "\u2019"),
    ("\u201a", "\u2018"),
    ("\u00ab", "\u00bb"),
    ("\u00bb", "\u00ab"),
    ("\u2039", "\u203a"),
    ("\u300c", "\u300d"),
)


def clean(text: str) -> str:
    """Return a model's answer without what models put around a text.

    That is: thoughts in tags, greetings, labels, code fences, JSON, an `img` element, outer quotes,
    offers at the end, and unsafe characters. Of an answer that is too long to be a text for an
    image, only the thoughts and the unsafe characters are left out.
    """
    text = _THINKING.sub("", text)
    if len(text) > MOST:
        return strip_unsafe(text)
    text = strip_unsafe(_BLOCK_QUOTE.sub("", _FIRST_LINE.sub("", text, count=1)))
    for _ in range(_MOST_LAYERS):
        before = text
        for pattern in (_LABEL, _PREAMBLE):
            if found := pattern.match(text):
                text = text[found.end() :]
        text = _BLOCK_QUOTE.sub("", text)
        text = _COUNTED.sub("", _CLOSING.sub("", text))
        text = strip_unsafe(_THINKING.sub("", _without_quotes(_unwrapped(text))))
        if text == before:
            break
    return text


def refusal(reply: str) -> str | None:
    """Return why a model's answer holds no text for an image; None if it does."""
    answer = clean(reply)
    if _NOTHING.fullmatch(answer):
        return "the model sent no text"
    if _REFUSAL.match(_plain(answer)):
        return "the model refused"
    if _OPTIONS.match(_plain(answer)) or _are_several(reply):
        return "the model offers several texts instead of one"
    if _DATA.fullmatch(answer):
        return "the model sent data without a text"
    return None


def tags(reply: str) -> str:
    """Return a model's answer with the items of a list on one line, between commas."""
    lines = _lines(reply)
    items = [_BULLET.sub("", line, count=1).strip() for line in lines if _BULLET.match(line)]
    return ", ".join(items) if len(items) > 1 else reply


def _are_several(reply: str) -> bool:
    """Return whether the lines of an answer are several texts, or another follows the first.

    A list after a sentence may be the data of a chart.
    """
    lines = _lines(reply)
    is_list = len(lines) > 1 and all(map(_BULLET.match, lines))
    is_labelled = sum(_KIND.match(line) is not None for line in lines) > 1
    is_announced = re.match(_MARKS + _SEVERAL, _plain(reply), re.IGNORECASE) is not None
    return is_list or is_labelled or is_announced or any(map(_ALTERNATIVE.match, lines[1:]))


def _lines(reply: str) -> list[str]:
    """Return the lines of an answer that say something, but for one that announces the text."""
    text = _FIRST_LINE.sub("", _THINKING.sub("", reply), count=1)
    return [line for line in text.splitlines() if re.search(r"\w", line)]


def is_decorative(answer: str) -> bool:
    """Return whether a model's answer says that the image needs no text."""
    return _DECORATIVE.fullmatch(clean(answer).strip(" .*\"'\u3002")) is not None


def chatter(text: str) -> str | None:
    """Return what in a text is a model's talk rather than a text for an image, if anything is."""
    plain = _plain(text)
    if _REFUSAL.match(plain):
        return "it is a model's refusal"
    if _OPTIONS.match(plain):
        return "it offers several texts"
    is_framed = _PREAMBLE.match(plain) or re.match(_MARKS + _ALT_LABEL, plain, re.IGNORECASE)
    if is_framed or _CLOSING.search(plain) or _COUNTED.search(plain) or _THOUGHT.match(plain):
        return "it contains what a model says around a text"
    return None


def _plain(text: str) -> str:
    return text.replace("\u2019", "'")


def _unwrapped(text: str) -> str:
    """Return what is inside the only code fence, a JSON value, or an image's markup."""
    fences = _FENCE.findall(text)
    if len(fences) == 1:
        text = fences[0]
    if _JSON_FIELD.match(text):
        text = f"{{{text}}}"
    text = re.sub(r"^json\s*(?=[{\[])", "", text)
    if text[:1] in ("{", "["):
        return _from_json(text)
    if found := _ELEMENT.fullmatch(text):
        return html.unescape(found[2].strip())
    if found := _IMAGE_TAG.fullmatch(text):
        return html.unescape(next(group for group in found.groups() if group is not None))
    images = _IMAGE_TAG.findall(text) if text[:1] == "<" else []
    if len(images) == 1:
        return html.unescape("".join(images[0]))
    found = _MARKDOWN_IMAGE.fullmatch(text)
    return found[1] if found else text


def _from_json(text: str) -> str:
    """Return the one text in a JSON value, or the JSON if there is none or more than one."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        # `{"image": {"alt": …}}`
        value = next((each for each in value.values() if isinstance(each, dict)), value)
        named = {re.sub(r"[\W_]", "", str(name)).lower(): each for name, each in value.items()}
        fields = [named[name] for name in _JSON_FIELDS if name in named]
        is_single = len(value) == 1 and not named.keys() & _JSON_ERRORS
        value = fields[0] if fields else next(iter(value.values())) if is_single else None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        # Tags come as a list; sentences would be several texts.
        return ", ".join(value) if all(len(each) <= 40 for each in value) else text
    return value if isinstance(value, str) else text


def _without_quotes(text: str) -> str:
    if found := _WRAPPED.fullmatch(text):
        return found[2]
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        whole = len(text) > 1 and text[0] == opening and text[-1] == closing
        # `"Stop" and "Go"` is not quoted as a whole.
        if whole and opening not in inner and closing not in inner:
            return inner.strip()
    return text
