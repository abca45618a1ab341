"""Find faults of an alt text that show without a look at the picture.

docs/captions.md lists the rules with their sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.entities import html5
from pathlib import PurePath
from typing import Literal

import msgspec

from nanobanana_cli.captions.clean import MOST, chatter, phrases

Level = Literal["error", "warning", "unchecked"]

_SUFFIXES = "png|jpe?g|jfif|webp|hei[cf]|gif|avif|svg|tiff?|bmp|ico|psd|pdf"
# Parts of names that files have and things have not.
_FILLERS = (
    r"final\d*|v\d+|copy|kopie|banner|hero|thumb(?:nail)?|img|image|photo|pic|picture|bild|foto|logo|icon"
    r"|bg|background|header|footer|slide|scaled|large|small|medium|cropped|edit(?:ed)?|web|neu|new|old"
    r"|draft|\d+x\d+|\d+w|@\dx|\d{3,}|[0-9a-f]{8,}"
)
_IMAGE = phrases("images")
_IDENTIFIER = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9_=-]{20,}")
_TAGS = (
    "a|b|i|u|em|strong|small|sup|sub|p|br|hr|span|div|img|figure|figcaption|picture|h[1-6]|ul|ol|li"
    "|font|center|script|style|svg|table|t[dhr]|abbr|mark|code|pre|think|thinking|alt|!--.*?--"
)
_HTML = re.compile(
    rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>|^\s*(?:alt|title|src)\s*=\s*[\"']", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][\da-fA-F]+|(\w{2,31}));")
_TEMPLATE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|<[%?]=?.*?[%?]>|[$#]\{[^{}]*\}|\{(?:[a-z]\w*(?:\.\w+)*|\d)\}|%[A-Z]+(?:_[A-Z]+)+%"
    r"|(?<!\w)%[sd](?!\w)|\[object \w+\]|^\[+[^\[\]]+\]+$"
)
# UTF-8 that was read as Latin-1 or Windows-1252, and what could not be read at all.
_ENCODING = re.compile(
    "\ufffd|[\u00c2-\u00c3][\u0080-\u00bf\u2013-\u2122]|\u00e2\u20ac|\\\\u[0-9a-f]{4}"
)
_QUOTED = re.compile(
    '"[^"]*"|\u201c[^\u201d]*\u201d|\u201e[^\u201c\u201d]*[\u201c\u201d]|\u00ab[^\u00bb]*\u00bb'
    "|\u300c[^\u300d]*\u300d"
)
_OPEN_QUOTE = re.compile(
    '(?:^|\\s)(?:"(?:\\w[^"]*)?|[\u201c\u201e][^\u201c\u201d]*|\u00ab[^\u00bb]*|\\([^)]*)$'
)
_BREAK_OFF = re.compile(
    r"[,;:\u3001\uff0c\uff1b([]$|\s[\u2013\u2014-]$|[ぁ-んァ-ヶ一-龥]{9,}[てでをにはと]$"
)
# But not "Loading…".
_ELLIPSIS = re.compile(
    r"(?!(?:loading|please|searching|saving|uploading|lade|chargement|carregando|cargando))"
    r"(?:\S+\s+){2}.*[^.](?:\.\.\.|\u2026)$",
    re.DOTALL | re.IGNORECASE,
)
_LAST_WORD = re.compile(rf"(?:\S+\s+){{3}}(?:.*\s)?{phrases('unfinished')}", re.DOTALL)
# Not the marks that Arabic and Hebrew may need.
_CONTROL = re.compile("[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_BREAK = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_MARKDOWN = re.compile(
    r"""
    \*\*\S | (?<!\w)__(?=[^_]*\s)\S[^_]*__(?!\w) | (?<!\w)[*_][^\W\d_](?:[^*_]*[^\s*_])?[*_](?!\w)
    | `[^`]+` | ``` | !?\[[^\]]*\]\([^)]*\) | ^\#{1,6}\s+(?=[^\W\d]) | ^[-*+]\s+(?=[^\W\d])
    | ^>\s+(?=[^\W\d])
    """,
    re.VERBOSE | re.MULTILINE,
)


class Problem(msgspec.Struct, frozen=True):
    """One fault.

    Args:
        kind: a stable name for scripts.
        message: what is wrong.
        level: `error`; `warning` for what only may be wrong; `unchecked` for an image whose text
            nb could not look at.
    """

    kind: str
    message: str
    level: Level = "error"


def lint(
    text: str,
    *,
    limit: int,
    is_hard_limit: bool = False,
    file_name: str | None = None,
    prompt: str | None = None,
) -> tuple[Problem, ...]:
    """Return the faults of a text; none for a good one.

    Args:
        text: as a person or a model wrote it; white space at its ends is ignored.
        limit: the most characters.
        is_hard_limit: it is an error to exceed the limit, rather than a warning.
        file_name: the image's, to report a text that only repeats it.
        prompt: the image's, to report a text that only repeats it.
    """
    text = text.strip()
    if not text:
        return (Problem("empty", "it is empty"),)
    found = [*_length(text, limit, is_hard_limit), *_standing_in(text[:MOST], file_name)]
    if found and found[-1].kind in ("placeholder", "file_name"):
        return tuple(found)
    if prompt is not None and _bare(text) == _bare(prompt):
        found.append(Problem("same_as_prompt", "it repeats the prompt"))
    head = text[:MOST]
    return (*found, *_opening(head), *_left_over(head), *_talk(head), *_cut(text[-MOST:]))


def _length(text: str, limit: int, is_hard_limit: bool) -> Iterator[Problem]:
    if len(text) > limit:
        message = f"it has {len(text)} characters, more than {limit}"
        yield Problem("too_long", message, "error" if is_hard_limit else "warning")


def _standing_in(text: str, file_name: str | None) -> Iterator[Problem]:
    """Yield what is no description at all: WCAG's failure F30."""
    plain = _plain(text)
    if not any(map(_says_something, text)) or _PLACEHOLDER.fullmatch(plain.strip(" .!?:[]()<>*_-")):
        yield Problem("placeholder", "it is a placeholder")
    elif _is_file_name(plain, file_name):
        yield Problem("file_name", "it is a file name")


