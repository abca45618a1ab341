"""XMP packets of any shape: odd, foreign, damaged; nb's text goes in and nothing else changes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import hypothesis.strategies as st
from hypothesis import assume, given
from support import fuzzing
from support.odd_images import CORE, DC, RDF

from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata

_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_OWN = {
    f"{{{CORE}}}AltTextAccessibility",
    f"{{{CORE}}}ExtDescrAccessibility",
    f"{{{_EXT}}}DigitalSourceType",
}
_NAMESPACES = {"rdf": RDF, "c": CORE, "e": _EXT, "dc": DC, "my": "http://example.com/a b&amp;c/"}
_NAMES = (
    *("c:AltTextAccessibility", "c:ExtDescrAccessibility", "e:DigitalSourceType", "c:Location"),
    *("dc:title", "dc:description", "my:x", "rdf:Description", "rdf:Alt", "rdf:Bag", "rdf:li"),
)
_text = st.sampled_from(
    ("", " ", "kept", "a &lt; b", "&#xe9;", "\n  ", "<![CDATA[a > b]]>", "Füchse")
)
_between = st.sampled_from(("", "", "\n ", "<!-- a > b -->", "<?keep this>?>", "\n<!--x-->\n\t"))
_quoted = st.sampled_from(
    (
        '"a"',
        "'b > \"c\"'",
        '""',
        '"x-default"',
        "'de'",
        '"a&amp;b"',
        '"\n"',
        "\" c:AltTextAccessibility='x'\"",
    )
)
_attributes = st.dictionaries(
    st.sampled_from(("xml:lang", "rdf:about", "c:AltTextAccessibility", "dc:format", "my:note")),
    _quoted,
    max_size=3,
).map(lambda found: "".join(f" {name} = {value}" for name, value in found.items()))


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(name: str, attributes: str, parts: list[str], between: str, space: str) -> str:
        content = between.join(parts)
        if not content:
            return f"<{name}{attributes}{space}/>"
        return f"<{name}{attributes}{space}>{content}</{name}{space}>"

    return st.builds(
        build,
        st.sampled_from(_NAMES),
        _attributes,
        st.lists(inside, max_size=3),
        _between,
        st.sampled_from(("", " ", "\n")),
    )


_elements = st.recursive(_text, _element, max_leaves=12)


@st.composite
def _packets(draw: st.DrawFn) -> bytes:
    """A well-formed packet, in any encoding that XMP allows."""
    nodes = draw(
        st.lists(
            st.builds(
                "<rdf:Description{}>{}</rdf:Description>".format,
                _attributes.filter(lambda found: "about" not in found),
                st.lists(_elements.filter(lambda text: text[:1] in "<\n "), max_size=3).map(
                    "".join
                ),
            ),
            max_size=3,
        )
    )
    items = draw(st.lists(_text, max_size=2))
    alternatives = "".join(f"<rdf:li xml:lang='x-default'>{each}</rdf:li>" for each in items)
    nodes.append(
        f"<rdf:Description rdf:about=''><c:AltTextAccessibility><rdf:Alt>{alternatives}</rdf:Alt>"
        "</c:AltTextAccessibility></rdf:Description>"
    )
    names = "".join(f" xmlns:{prefix}='{uri}'" for prefix, uri in _NAMESPACES.items())
    start, end = draw(
        st.sampled_from(
            (
                ("", ""),
                ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', "<?xpacket end='w'?>"),
                ('<x:xmpmeta xmlns:x="adobe:ns:meta/">', "</x:xmpmeta>   \n"),
                ("<!-- <rdf:RDF> -->", "\n"),
            )
        )
    )
    between = draw(_between)
    text = f"{start}<rdf:RDF{names}>{between.join(nodes)}{between}</rdf:RDF>{end}"
    return text.encode(draw(st.sampled_from(("utf-8", "utf-8", "utf-16-le", "utf-32-be"))))


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20).filter(
    lambda text: text == text.strip() and text != ""
)


@given(_packets(), _texts, st.sampled_from((None, "de", "fr-CA")))
def test_a_text_goes_in_and_comes_back(packet: bytes, text: str, lang: str | None) -> None:
    new = Description(alt=text)
    before = xmp_packet.read(packet)
    made = xmp_packet.extend(packet, new, lang=lang)
    after = xmp_packet.read(made)
    assert (lang or "x-default", text) in xmp_packet.alternatives(made)["alt"]
    if lang is None:
        assert after.alt == text
    assert (after.long, after.source, after.provenance) == (
        before.long,
        before.source,
        before.provenance,
    )
    again = xmp_packet.extend(made, new, lang=lang)
    assert xmp_packet.alternatives(again) == xmp_packet.alternatives(made)


@given(_packets(), _texts)
def test_what_is_not_nbs_own_stays(packet: bytes, text: str) -> None:
    made = xmp_packet.extend(packet, Description(alt=text))
    plain = xmp_packet.extend(packet, Description())
    assert _foreign(made) == _foreign(plain)


def _foreign(packet: bytes) -> Counter[str]:
    """All elements of a packet but nb's fields, their content, and the nodes that hold them."""
    found: Counter[str] = Counter()

    def walk(element: ET.Element, depth: int) -> None:
        is_property = depth == 2
        if is_property and element.tag in _OWN:
            return
        attributes = {name: v for name, v in element.attrib.items() if name not in _OWN}
        if element.tag != f"{{{RDF}}}Description" or depth != 1:
            found[f"{element.tag} {sorted(attributes.items())} {(element.text or '').strip()}"] += 1
        else:
            own = (RDF, "http://www.w3.org/XML/1998/namespace")
            found.update(
                f"{name}={v}" for name, v in attributes.items() if not name[1:].startswith(own)
            )
        for child in element:
            walk(child, depth + 1)

    root = ET.fromstring(packet)
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f"{{{RDF}}}RDF")
    assert rdf is not None
    walk(rdf, 0)
    return found


