"""Read and extend an XMP packet's fields for alt text and digital source.

A packet belongs to its author: namespaces, processing instructions, comments and order are all
kept. So it is edited as text, at the byte offsets that `scan` finds, and never written anew from a
tree. Only nb's own fields are cut out and written again.

Fields: IPTC Photo Metadata Standard 2021.1, `Iptc4xmpCore:AltTextAccessibility` and
`ExtDescrAccessibility` (language alternatives) and `Iptc4xmpExt:DigitalSourceType` (a URI).
Packets: XMP specification part 1, section 7.
"""

from __future__ import annotations

import re
from html import escape

import msgspec
from msgspec.structs import astuple

from nanobanana_cli.images.xmp.scan import (
    DEFAULT_LANGUAGE,
    RDF,
    Found,
    MalformedXmp,
    Name,
    Scan,
    as_utf8,
)

_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype"
TRAINED_ALGORITHMIC_MEDIA = f"{_SOURCES}/trainedAlgorithmicMedia"
# A model's edit of another picture.
COMPOSITE_WITH_TRAINED_MEDIA = f"{_SOURCES}/compositeWithTrainedAlgorithmicMedia"

_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PREFIXES = {_CORE: "Iptc4xmpCore", _EXT: "Iptc4xmpExt"}
_ALT = (_CORE, "AltTextAccessibility")
_LONG = (_CORE, "ExtDescrAccessibility")
_SOURCE = (_EXT, "DigitalSourceType")
_PROVENANCE = ("http://purl.org/dc/terms/", "provenance")
_NAMES = frozenset({_ALT, _LONG, _SOURCE, _PROVENANCE})

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_EMPTY_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f' <rdf:RDF xmlns:rdf="{RDF}">\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()


class Description(msgspec.Struct, frozen=True):
    """The fields of an image file that nb reads and writes.

    Args:
        alt: short alt text (`AltTextAccessibility`), the default language's.
        long: extended description (`ExtDescrAccessibility`), the default language's.
        source: URI of the digital source type.
        provenance: address of a C2PA manifest kept elsewhere; read, never written.
    """

    alt: str | None = None
    long: str | None = None
    source: str | None = None
    provenance: str | None = None


def read(packet: bytes) -> Description:
    """Return the fields of a packet; None for a missing one.

    Raises:
        MalformedXmp: not well-formed, or it declares entities.
    """
    scan = Scan(as_utf8(packet), _NAMES)
    return Description(*(_value(scan, name) for name in (_ALT, _LONG, _SOURCE, _PROVENANCE)))


def alternatives(packet: bytes) -> dict[str, list[tuple[str, str]]]:
    """Return language and text of each alternative of the fields `alt` and `long`.

    Raises:
        BadMetadata: as `read`.
    """
    scan = Scan(as_utf8(packet), _NAMES)
    return {
        field: [item for found in scan.found(name) for item in found.items]
        for field, name in (("alt", _ALT), ("long", _LONG))
    }


def extend(
    packet: bytes | None,
    description: Description,
    *,
    lang: str | None = None,
    is_default: bool | None = None,
) -> bytes:
    """Return the packet with the description's fields set and everything else unchanged, in UTF-8.

    Args:
        packet: an existing packet; None makes a new one.
        description: the new fields; None leaves a field as it is.
        lang: BCP 47 tag of the texts, which are added to those in other languages, and become the
            default (`x-default`) where there is none. Without it they replace the default.
        is_default: they replace the default all the same; False leaves a missing one missing.

    Raises:
        MalformedXmp: the packet is not well-formed, declares entities, or holds no `rdf:RDF`.
    """
    body = as_utf8(packet or _EMPTY_PACKET)
    scan = Scan(body, _NAMES)
    if scan.rdf is None:
        raise MalformedXmp("the XMP packet has no rdf:RDF element")
    fields: dict[Name, str] = {}
    for name, text in ((_ALT, description.alt), (_LONG, description.long)):
        if text is not None:
            fields[name] = _alternatives(
                _languages(scan.found(name), text, lang, is_default=is_default)
            )
    if description.source is not None:
        fields[_SOURCE] = _escaped(description.source)
    if not fields:
        return body
    edits = [(start, end, "") for start, end in _cuts(scan, frozenset(fields))]
    return _apply(body, [*edits, _insertion(scan, _block(scan.about, fields))])