def _opening(text: str) -> Iterator[Problem]:
    plain = _plain(text)
    bare = plain.rstrip(".!\u3002")
    if _NOT_OPENING.match(plain):
        return
    if found := _OPENING.match(plain):
        start = text[: found.end()].strip(" ,:\uff1a")
        yield Problem("opening", f'it starts with "{start}", which screen readers already announce')
    elif _ENDING.fullmatch(bare):
        yield Problem(
            "opening", "it says that it is an image, which screen readers already announce"
        )


def _left_over(text: str) -> Iterator[Problem]:
    """Yield markup, templates and broken characters, but not those that the text quotes."""
    rest = _QUOTED.sub('""', text) if not _HTML.match(text) else text
    rest = rest if rest.strip('" ') else text
    tests: tuple[tuple[str, str, Callable[[str], object]], ...] = (
        ("line_breaks", "it contains line breaks", lambda _: _LINE_BREAK.search(text)),
        ("control_characters", "it contains control characters", _CONTROL.search),
        ("markdown", "it contains Markdown", _MARKDOWN.search),
        ("html", "it contains HTML", _HTML.search),
        ("entity", "it contains an HTML entity, such as &amp;", _has_entity),
        ("template", "it contains a template's placeholder", _TEMPLATE.search),
        ("encoding", "its characters were read in the wrong encoding", _ENCODING.search),
    )
    for kind, message, test in tests:
        if test(rest):
            yield Problem(kind, message)


def _talk(text: str) -> Iterator[Problem]:
    if what := chatter(text):
        yield Problem("model_talk", what)


def _cut(text: str) -> Iterator[Problem]:
    is_cut = (
        _BREAK_OFF.search(text)
        or _ELLIPSIS.fullmatch(text)
        or _LAST_WORD.fullmatch(text)
        or _OPEN_QUOTE.search(text)
    )
    if is_cut:
        yield Problem("cut", "it is cut off")


def _is_file_name(plain: str, name: str | None) -> bool:
    if _FILE_NAME.fullmatch(plain) or _IDENTIFIER.fullmatch(plain):
        return True
    return name is not None and plain.casefold() in {
        PurePath(name).name.casefold(),
        PurePath(name).stem.casefold(),
    }


def _says_something(character: str) -> bool:
    """Return whether a character is a letter, a digit, or a sign such as € or +."""
    import unicodedata

    return unicodedata.category(character) in {
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "Nd",
        "Nl",
        "No",
        "Sc",
        "Sm",
    }


def _has_entity(text: str) -> bool:
    return any(not name or f"{name};" in html5 for name in _ENTITY.findall(text))


def _plain(text: str) -> str:
    return text.replace("\u2019", "'")


def _bare(text: str) -> str:
    """Return only what would be read aloud."""
    return " ".join(re.sub(r"[^\w]+", " ", text.casefold()).split())


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_FILE_NAME = _compiled(
    rf"{phrases('file_names')}|\S+\.(?:{_SUFFIXES})(?:[?#]\S*| \d+ ?[x×] ?\d+)?"
    rf"|(?:[\w()\[\]&+%@#~,'-]+ ){{1,4}}[\w()\[\]&+%@#~,'-]+\.(?:{_SUFFIXES})"
    rf"|{phrases('screenshots')}[-_ ]?\(?\d[\d\s.:_-]*\)?"
    r"(?:(?:at|um|à|a las|às|alle|om|kl\.?|в|o) )?[\d\s.:_-]*(?:[ap]\.?m\.?)?(?: \(\d+\))?"
    rf"|(?=[a-z0-9-]*-)(?:[a-z0-9@]+-)*(?:{_FILLERS})(?:-[a-z0-9@]+)*(?:@\dx)?"
)
_PLACEHOLDER = _compiled(
    rf"(?:an? |the )?(?:{phrases('placeholders')}"
    rf"|{_IMAGE}(?: ?(?:no\.? ?)?\d+(?: (?:of|von|de|di|/) ?\d+)?)?)"
)
_OPENING = _compiled(phrases("openings"))
_ENDING = _compiled(phrases("endings"))
_NOT_OPENING = _compiled(phrases("not_openings"))
