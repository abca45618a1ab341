"""Equal fingerprints stand for equal requests, and for nothing else."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from nanobanana_cli.api import request
from nanobanana_cli.batch.item import Item, RowSettings, fingerprint
from nanobanana_cli.types import Reference

SETTINGS = RowSettings("m", "1:1", "1K", None, None, False, None)  # noqa: FBT003
settings = st.builds(
    RowSettings,
    model=st.sampled_from(["m", "n"]),
    aspect=st.sampled_from(["1:1", "16:9"]),
    size=st.sampled_from(["1K", "2K"]),
    format=st.none(),
    thinking=st.sampled_from([None, "high"]),
    search=st.booleans(),
    temperature=st.sampled_from([None, 0.0, 1.0]),
)
items = st.tuples(
    st.sampled_from(["a", "b", "\ud800"]),
    settings,
    st.lists(st.sampled_from([b"1", b"2"]), max_size=2),
    st.sampled_from([None, "s", "a"]),
    st.sampled_from([None, 0, 1]),
)


def sent(each: tuple[str, RowSettings, list[bytes], str | None, int | None]) -> tuple[bytes, str]:
    """What goes over the wire, and the fingerprint."""
    prompt, chosen, images, system, seed = each
    references = [Reference("x", "image/png", data) for data in images]
    hashes = [("image/png", hashlib.sha256(data).hexdigest()) for data in images]
    digest = fingerprint("wisgate", prompt, chosen, hashes, system, seed)
    item = Item(1, prompt, chosen, (), system, seed, digest, "x.png")
    body = request.build(item.request(references), "wisgate")
    return request.path(chosen.model).encode() + body, digest


@given(items, items)
def test_equal_when_what_is_sent_is_equal(first: object, second: object) -> None:
    (one, mine), (other, theirs) = sent(first), sent(second)  # type: ignore[arg-type]
    assert (one == other) == (mine == theirs)


def test_who_is_asked_counts() -> None:
    assert fingerprint("wisgate", "a", SETTINGS) != fingerprint("sandbox", "a", SETTINGS)


def test_the_format_of_the_file_is_not_sent() -> None:
    other = RowSettings("m", "1:1", "1K", "webp", None, False, None)  # noqa: FBT003
    assert fingerprint("x", "a", SETTINGS) == fingerprint("x", "a", other)


def test_it_stays_from_release_to_release() -> None:
    # When this changes, every image of every manifest is made, and paid for, again.
    assert fingerprint("wisgate", "a red fox", SETTINGS) == (
        "d9b2572e2b0218a364dcabb12eb530c973128f084b637cb3c4514291721b2e80"
    )
