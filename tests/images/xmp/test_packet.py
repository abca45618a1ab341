"""XMP packets as text: what is ours is set, what is not stays byte for byte."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.images.xmp import packet as xmp_packet
from nanobanana_cli.images.xmp.packet import Description
from nanobanana_cli.images.xmp.scan import BadMetadata, MalformedXmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

FOREIGN = f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<!-- by hand -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some Tool 1.0">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:my="http://example.com/a b&amp;c/" my:note='a &lt; "b" > c'>
   <dc:creator><rdf:Seq><rdf:li>Zoë &amp; Söhne</rdf:li></rdf:Seq></dc:creator>
   <?keep this?>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">kept</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>   """


def packet(inside: str, *, root: str = "rdf:RDF") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><{root} xmlns:rdf="{RDF}" '
        f'xmlns:c="{CORE}" xmlns:e="{EXT}">{inside}</{root}></x:xmpmeta>'
    ).encode()


def test_a_new_packet_holds_what_was_set() -> None:
    made = xmp_packet.extend(
        None, Description("a fox", "A long text.", xmp_packet.TRAINED_ALGORITHMIC_MEDIA)
    )
    assert xmp_packet.read(made) == Description(
        "a fox", "A long text.", xmp_packet.TRAINED_ALGORITHMIC_MEDIA, None
    )
    assert made.startswith('<?xpacket begin="\ufeff" id'.encode())
    assert made.endswith(b'<?xpacket end="w"?>')


def test_a_packet_with_none_of_the_fields_says_nothing() -> None:
    assert xmp_packet.read(FOREIGN.encode()) == Description()


def test_everything_foreign_stays_byte_for_byte() -> None:
    made = xmp_packet.extend(FOREIGN.encode(), Description("a fox")).decode()
    before, after = FOREIGN.split("\n </rdf:RDF>")
    assert made.startswith(before)
    assert made.endswith("\n </rdf:RDF>" + after)
    assert 'rdf:about="uuid:1" xmlns:rdf' in made


def test_nothing_to_set_changes_nothing() -> None:
    assert xmp_packet.extend(FOREIGN.encode(), Description()) == FOREIGN.encode()


def test_fields_that_are_not_set_are_left() -> None:
    first = xmp_packet.extend(None, Description("a fox", source="http://example.com/x"))
    second = xmp_packet.extend(first, Description(long="A long text."))
    assert xmp_packet.read(second) == Description("a fox", "A long text.", "http://example.com/x")


def test_a_field_is_replaced_wherever_it_stood() -> None:
    old = packet(
        '<rdf:Description c:AltTextAccessibility = "plain" e:DigitalSourceType=\'u\' rdf:about="">'
        "<c:ExtDescrAccessibility>old</c:ExtDescrAccessibility></rdf:Description>"
        '<rdf:Description rdf:about="" e:DigitalSourceType="u"/>'
    )
    assert xmp_packet.read(old) == Description("plain", "old", "u")
    made = xmp_packet.extend(old, Description("new", source="v"))
    assert xmp_packet.read(made) == Description("new", "old", "v")
    assert b"plain" not in made
    assert made.count(b"DigitalSourceType") == 2  # one element, two tags


def test_a_source_given_as_a_resource_is_read() -> None:
    old = packet('<rdf:Description><e:DigitalSourceType rdf:resource="u"/></rdf:Description>')
    assert xmp_packet.read(old).source == "u"


def test_a_language_beside_a_plain_text_is_not_the_text() -> None:
    old = packet(
        '<rdf:Description><c:AltTextAccessibility xml:lang="en">a fox</c:AltTextAccessibility>'
        "</rdf:Description>"
    )
    assert xmp_packet.read(old).alt == "a fox"


def test_an_empty_rdf_element_is_opened() -> None:
    old = f'<R:RDF xmlns:R="{RDF}" />'.encode()
    assert xmp_packet.read(xmp_packet.extend(old, Description("a fox"))).alt == "a fox"


