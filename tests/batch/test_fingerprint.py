"""Equal fingerprints stand for equal requests, and for nothing else."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.api import request
from nanobanana_cli.batch.item import Item, RowSettings, fingerprint
from nanobanana_cli.types import Parameters, Reference

SETTINGS = RowSettings("m", "1:1", "1K", None)
NONE = Parameters()
settings = st.builds(
    RowSettings,
    model=st.sampled_from(["m", "n"]),
    aspect=st.sampled_from(["1:1", "16:9"]),
    size=st.sampled_from(["1K", "2K"]),
    format=st.none(),
)
parameters = st.builds(
    Parameters,
    thinking=st.sampled_from([None, "high"]),
    search=st.sampled_from([None, False, True]),
    system=st.sampled_from([None, "", "s", "a"]),
    temperature=st.sampled_from([None, 0.0, 1.0]),
    seed=st.sampled_from([None, 0, 1]),
)
items = st.tuples(
    st.sampled_from(["a", "b", "\ud800"]),
    settings,
    st.lists(st.sampled_from([b"1", b"2"]), max_size=2),
    parameters,
)


def sent(each: tuple[str, RowSettings, list[bytes], Parameters]) -> tuple[bytes, str]:
    """What goes over the wire, and the fingerprint."""
    prompt, chosen, images, asked = each
    references = [Reference("x", "image/png", data) for data in images]
    hashes = [("image/png", hashlib.sha256(data).hexdigest()) for data in images]
    digest = fingerprint("wisgate", prompt, chosen, asked, hashes)
    item = Item(1, prompt, chosen, (), asked, digest, "x.png")
    body = request.build(item.request(references), "wisgate")
    return request.path(chosen.model).encode() + body, digest


@given(items, items)
def test_equal_when_what_is_sent_is_equal(first: object, second: object) -> None:
    (one, mine), (other, theirs) = sent(first), sent(second)  # type: ignore[arg-type]
    assert (one == other) == (mine == theirs)


def test_who_is_asked_counts() -> None:
    assert fingerprint("wisgate", "a", SETTINGS, NONE) != fingerprint(
        "sandbox", "a", SETTINGS, NONE
    )


def test_the_format_of_the_file_is_not_sent() -> None:
    other = RowSettings("m", "1:1", "1K", "webp")
    assert fingerprint("x", "a", SETTINGS, NONE) == fingerprint("x", "a", other, NONE)


def test_it_stays_from_release_to_release() -> None:
    # When this changes, every image of every manifest is made, and paid for, again.
    assert fingerprint("wisgate", "a red fox", SETTINGS, NONE) == (
        "d9b2572e2b0218a364dcabb12eb530c973128f084b637cb3c4514291721b2e80"
    )
    every = Parameters(thinking="high", search=True, system="be brief", temperature=0.5, seed=7)
    settings = RowSettings("m", "16:9", "2K", None, alt=True)
    assert fingerprint("wisgate", "a red fox", settings, every, [("image/png", "00")]) == (
        "a4e36ee1ae3c9603b7990bd61485601154f7cc8adcd5927c2018e6c005775115"
    )
