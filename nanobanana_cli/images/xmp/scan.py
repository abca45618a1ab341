"""Find the byte offsets of properties in an XMP packet with expat.

Knows RDF's outline (`rdf:RDF` > `rdf:Description` > property > `rdf:Alt` > `rdf:li`) and which
properties to note; `packet` knows what they mean.
"""

from __future__ import annotations

import re
from xml.parsers.expat import ExpatError, ParserCreate

import msgspec

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DEFAULT_LANGUAGE = "x-default"
_XML = "http://www.w3.org/XML/1998/namespace"

# Packets of the first years have it without a prefix.
_ABOUT = ((RDF, "about"), ("", "about"))
# Levels below rdf:RDF.
_NODE, _PROPERTY, _ITEM = 1, 2, 4

# Not an XML character, so it separates the names that expat reports without doubt.
_SEPARATOR = "\x01"
_ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*(?:"[^"]*"|'[^']*')""")
_START_TAG = re.compile(rb"""<[^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>""")

Name = tuple[str, str]
_Attributes = list[tuple[Name, str, str]]


# First characters of a packet by encoding, those of 32 bits first: the others begin them.
_WIDE = {
    encoding: tuple(first.encode(encoding) for first in ("<", "\ufeff"))
    for encoding in ("utf-32-be", "utf-32-le", "utf-16-be", "utf-16-le")
}
_DECLARED = re.compile(r"""^(<\?xml[^>]*?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')""")


class BadMetadata(ValueError):
    """Metadata that cannot be read or extended; `str()` gives the reason in plain words."""


class MalformedXmp(BadMetadata):
    """XMP that no reader can make sense of."""


class NotEmbeddable(BadMetadata):
    """A file of a format that nb embeds no text in."""


def as_utf8(packet: bytes) -> bytes:
    """Return a packet in UTF-8, without the NULs that pad it.

    Its first characters tell the encoding; XMP specification part 1, section 7.3.2, allows UTF-16
    and UTF-32 as well.

    Raises:
        MalformedXmp: it cannot be decoded.
    """
    for encoding, beginnings in _WIDE.items():
        if packet.startswith(beginnings):
            whole = len(packet) - len(packet) % len(beginnings[0])
            try:
                text = packet[:whole].decode(encoding)
            except UnicodeDecodeError as error:
                raise MalformedXmp(f"the XMP packet is not well-formed: {error.reason}") from None
            packet = _DECLARED.sub(r"\1", text.removeprefix("\ufeff")).encode()
            break
    packet = packet.rstrip(b"\0")
    if b"\0" in packet:
        # Not an XML character, but where it follows the first one, expat takes it for UTF-16.
        raise MalformedXmp("the XMP packet is not well-formed: it contains NUL characters")
    return packet


class Found(msgspec.Struct):
    """An occurrence of a noted property.

    Args:
        name: namespace and local name.
        start, end: byte offsets, as an element or as an attribute of its node.
        items: language and text of each alternative; a plain value has the default language.
    """

    name: Name
    start: int
    end: int = 0
    items: list[tuple[str, str]] = msgspec.field(default_factory=list)


class Element(msgspec.Struct):
    """An element: its name and prefix, and the byte offsets of its start tag and its end."""

    name: Name
    prefix: str
    start: int
    tag_end: int
    is_empty: bool
    end: int = 0
    lang: str | None = None
    text: list[str] = msgspec.field(default_factory=list)
    noted: Found | None = None


class Node(msgspec.Struct):
    """A top-level `rdf:Description`: its number of properties, and the noted ones."""

    element: Element
    properties: int = 0
    found: list[Found] = msgspec.field(default_factory=list)