def test_a_default_namespace_is_understood() -> None:
    old = f'<RDF xmlns="{RDF}"/>'.encode()
    assert xmp_packet.read(xmp_packet.extend(old, Description("a fox"))).alt == "a fox"


def test_nul_padding_after_the_packet_is_no_obstacle() -> None:
    made = xmp_packet.extend(FOREIGN.encode() + b"\0\0", Description("a fox"))
    assert xmp_packet.read(made + b"\0").alt == "a fox"


@pytest.mark.parametrize("about", ["rdf:about", "about"])
def test_a_new_node_is_about_the_same(about: str) -> None:
    old = packet(f'<rdf:Description {about}="uuid:1" c:AltTextAccessibility="old"/>')
    made = xmp_packet.extend(old, Description("new"))
    # Nothing was left in the old node.
    assert made.count(b'about="uuid:1"') == 1
    assert made.count(b"<rdf:Description") == 1


WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", WIDE)
def test_packets_of_wide_characters_become_utf_8(encoding: str, mark: str) -> None:
    old = (mark + FOREIGN + " \0\0").encode(encoding)
    assert xmp_packet.read(old) == Description()
    made = xmp_packet.extend(old, Description("ein Füchslein"))
    assert made == xmp_packet.extend(FOREIGN.encode() + b" ", Description("ein Füchslein"))
    assert xmp_packet.read(made.decode().encode(encoding)).alt == "ein Füchslein"
    # What pads it may leave half a character.
    assert xmp_packet.read(old + b"\0") == Description()


def test_a_declared_encoding_goes_with_it() -> None:
    old = '<?xml version="1.0" encoding="UTF-16" standalone="yes"?>' + packet("").decode()
    made = xmp_packet.extend(old.encode("utf-16"), Description("ein Füchslein"))
    assert made.startswith(b'<?xml version="1.0" standalone="yes"?>')
    assert ET.fromstring(made) is not None


@pytest.mark.parametrize("encoding", WIDE)
def test_half_a_surrogate_pair_is_malformed(encoding: str) -> None:
    with pytest.raises(MalformedXmp, match="not well-formed"):
        xmp_packet.read("<a>\ud800</a>".encode(encoding, "surrogatepass"))


def test_a_packet_whose_encoding_cannot_be_told_is_malformed() -> None:
    old = packet('<rdf:Description c:AltTextAccessibility="a fox"/>').decode()
    for at in (1, 2, 3):
        with pytest.raises(MalformedXmp, match="not well-formed"):
            xmp_packet.extend(old.encode("utf-32-be")[at:], Description("ein Füchslein"))


LANGUAGES = packet(
    "<rdf:Description><c:AltTextAccessibility><rdf:Alt>"
    '<rdf:li xml:lang="en-GB">a fox</rdf:li><rdf:li xml:lang="x-default">a fox</rdf:li>'
    '<rdf:li xml:lang="fr">un renard</rdf:li><rdf:li xml:lang="DE">Fuchs</rdf:li>'
    "</rdf:Alt></c:AltTextAccessibility></rdf:Description>"
)


def items(made: bytes) -> list[tuple[str | None, str | None]]:
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    return [(item.get(lang), item.text) for item in ET.fromstring(made).iter(f"{{{RDF}}}li")]


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("de", [("x-default", "a fox"), ("de", "new"), ("en-GB", "a fox"), ("fr", "un renard")]),
        # What the default repeats is its language: both change.
        ("en-GB", [("x-default", "new"), ("en-GB", "new"), ("fr", "un renard"), ("DE", "Fuchs")]),
        (
            "es",
            [
                *[("x-default", "a fox"), ("es", "new"), ("en-GB", "a fox"), ("fr", "un renard")],
                ("DE", "Fuchs"),
            ],
        ),
        # The language of a new default is not known.
        (None, [("x-default", "new"), ("fr", "un renard"), ("DE", "Fuchs")]),
    ],
)
def test_a_language_is_added_to_the_others(
    lang: str | None, expected: list[tuple[str, str]]
) -> None:
    made = xmp_packet.extend(LANGUAGES, Description("new"), lang=lang)
    assert items(made) == expected
    assert xmp_packet.extend(made, Description("new"), lang=lang) == made