_TOKENS = (
    *(
        "<",
        ">",
        "/>",
        "</",
        '"',
        "'",
        "=",
        "&amp;",
        "&#0;",
        "&lol;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
    ),
    *(
        "<rdf:RDF",
        f' xmlns:rdf="{RDF}"',
        f' xmlns:c="{CORE}"',
        "</rdf:RDF>",
        "<rdf:Description",
        " ",
    ),
    *("<rdf:li>", "</rdf:li>", "<c:AltTextAccessibility>", "</c:AltTextAccessibility>", "a", "\n"),
    *(
        '<?xml version="1.0" encoding="utf-16"?>',
        "<!DOCTYPE a>",
        "<!ENTITY",
        "<?a?>",
        "\0",
        "\ufeff",
    ),
    *("<rdf:Description c:AltTextAccessibility='a'/>", "<rdf:Description>", "</rdf:Description>"),
    *("<rdf:Alt>", "</rdf:Alt>", " xml:lang='de'", " c:AltTextAccessibility='a'"),
)


@given(
    fuzzing.mixed(_TOKENS).map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=60),
    st.sampled_from((None, "de", 'x"y')),
)
def test_any_packet_is_read_or_told(packet: bytes, lang: str | None) -> None:
    try:
        xmp_packet.read(packet)
        xmp_packet.alternatives(packet)
        made = xmp_packet.extend(packet, Description("a fox", "long", "source"), lang=lang)
    except BadMetadata as error:
        fuzzing.check_message(str(error))
        return
    assume(packet)
    assert xmp_packet.read(made).source == "source"


@given(_packets(), st.data())
def test_a_damaged_packet_is_read_or_told(packet: bytes, data: st.DataObject) -> None:
    damaged = bytearray(packet)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    try:
        made = xmp_packet.extend(bytes(damaged), Description("a fox"))
    except BadMetadata as error:
        fuzzing.check_message(str(error))
        return
    assert xmp_packet.read(made).alt == "a fox"


_HEAD = f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:c="{CORE}"><rdf:Description>'


@fuzzing.inputs(0.3)
@given(fuzzing.repeated(_TOKENS), st.booleans(), st.booleans())
def test_no_packet_takes_long(given: fuzzing.Long, is_headed: bool, is_closed: bool) -> None:
    packet = (_HEAD if is_headed else "") + given.text(50_000)
    packet += "</rdf:Description></rdf:RDF>" if is_closed else ""
    with fuzzing.soon():
        try:
            xmp_packet.extend(packet.encode(), Description("a fox"), lang="de")
        except BadMetadata as error:
            fuzzing.check_message(str(error))