class Scan:
    """The noted properties of a packet.

    Args:
        packet: UTF-8.
        names: the properties to note.

    Raises:
        MalformedXmp: not well-formed, or it declares a document type.
    """

    def __init__(self, packet: bytes, names: frozenset[Name]) -> None:
        self.packet = packet
        self.rdf: Element | None = None
        self.nodes: list[Node] = []
        self.about = ""
        self._names = names
        self._open: list[Element] = []
        self._rdf_at = 0
        # Every container demands UTF-8; the name given here outranks a declaration inside.
        self._parser = ParserCreate("utf-8", _SEPARATOR)
        self._parser.namespace_prefixes = True
        self._parser.ordered_attributes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        try:
            self._parser.Parse(packet, True)  # noqa: FBT003 - takes no keywords
        except ExpatError as error:
            raise MalformedXmp(f"the XMP packet is not well-formed: {error}") from error

    def found(self, name: Name) -> list[Found]:
        """Return every occurrence of a noted property, in order."""
        return [found for node in self.nodes for found in node.found if found.name == name]

    def _level(self) -> int | None:
        """Return the depth of the innermost open element below rdf:RDF; None outside of it."""
        if self.rdf is None or self.rdf.end:
            return None
        return len(self._open) - 1 - self._rdf_at

    def _doctype(self, *_: object) -> None:
        # Entities are how a small packet grows to gigabytes; XMP has no use for them.
        raise MalformedXmp("the XMP packet declares a document type")

    def _start(self, raw: str, pairs: list[str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = _START_TAG.match(self.packet, start)
        assert tag is not None  # expat has just read it
        attributes = [(*_split(k), v) for k, v in zip(pairs[::2], pairs[1::2], strict=True)]
        name, prefix = _split(raw)
        element = Element(name, prefix, start, tag.end(), tag.group().endswith(b"/>"))
        element.lang = next((v for n, _, v in attributes if n == (_XML, "lang")), None)
        self._open.append(element)
        if name == (RDF, "RDF") and self.rdf is None:
            self.rdf, self._rdf_at = element, len(self._open) - 1
        elif self._level() == _NODE:
            self._start_node(element, attributes)
        elif self._level() == _PROPERTY:
            self._start_property(element, attributes)

    def _start_node(self, element: Element, attributes: _Attributes) -> None:
        node = Node(element)
        self.nodes.append(node)
        for name, prefix, value in attributes:
            if name in _ABOUT:
                self.about = self.about or value
            elif name[0] not in {RDF, _XML}:
                node.properties += 1
            if name in self._names:
                start, end = self._attribute_span(element, f"{prefix}:{name[1]}")
                items = [(DEFAULT_LANGUAGE, value)] if value.strip() else []
                node.found.append(Found(name, start, end, items))

    def _attribute_span(self, element: Element, written: str) -> tuple[int, int]:
        # One after the other: the value of another may read like this one.
        found = _ATTRIBUTE.finditer(self.packet, element.start, element.tag_end)
        return next(each.span() for each in found if each[1] == written.encode())

    def _start_property(self, element: Element, attributes: _Attributes) -> None:
        node = self.nodes[-1]
        node.properties += 1
        if element.name in self._names:
            uris = [(DEFAULT_LANGUAGE, v) for n, _, v in attributes if n == (RDF, "resource")]
            element.noted = Found(element.name, element.start, items=uris)
            node.found.append(element.noted)

    def _text(self, text: str) -> None:
        # There is an open element: expat refuses text before the root.
        self._open[-1].text.append(text)

    def _end(self, _raw: str) -> None:
        level = self._level()
        element = self._open.pop()
        element.end = element.tag_end
        if not element.is_empty:
            element.end = self.packet.index(b">", self._parser.CurrentByteIndex) + 1
        text = "".join(element.text).strip()
        if level == _PROPERTY and element.noted:
            element.noted.end = element.end
            if text and not element.noted.items:
                element.noted.items.append((DEFAULT_LANGUAGE, text))
        elif level == _ITEM and text and element.name == (RDF, "li"):
            holder = self._open[self._rdf_at + _PROPERTY].noted
            if holder:
                holder.items.append((element.lang or DEFAULT_LANGUAGE, text))


def _split(raw: str) -> tuple[Name, str]:
    """Return expat's `uri, local, prefix` (or fewer) as name and prefix."""
    parts = raw.split(_SEPARATOR)
    if len(parts) == 1:
        return ("", raw), ""
    return (parts[0], parts[1]), parts[2] if len(parts) > 2 else ""