def test_the_same_default_again_keeps_its_language() -> None:
    made = xmp_packet.extend(LANGUAGES, Description("a fox"))
    assert sorted(items(made)) == sorted(items(LANGUAGES))


def test_where_no_text_is_the_default_the_first_one_becomes_it() -> None:
    old = packet(
        "<rdf:Description><c:AltTextAccessibility><rdf:Alt>"
        '<rdf:li xml:lang="fr">un renard</rdf:li>'
        "</rdf:Alt></c:AltTextAccessibility></rdf:Description>"
    )
    made = xmp_packet.extend(old, Description("Fuchs"), lang="de")
    assert items(made) == [("x-default", "un renard"), ("de", "Fuchs"), ("fr", "un renard")]
    assert xmp_packet.alternatives(made)["alt"] == items(made)


def test_the_default_language_is_read_first() -> None:
    old = packet(
        "<rdf:Description><c:AltTextAccessibility><rdf:Alt>"
        '<rdf:li xml:lang="fr">un renard</rdf:li><rdf:li xml:lang="x-default">a fox</rdf:li>'
        "</rdf:Alt></c:AltTextAccessibility></rdf:Description>"
    )
    assert xmp_packet.read(old).alt == "a fox"
    made = xmp_packet.extend(old, Description("new"))
    assert items(made) == [("x-default", "new"), ("fr", "un renard")]


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + packet("&b;")
    with pytest.raises(BadMetadata, match="document type"):
        xmp_packet.read(bomb)
    with pytest.raises(BadMetadata, match="document type"):
        xmp_packet.extend(bomb, Description("a fox"))


@pytest.mark.parametrize(
    "broken",
    [b"not xml", b"<a>", b"\xff\xfe<\0a\0>\0", packet("") + b"<b/>", packet("<zz:a/>")],
)
def test_a_broken_packet_is_refused(broken: bytes) -> None:
    with pytest.raises(BadMetadata, match="not well-formed"):
        xmp_packet.read(broken)


def test_a_packet_without_rdf_is_not_extended() -> None:
    assert xmp_packet.read(b"<x/>") == Description()
    with pytest.raises(BadMetadata, match="no rdf:RDF"):
        xmp_packet.extend(b"<x/>", Description("a fox"))


def test_namesakes_at_other_places_are_not_ours() -> None:
    nested = packet(
        f'<rdf:Description><q xmlns="{CORE}"><AltTextAccessibility>no</AltTextAccessibility></q>'
        '<AltTextAccessibility xmlns="http://example.com/">no</AltTextAccessibility>'
        "</rdf:Description>"
    )
    assert xmp_packet.read(nested) == Description()
    made = xmp_packet.extend(nested, Description("yes"))
    assert made.count(b">no<") == 2


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool)


@given(TEXT, TEXT, TEXT)
def test_any_text_comes_back_without_what_xml_cannot_hold(a: str, b: str, c: str) -> None:
    made = xmp_packet.extend(FOREIGN.encode(), Description(a, b, c))
    again = xmp_packet.read(made)
    for text, kept in ((a, again.alt), (b, again.long), (c, again.source)):
        legal = "".join(
            ch for ch in text if ch in "\t\n\r" or (ch >= " " and ch not in "\ufffe\uffff")
        )
        assert (kept or "") == legal.replace("\r\n", "\n").replace("\r", "\n").strip()


@given(TEXT, TEXT)
def test_setting_twice_is_setting_once(first: str, second: str) -> None:
    once = xmp_packet.extend(FOREIGN.encode(), Description(second))
    twice = xmp_packet.extend(
        xmp_packet.extend(FOREIGN.encode(), Description(first)), Description(second)
    )
    assert twice == once