def overlaps(one: Description, other: Description) -> bool:
    """Return whether both hold the same field."""
    pairs = zip(astuple(one), astuple(other), strict=True)
    return any(None not in pair for pair in pairs)


def _value(scan: Scan, name: Name) -> str | None:
    items = [item for found in scan.found(name) for item in found.items]
    by_default_first = sorted(items, key=lambda item: item[0] != DEFAULT_LANGUAGE)
    return next((text for _, text in by_default_first), None)


def _languages(
    old: list[Found], text: str, lang: str | None, *, is_default: bool | None
) -> list[tuple[str, str]]:
    """Return the alternatives with a new one, the default first.

    One that repeats the default only names the default's language, and goes with it (XMP
    specification part 1, section 8.2.2.4).
    """
    items = [item for found in old for item in found.items]
    default = next((text for code, text in items if code == DEFAULT_LANGUAGE), None)
    others = [item for item in items if item[0] != DEFAULT_LANGUAGE]
    if lang is None:
        kept = [item for item in others if text == default or item[1] != default]
        return [(DEFAULT_LANGUAGE, text), *kept]
    own = [value for code, value in others if code.lower() == lang.lower()]
    others = [item for item in others if item[0].lower() != lang.lower()]
    if is_default is False and default is None:
        return [(lang, text), *others]
    if default is None and others:
        default = others[0][1]
    if default is None or default in own or is_default:
        default = text
    return [(DEFAULT_LANGUAGE, default), (lang, text), *others]


def _cuts(scan: Scan, names: frozenset[Name]) -> list[tuple[int, int]]:
    """Return the spans to remove: fields, or a whole node that would be left empty."""
    cuts: list[tuple[int, int]] = []
    for node in scan.nodes:
        spans = [(found.start, found.end) for found in node.found if found.name in names]
        if spans and len(spans) == node.properties:
            spans = [(node.element.start, node.element.end)]
        cuts += [(_before_space(scan.packet, start), end) for start, end in spans]
    return cuts


def _insertion(scan: Scan, block: str) -> tuple[int, int, str]:
    rdf = scan.rdf
    assert rdf is not None
    if rdf.is_empty:
        name = f"{rdf.prefix}:RDF" if rdf.prefix else "RDF"
        return rdf.tag_end - len("/>"), rdf.tag_end, f">{block}\n</{name}>"
    at = _before_space(scan.packet, scan.packet.rindex(b"</", rdf.tag_end, rdf.end))
    return at, at, block


def _before_space(packet: bytes, offset: int) -> int:
    while packet[offset - 1 : offset].isspace():
        offset -= 1
    return offset


def _apply(body: bytes, edits: list[tuple[int, int, str]]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end, new in sorted(edits):
        pieces += [body[at:start], new.encode()]
        at = end
    return b"".join([*pieces, body[at:]])


def _block(about: str, fields: dict[Name, str]) -> str:
    tags = {f"{_PREFIXES[namespace]}:{local}": v for (namespace, local), v in fields.items()}
    lines = [f"\n   <{tag}>{value}</{tag}>" for tag, value in tags.items()]
    # Every rdf:about in a packet has to be the same (XMP specification part 1, section 7.4).
    return (
        f'\n  <rdf:Description rdf:about={_quoted(about)} xmlns:rdf="{RDF}"'
        f'\n    xmlns:Iptc4xmpCore="{_CORE}"'
        f'\n    xmlns:Iptc4xmpExt="{_EXT}">{"".join(lines)}'
        "\n  </rdf:Description>"
    )


def _alternatives(items: list[tuple[str, str]]) -> str:
    rows = [
        f"\n     <rdf:li xml:lang={_quoted(lang)}>{_escaped(text)}</rdf:li>" for lang, text in items
    ]
    return f"\n    <rdf:Alt>{''.join(rows)}\n    </rdf:Alt>\n   "


def _escaped(text: str) -> str:
    """Escape text for an element; drop what XML 1.0 cannot write: NUL, ESC, lone surrogates."""
    return escape(_NOT_XML.sub("", text), quote=False)


def _quoted(text: str) -> str:
    return f'"{escape(_NOT_XML.sub("", text))}"'
