"""Know languages by name and tag, and tell whether a text is in another one than wanted.

No text file says its language, and few image files do. A guess by letters and the commonest words
is enough, since it only decides whether a text that is there counts: without a sign, it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
# A tag, and the names of its language.
_NAMED = """
ar arabic; bg bulgarian; bn bengali; ca catalan català; cs czech čeština; da danish dansk;
de german deutsch; el greek; en english; es spanish español castellano; et estonian;
fa persian farsi; fi finnish suomi; fr french français; he hebrew; hi hindi; hr croatian hrvatski;
hu hungarian magyar; id indonesian; it italian italiano; ja japanese 日本語; ko korean 한국어;
lt lithuanian; lv latvian; ms malay; nb norwegian norsk; nl dutch nederlands; pl polish polski;
pt portuguese português; ro romanian română; ru russian русский; sk slovak; sl slovenian;
sr serbian; sv swedish svenska; sw swahili; th thai; tr turkish türkçe; uk ukrainian українська;
ur urdu; vi vietnamese; zh chinese 中文 mandarin
"""
_NAMES: Mapping[str, str] = MappingProxyType(
    {name: tag for tag, *names in map(str.split, _NAMED.split(";")) for name in names}
)
# Letters that two fifths of a text in one of these languages have at least; compiled when used.
_SCRIPTS: Sequence[tuple[str, frozenset[str]]] = tuple(
    (f"[{letters}]", frozenset(tags.split()))
    for letters, tags in (
        ("\u3041-\u30ff", "ja"),
        ("\uac00-\ud7a3", "ko"),
        ("\u4e00-\u9fff", "zh ja"),
        ("\u0400-\u04ff", "ru uk bg sr mk be kk"),
        ("\u0600-\u06ff", "ar fa ur"),
        ("\u0370-\u03ff", "el"),
        ("\u0590-\u05ff", "he yi"),
        ("\u0900-\u097f", "hi mr ne"),
        ("\u0e01-\u0e5b", "th"),
    )
)
_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        tag: frozenset(words.split())
        for tag, words in {
            "en": "a an the of and with on in at is are by from to its for no not i do "
            "am over sorry",
            "de": "der die das ein eine einem einen einer dem den des und mit auf im in am ist "
            "sind vor von zum zur unter bei über aus",
            "fr": "le la les un une des du de et avec sur dans en au aux est sont devant sous",
            "es": "el la los las un una unos unas de del con en al a no su sus sobre "
            "bajo está es son",
            "pt": "o a os as um uma de do da dos das com em no na ao sobre sob está é são",
            "it": "il lo la gli le un una uno di del della dei con a su sul sulla nel nella in è",
            "nl": "de het een van en met op in aan bij naar onder is zijn voor",
            "sv": "en ett och med på i av som är under över från den det",
            "da": "en et og med på i af som er under over fra den det",
            "nb": "en et ei og med på i av som er under over fra den det",
            "pl": "w z na i o do nad pod przed jest są się oraz przy",
            "tr": "bir ve ile bu üzerinde için olan",
        }.items()
    }
)
# What a picture shows word for word is in its own language; so are addresses.
_QUOTED = re.compile(r"[\"“„«「『].*?[\"”“»」』]|\S*[@./]\S+")
_KNOWN = frozenset(_WORDS).union(*(tags for _, tags in _SCRIPTS))


def tag_of(lang: str) -> str | None:
    """Return the BCP 47 tag of a language that is given by tag or name; None for other names.

    Its parts are cased as RFC 5646, section 2.1.1 recommends: `pt-BR`, `zh-Hant`.
    """
    known = _NAMES.get(lang.casefold())
    if known is not None or not _TAG.fullmatch(lang):
        return known
    first, *rest = lang.lower().split("-")
    cased = {2: str.upper, 4: str.title}
    return "-".join([first, *(cased.get(len(part), str)(part) for part in rest)])


def matches(wanted: str, tag: str) -> bool:
    """Return whether a tag is a wanted one, or one of both is more exact: `de` and `de-CH`."""
    one, other = (f"{each.lower()}-" for each in (wanted, tag))
    return one.startswith(other) or other.startswith(one)


def candidates(text: str) -> frozenset[str]:
    """Return the languages that a text may be in, by its letters or words; empty for no sign."""
    text = _QUOTED.sub(" ", text)
    letters = sum(character.isalpha() for character in text)
    for pattern, tags in _SCRIPTS:
        if len(re.findall(pattern, text)) * 5 > letters * 2:
            return tags
    words = re.findall(r"[^\W\d_]+", text.lower())
    hits = {tag: sum(word in common for word in words) for tag, common in _WORDS.items()}
    most = max(hits.values())
    return frozenset(tag for tag, count in hits.items() if count == most > 0)


def is_other(text: str, tag: str) -> bool:
    """Return whether a text is in another language than the tag's, as far as that shows."""
    own, found = tag.split("-")[0].lower(), candidates(text)
    return bool(found) and own in _KNOWN and own not in found


def is_surely(text: str, tag: str) -> bool:
    """Return whether a text is in the tag's language and, by all signs, in no other."""
    return candidates(text) == {tag.split("-")[0].lower()}
